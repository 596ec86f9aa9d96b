"""What a colleague would say of a model and its data is said, and nothing of what is usual."""

import itertools
from dataclasses import replace

import keras
import numpy as np
import pytest
from made import study_of
from small import BATCH, CLASSES, EXAMPLES, FEATURES, classes_data, make_model

from steepest.errors import TaskError
from steepest.measures.verdict import judge
from steepest.reports.advice import warnings
from steepest.tasks.keras import class_shares
from steepest.tasks.keras.task import keras_task

X, Y = classes_data()
ops, layers = keras.ops, keras.layers
SPARSE = keras.losses.SparseCategoricalCrossentropy


def notes_of(model, x=X, y=Y, **more):
    more = more if "validation_data" in more else {"validation_split": 0.2, **more}
    return keras_task(model, x, y, **{"batch_size": BATCH, **more}).facts.notes


def test_of_what_is_usual_nothing_is_said():
    assert notes_of(make_model()) == ()


def test_notes_reach_the_reader():
    study = study_of(SGD=[0.5, 0.6], Adam=[0.4, 0.5])
    study = replace(study, task=replace(study.task, notes=("the data is odd",)))
    assert "the data is odd" in warnings(study, judge(study))


# Shares of classes.


def test_sorted_labels_are_spoken_of():
    order = np.argsort(Y)
    (said,) = notes_of(make_model(), X[order], Y[order])
    assert "other shares of the classes than training: 2 is 100 % of its labels" in said
    assert "shuffle before the data is cut" in said


@pytest.mark.parametrize("hot", [False, True])
def test_a_class_that_training_never_has_is_named(hot):
    other = Y == 2
    training, validation = (X[~other], Y[~other]), (X, Y)
    model = make_model()
    if hot:
        model.compile(loss="categorical_crossentropy")
        training, validation = ((x, np.eye(3)[y]) for x, y in (training, validation))
    (said,) = notes_of(model, *training, validation_data=validation)
    assert f"{other.sum()} labels of the class 2, which training never has" in said


def binary(loss="binary_crossentropy", last="sigmoid"):
    model = keras.Sequential([keras.Input((FEATURES,)), layers.Dense(1, activation=last)])
    model.compile(loss=loss)
    return model


def test_binary_labels_and_sorted_targets_are_spoken_of():
    (said,) = notes_of(binary(), X, np.arange(EXAMPLES) > 70)
    assert "than training: 0 is 0 % of its labels and 89 % of training's" in said
    (said,) = notes_of(binary("mse", None), X, np.linspace(0, 1, EXAMPLES))
    assert "20 targets of 20 that lie beyond all of training's, which go from 0 to 0.798" in said


def test_labels_without_weight_do_not_count():
    order = np.argsort(Y)
    weight = np.where(np.arange(EXAMPLES) < 80, 1.0, Y[order] == 1)
    assert not notes_of(make_model(), X[order], Y[order], sample_weight=weight)


DRAWN = [
    lambda r, n: r.integers(0, 2, n),
    lambda r, n: r.integers(0, 10, n),
    lambda r, n: (r.random(n) < 0.03).astype(int),
    lambda r, n: np.minimum(r.zipf(1.5, n), 300),
    lambda r, n: r.integers(0, 500, n),
    lambda r, n: np.arange(n) % 3,
]


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
@pytest.mark.parametrize("count", [12, 40, 200, 1000])
def test_random_cuts_are_not_spoken_of(count, share):
    for draw, seed in itertools.product(DRAWN, range(10)):
        labels = np.random.default_rng(seed).permutation(draw(np.random.default_rng(seed), count))
        at = int(count * (1 - share))
        assert not class_shares._of_classes(labels[:at], labels[at:])
        targets = np.random.default_rng(seed).standard_cauchy(count)
        assert not class_shares._of_numbers(targets[:at], targets[at:])


@pytest.mark.parametrize("count", [80, 1000])
@pytest.mark.parametrize("classes", [2, 3, 10])
def test_sorted_cuts_are_spoken_of(count, classes):
    labels = np.sort(np.arange(count) % classes)
    at = int(count * 0.8)
    assert class_shares._of_classes(labels[:at], labels[at:])
    targets = np.arange(count) / count
    assert class_shares._of_numbers(targets[:at], targets[at:])


