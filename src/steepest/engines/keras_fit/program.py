"""Members that train through `fit`, one after another: put into the model, trained, taken out."""

import contextlib
import importlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import jax
import numpy as np

from steepest.data import arrays, sources
from steepest.data.arrays import Arrays
from steepest.data.order import epoch_order
from steepest.data.stream import Stream
from steepest.engines.keras_fit.lent_model import LentModel, put
from steepest.engines.keras_fit.optimizers import Ready
from steepest.engines.keras_fit.own_callbacks import Copies, during_fit, end_epoch
from steepest.engines.population import Population
from steepest.engines.protocol import Tell, silent
from steepest.engines.state import Advance, State
from steepest.errors import TaskError
from steepest.records import Config
from steepest.tasks.keras import fit_task
from steepest.tasks.keras.checks import own_step
from steepest.tasks.keras.fit_task import FitTask
from steepest.tasks.keras.initial_weights import values_of


def _heeding(keras: Any, tell: Tell) -> Any:
    """Return a callback that asks before each batch whether to end.

    Keras calls it where it stands, and goes on handing over logs at its leisure (`async_safe`).
    """

    class Heeding(keras.callbacks.Callback):  # type: ignore[misc]
        async_safe = True

        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            tell(0)

        def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            tell(0)

    return Heeding()


@contextlib.contextmanager
def _seeded(task: FitTask, seed: int, epoch: int) -> Iterator[None]:
    """Seed what draws from global generators, such as a `train_step` of one's own.

    Layers have streams of their own, which are in a member's state. Python's, NumPy's and
    PyTorch's generators go on afterwards from where they were.
    """
    backend = task.keras.backend.backend()
    torch = importlib.import_module("torch") if backend == "torch" else None
    before, numpy_before = random.getstate(), np.random.get_state()
    torch_before = torch.get_rng_state() if torch else None
    number = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
    if backend == "tensorflow":
        # TensorFlow throws its compiled kernels away with the seed, and a compiled step does not
        # ask for it again; it is set once, by `advance`.
        random.seed(number)
        np.random.seed(number)
    else:
        task.keras.utils.set_random_seed(number)
    try:
        yield
    finally:
        random.setstate(before)
        np.random.set_state(numpy_before)
        if torch:
            torch.set_rng_state(torch_before)


def _begun(config: Config, state: State) -> Config:
    """Return the config that a trial began with, where callbacks have changed its rate."""
    if state.seen is None:
        return config
    values = {**config.hyperparameters, "learning_rate": float(state.seen["rate"][0])}
    return replace(config, hyperparameters=values)


