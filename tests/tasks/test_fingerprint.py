"""The same task has the same fingerprint in any process, and a changed one another."""

import json
import sys
from functools import partial
from pathlib import Path

import keras
import numpy as np
import processes
import pytest
from small import BATCH, CLASSES, EXAMPLES, FEATURES, classes_data, make_model, make_task

from steepest.data import disk
from steepest.tasks.keras.fit_task import FitTask
from steepest.tasks.keras.task import keras_task

pytestmark = pytest.mark.slow

layers = keras.layers
X, Y = classes_data()
LOSS = "sparse_categorical_crossentropy"
FACTOR = 2.0


def doubled(x):
    """A function of a person's own, with a number of its module."""
    return x * FACTOR


class Scaled(layers.Layer):
    """A layer without a `get_config`, whose argument Keras cannot write down."""

    def __init__(self, function, scale=1.0, **options):
        super().__init__(**options)
        self.function, self.scale = function, scale

    def call(self, x):
        return self.function(x) * self.scale


class Network(keras.Model):
    """A model that tells nothing of its graph."""

    def __init__(self, function=doubled, width=8):
        super().__init__()
        self.hidden, self.out = layers.Dense(width, "relu"), layers.Dense(CLASSES)
        self.function = function

    def call(self, x):
        return keras.ops.softmax(self.out(self.function(self.hidden(x))))


class Stepping(Network):
    def train_step(self, *arguments, **options):
        return super().train_step(*arguments, **options)


class Last(layers.Layer):
    """A layer whose numbers are in its code."""

    def call(self, x):
        if x.shape[-1] in {3, 5, 7, 11, 13}:  # a set, whose order is of one process
            return x * 0.5
        return x


def compiled(model, loss=LOSS, metrics=("accuracy",), **options):
    model.compile(loss=loss, metrics=list(metrics), **options)
    return model


def sequential(*more, width=16, activation="relu", compiling=None, **options):
    inside = [
        keras.Input((FEATURES,)),
        layers.Dense(width, activation=activation, **options),
        *more,
        layers.Dropout(0.2),
        layers.Dense(CLASSES),
        layers.Softmax(),
    ]
    return compiled(keras.Sequential(inside), **(compiling or {}))


def branched(swapped=False, shared=True):
    x = keras.Input((FEATURES,))
    one, two = layers.Dense(8, "relu"), layers.Dense(8, "relu")
    a, b = one(x), two(x)
    a = one(layers.Dense(FEATURES)(a)) if shared else two(layers.Dense(FEATURES)(a))
    inner_in = keras.Input((8,))
    inner = keras.Model(inner_in, layers.Dense(4, name="in")(inner_in) + 1.0)
    h = layers.Subtract()([b, a] if swapped else [a, b])
    return compiled(keras.Model(x, layers.Dense(CLASSES, "softmax")(inner(h))))


def own_loss(y, p):
    return keras.ops.mean(doubled(keras.losses.sparse_categorical_crossentropy(y, p)))


def other_loss(y, p):
    return keras.ops.mean(3 * keras.losses.sparse_categorical_crossentropy(y, p))


other_loss.__name__ = "own_loss"

MODELS = {
    "sequential": sequential,
    "not built": lambda: compiled(keras.Sequential([layers.Dense(CLASSES, "softmax")])),
    "normalized": partial(make_model, dropout=0.1),
    "branched": branched,
    "own code": lambda: sequential(Scaled(doubled, 0.5), Last(), activation=doubled),
    "lambda": lambda: sequential(layers.Lambda(lambda x: x + 1.0)),
    "own model": lambda: compiled(Network()),
    "own step": lambda: compiled(Stepping()),
    "own loss": partial(sequential, compiling={"loss": own_loss}),
    "automatic names": partial(
        sequential, compiling={"metrics": [keras.metrics.SparseTopKCategoricalAccuracy(2)]}
    ),
}


def print_of(model, **changes):
    return dict(make_task(model, **changes).facts.fingerprint)


def whole():
    """Return the fingerprints of all models, each made for the first time or once more."""
    found = {}
    for name, make in MODELS.items():
        keras.utils.set_random_seed(0)  # for weights without an initializer, see below
        found[name] = print_of(make())
    return found


