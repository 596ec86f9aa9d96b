"""The trivial predictor of a task: what one answer for every example reaches by its own loss."""

import keras
import numpy as np
import pytest
from small import CLASSES, classes_data, make_model

from steepest.tasks.keras.fit_task import FitTask
from steepest.tasks.keras.task import keras_task
from steepest.tasks.keras.trivial import with_trivial

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

L, N = keras.layers, 90


def numbers(seed=0, low=1.0):
    """Return x `[90, 3]` and labels above `low` that are not symmetric."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(N, 3)).astype("float32")
    return x, (low + rng.gamma(2.0, 3.0, size=N)).astype("float32")


def regression(loss, metrics=(), **layer):
    model = keras.Sequential([keras.Input((3,)), L.Dense(1, **layer)])
    model.compile(loss=loss, metrics=list(metrics))
    return model


def trivial(model, x, y, validation, **more):
    return with_trivial(keras_task(model, x, y, validation_data=validation, **more)).facts.trivial


def test_the_mean_for_squares_and_the_median_for_absolute_errors():
    (x, y), (v, w) = numbers(), numbers(1)
    found = trivial(regression("mse", ["mae"]), x, y, (v, w))
    assert found.answer == "the mean of y"
    assert found.values["loss"] == pytest.approx(np.mean((w - y.mean()) ** 2), rel=1e-5)
    assert found.values["mae"] == pytest.approx(np.mean(abs(w - y.mean())), rel=1e-5)
    found = trivial(regression("mae"), x, y, (v, w))
    assert found.answer == "the median of y"
    assert found.values["loss"] == pytest.approx(np.mean(abs(w - np.median(y))), rel=1e-5)


def pinball(y, p):
    return keras.ops.mean(keras.ops.maximum(0.9 * (y - p), -0.1 * (y - p)), axis=-1)


def log_rate(y, p):
    return keras.ops.mean(keras.ops.exp(p) - y * p, axis=-1)


@pytest.mark.parametrize(
    "loss",
    ["huber", "log_cosh", "poisson", "msle", "mape", pinball, log_rate, "cosine_similarity"],
)
def test_no_other_constant_is_much_better(loss):
    """Of the training labels, on which it is chosen; the loss is Keras' or the person's own."""
    (x, y), (v, _) = numbers(), numbers(1)
    found = trivial(regression(loss), x, y, (v, y)).values["loss"]
    given = keras.losses.get(loss)
    grid = [
        float(np.mean(keras.ops.convert_to_numpy(given(y[:, None], np.full((N, 1), c, "float32")))))
        for c in np.linspace(0.05, 25, 500)
    ]
    assert found <= min(grid) + 0.05 * abs(min(grid))


@pytest.mark.parametrize("logits", [False, True])
def test_the_frequencies_for_classes_whatever_the_output_means(logits):
    rng = np.random.default_rng(0)
    y = rng.choice(3, size=N, p=[0.7, 0.2, 0.1])
    x = rng.normal(size=(N, 3)).astype("float32")
    share = (np.bincount(y, minlength=3) + 1 / 3) / (N + 1)
    entropy = -np.mean(np.log(share)[y])
    activation = None if logits else "softmax"
    for name, labels in (
        ("SparseCategoricalCrossentropy", y),
        ("CategoricalCrossentropy", np.eye(3, dtype="float32")[y]),
    ):
        model = keras.Sequential([keras.Input((3,)), L.Dense(3, activation=activation)])
        loss = getattr(keras.losses, name)(from_logits=logits)
        model.compile(loss=loss, metrics=["accuracy"])
        found = trivial(model, x, labels, (x, labels))
        assert found.answer == "the frequencies of the classes"
        assert found.values["loss"] == pytest.approx(entropy, rel=1e-4)
        assert found.values["accuracy"] == pytest.approx(np.mean(y == 0), rel=1e-5)
        assert "y" not in found.spans
    two = (y > 0).astype("float32")
    model = regression(keras.losses.BinaryCrossentropy(from_logits=logits))
    share = (two.sum() + 0.5) / (N + 1)
    expected = -np.mean(two * np.log(share) + (1 - two) * np.log(1 - share))
    assert trivial(model, x, two, (x, two)).values["loss"] == pytest.approx(expected, rel=1e-4)


def test_the_side_of_more_for_a_hinge():
    x, _ = numbers()
    sides = np.where(np.arange(N) % 3, 1.0, 0.0).astype("float32")
    found = trivial(regression("hinge"), x, sides, (x, sides))
    assert found.values["loss"] == pytest.approx(2 * np.mean(sides == 0), rel=1e-5)


def test_one_number_for_each_place_of_an_output_and_shares_for_each_token():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(N, 3)).astype("float32")
    y = rng.normal([1.0, -4.0], size=(N, 2)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), L.Dense(2)])
    model.compile(loss="mse")
    assert trivial(model, x, y, (x, y)).values["loss"] == pytest.approx(y.var(axis=0).mean(), 1e-5)
    tokens = rng.choice(5, size=(N, 6), p=[0.5, 0.2, 0.1, 0.1, 0.1]).astype("int32")
    model = keras.Sequential([keras.Input((6,), dtype="int32"), L.Embedding(5, 4), L.Dense(5)])
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    found = trivial(model, tokens, tokens, (tokens, tokens))
    share = np.bincount(tokens.ravel()) / tokens.size
    assert found.values["loss"] == pytest.approx(-np.sum(share * np.log(share)), rel=1e-2)
    assert found.spans == {}  # tokens are names and not numbers


def test_sample_weights_count_as_in_the_loss():
    (x, y), (v, w) = numbers(), numbers(1)
    weights = np.where(y > np.median(y), 4.0, 0.5).astype("float32")
    own = np.linspace(0, 2, N).astype("float32")
    found = trivial(regression("mse"), x, y, (v, w, own), sample_weight=weights)
    mean = np.average(y, weights=weights)
    assert found.values["loss"] == pytest.approx(np.mean(own * (w - mean) ** 2), rel=1e-4)


def test_weights_of_training_alone_do_not_count():
    """What is best for a validation set without weights is the mean of all."""
    (x, y), (v, w) = numbers(), numbers(1)
    weights = np.where(y > np.median(y), 4.0, 0.5).astype("float32")
    found = trivial(regression("mse"), x, y, (v, w), sample_weight=weights)
    assert found.values["loss"] == pytest.approx(np.mean((w - y.mean()) ** 2), rel=1e-5)
    assert found.weighed
    assert not trivial(regression("mse"), x, y, (v, w)).weighed
    assert not trivial(regression("mse"), x, y, (v, w, weights), sample_weight=weights).weighed


def test_negative_weights_have_no_answer(recwarn):
    (x, y), (v, w) = numbers(), numbers(1)
    own = np.linspace(-1, 1, N).astype("float32")
    assert trivial(regression("mse"), x, y, (v, w, own), sample_weight=own) is None
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]


def test_several_outputs_are_summed_with_their_weights():
    (x, y), (v, w) = numbers(), numbers(1)
    given = keras.Input((3,))
    model = keras.Model(given, {"a": L.Dense(1)(given), "b": L.Dense(1)(given)})
    model.compile(loss={"a": "mse", "b": "mae"}, loss_weights={"a": 1.0, "b": 10.0})
    labels = {"a": y, "b": 2 * y}
    found = trivial(model, x, labels, (v, {"a": w, "b": 2 * w}))
    expected = np.mean((w - y.mean()) ** 2) + 10 * np.mean(abs(2 * w - np.median(2 * y)))
    assert found.values["loss"] == pytest.approx(expected, rel=1e-4)
    assert set(found.spans) == {"x[:, 2]", "y[0]", "y[1]"} or len(found.spans) == 3


def test_a_model_that_trains_through_fit_has_one_too():
    (x, y), (v, w) = numbers(), numbers(1)
    task = keras_task(regression("mse", dtype="mixed_float16"), x, y, validation_data=(v, w))
    assert isinstance(task, FitTask)
    found = with_trivial(task).facts.trivial.values["loss"]
    assert found == pytest.approx(np.mean((w - y.mean()) ** 2), rel=1e-2)


def test_batches_that_a_loss_depends_on_are_those_of_an_evaluation():
    (x, y), (v, w) = numbers(), numbers(1)
    model = regression(keras.losses.MeanSquaredError(reduction="sum"))
    found = trivial(model, x, y, (v, w), batch_size=32).values["loss"]
    parts = [(w[i : i + 32] - y.mean()) ** 2 for i in range(0, N, 32)]
    assert found == pytest.approx(sum(p.sum() * len(p) for p in parts) / N, rel=1e-4)


def test_a_constant_pays_no_regularizer_so_its_loss_is_not_compared():
    x, y = numbers()
    found = trivial(regression("mse", ["mae"], kernel_regularizer="l2"), x, y, (x, y))
    assert set(found.values) == {"mae"}
    assert trivial(regression("mse", kernel_regularizer="l2"), x, y, (x, y)) is None


class Own(keras.Model):
    def __init__(self, **kept):
        super().__init__(**kept)
        self.one = L.Dense(1)

    def call(self, x):
        return self.one(x)


class OwnLoss(Own):
    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean((y[:, None] - y_pred) ** 2)


class OwnStep(Own):
    def train_step(self, *given):
        return super().train_step(*given)


@pytest.mark.parametrize("kind", [OwnLoss, OwnStep])
def test_there_is_none_where_the_loss_is_the_model_s_own(kind):
    x, y = numbers()
    model = kind()
    model.compile(loss="mse")
    assert trivial(model, x, y, (x, y)) is None


def test_there_is_none_for_masks_streams_and_labels_of_unclear_form():
    rng = np.random.default_rng(0)
    tokens = rng.integers(0, 5, size=(N, 6)).astype("int32")
    model = keras.Sequential(
        [keras.Input((6,), dtype="int32"), L.Embedding(5, 4, mask_zero=True), L.Dense(5)]
    )
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    assert trivial(model, tokens, tokens, (tokens, tokens)) is None
    x, y = numbers()
    batches = [(x[:30], y[:30]), (x[30:60], y[30:60])]
    stream = {"steps_per_epoch": 2}
    assert trivial(regression("mse"), lambda: iter(batches), None, (x, y), **stream) is None
    model = keras.Sequential([keras.Input((3,)), L.Dense(4)])
    model.compile(loss=lambda y, p: keras.ops.mean(p[:, :1] - y[:, :1], axis=-1))
    assert trivial(model, x, np.stack([y, y], 1), (x, np.stack([y, y], 1))) is None


def test_the_model_is_as_it_was():
    x, y = classes_data()
    model = make_model()
    task = keras_task(model, x, y, validation_data=classes_data(1))
    before = [keras.ops.convert_to_numpy(v) for v in (*model.variables, *model.metrics_variables)]
    assert with_trivial(task).facts.trivial.values["loss"] == pytest.approx(np.log(CLASSES), 0.1)
    after = [keras.ops.convert_to_numpy(v) for v in (*model.variables, *model.metrics_variables)]
    assert all(map(np.array_equal, before, after))


def test_sizes_are_those_of_numbers_on_a_scale():
    x, y = numbers()
    wide = np.stack([x[:, 0], 50 + 200 * x[:, 1] ** 2], 1)
    model = keras.Sequential([keras.Input((2,)), L.Dense(1)])
    model.compile(loss="mse")
    found = trivial(model, wide, y, (wide, y))
    assert found.spans["x[:, 1]"] == (float(wide[:, 1].min()), float(wide[:, 1].max()))
    assert found.spans["y"] == (float(y.min()), float(y.max()))
    model = keras.Sequential([keras.Input((2,)), L.Rescaling(0.01), L.Dense(1)])
    model.compile(loss="mse")
    assert list(trivial(model, wide, y, (wide, y)).spans) == ["y"]