# Logits and probabilities.


class Subclassed(keras.Model):
    def __init__(self, units, last):
        super().__init__()
        self.out, self.last = layers.Dense(units), last

    def call(self, x):
        return self.last(self.out(x))


def sequential(*last):
    return keras.Sequential([keras.Input((FEATURES,)), layers.Dense(8, "relu"), *last])


def functional(last):
    x = keras.Input((FEATURES,))
    return keras.Model(x, last(layers.Dense(CLASSES)(x)))


def nested():
    return sequential(sequential(layers.Dense(CLASSES, activation="softmax")).layers[-1])


PROBABLE = {
    "dense": lambda: sequential(layers.Dense(CLASSES, activation="softmax")),
    "activation": lambda: sequential(layers.Dense(CLASSES), layers.Activation("softmax")),
    "layer": lambda: sequential(layers.Dense(CLASSES), layers.Softmax()),
    "operation": lambda: functional(ops.softmax),
    "shaped": lambda: sequential(
        layers.Dense(CLASSES), layers.Softmax(), layers.Reshape((CLASSES,))
    ),
    "nested": nested,
    "by values": lambda: Subclassed(CLASSES, ops.softmax),
    "own layer": lambda: functional(lambda x: ops.exp(x) / ops.sum(ops.exp(x), -1, True)),
}
LOGITS = {
    "dense": lambda: sequential(layers.Dense(CLASSES)),
    "activation": lambda: sequential(layers.Dense(CLASSES), layers.Activation("linear")),
    "by values": lambda: Subclassed(CLASSES, lambda x: x),
    "tanh": lambda: sequential(layers.Dense(CLASSES, activation="tanh")),
    "normed": lambda: sequential(layers.Dense(CLASSES), layers.LayerNormalization()),
}


@pytest.mark.parametrize(
    ("make", "from_logits"),
    [
        *(pytest.param(make, False, id=f"{n} logits") for n, make in LOGITS.items()),
        *(pytest.param(make, True, id=f"{n} probabilities") for n, make in PROBABLE.items()),
    ],
)
def test_what_the_loss_takes_for_something_else_is_said(make, from_logits):
    model = make()
    model.compile(loss=SPARSE(from_logits=from_logits))
    (said,) = notes_of(model)
    assert "from_logits=True" in said
    assert "softmax" in said
    assert ("ends in softmax" in said) == from_logits
    model.compile(loss=SPARSE(from_logits=not from_logits))
    assert not notes_of(model)


@pytest.mark.parametrize(
    "loss", ["sparse_categorical_crossentropy", keras.losses.sparse_categorical_crossentropy]
)
def test_a_name_and_a_function_take_probabilities(loss):
    model = sequential(layers.Dense(CLASSES))
    model.compile(loss=loss)
    assert "activation='softmax'" in notes_of(model)[0]


@pytest.mark.parametrize("kind", [binary, lambda loss, last: compiled_subclass(loss, last)])
def test_of_two_classes_too(kind):
    y = (Y == 1).astype("float32")[:, None]
    logits = keras.losses.BinaryCrossentropy(from_logits=True)
    assert not notes_of(kind("binary_crossentropy", "sigmoid"), y=y)
    assert not notes_of(kind(logits, None), y=y)
    (said,) = notes_of(kind(logits, "sigmoid"), y=y)
    assert "ends in sigmoid" in said
    (said,) = notes_of(kind("binary_crossentropy", None), y=y)
    assert "activation='sigmoid'" in said


def compiled_subclass(loss, last):
    model = Subclassed(1, keras.activations.get(last))
    model.compile(loss=loss)
    return model


def test_of_several_outputs_the_one_is_named():
    x = keras.Input((FEATURES,))
    a = layers.Dense(CLASSES, activation="softmax", name="a")(x)
    model = keras.Model(x, {"a": a, "b": layers.Dense(CLASSES, name="b")(x)})
    model.compile(loss={"a": SPARSE(), "b": SPARSE()})
    (said,) = notes_of(model, y={"a": Y, "b": Y})
    assert said.startswith("the loss of y['b'] takes probabilities")