def test_it_is_the_same_again_and_in_another_process(tmp_path):
    first = whole()
    assert whole() == first
    assert len({one["model"] for one in first.values()}) == len(MODELS) - 2  # but for compile's
    assert in_another_process(tmp_path) == first


def in_another_process(where):
    """Return what `whole` gives in a process that hashes strings in another way."""
    script = where / "whole.py"
    script.write_text(
        "import json, sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "import test_fingerprint\n"
        "print(json.dumps([hash('steepest'), test_fingerprint.whole()]))\n"
    )
    for seed in ({}, {"PYTHONHASHSEED": "1"}, {"PYTHONHASHSEED": "2"}):  # the first is forked
        done = processes.run(sys.executable, script, env=processes.environment(**seed))
        assert done.returncode == 0, done.stderr
        hashed, found = json.loads(done.stdout.splitlines()[-1])
        if hashed != hash("steepest"):
            break
    assert hashed != hash("steepest")
    return found


def test_a_model_is_the_same_after_it_was_used():
    model = sequential()
    first = print_of(model)
    model.compile(loss=LOSS, metrics=["accuracy"])
    model.fit(X, Y, epochs=1, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert print_of(model) == first


def frozen():
    model = sequential()
    model.layers[0].trainable = False
    return model


def without(x):
    return x


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (sequential, partial(sequential, width=17)),
        (sequential, partial(sequential, activation="tanh")),
        (sequential, partial(sequential, kernel_regularizer="l2")),
        (sequential, partial(sequential, kernel_initializer="he_normal")),
        (sequential, lambda: sequential(layers.ReLU())),
        (sequential, frozen),
        (branched, partial(branched, swapped=True)),
        (branched, partial(branched, shared=False)),
        (lambda: sequential(Scaled(doubled)), lambda: sequential(Scaled(without))),
        (lambda: sequential(Scaled(doubled)), lambda: sequential(Scaled(doubled, 2.0))),
        (
            lambda: sequential(layers.Lambda(lambda x: x + 1.0)),
            lambda: sequential(layers.Lambda(lambda x: x + 2.0)),
        ),
        (lambda: compiled(Network()), lambda: compiled(Network(without))),
        (lambda: compiled(Network()), lambda: compiled(Stepping())),
    ],
)
def test_another_model_is_noticed(one, other):
    ours, theirs = print_of(one()), print_of(other())
    assert {part for part in theirs if ours.get(part) != theirs[part]} - {"kept weights"} == {
        "model"
    }


def test_code_is_noticed_that_a_function_calls(monkeypatch):
    models = [
        lambda: sequential(Scaled(doubled)),
        partial(sequential, compiling={"loss": own_loss}),
    ]
    before = [print_of(make()) for make in models]
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 4.0)
    after = [print_of(make()) for make in models]
    assert before[0]["model"] != after[0]["model"]
    assert before[1]["compile"] != after[1]["compile"]
    assert before[1]["model"] == after[1]["model"]


@pytest.mark.parametrize(
    "other",
    [
        {"loss": keras.losses.SparseCategoricalCrossentropy(ignore_class=1)},
        {"loss": own_loss},
        {"loss": LOSS, "loss_weights": [2.0]},
        {"metrics": ["accuracy", keras.metrics.SparseTopKCategoricalAccuracy(2)]},
        {"weighted_metrics": ["accuracy"]},
    ],
)
def test_another_loss_or_metric_is_noticed(other):
    ours, theirs = print_of(sequential()), print_of(sequential(compiling=other))
    assert {part for part in ours if ours[part] != theirs[part]} == {"compile"}


def test_a_function_of_the_same_name_is_another():
    ours, theirs = (print_of(sequential(compiling={"loss": f})) for f in (own_loss, other_loss))
    assert ours["compile"] != theirs["compile"]


