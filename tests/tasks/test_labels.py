"""Labels are looked at where the loss looks at them, and left alone where it does not."""

import keras
import numpy as np
import pytest
from as_in_fit import same_as_keras
from small import BATCH, CLASSES, EXAMPLES, FEATURES, classes_data, make_model

from steepest.errors import TaskError
from steepest.tasks.keras.task import keras_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

X, Y = classes_data()
ops = keras.ops


class OwnLoss(keras.Model):
    """Its targets are what `compute_loss` makes of them."""

    def __init__(self, units=CLASSES):
        super().__init__()
        self.out = keras.layers.Dense(units)

    def call(self, x):
        return self.out(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        loss = ops.square(ops.sum(y_pred, axis=-1) - ops.cast(y, "float32"))
        return ops.mean(ops.where(ops.isnan(loss), 0.0, loss))


class Rebuilding(OwnLoss):
    """Learns its own input, and needs no targets."""

    def __init__(self):
        super().__init__(FEATURES)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return ops.mean(ops.square(x - y_pred))


def own_loss(loss=None):
    model = OwnLoss()
    model.compile(loss=loss)
    return model


def test_a_compute_loss_of_its_own_needs_no_compiled_loss():
    model = own_loss()
    task = keras_task(model, X, Y, validation_split=0.2, batch_size=BATCH)
    assert task.facts.loss == "compute_loss"
    same_as_keras(model, task)


@pytest.mark.parametrize("loss", [None, "sparse_categorical_crossentropy"])
@pytest.mark.parametrize("y", [Y + 7, Y - 0.5, np.where(Y == 1, np.nan, Y)])
def test_its_labels_are_its_own_affair(loss, y):
    keras_task(own_loss(loss), X, y, validation_split=0.2)


@pytest.mark.parametrize("loss", [None, "mse"])
def test_without_targets_where_it_needs_none(loss):
    model = Rebuilding()
    model.compile(loss=loss)
    task = keras_task(model, X, validation_data=(X,), batch_size=BATCH)
    assert task.training[1] is None


def test_a_compute_loss_that_is_set_on_the_model_counts_too():
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(1)])
    model.compile()
    model.compute_loss = lambda x, y, p, sample_weight=None, training=True: ops.mean(ops.abs(p))
    assert keras_task(model, X, Y, validation_split=0.2).facts.loss == "compute_loss"


def masked(y, p):
    return ops.mean(ops.where(ops.isnan(y), 0.0, ops.square(ops.nan_to_num(y) - p)), axis=-1)


class Masked(keras.losses.MeanSquaredError):
    def call(self, y, p):
        return masked(y, p)


HOLES = np.where(np.arange(EXAMPLES)[:, None] % 4 == [0, 1], np.nan, X[:, :2])


def linear(loss, **more):
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(2)])
    model.compile(loss=loss, **more)
    return model


@pytest.mark.parametrize(
    "loss", [masked, Masked(), keras.src.losses.losses.LossFunctionWrapper(masked)]
)
def test_targets_that_are_nan_are_for_a_loss_of_the_persons_own(loss):
    model = linear(loss)
    same_as_keras(model, keras_task(model, X, HOLES, validation_split=0.2, batch_size=BATCH))


@pytest.mark.parametrize("loss", ["mse", keras.losses.Huber(), keras.losses.mean_squared_error])
@pytest.mark.parametrize("where", ["y", "validation_data", "test_data"])
def test_targets_that_are_nan_are_refused_for_a_loss_of_keras(loss, where):
    whole = np.nan_to_num(HOLES)
    data = {"validation_data": (X, whole), "test_data": (X, whole), "y": whole}
    data[where] = HOLES if where == "y" else (X, HOLES)
    with pytest.raises(TaskError, match=r"y holds 50 values that are NaN.* first at \[0, 0\]"):
        keras_task(linear(loss), X, **data)


def test_of_several_outputs_each_loss_is_asked():
    a = keras.Input((FEATURES,))
    outputs = {name: keras.layers.Dense(2, name=name)(a) for name in ("own", "keras")}
    model = keras.Model(a, outputs)
    model.compile(loss={"own": masked, "keras": "mse"})
    whole = np.nan_to_num(HOLES)
    keras_task(model, X, {"own": HOLES, "keras": whole}, validation_split=0.2)
    with pytest.raises(TaskError, match=r"y\['keras'\] holds 40 values that are NaN"):
        keras_task(model, X, {"own": whole, "keras": HOLES}, validation_split=0.2)


