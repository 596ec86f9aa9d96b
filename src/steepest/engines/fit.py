"""A population that trains through Keras' own `fit`, one member after the other, on any backend.

    for each member, for each epoch:
        fit on the examples in the member's order; evaluate on the validation set

The optimizer is made by the very code that is there to paste, so what is measured is what is
pasted. Members do not know of each other: what one was is put into the model before it trains and
taken out after, and the model itself is handed back as the person had it.
"""

import contextlib
import importlib
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from steepest.engines import backends
from steepest.engines.engine import Key, Program, Tell, silent
from steepest.engines.optimizers import Optimizers, Ready
from steepest.engines.sets import sets_of
from steepest.engines.state import Advance, State
from steepest.engines.width import budget
from steepest.errors import InputError, TaskError
from steepest.records import Config, Population
from steepest.tasks import arrays, fitted, sources
from steepest.tasks.checks import gist, own_step
from steepest.tasks.fitted import FitTask, borrowed
from steepest.tasks.initial import values_of
from steepest.tasks.order import epoch_order
from steepest.tasks.stream import Data, Stream
from steepest.tasks.task import Arrays


class FitEngine:
    """Trains populations of a task that only Keras' `fit` can train."""

    workers = 1  # the model is one, and `fit` uses the cores itself

    def __init__(self, task: FitTask, *, memory: int | None = None) -> None:
        self.task = task
        self.memory = budget(memory)
        self.facts = task.facts
        backend = task.keras.backend.backend()
        self.packages = backends.packages(backend)
        self.device = backends.device(backend)
        self.optimizers = Optimizers(task)
        self._seeded = False

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return sets_of(self.task)

    def prepare(
        self,
        configs: Mapping[Key, Config],
        epochs: int = 0,  # noqa: ARG002
    ) -> Mapping[Key, Program]:
        """Return the programs. What they compile is compiled when a trial starts.

        Raises:
            InputError: there is no Keras code for a rule, or Keras' own is wrong on this backend.
        """
        for config in configs.values():
            self.optimizers.source(config)
        return {key: FitProgram(self) for key in configs}

    @contextlib.contextmanager
    def model(self) -> Iterator[Any]:
        """Lend the model; what goes wrong in it is one sentence."""
        try:
            with borrowed(self.task.keras, self.task.model) as model:
                yield model
        except (InputError, TaskError):
            raise
        except Exception as error:
            raise TaskError(f"Keras' fit failed in a trial: {gist(error)}") from error

    def seed_once(self) -> None:
        """Set TensorFlow's own seed before its first training."""
        keras = self.task.keras
        if not self._seeded and keras.backend.backend() == "tensorflow":
            before, numpy_before = random.getstate(), np.random.get_state()
            keras.utils.set_random_seed(0)
            random.setstate(before)
            np.random.set_state(numpy_before)
        self._seeded = True

    def load(self, model: Any, optimizer: Any, state: State) -> None:
        """Put the one member of `state` into the model and the optimizer."""
        put(model.trainable_variables, state.weights)
        put(model.non_trainable_variables, state.variables)
        put(optimizer.variables, state.memory)


