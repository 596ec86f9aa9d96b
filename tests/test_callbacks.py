"""Oracle: what callbacks decide on a curve is what Keras' own objects decide on the same numbers.

Keras' callbacks are driven by hand, epoch by epoch, with a model that has a learning rate and
weights, the number of the epoch, and nothing else.
"""

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from steepest.errors import InputError
from steepest.records import Curves, TaskFacts
from steepest.records.callbacks import Follower, best_by, follow, rates
from steepest.tasks.callback_records import make_callbacks
from steepest.tasks.callbacks import as_text, sort_callbacks

STOP, PLATEAU = keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau
CHECKPOINT, SCHEDULER = keras.callbacks.ModelCheckpoint, keras.callbacks.LearningRateScheduler
EPOCHS = 12


class Rate:
    """A learning rate in single precision, as an optimizer's variable has it."""

    def __init__(self, rate):
        self.learning_rate = rate

    def __setattr__(self, name, value):
        super().__setattr__(name, np.float32(value))


class Stub:
    """All that the callbacks ask of a model; its weights are the epoch that they are of."""

    def __init__(self, rate):
        self.optimizer, self.stop_training, self.epoch, self.metrics = Rate(rate), False, 0, []

    def get_weights(self):
        return self.epoch

    def set_weights(self, epoch):
        self.epoch = epoch


def facts(**changes):
    given = {"metrics": ("accuracy", "odd"), "directions": {"accuracy": "up"}, **changes}
    return TaskFacts("t", "mse", given.pop("metrics"), 1, 10, 10, 0, EPOCHS, 2, **given)


def records(*callbacks, **changes):
    return make_callbacks(sort_callbacks(list(callbacks)), facts(**changes))


def kerass(callbacks, curve, rate):
    """Return the learning rates that epochs train with, and the epoch of the weights at the end."""
    model, used = Stub(rate), []
    for one in callbacks:
        one.set_model(model)
        one.on_train_begin()
    for epoch, value in enumerate(curve):
        for one in callbacks:
            one.on_epoch_begin(epoch)
        used.append(float(model.optimizer.learning_rate))
        model.epoch = epoch + 1
        for one in callbacks:
            one.on_epoch_end(epoch, {"val_loss": value, "loss": value, "val_accuracy": value})
        if model.stop_training:
            break
    for one in callbacks:
        one.on_train_end()
    return used, model.epoch


def ours(callbacks, curve, rate):
    follower, used = Follower(callbacks, rate), []
    for value in curve:
        if follower.stopped:
            break
        used.append(follower.rate)
        follower.see({"loss": value, "training_loss": value, "accuracy": value})
    return used, follower.best or follower.epoch


# Few values, so that there are ties, and values that differ in the last bit of single precision.
VALUES = st.one_of(
    st.sampled_from([0.0, 0.1, 0.2, 0.3, 0.5, 1.0, -1.0, 0.1 + 1e-9, 0.1 + 1e-8, 0.30000001]),
    st.floats(-2, 2, width=32),
    st.just(float("nan")),
)
DELTAS = st.sampled_from([0, 1e-8, 1e-4, 0.1, -0.2])
MODES = st.sampled_from(["auto", "min", "max"])
SMALL = st.integers(0, 4)
STOPS = st.fixed_dictionaries(
    {
        "min_delta": DELTAS,
        "patience": SMALL,
        "mode": MODES,
        "baseline": st.sampled_from([None, 0.1, 0.5]),
        "restore_best_weights": st.booleans(),
        "start_from_epoch": SMALL,
    }
)
PLATEAUS = st.fixed_dictionaries(
    {
        "factor": st.sampled_from([0.1, 0.3, 0.5, 0.9]),
        "patience": SMALL,
        "mode": MODES,
        "min_delta": DELTAS,
        "cooldown": SMALL,
        "min_lr": st.sampled_from([0.0, 1e-3, 0.03, 0.2]),
    }
)