@dataclass(frozen=True)
class FitProgram:
    """The training of one rule through `fit`."""

    lent: LentModel
    capacity: int = 1
    whole: bool = False
    places: int = 1
    compile_seconds: float = 0.0  # part of each trial's own seconds
    together: None = None

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        lent = self.lent
        drawn = {int(seed): lent.task.initialize(int(seed)) for seed in set(population.seeds)}
        members = []
        with lent.borrow() as model:
            for member in range(len(population)):
                config = population.config(member)
                weights, variables = drawn[config.seed]
                put(model.trainable_variables, [w[None] for w in weights])
                members.append((weights, lent.optimizers.start(config, model), variables))
        weights, memory, variables = jax.tree.map(lambda *leaves: np.stack(leaves), *members)
        count = len(population)
        zeros = np.zeros(count, np.int32)
        return State(weights, memory, variables, zeros, zeros, np.ones(count, bool))

    def advance(
        self, population: Population, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured."""
        started = time.perf_counter()
        first = int(state.epoch.min()) if len(state) else 0
        names = ("training_loss", "loss", *self.lent.facts.metrics)
        shape = (len(state), max(0, stop - first))
        values = {name: np.full(shape, np.nan, np.float32) for name in names}
        after = []
        with self.lent.borrow() as model:
            self.lent.seed_once()
            for member in range(len(state)):
                config, one = population.config(member), state.take([member])
                rows: dict[int, dict[str, float]] = {}

                def measured(before: State, now: State, members: Sequence[int]) -> Advance:
                    for epoch, row in rows.items():  # noqa: B023 (it is called in this turn)
                        for name in names:
                            values[name][members[0], epoch - first] = row[name]
                    own = {name: a[list(members)] for name, a in values.items()}
                    seconds = time.perf_counter() - started
                    return Advance(own, now.epoch - before.epoch, seconds)

                def so_far(
                    now: State, member: int = member, before: State = one
                ) -> tuple[Sequence[int], State, Advance]:
                    return [member], now, measured(before, now, [member])

                one = self._train(model, config, one, stop, rows, tell, so_far)
                measured(one, one, [member])
                after.append(one)
        joined = State.join(after) if after else state
        seconds = time.perf_counter() - started
        return joined, Advance(values, joined.epoch - state.epoch, seconds)

    def _train(
        self,
        model: Any,
        config: Config,
        state: State,
        stop: int,
        rows: dict[int, dict[str, float]],
        tell: Tell,
        so_far: Callable[[State], tuple[Sequence[int], State, Advance]],
    ) -> State:
        """Train one member; return its new state, and put into `rows` what epochs measured."""
        lent = self.lent
        epoch, alive = int(state.epoch[0]), bool(state.alive[0])
        if epoch >= stop or not alive:
            return state
        ready = lent.load(model, config, state)
        copies, stopped = lent.own.of(_begun(config, state), epoch, model), False
        while epoch < stop and alive and not stopped:
            with _seeded(lent.task, config.seed, epoch):
                row, stopped = self._epoch(model, config, ready, epoch, tell, copies)
            alive = bool(np.isfinite(row["training_loss"]) and np.isfinite(row["loss"]))
            rows[epoch] = row
            epoch += 1
            stands = partial(self._stands, model, ready, epoch, alive)
            tell(1, lambda: so_far(stands()))  # noqa: B023 (it is called at once)
        after = self._stands(model, ready, epoch, alive)
        if copies is not None:
            after = replace(after, seen={"stopped": np.array([stopped])})
        before = jax.tree.leaves(state.memory)
        if all(map(np.array_equal, jax.tree.leaves(after.memory), before)):
            raise TaskError(
                "the model's train_step never calls self.optimizer, so optimizers cannot be "
                "compared on it; let it take its step by the optimizer that it was compiled with"
            )
        return after

    def _stands(self, model: Any, ready: Ready, epoch: int, alive: bool) -> State:
        """Return where the one member in the model stands."""
        keras = self.lent.task.keras
        memory = values_of(keras, ready.optimizer.variables)
        weights = values_of(keras, model.trainable_variables)
        variables = values_of(keras, model.non_trainable_variables)
        steps = epoch * self.lent.facts.steps_per_epoch
        one = (weights, memory, variables, np.int32(steps), np.int32(epoch), np.bool_(alive))
        return State(*jax.tree.map(lambda a: np.array(a)[None], one))

    def _epoch(
        self,
        model: Any,
        config: Config,
        ready: Ready,
        epoch: int,
        tell: Tell,
        copies: Copies | None,
    ) -> tuple[dict[str, float], bool]:
        """Train an epoch and evaluate; the weights that train are in the model afterwards.

        Returned with what was measured is whether callbacks of the person's own stop the trial.
        """
        task, facts = self.lent.task, self.lent.facts
        training: Arrays = []

        def keep(*_: Any) -> None:
            training[:] = values_of(task.keras, model.trainable_variables)

        # At the end of fit Keras puts the average into the weights; training goes on from those
        # that the last step made.
        callback = task.keras.callbacks.LambdaCallback(on_epoch_end=keep)
        averaged = "ema" in config.numbers
        data = task.training
        if not isinstance(data, Stream):
            data = arrays.rows(
                data, epoch_order(config.seed, epoch, facts.training_examples, facts.shuffle)
            )
        always = [_heeding(task.keras, tell)]
        if copies is not None:
            always.append(during_fit(task.keras, copies, epoch))
        callbacks = [*always, callback] if averaged else always
        values = fit_task.train(model, data, facts.batch_size, callbacks, (config.seed, epoch))
        loss = fit_task.told(values, "fit", own_step(task.keras, model))
        if averaged:
            self._own_copies(model)
        else:
            keep()
        measured = self._measure(model, ready, task.validation, always)
        put(model.trainable_variables, [w[None] for w in training])
        stopped = False
        if copies is not None:
            logs = {**values, **{f"val_{name}": value for name, value in measured.items()}}
            stopped = end_epoch(copies, model, epoch, facts.epochs, logs)
        return {"training_loss": loss, **measured}, stopped

    def _own_copies(self, model: Any) -> None:
        """Give the weights memory of their own.

        What Keras puts there is the optimizer's average itself, and JAX may write over weights that
        it is given to evaluate.
        """
        weights = model.trainable_variables
        put(weights, [w[None] for w in values_of(self.lent.task.keras, weights)])

    def _measure(
        self, model: Any, ready: Ready, batch: Any, callbacks: Any = None
    ) -> dict[str, float]:
        """Evaluate, at the average where the optimizer's code says that this is evaluated."""
        task, facts = self.lent.task, self.lent.facts
        if "evaluated" in ready.names:
            shown = [ready.names["evaluated"](v) for v in model.trainable_variables]
            for variable, value in zip(model.trainable_variables, shown, strict=True):
                variable.assign(value)
        size = min(facts.batch_size, sources.examples_of(batch))
        values = fit_task.measure(model, batch, size, callbacks)
        loss = fit_task.told(values, "evaluate", own_step(task.keras, model))
        return {"loss": loss, **{name: float(values[name]) for name in facts.metrics}}

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        found: list[dict[str, float]] = []
        data = self.lent.sets[on]
        with self.lent.borrow() as model:
            for member in range(len(state)):
                config, one = population.config(member), state.take([member])
                ready = self.lent.load(model, config, one)
                if "ema" in config.numbers:
                    ready.optimizer.finalize_variable_values(model.trainable_variables)
                    self._own_copies(model)
                found.append(self._measure(model, ready, data))
        return found

    def update_seconds(
        self,
        population: Population,  # noqa: ARG002
        state: State,  # noqa: ARG002
    ) -> tuple[float, ...]:
        """Return nothing: the framework's step is in one piece."""
        return ()
