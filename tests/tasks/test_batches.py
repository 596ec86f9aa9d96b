"""Batches of every size that occurs are tried before anything is trained."""

import keras
import numpy as np
import pytest
from as_in_fit import same_as_keras

from steepest.engines.eval_sets import MOST, sets_of
from steepest.errors import TaskError
from steepest.tasks.keras.task import keras_task

BATCH = 16


def series(count):
    x = np.random.default_rng(0).normal(size=(count, 5, 2)).astype("float32")
    return x, x[:, 0, :1]


def stateful():
    model = keras.Sequential(
        [
            keras.Input(batch_shape=(BATCH, 5, 2)),
            keras.layers.LSTM(4, stateful=True),
            keras.layers.Dense(1),
        ]
    )
    model.compile(loss="mse", metrics=["mae"])
    return model


class Grouping(keras.Model):
    """Compares the examples of a batch in groups of four."""

    def __init__(self):
        super().__init__()
        self.hidden, self.out = keras.layers.Flatten(), keras.layers.Dense(1)

    def call(self, x):
        groups = keras.ops.reshape(self.hidden(x), (-1, 4, 10))
        centred = groups - keras.ops.mean(groups, axis=1, keepdims=True)
        return self.out(keras.ops.reshape(centred, (-1, 10)))


def grouping():
    model = Grouping()
    model.compile(loss="mse", metrics=["mae"])
    return model


def task_of(model, training=96, validation=32, batch_size=BATCH, **more):
    return keras_task(
        model(),
        *series(training),
        validation_data=series(validation),
        batch_size=batch_size,
        **more,
    )


@pytest.mark.slow
@pytest.mark.parametrize("model", [stateful, grouping])
def test_a_model_that_groups_its_batch_trains_as_in_fit(model):
    made = model()
    same_as_keras(
        made,
        keras_task(made, *series(96), validation_data=series(32), batch_size=BATCH),
    )


@pytest.mark.parametrize(
    ("model", "changes", "said"),
    [
        (stateful, {"training": 100}, r"^100 examples in batches of 16 leave a last batch of 4"),
        (stateful, {"validation": 40}, r"^validation_data: 40 examples .* last batch of 8"),
        (stateful, {"validation": 10}, r"^validation_data: there are 10 examples, fewer than"),
        (stateful, {"test_data": series(33)}, r"^test_data: 33 examples .* last batch of 1, "),
        (stateful, {"batch_size": 32}, r"takes batches of 16 examples alone.* batch_size=16"),
        (grouping, {"training": 90}, r"^90 examples .* last batch of 10"),
    ],
)
def test_a_batch_that_it_cannot_take_is_said_before_training(model, changes, said):
    with pytest.raises(TaskError, match=said):
        task_of(model, **changes)


def test_a_last_batch_that_still_has_groups_is_taken():
    assert task_of(grouping, training=92).facts.training_examples == 92


@pytest.mark.slow
def test_through_fit_too():
    """What keeps JAX from tracing does not keep the sentence from being said."""

    class Reads(Grouping):
        def call(self, x):
            float(keras.ops.mean(x))
            return super().call(x)

    def reading():
        model = Reads()
        model.compile(loss="mse")
        return model

    assert "one at a time" in task_of(reading).facts.notes[0]
    with pytest.raises(TaskError, match=r"^test_data: 35 examples .* last batch of 3"):
        task_of(reading, test_data=series(35))


def test_training_examples_that_are_measured_fill_their_batches():
    task = task_of(grouping, training=48 * 300, batch_size=48)
    measured = sets_of(task)["training"][0]
    assert MOST - 48 < len(measured) <= MOST
    assert len(measured) % 48 == 0


def steps():
    model = keras.Sequential([keras.Input((5, 2)), keras.layers.Dense(3), keras.layers.Softmax()])
    model.compile(loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("name", ["training", "validation_data", "test_data"])
@pytest.mark.parametrize(
    ("shape", "fits"), [((3,), False), ((), False), ((5,), True), ((5, 1), True), ((1,), True)]
)
def test_weights_of_a_wrong_shape_are_said_before_training(name, shape, fits):
    x, y = series(40)[0], np.zeros((40, 5), int)
    y[::2] = 1
    weight = np.ones((40, *shape))
    given = {"validation_data": (x, y), "test_data": (x, y)}
    if name == "training":
        given["sample_weight"] = weight
    else:
        given[name] = (x, y, weight)
    if fits:
        assert keras_task(steps(), x, y, **given).facts.test_examples == 40
        return
    prefix = "" if name == "training" else f"{name}: "
    with pytest.raises(TaskError, match=f"^{prefix}sample_weight does not fit the labels"):
        keras_task(steps(), x, y, **given)
