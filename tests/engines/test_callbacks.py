"""Oracle: under callbacks a member trains as Keras' own `fit` with the real callbacks trains.

One `fit` over all epochs, with the same initial weights and the same batches in the same order:
losses, learning rates, the epoch where it stops, and the weights that are in the model after it.
"""

import keras
import numpy as np
import pytest
from callbacks_in_fit import EPOCHS, config, curve, equal, program_of, theirs
from small import BATCH, Batches, classes_data, make_model, make_task

from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.records import Curves
from steepest.records.callbacks import follow, rates
from steepest.tasks.keras.task import keras_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

STOP, PLATEAU = keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau
SCHEDULER = keras.callbacks.LearningRateScheduler

# What makes the callbacks anew for each training, as they remember what they saw, and the rate.
SETTINGS = {
    "stop": (lambda: [STOP(patience=2)], 0.3),
    "stop at once": (lambda: [STOP(monitor="val_accuracy", patience=0)], 0.3),
    "restored": (lambda: [STOP(patience=3, restore_best_weights=True)], 0.3),
    "restored, not stopped": (lambda: [STOP(patience=50, restore_best_weights=True)], 0.3),
    "late": (lambda: [STOP(patience=1, start_from_epoch=5, restore_best_weights=True)], 0.3),
    "baseline": (lambda: [STOP(patience=3, baseline=0.01)], 0.05),
    "min_delta": (lambda: [STOP(monitor="loss", min_delta=0.02, patience=2)], 0.02),
    "accuracy": (
        lambda: [STOP("val_accuracy", 0.001, 2, mode="max", restore_best_weights=True)],
        0.1,
    ),
    "the wrong way": (lambda: [STOP("val_loss", mode="max", patience=2)], 0.1),
    "plateau": (lambda: [PLATEAU(factor=0.3, patience=1)], 0.3),
    "cooldown": (lambda: [PLATEAU(factor=0.5, patience=1, cooldown=2, min_delta=0.05)], 0.3),
    "min_lr": (lambda: [PLATEAU(factor=0.1, patience=1, min_lr=0.02, min_delta=0.1)], 0.3),
    "impatient": (lambda: [PLATEAU(monitor="val_accuracy", factor=0.7, patience=0)], 0.3),
    "plateau, then stop": (
        lambda: [
            PLATEAU(factor=0.2, patience=1, min_delta=0.01),
            STOP(patience=3, restore_best_weights=True, min_delta=0.01),
        ],
        0.3,
    ),
    "two": (lambda: [STOP(patience=4, restore_best_weights=True), STOP("loss", patience=2)], 0.5),
    "scheduler of the rate": (lambda: [SCHEDULER(lambda epoch, lr: lr * 0.8)], 0.2),
    "scheduler": (lambda: [SCHEDULER(lambda epoch: 0.2 if epoch < 4 else 0.02)], 0.2),
    "scheduler and plateau": (
        lambda: [
            SCHEDULER(lambda epoch, lr: lr if epoch < 4 else lr * 0.9),
            PLATEAU(factor=0.5, patience=1, min_delta=0.01),
        ],
        0.3,
    ),
}


CHANGES = ("plateau", "cooldown", "min_lr", "impatient", "scheduler")  # the learning rate
WHOLE = (  # those that train to the last epoch
    *("restored, not stopped", "plateau", "cooldown", "min_lr", "impatient"),
    *("scheduler of the rate", "scheduler", "scheduler and plateau"),
)


def advance(task, population, stops):
    """Return state and measured values `[members, epochs]` after some calls of `advance`."""
    program = program_of(task, population.config(0))
    state, found = program.begin(population), []
    for stop in stops:
        before = state.epoch
        state, measured = program.advance(population, state, stop)
        assert (measured.trained == state.epoch - before).all()
        found.append([measured.values, measured.trained])
    return program, state, found


def as_curves(values):
    epochs = tuple(range(1, len(values["loss"]) + 1))
    training, loss, accuracy = (
        tuple(map(float, values[name])) for name in ("training_loss", "loss", "accuracy")
    )
    return Curves(epochs, epochs, training, loss, {"accuracy": accuracy})


