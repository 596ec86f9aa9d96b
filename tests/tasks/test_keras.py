"""Any Keras model becomes a task that means what `fit` means, or an error that says why not."""

import sys

import keras
import numpy as np
import pytest
from as_in_fit import same_as_keras, train
from small import BATCH, CLASSES, EXAMPLES, FEATURES, classes_data, make_model, make_task

from steepest.errors import InputError, TaskError
from steepest.tasks.keras.task import keras_task, load_keras, run_code

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype("float32")


def regression():
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(1)])
    model.compile(loss="mse", metrics=["mae", "r2_score"])
    return model, random(EXAMPLES, FEATURES), random(EXAMPLES, seed=1)[:, None]


def binary():
    model = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(1, activation="sigmoid")]
    )
    model.compile(loss="binary_crossentropy", metrics=["accuracy", "auc"])
    return (
        model,
        random(EXAMPLES, FEATURES),
        (random(EXAMPLES, seed=1)[:, None] > 0).astype("int32"),
    )


def multi_label():
    model = keras.Sequential(
        [keras.Input((FEATURES,)), keras.layers.Dense(4, activation="sigmoid")]
    )
    model.compile(loss="binary_crossentropy", metrics=["binary_accuracy"])
    return model, random(EXAMPLES, FEATURES), (random(EXAMPLES, 4, seed=1) > 0).astype("float32")


def one_hot():
    model = make_model()
    model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
    x, y = classes_data()
    return model, x, np.eye(CLASSES, dtype="float32")[y]


def functional_two_inputs_two_outputs():
    a, b = keras.Input((3,), name="a"), keras.Input((2,), name="b")
    h = keras.layers.Dense(8, activation="relu")(keras.layers.Concatenate()([a, b]))
    outputs = {
        "price": keras.layers.Dense(1, name="price")(h),
        "kind": keras.layers.Dense(3, activation="softmax", name="kind")(h),
    }
    model = keras.Model({"a": a, "b": b}, outputs)
    model.compile(
        loss={"price": "mse", "kind": "sparse_categorical_crossentropy"},
        metrics={"price": ["mae"], "kind": ["accuracy"]},
        loss_weights={"price": 0.5, "kind": 1.0},
    )
    x = {"a": random(EXAMPLES, 3), "b": random(EXAMPLES, 2, seed=2)}
    y = {"price": random(EXAMPLES, 1, seed=3), "kind": classes_data()[1]}
    return model, x, y