def test_x_and_weights_that_are_nan_are_refused_for_any_loss():
    bad = np.where(np.arange(EXAMPLES)[:, None] == 3, np.nan, X)
    with pytest.raises(TaskError, match="x holds 6 values that are NaN"):
        keras_task(linear(masked), bad, HOLES, validation_split=0.2)
    with pytest.raises(TaskError, match="sample_weight holds 1 values"):
        keras_task(linear(masked), X, HOLES, sample_weight=bad[:, 0], validation_split=0.2)


def test_the_persons_array_of_targets_is_not_shared():
    y = X[:, :2].copy()
    task = keras_task(linear("mse"), X, y, validation_split=0.2)
    y[:] = 7
    np.testing.assert_array_equal(task.training[1], X[:80, :2])


OUT = np.arange(EXAMPLES) % 4 == 0
WEIGHT = np.where(OUT, 0.0, 1.0)


@pytest.mark.parametrize("label", [-1, CLASSES, 255])
@pytest.mark.parametrize("shape", [(EXAMPLES,), (EXAMPLES, 1)])
def test_a_label_without_weight_may_be_any(label, shape):
    model = make_model()
    y = np.where(OUT, label, Y)
    task = keras_task(
        model, X, y, sample_weight=WEIGHT.reshape(shape), validation_split=0.2, batch_size=BATCH
    )
    same_as_keras(model, task)


def test_so_may_padded_tags():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(EXAMPLES, 7, 2)).astype("float32")
    weight = (np.arange(7) < rng.integers(1, 8, EXAMPLES)[:, None]).astype("float32")
    y = np.where(weight == 0, -1, x[..., 0] > 0)
    model = keras.Sequential([keras.Input((7, 2)), keras.layers.Dense(2, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy", weighted_metrics=["accuracy"])
    given = {"validation_data": (x, y, weight), "batch_size": BATCH}
    same_as_keras(model, keras_task(model, x, y, sample_weight=weight, **given))
    with pytest.raises(TaskError, match=r"^y holds the label -1"):
        keras_task(model, x, y, sample_weight=1 - weight, **given)
    with pytest.raises(TaskError, match=r"^validation_data: y holds the label -1"):
        keras_task(model, x, y, sample_weight=weight, validation_data=(x, y), batch_size=BATCH)


def test_binary_labels_and_rows_without_weight_may_be_any_too():
    model = keras.Sequential([keras.Input((FEATURES,)), keras.layers.Dense(1, "sigmoid")])
    model.compile(loss="binary_crossentropy")
    given = {"sample_weight": WEIGHT, "validation_split": 0.2, "batch_size": BATCH}
    y = np.where(OUT, -1, Y > 0)
    same_as_keras(model, keras_task(model, X, y[:, None], **given))
    model = make_model()
    model.compile(loss="categorical_crossentropy")
    rows = np.where(OUT[:, None], -1.0, np.eye(CLASSES)[Y])
    same_as_keras(model, keras_task(model, X, rows, **given))


def tagging(mask):
    model = keras.Sequential(
        [
            keras.Input((7,), dtype="int32"),
            keras.layers.Embedding(9, 4, mask_zero=mask),
            keras.layers.SimpleRNN(4, return_sequences=True),
            keras.layers.Dense(2, activation="softmax"),
        ]
    )
    model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def test_so_may_tags_that_the_model_masks():
    rng = np.random.default_rng(0)
    there = np.arange(7) < rng.integers(1, 8, EXAMPLES)[:, None]
    x = np.where(there, rng.integers(1, 9, (EXAMPLES, 7)), 0)
    y = np.where(there, x % 2, -1)
    given = {"validation_split": 0.2, "batch_size": BATCH}
    model = tagging(True)
    same_as_keras(model, keras_task(model, x, y, **given))
    with pytest.raises(TaskError, match=r"^y holds the label -1"):
        keras_task(tagging(False), x, y, **given)
    with pytest.raises(TaskError, match=r"^y holds the label -1"):
        keras_task(tagging(True), x, np.where(x == 3, -1, y), **given)