@pytest.mark.parametrize("name", SETTINGS)
def test_a_member_trains_as_fit_does_with_the_callback(name):
    made, rate = SETTINGS[name]
    task = make_task(make_model(), epochs=EPOCHS, callbacks=made())
    population = Population.of([config(rate)])
    program, state, found = advance(task, population, (6, EPOCHS))
    mine = curve(found)
    history, used, model = theirs(task, made(), rate)

    # Each setting has to be decided by its callback, or it would show nothing.
    assert (len(history["loss"]) == EPOCHS) == (name in WHOLE)
    assert min(used) < max(used) or not any(word in name for word in CHANGES)
    assert len(mine["loss"]) == len(history["loss"]) == int(state.epoch[0])
    assert mine["training_loss"] == pytest.approx(np.array(history["loss"]), rel=2e-3)
    assert mine["loss"] == pytest.approx(np.array(history["val_loss"]), rel=2e-3)
    assert mine["accuracy"] == pytest.approx(np.array(history["val_accuracy"]), abs=1e-6)
    assert rates(task.callbacks, as_curves(mine), rate) == pytest.approx(used, rel=1e-6)
    # What `fit` leaves in the model is what is measured and reported.
    given = program.measure(population, state, "validation")[0]
    left = model.evaluate(*classes_data(1), batch_size=BATCH, verbose=0, return_dict=True)
    assert given["loss"] == pytest.approx(left["loss"], rel=2e-3)
    best = follow(task.callbacks, as_curves(mine)).best
    assert mine["loss"][best - 1 if best else -1] == pytest.approx(left["loss"], rel=2e-3)


@pytest.fixture(scope="module")
def under_both():
    """A task under two callbacks, and configurations that meet them at different epochs."""
    callbacks = [PLATEAU(factor=0.3, patience=1), STOP(patience=3, restore_best_weights=True)]
    task = make_task(make_model(), epochs=EPOCHS, callbacks=callbacks)
    return task, [config(rate, seed) for rate in (0.5, 0.2, 0.02) for seed in (1, 2)]


def test_members_know_nothing_of_each_other(under_both):
    task, configs = under_both
    _, state, found = advance(task, Population.of(configs), (EPOCHS,))
    assert len(set(state.epoch.tolist())) > 1  # or it would show nothing
    for member, one in enumerate(configs):
        _, alone, own = advance(task, Population.of([one]), (EPOCHS,))
        assert equal(alone, state.take([member]))
        for name, values in curve(own).items():
            assert np.array_equal(values, curve(found, member)[name])


def test_cut_anywhere_it_goes_on_as_if_it_had_not_been(under_both):
    task, configs = under_both
    population = Population.of(configs)
    _, whole, found = advance(task, population, (EPOCHS,))
    _, cut, pieces = advance(task, population, range(1, EPOCHS + 1))
    assert equal(whole, cut)
    for member in range(len(configs)):
        for name, values in curve(pieces, member).items():
            assert np.array_equal(values, curve(found, member)[name])


def test_what_is_told_on_the_way_is_where_it_can_go_on(under_both):
    task, configs = under_both
    population = Population.of(configs)
    program = program_of(task, configs[0])
    told, kept = [], []

    def tell(epochs, so_far=None):
        told.append(epochs)
        if so_far is not None:
            kept.append(so_far())

    whole, measured = program.advance(population, program.begin(population), EPOCHS, tell)
    assert 0 < sum(told) <= measured.trained.sum()
    places, state, _ = kept[len(kept) // 2]
    assert isinstance(state, State)
    assert list(places) == list(range(len(configs)))
    again, _ = program.advance(population, state, EPOCHS)
    assert equal(whole, again)


def test_a_stream_is_read_for_those_who_go_on():
    """Members of one stream that stop at different epochs train as each would alone."""
    x, y = classes_data()
    batches = [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, 96, BATCH)]
    callbacks = [PLATEAU(factor=0.3, patience=1), STOP(patience=2, restore_best_weights=True)]
    task = keras_task(
        make_model(),
        Batches(batches),
        validation_data=classes_data(1),
        epochs=EPOCHS,
        callbacks=callbacks,
    )
    configs = [config(0.5), config(0.05), config(0.2)]
    _, state, found = advance(task, Population.of(configs), (6, EPOCHS))
    assert len(set(state.epoch.tolist())) > 1
    for member, one in enumerate(configs):
        _, _, own = advance(task, Population.of([one]), (EPOCHS,))
        values = curve(found, member)
        assert np.allclose(curve(own)["loss"], values["loss"], rtol=1e-5)
        seen = follow(task.callbacks, as_curves(values))
        assert seen.stopped == (len(values["loss"]) < EPOCHS)