def regularized_with_add_loss_and_constraint():
    class Activity(keras.layers.Layer):
        def call(self, x):
            self.add_loss(0.01 * keras.ops.mean(keras.ops.square(x)))
            return x

    model = keras.Sequential(
        [
            keras.Input((FEATURES,)),
            keras.layers.Dense(8, kernel_regularizer="l2", kernel_constraint="max_norm"),
            Activity(),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, *classes_data()


def subclassed():
    class Mine(keras.Model):
        def __init__(self):
            super().__init__()
            self.hidden = keras.layers.Dense(8, activation="relu")
            self.norm = keras.layers.BatchNormalization()
            self.out = keras.layers.Dense(CLASSES, activation="softmax")

        def call(self, x, training=False):
            return self.out(self.norm(self.hidden(x), training=training))

    model = Mine()
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model, *classes_data()


def unbuilt_sequential():
    model = keras.Sequential([keras.layers.Dense(CLASSES, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    return model, *classes_data()


def recurrent():
    model = keras.Sequential([keras.Input((7, 2)), keras.layers.LSTM(5), keras.layers.Dense(1)])
    model.compile(loss="huber", metrics=["mse"])
    return model, random(EXAMPLES, 7, 2), random(EXAMPLES, 1, seed=1)


def own_loss_and_metric():
    def cubic(y, p):
        return keras.ops.mean(keras.ops.abs(y - p) ** 3, axis=-1)

    def bias(y, p):
        return keras.ops.mean(p - y)

    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(1)])
    model.compile(loss=cubic, metrics=[bias])
    return model, random(EXAMPLES, FEATURES), random(EXAMPLES, 1, seed=1)


KINDS = [
    regression,
    binary,
    multi_label,
    one_hot,
    functional_two_inputs_two_outputs,
    regularized_with_add_loss_and_constraint,
    subclassed,
    unbuilt_sequential,
    recurrent,
    own_loss_and_metric,
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_model_trains_as_in_fit(kind):
    model, x, y = kind()
    same_as_keras(model, keras_task(model, x, y, validation_split=0.2, batch_size=BATCH))


def test_weights_of_examples_and_classes_are_those_of_fit():
    x, y = classes_data()
    weights = np.linspace(0, 2, EXAMPLES)
    model = make_model()
    task = keras_task(model, x, y, validation_split=0.2, sample_weight=weights, batch_size=BATCH)
    same_as_keras(model, task)
    for labels in (y, y[:, None], np.eye(CLASSES, dtype="float32")[y]):
        model = make_model()
        if labels.shape[-1] == CLASSES:
            model.compile(loss="categorical_crossentropy", metrics=["accuracy"])
        task = make_task_from(model, x, labels, class_weight={0: 1.0, 1: 5})
        np.testing.assert_array_equal(task.training[2], np.where(y == 1, 5, 1))


def make_task_from(model, x, y, **arguments):
    return keras_task(model, x, y, validation_data=(x, y), **arguments)


def test_validation_split_takes_the_last_examples():
    x, y = classes_data()
    task = keras_task(make_model(), x, y, validation_split=0.25)
    np.testing.assert_array_equal(task.training[0], x[:75])
    np.testing.assert_array_equal(task.validation[0], x[75:])


def test_the_model_is_left_as_it_was():
    model = make_model(dropout=0.2)
    model.fit(*classes_data(), verbose=0)
    before = [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]
    metrics = [np.asarray(v) for v in model.metrics_variables]
    task = make_task(model)
    train(task)
    after = [np.asarray(v) for v in (*model.variables, *model.optimizer.variables)]
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)
    for a, b in zip(metrics, model.metrics_variables, strict=True):
        np.testing.assert_array_equal(a, np.asarray(b))
    model.fit(*classes_data(), verbose=0)  # and still works


def test_arrays_are_taken_as_fit_takes_them():
    x, y = classes_data()
    task = make_task_from(make_model(), x.astype("float64").tolist(), y.astype("int64"))
    assert task.training[0].dtype == np.float32
    assert task.training[1].dtype == np.int32


def test_an_optimizer_of_keras_is_made_from_its_source():
    made = run_code("import keras\noptimizer = keras.optimizers.SGD(0.1, momentum=0.9)\n", None)
    assert isinstance(made, keras.optimizers.SGD)
    assert made.momentum == 0.9


X, Y = classes_data()
NAN = np.where(np.arange(EXAMPLES)[:, None] == 3, np.nan, X)


def uncompiled():
    return keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(CLASSES)])


def frozen():
    model = make_model()
    model.trainable = False
    return model


def without_loss():
    model = uncompiled()
    model.compile()
    return model


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"model": uncompiled}, "not compiled"),
        ({"model": lambda: "digits"}, "must be a keras.Model"),
        ({"model": frozen}, "nothing to train"),
        ({"model": without_loss}, "without a loss"),
        ({"x": X[:50]}, "x has 50, y has 100"),
        ({"x": X[:, :4]}, "cannot take x of shape"),
        ({"x": NAN}, r"x holds 6 values that are NaN.*first at \[3, 0\]"),
        ({"x": X.astype(str)}, "must be an array of numbers"),
        ({"x": None}, "x is missing"),
        ({"y": None}, "y is missing"),
        ({"y": Y + 1}, "label 3, but the model has 3 outputs"),
        ({"y": Y - 1}, "label -1"),
        ({"y": Y + 0.5}, "whole numbers"),
        ({"y": np.eye(CLASSES)[Y]}, "use categorical_crossentropy"),
        ({"y": np.where(Y == 1, np.nan, Y)}, "NaN"),
        ({"y": Y.astype("int64") * 2**40}, "beyond 32 bits"),
        ({"x": X[:0], "y": Y[:0]}, "at least one example"),
        ({"validation_data": None}, "no validation data"),
        ({"validation_data": X}, "y is missing, which the loss needs"),
        ({"validation_data": (X[:, :4], Y)}, "validation_data: .*shape"),
        ({"validation_data": (X, Y + 7)}, "validation_data: y"),
        ({"validation_data": (NAN, Y)}, "validation_data: x holds"),
        ({"test_data": (X, Y[:3])}, "test_data: y has 3"),
        ({"validation_data": None, "validation_split": 1.5}, "between 0 and 1"),
        ({"validation_data": None, "validation_split": 0.999}, "without any"),
        ({"epochs": 0}, "epochs is 0"),
        ({"batch_size": 2.5}, "batch_size is 2.5"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"class_weight": {0: 1}, "sample_weight": np.ones(EXAMPLES)}, "exclude each other"),
        ({"class_weight": 3}, "must map classes"),
        ({"sample_weight": np.ones(3)}, "sample_weight has 3"),
        ({"initial_weights": "mine"}, "'fresh' or 'given'"),
    ],
    ids=lambda part: part if isinstance(part, str) else "+".join(part),
)
def test_what_cannot_be_trained_is_said_in_a_sentence(change, said):
    arguments = {
        "model": make_model,
        "x": X,
        "y": Y,
        "validation_data": (X, Y),
        "epochs": 2,
        **change,
    }
    model, x, y = arguments.pop("model")(), arguments.pop("x"), arguments.pop("y")
    with pytest.raises(TaskError, match=said) as caught:
        keras_task(model, x, y, **arguments)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("loss", "units", "y", "said"),
    [
        ("categorical_crossentropy", 3, Y, "one-hot rows"),
        ("categorical_crossentropy", 3, 2 * np.eye(3)[Y], "label 2"),
        ("binary_crossentropy", 1, Y, "label 2"),
        ("binary_crossentropy", 1, Y - 1, "label -1"),
        ("mse", 2, Y, "the model's output is"),
        (keras.losses.BinaryCrossentropy(from_logits=True), 1, Y, "label 2"),
        (keras.losses.sparse_categorical_crossentropy, 2, Y, "label 2"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_labels_that_do_not_fit_the_loss_are_said(loss, units, y, said):
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(units)])
    model.compile(loss=loss)
    with pytest.raises(TaskError, match=said):
        keras_task(model, X, y, validation_split=0.2)