def put(variables: Any, values: Any) -> None:
    """Assign the first of `[members, ...]` to each variable."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value[0])


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


@dataclass(frozen=True)
class FitProgram:
    """The training of one rule through `fit`."""

    engine: FitEngine
    capacity: int = 1
    whole: bool = False
    compile_seconds: float = 0.0  # part of each trial's own seconds

    def begin(self, population: Population) -> State:
        """Return the state of an untrained population."""
        engine = self.engine
        drawn = {int(seed): engine.task.initialize(int(seed)) for seed in set(population.seeds)}
        members = []
        with engine.model() as model:
            for member in range(len(population)):
                config = population.config(member)
                weights, variables = drawn[config.seed]
                put(model.trainable_variables, [w[None] for w in weights])
                members.append((weights, engine.optimizers.start(config, model), variables))
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
        names = ("training_loss", "loss", *self.engine.facts.metrics)
        shape = (len(state), max(0, stop - first))
        values = {name: np.full(shape, np.nan, np.float32) for name in names}
        after = []
        with self.engine.model() as model:
            self.engine.seed_once()
            for member in range(len(state)):
                config, one = population.config(member), state.take([member])
                one, rows = self._train(model, config, one, stop, tell)
                after.append(one)
                for epoch, row in rows.items():
                    for name in names:
                        values[name][member, epoch - first] = row[name]
        joined = State.join(after) if after else state
        seconds = time.perf_counter() - started
        return joined, Advance(values, joined.epoch - state.epoch, seconds)

    def _train(
        self, model: Any, config: Config, state: State, stop: int, tell: Tell
    ) -> tuple[State, dict[int, dict[str, float]]]:
        """Train one member; return its new state, and for each epoch what was measured."""
        engine, facts = self.engine, self.engine.facts
        epoch, alive = int(state.epoch[0]), bool(state.alive[0])
        rows: dict[int, dict[str, float]] = {}
        if epoch >= stop or not alive:
            return state, rows
        ready = engine.optimizers.ready(config, model)
        engine.load(model, ready.optimizer, state)
        while epoch < stop and alive:
            with _seeded(engine.task, config.seed, epoch):
                row = self._epoch(model, config, ready, epoch)
            alive = bool(np.isfinite(row["training_loss"]) and np.isfinite(row["loss"]))
            rows[epoch] = row
            epoch += 1
            tell(1)
        keras = engine.task.keras
        memory = values_of(keras, ready.optimizer.variables)
        if all(np.array_equal(a, b[0]) for a, b in zip(memory, state.memory, strict=True)):
            raise TaskError(
                "the model's train_step never calls self.optimizer, so optimizers cannot be "
                "compared on it; let it take its step by the optimizer that it was compiled with"
            )
        weights = values_of(keras, model.trainable_variables)
        variables = values_of(keras, model.non_trainable_variables)
        steps = epoch * facts.steps_per_epoch
        one = (weights, memory, variables, np.int32(steps), np.int32(epoch), np.bool_(alive))
        return State(*jax.tree.map(lambda a: a[None], one)), rows

    def _epoch(self, model: Any, config: Config, ready: Ready, epoch: int) -> dict[str, float]:
        """Train an epoch and evaluate; the weights that train are in the model afterwards."""
        task, facts = self.engine.task, self.engine.facts
        training: Arrays = []

        def keep(*_: Any) -> None:
            training[:] = values_of(task.keras, model.trainable_variables)

        # At the end of fit Keras puts the average into the weights; training goes on from those
        # that the last step made.
        callback = task.keras.callbacks.LambdaCallback(on_epoch_end=keep)
        averaged = "ema" in config.numbers
        data = task.training
        if not isinstance(data, Stream):
            data = arrays.rows(data, epoch_order(config.seed, epoch, facts.training_examples))
        values = fitted.train(
            model, data, facts.batch_size, [callback] if averaged else None, (config.seed, epoch)
        )
        loss = fitted.told(values, "fit", own_step(task.keras, model))
        if averaged:
            self._own_copies(model)
        else:
            keep()
        measured = self._measure(model, ready, task.validation)
        put(model.trainable_variables, [w[None] for w in training])
        return {"training_loss": loss, **measured}

    def _own_copies(self, model: Any) -> None:
        """Give the weights memory of their own.

        What Keras puts there is the optimizer's average itself, and JAX may write over weights that
        it is given to evaluate.
        """
        weights = model.trainable_variables
        put(weights, [w[None] for w in values_of(self.engine.task.keras, weights)])

    def _measure(self, model: Any, ready: Ready, batch: Any) -> dict[str, float]:
        """Evaluate, at the average where the optimizer's code says that this is evaluated."""
        task, facts = self.engine.task, self.engine.facts
        if "evaluated" in ready.names:
            shown = [ready.names["evaluated"](v) for v in model.trainable_variables]
            for variable, value in zip(model.trainable_variables, shown, strict=True):
                variable.assign(value)
        size = min(facts.batch_size, sources.examples_of(batch))
        values = fitted.measure(model, batch, size)
        loss = fitted.told(values, "evaluate", own_step(task.keras, model))
        return {"loss": loss, **{name: float(values[name]) for name in facts.metrics}}

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""
        engine, found, data = self.engine, [], self.engine.sets[on]
        with engine.model() as model:
            for member in range(len(state)):
                config, one = population.config(member), state.take([member])
                ready = engine.optimizers.ready(config, model)
                engine.load(model, ready.optimizer, one)
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