@settings(max_examples=100, deadline=None)
@given(
    curve=st.lists(VALUES, min_size=1, max_size=EPOCHS),
    stops=st.lists(STOPS, max_size=2),
    plateaus=st.lists(PLATEAUS, max_size=2),
    rate=st.sampled_from([0.1, 0.03, 1e-3]),
)
def test_any_curve_is_answered_as_keras_answers_it(curve, stops, plateaus, rate):
    def made():
        return [*(PLATEAU(**one) for one in plateaus), *(STOP(**one) for one in stops)]

    assert ours(records(*made()), curve, rate) == kerass(made(), curve, rate)


@given(
    curve=st.lists(VALUES, min_size=1, max_size=EPOCHS),
    stops=st.lists(STOPS, max_size=2),
    plateaus=st.lists(PLATEAUS, max_size=2),
)
def test_nothing_is_decided_in_epochs_that_are_called_quiet(curve, stops, plateaus):
    callbacks = records(*(PLATEAU(**one) for one in plateaus), *(STOP(**one) for one in stops))
    follower = Follower(callbacks, 0.1)
    until, before = 0, (0.1, False)
    for epoch, value in enumerate(curve):
        now = (follower.rate, follower.stopped)
        if epoch == until:
            until, before = epoch + follower.quiet(), now
        assert now == before
        if follower.stopped:
            break
        follower.see({"loss": value})


@pytest.mark.parametrize(
    "function",
    [
        lambda epoch: 0.1 * 0.5**epoch,
        lambda epoch: 0.3 if epoch < 5 else 0.03,
        lambda epoch, lr: lr * 0.9,
        lambda epoch, lr: max(lr * 0.5, 0.02),
        lambda epoch, lr: np.float32(lr if epoch < 3 else lr * 0.7),
    ],
)
def test_a_scheduler_sets_the_rates_that_it_sets_in_keras(function):
    curve = [1.0] * EPOCHS
    (record,) = callbacks = records(SCHEDULER(function))
    begun = 0.1 if record.relative else record.peak
    assert ours(callbacks, curve, begun)[0] == kerass([SCHEDULER(function)], curve, begun)[0]
    plateau = {"patience": 2, "factor": 0.5}
    both = records(SCHEDULER(function), PLATEAU(**plateau))
    real = [SCHEDULER(function), PLATEAU(**plateau)]
    assert ours(both, curve, begun)[0] == kerass(real, curve, begun)[0]


def test_a_scheduler_that_sets_rates_gives_its_shape_to_another_rate():
    (record,) = callbacks = records(SCHEDULER(lambda epoch: 0.2 / (1 + epoch)))
    assert record.peak == 0.2
    assert not record.relative
    used, _ = ours(callbacks, [1.0] * EPOCHS, 0.01)
    assert used == pytest.approx([0.01 / (1 + epoch) for epoch in range(EPOCHS)], rel=1e-6)


def test_whose_weights_training_gives():
    first, second = STOP(restore_best_weights=True), STOP("loss", restore_best_weights=True)
    kept = CHECKPOINT("a.keras", "val_accuracy", save_best_only=True)
    assert best_by(records(STOP(patience=3))) is None
    assert best_by(records(first, second)).monitor == "training_loss"
    assert best_by(records(first, kept)).kind == "EarlyStopping"
    assert best_by(records(STOP(), kept)).monitor == "accuracy"
    assert ours(records(kept), [0.1, 0.5, 0.5, 0.2], 0.1)[1] == 2
    least = CHECKPOINT("a.keras", save_best_only=True, initial_value_threshold=0.05)
    assert ours(records(least), [0.3, 0.1, 0.2], 0.1)[1] == 3  # never saved: what is in the model


def test_a_curve_that_was_kept_gives_the_same_again():
    callbacks = records(PLATEAU(patience=1, factor=0.5), STOP(patience=3))
    losses = (1.0, 0.8, 0.9, 0.85, 0.9)
    epochs = tuple(range(1, 6))
    curves = Curves(epochs, epochs, losses, losses, {})
    used, _ = ours(callbacks, losses, 0.1)
    assert rates(callbacks, curves, 0.1) == used
    assert follow(callbacks, curves).stopped
    assert not follow(callbacks, curves.upto(4)).stopped


