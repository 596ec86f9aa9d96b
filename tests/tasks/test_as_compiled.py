"""A refused call leaves a model's loss and metrics as they were compiled."""

import keras
import numpy as np
import pytest
from small import make_model, make_task

from steepest.errors import TaskError
from steepest.tasks.keras.task import keras_task

X = np.zeros((100, 6), "float32")
WRONG = np.zeros((100, 2), int)


def kinds(model):
    """Return the classes of the metrics that Keras has built."""
    return [type(one).__name__ for one in model._compile_metrics.metrics]


@pytest.mark.slow
@pytest.mark.parametrize("own_step", [False, True])
@pytest.mark.parametrize("score", [False, True])
def test_a_refused_call_leaves_no_trace(own_step, score):
    model = make_model()
    if own_step:  # which trains through Keras' fit
        model.train_step = lambda *given: keras.Model.train_step(model, *given)
    one = keras.metrics.F1Score(average="macro")  # is built for the labels that it sees first
    loss = ("sparse_categorical_crossentropy", "categorical_crossentropy")[score]
    model.compile(loss=loss, metrics=["accuracy", *[one] * score])
    parts = (model._compile_loss, model._compile_metrics, one)
    before = [dict(vars(part)) for part in parts]
    with pytest.raises(TaskError):
        keras_task(model, X, WRONG, validation_split=0.2)
    assert [vars(part) for part in parts] == before
    assert one.variables == []


def test_metrics_are_those_of_the_labels_that_are_taken():
    model, right = make_model(), make_model()
    with pytest.raises(TaskError, match="needs one whole number"):
        keras_task(model, X, WRONG, validation_split=0.2)
    make_task(model)
    make_task(right)
    assert kinds(model) == kinds(right) == ["SparseCategoricalAccuracy"]