def changed_once(x):
    x = x.copy()
    x[50, 3] += 1e-3
    return x


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"x": changed_once(X)}, "training data"),
        ({"y": np.roll(Y, 1)}, "training data"),
        ({"y": Y.astype("uint8")}, "training data"),
        ({"sample_weight": np.ones(EXAMPLES)}, "training data"),
        ({"class_weight": {0: 2.0}}, "training data"),
        ({"validation_data": classes_data(5)}, "validation data"),
        ({"test_data": classes_data(5)}, "test data"),
        ({"test_data": None}, "test data"),
        ({"initial_weights": "given"}, "initial weights"),
    ],
)
def test_other_data_is_noticed(changes, part):
    arguments = {"x": X, "y": Y, "validation_data": classes_data(1), "test_data": classes_data(2)}
    model = make_model()
    ours, theirs = (
        keras_task(model, batch_size=BATCH, **{**arguments, **more}).facts.fingerprint
        for more in ({}, changes)
    )
    different = {p for p in {**ours, **theirs} if ours.get(p) != theirs.get(p)}
    assert different == {part}
    assert ours["backend"] == f"{keras.backend.backend()} float32"


def test_weights_count_where_trials_start_from_them():
    model = make_model()
    options = {"initial_weights": "given"}
    first = print_of(model, **options)
    assert print_of(model, **options) == first
    model.layers[0].kernel.assign(model.layers[0].kernel + 1e-3)
    second = print_of(model, **options)
    assert {part for part in first if first[part] != second[part]} == {"initial weights"}
    model = frozen()
    first = print_of(model)
    model.layers[0].kernel.assign(model.layers[0].kernel + 1e-3)
    second = print_of(model)
    assert {part for part in first if first[part] != second[part]} == {"kept weights"}


def test_weights_without_an_initializer_have_to_be_drawn_alike():
    """Each trial has the model's own in a random order, so another draw is another task."""
    seeds = (0, 0, 1)
    found = []
    for seed in seeds:
        keras.utils.set_random_seed(seed)
        found.append(print_of(sequential(activation=doubled)))
    assert found[0] == found[1]
    assert {p for p in found[0] if found[0][p] != found[2][p]} == {"kept weights"}


def test_of_arrays_on_disk_some_rows_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)
    x = np.memmap(tmp_path / "x", "float32", "w+", shape=(5000, FEATURES))
    y = np.memmap(tmp_path / "y", "int32", "w+", shape=(5000,))
    x[:], y[:] = np.arange(5000)[:, None] / 5000, np.arange(5000) % CLASSES

    def now(**options):
        model, held = make_model(), classes_data(1)
        return keras_task(model, x, y, validation_data=held, **options).facts.fingerprint

    first = now()
    assert now() == first
    assert now(class_weight={0: 2.0})["training data"] != first["training data"]
    x[1] = -1  # one of those that are not looked at
    assert now() == first
    x[0] = -1
    assert now()["training data"] != first["training data"]


def test_of_streams_the_shape_alone_is_known():
    def batches(size=BATCH, kind="float32", seed=0):
        x, y = classes_data(seed)
        return lambda: (
            (x[i : i + size].astype(kind), y[i : i + size]) for i in range(0, size * 5, size)
        )

    def now(stream, steps=5, **options):
        task = make_task_of(stream, steps_per_epoch=steps, **options)
        return task.facts.fingerprint["training data"]

    first = now(batches())
    assert now(batches(seed=1)) == first
    assert now(batches(), steps=4) != first
    assert now(batches(kind="uint8")) != first
    assert now(batches(size=8)) != first
    assert now(batches(), class_weight={0: 2.0}) != first


def make_task_of(stream, **options):
    return keras_task(make_model(), stream, validation_data=classes_data(1), **options)


def test_a_model_that_cannot_be_looked_at_has_its_shapes():
    class Secret(layers.Layer):
        def __getattribute__(self, name):
            if name == "get_config":
                raise RuntimeError("no")
            return super().__getattribute__(name)

        def call(self, x):
            return x

    ours, theirs = (print_of(sequential(Secret(), width=w)) for w in (16, 17))
    assert ours["model"] != theirs["model"]


def test_fit_has_one_too():
    task = make_task(compiled(Stepping()))
    assert isinstance(task, FitTask)
    assert {"model", "compile", "backend", "training data"} <= {*task.facts.fingerprint}