def test_texts_mean_what_objects_mean():
    for text, one in (
        ("EarlyStopping(patience=5)", STOP(patience=5)),
        (
            "keras.callbacks.EarlyStopping('val_accuracy', 0.01, 3, restore_best_weights=True)",
            STOP("val_accuracy", 0.01, 3, restore_best_weights=True),
        ),
        ("ReduceLROnPlateau(factor=0.5, min_lr=1e-5)", PLATEAU(factor=0.5, min_lr=1e-5)),
        ("ModelCheckpoint(save_best_only=True)", CHECKPOINT("a.keras", save_best_only=True)),
        ("TerminateOnNaN()", keras.callbacks.TerminateOnNaN()),
    ):
        assert records(text) == records(one)
        for kind, arguments in sort_callbacks(one).known:
            assert records(as_text(kind, arguments)) == records(one)


@pytest.mark.slow  # it imports Lightning
def test_lightnings_mean_what_keras_mean():
    lightning = pytest.importorskip("lightning.pytorch.callbacks")
    stop = lightning.EarlyStopping("val_loss", min_delta=0.1, patience=2, mode="min")
    assert records(stop) == records(STOP(min_delta=0.1, patience=2))
    kept = lightning.ModelCheckpoint(monitor="val_accuracy", mode="max", save_top_k=1)
    assert records(kept) == records(CHECKPOINT("a.keras", "val_accuracy", save_best_only=True))
    with pytest.raises(InputError, match="without thresholds"):
        records(lightning.EarlyStopping("val_loss", stopping_threshold=0.1))


def test_what_only_watches_is_left_out_and_said():
    given = sort_callbacks(
        [keras.callbacks.CSVLogger("log.csv"), CHECKPOINT("a.keras"), STOP(patience=2)]
    )
    assert [kind for kind, _ in given.known] == ["EarlyStopping"]
    assert given.own == ()
    first, second = given.notes
    assert first.startswith("the callback CSVLogger writes a file")
    assert second == (
        "the callback ModelCheckpoint writes a file after each epoch, so trials train without it"
    )


def test_callbacks_of_ones_own_are_known_as_such():
    class Mine(STOP):
        pass

    given = sort_callbacks([Mine(), keras.callbacks.LambdaCallback()])
    assert given.known == ()
    assert given.why == (
        "the callbacks Mine and LambdaCallback are called by Keras' fit alone, so trials train one "
        "at a time through it, each with copies; without them they would train in one compiled "
        "program, which is faster"
    )
    assert (
        given.fingerprint == sort_callbacks([Mine(), keras.callbacks.LambdaCallback()]).fingerprint
    )
    assert given.fingerprint != sort_callbacks([Mine()]).fingerprint


def _named(value):
    """Return a name that is the same in each process."""
    return value if isinstance(value, str) else type(value).__name__


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (3, "callbacks has 3, but must hold callbacks of Keras"),
        (STOP(monitor="accuracy"), "EarlyStopping monitors 'accuracy', which is not measured"),
        (STOP(monitor="val_odd"), "nobody knows whether larger is better; give it mode='max'"),
        ("Stop(patience=3)", "is not known as text; write EarlyStopping"),
        ("EarlyStopping(patient=3)", "callbacks has the argument patient, which is not known"),
        ("EarlyStopping(patience='long')", "EarlyStopping's patience is 'long', but must be"),
        ("EarlyStopping(patience=best)", "write plain values, or give Keras' object"),
        ("ReduceLROnPlateau(factor=2)", "ReduceLROnPlateau's factor is 2, but must be below 1"),
        ("ModelCheckpoint('a.keras')", "which would only write files"),
        (CHECKPOINT("a.keras", save_best_only=True, save_freq=10), "save_freq is 10, but trials"),
        (SCHEDULER(lambda epoch: "fast"), "gives 'fast' for epoch 0, but must give a float"),
        (SCHEDULER(lambda epoch: 1 / (3 - epoch)), "fails for epoch 3: ZeroDivisionError"),
        (SCHEDULER(lambda epoch: 0.0), "never gives a rate above 0"),
    ],
    ids=_named,
)
def test_what_cannot_be_used_is_one_sentence(one, said):
    with pytest.raises(InputError) as caught:
        records(one)
    assert said in str(caught.value)
