"""Callbacks of a person's own: each trial has copies, which hear what they hear in one `fit`."""

import keras
import numpy as np
import pytest
from callbacks_in_fit import EPOCHS, config, theirs
from small import make_model, make_task

from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.errors import InputError, TrialError
from steepest.tasks.keras.fit_task import FitTask

pytestmark = pytest.mark.slow


CALLED = []  # all copies, in the order in which their trials begin


class Mine(keras.callbacks.Callback):
    """Halves the rate where the loss rose, stops after three such epochs, keeps what it heard."""

    def __init__(self):
        super().__init__()
        self.before, self.rises, self.heard, self.batches = np.inf, 0, [], 0

    def on_train_begin(self, logs=None):
        self.heard.append("begin")
        CALLED.append(self)

    def on_epoch_begin(self, epoch, logs=None):
        self.heard.append(epoch)

    def on_train_batch_end(self, batch, logs=None):
        self.batches += 1

    def on_epoch_end(self, epoch, logs=None):
        self.heard.append(sorted(logs))
        if logs["val_loss"] > self.before:
            self.rises += 1
            rate = self.model.optimizer.learning_rate
            rate.assign(float(rate) / 2)
        self.before = logs["val_loss"]
        self.model.stop_training = self.rises == 3

    def on_train_end(self, logs=None):
        self.heard.append("end")


@pytest.fixture(autouse=True)
def forgotten():
    CALLED.clear()


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(), epochs=EPOCHS, callbacks=[Mine()])


def trained(task, configs, stops):
    population = Population.of(configs)
    program = make_engine(task).prepare({0: configs[0]})[0]
    state, found = program.begin(population), []
    for stop in stops:
        state, measured = program.advance(population, state, stop)
        found.append(measured)
    return state, found


def losses(found, member, name="loss"):
    return np.concatenate([one.values[name][member, : int(one.trained[member])] for one in found])


def test_a_trial_trains_as_one_fit_with_the_callback(task):
    """Two trials take turns, in pieces."""
    assert isinstance(task, FitTask)
    assert "the callback Mine is called by Keras' fit alone" in task.why
    configs = [config(0.3), config(0.02)]
    state, found = trained(task, configs, (4, 9, EPOCHS))
    ours = list(CALLED)
    for member, rate in enumerate((0.3, 0.02)):
        one = Mine()
        history, _, model = theirs(task, [one], rate)
        epochs = len(history["loss"])
        assert int(state.epoch[member]) == epochs
        loss, training = losses(found, member), losses(found, member, "training_loss")
        assert loss == pytest.approx(np.array(history["val_loss"]), rel=2e-3)
        assert training == pytest.approx(np.array(history["loss"]), rel=2e-3)
        assert ours[member].heard == one.heard
        assert ours[member].batches == one.batches
        for mine, value in zip(state.weights, model.trainable_variables, strict=True):
            assert mine[member] == pytest.approx(np.asarray(value), rel=2e-2, abs=5e-3)
    assert int(state.epoch[0]) < EPOCHS  # or stopping is not shown
    assert not state.goes_on(0)


def test_known_callbacks_beside_it_mean_what_they_mean():
    callbacks = [keras.callbacks.LambdaCallback(), keras.callbacks.EarlyStopping(patience=2)]
    task = make_task(make_model(), epochs=EPOCHS, callbacks=callbacks)
    assert isinstance(task, FitTask)
    state, found = trained(task, [config(0.3)], (5, EPOCHS))
    history, _, _ = theirs(task, [keras.callbacks.EarlyStopping(patience=2)], 0.3)
    assert len(history["loss"]) == int(state.epoch[0]) < EPOCHS
    assert losses(found, 0) == pytest.approx(np.array(history["val_loss"]), rel=2e-3)


def test_a_rate_that_is_set_reaches_fit():
    """The same callbacks by `fit`, where the learning rate is a variable of the optimizer."""
    plateau = {"factor": 0.3, "patience": 1}
    callbacks = [keras.callbacks.LambdaCallback(), keras.callbacks.ReduceLROnPlateau(**plateau)]
    task = make_task(make_model(), epochs=EPOCHS, callbacks=callbacks)
    _, found = trained(task, [config(0.3)], (5, EPOCHS))
    history, used, _ = theirs(task, [keras.callbacks.ReduceLROnPlateau(**plateau)], 0.3)
    assert min(used) < max(used)
    assert losses(found, 0) == pytest.approx(np.array(history["val_loss"]), rel=2e-3)


def test_what_another_process_began_starts_anew(task):
    """Its state is there, but not what its callbacks had seen."""
    engine = make_engine(task)
    assert engine.forgets
    population = Population.of([config(0.1)])
    program = engine.prepare({0: config(0.1)})[0]
    state, _ = program.advance(population, program.begin(population), 2)
    other = make_engine(task).prepare({0: config(0.1)})[0]
    with pytest.raises(TrialError, match="what its callbacks had seen is lost"):
        other.advance(population, state, 4)


def test_what_cannot_be_copied_is_refused():
    class Held(keras.callbacks.Callback):
        def __deepcopy__(self, memory):
            raise RuntimeError("it holds a socket")

    task = make_task(make_model(), callbacks=[Held()])
    with pytest.raises(InputError, match="the callback Held cannot be copied"):
        trained(task, [config(0.1)], (1,))


def test_the_model_is_left_as_it_was(task):
    before = [np.asarray(v).copy() for v in task.model.variables]
    trained(task, [config(0.1)], (2,))
    after = [np.asarray(v) for v in task.model.variables]
    assert all(map(np.array_equal, before, after))