# Class weights and batches.


def test_weights_of_classes_that_are_none_are_spoken_of():
    alone, said = notes_of(make_model(), class_weight={0: 1, 1: 2, 7: 3})
    assert said.startswith("class_weight weighs 7, which no training label is: they are 0 to 2")
    assert notes_of(make_model(), class_weight={0: 1, 1: 2, 2: 3}) == (alone,)
    with pytest.raises(TaskError, match="must map classes to numbers"):
        notes_of(make_model(), class_weight={0: 1, 1.5: 2})


def test_that_classes_are_not_weighed_in_validation_is_spoken_of():
    (said,) = notes_of(make_model(), class_weight={0: 1, 1: 2})
    assert said.startswith("classes are weighed in training alone, as in fit: the validation")
    weighed = (X, Y, np.ones(len(X), np.float32))
    assert not notes_of(make_model(), class_weight={0: 1, 1: 2}, validation_data=weighed)


def test_a_batch_larger_than_the_data_is_spoken_of():
    (said,) = notes_of(make_model(), batch_size=500)
    assert said.startswith("batch_size is 500, but there are 80 training examples")
    assert not notes_of(make_model(), batch_size=80)


# Losses that nobody tracks.


class Stepping(keras.Model):
    def __init__(self):
        super().__init__()
        self.out = layers.Dense(1)

    def call(self, x):
        return self.out(x)

    def gap(self, weights, state, x, y):
        output, state = self.stateless_call(weights, state, x)
        return ops.mean(ops.square(output[:, 0] - ops.cast(y, "float32"))), state

    def train_step(self, state, data):
        import jax

        weights, other, memory, metrics = state
        gradient = jax.value_and_grad(self.gap, has_aux=True)
        (loss, other), gradients = gradient(weights, other, *data)
        weights, memory = self.optimizer.stateless_apply(memory, gradients, weights)
        logs, metrics = self.log(loss, metrics)
        return logs, (weights, other, memory, metrics)

    def log(self, loss, metrics):
        return {"loss": loss}, metrics


class Testing(Stepping):
    def test_step(self, state, data):
        weights, other, metrics = state
        loss, other = self.gap(weights, other, *data)
        logs, metrics = self.log(loss, metrics)
        return logs, (weights, other, metrics)


class Tracking(Testing):
    def __init__(self):
        super().__init__()
        self.tracker = keras.metrics.Mean(name="loss")

    @property
    def metrics(self):
        return [self.tracker]

    def log(self, loss, metrics):
        metrics = self.tracker.stateless_update_state(metrics, loss)
        return {"loss": self.tracker.stateless_result(metrics)}, metrics


class Named(Testing):
    """Returns more than its metrics, so that Keras tells what the last batch gave."""

    def log(self, loss, metrics):
        return {"loss": loss, "root": ops.sqrt(loss)}, metrics


def stepping(kind, loss="mse"):
    model = kind()
    model.compile(loss=loss)
    return notes_of(model, y=Y[:, None] if kind is Stepping else Y)[1:]  # after why it is fit


def test_a_loss_that_nobody_tracks_is_said_with_the_tracker():
    (said,) = stepping(Stepping)
    assert "train_step returns a loss that nobody tracks, so fit tells 0" in said
    assert "keras.metrics.Mean(name='loss')" in said
    assert "metrics property" in said
    with pytest.raises(
        TaskError, match=r"test_step returns .* nobody tracks.*keras\.metrics\.Mean"
    ):
        stepping(Testing)
    assert [one.split()[0] for one in stepping(Named)] == ["train_step", "test_step"]
    assert all("last batch alone" in one for one in stepping(Named))
    assert not stepping(Tracking)


def test_an_evaluation_without_any_loss_is_refused():
    with pytest.raises(TaskError, match="evaluate has no loss to tell"):
        stepping(Stepping, None)