def test_a_backend_asked_for_too_late_is_said(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with pytest.raises(InputError, match=r"imported before .*runs on jax.*KERAS_BACKEND=jax"):
        make_task()


@pytest.mark.parametrize(
    ("wanted", "said"), [("torhc", "did you mean torch"), ("torch", r"pip install .*\[torch\]")]
)
def test_a_backend_that_is_not_there_is_said(wanted, said, monkeypatch):
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", wanted)
    monkeypatch.setattr("importlib.util.find_spec", lambda *_: None)
    with pytest.raises(InputError, match=said):
        load_keras()


def test_classes_are_not_weighed_in_validation():
    """As in fit: with validation_split, class_weight weighs the training part alone."""
    task = keras_task(make_model(), X, Y, validation_split=0.2, class_weight={0: 1, 1: 2, 2: 30})
    assert task.training[2] is not None
    assert task.validation[2] is None


def test_metrics_keep_the_order_in_which_they_were_compiled():
    model = make_model()
    model.compile(
        loss="sparse_categorical_crossentropy",
        metrics=["sparse_top_k_categorical_accuracy", "accuracy"],
    )
    names = make_task(model).facts.metrics
    assert names == ("sparse_top_k_categorical_accuracy", "accuracy")


def summed():
    model = regression()[0]
    model.compile(loss=keras.losses.MeanSquaredError(reduction="sum"))
    return model, random(EXAMPLES, FEATURES), random(EXAMPLES, 1, seed=1)


def only_add_loss():
    class Wish(keras.layers.Layer):
        def call(self, x):
            self.add_loss(keras.ops.mean(keras.ops.square(x - 1)))
            return x

    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(2), Wish()])
    model.compile(loss=None)
    return model, random(EXAMPLES, FEATURES), random(EXAMPLES, 2, seed=1)


def ignored_class():
    model = make_model()
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(ignore_class=255))
    x, y = classes_data()
    return model, x, np.where(np.arange(len(y)) % 5 == 0, 255, y)


def counts_its_calls():
    class Counts(keras.layers.Layer):
        def build(self, shape):
            self.calls = self.add_weight(shape=(), initializer="zeros", trainable=False, name="n")

        def call(self, x):
            self.calls.assign_add(1.0)
            return x / (1 + 0.01 * self.calls)

    model = keras.Sequential([keras.Input((FEATURES,)), Counts(), keras.layers.Dense(1)])
    model.compile(loss="mse")
    return model, random(EXAMPLES, FEATURES), random(EXAMPLES, 1, seed=1)


@pytest.mark.parametrize(
    "kind", [summed, only_add_loss, ignored_class, counts_its_calls], ids=lambda k: k.__name__
)
def test_rarer_models_train_as_in_fit_too(kind):
    model, x, y = kind()
    same_as_keras(model, keras_task(model, x, y, validation_split=0.2, batch_size=BATCH))


@pytest.mark.parametrize("policy", ["mixed_bfloat16", "bfloat16"])
def test_short_floats_train(policy):
    layers = [keras.Input((FEATURES,)), keras.layers.Dense(CLASSES, dtype=policy)]
    model = keras.Sequential([*layers, keras.layers.Softmax()])
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    mine = train(make_task(model), epochs=4)
    assert mine["loss"][-1] < mine["loss"][0]
