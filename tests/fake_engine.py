"""An engine whose losses are a formula, so that a search is tested without training anything."""

import math
import time
from dataclasses import replace

import numpy as np

from steepest.engines.protocol import silent, unheard
from steepest.engines.state import Advance, State
from steepest.options import Options
from steepest.plan import make_plan
from steepest.records import TaskFacts
from steepest.search import search
from steepest.search.runner import program_key

STEPS_PER_EPOCH = 10


def bowl(best=-1.5, power=0.5, noise=0.0, floor=0.1, worse=None):
    """Return a loss by configuration and epoch: the best η/(1 − μ) is 10^best · epochs^−power.

    `worse` maps rules to what their losses have more. The noise is of the seed and the values.
    """

    def surface(config, epoch):
        values = config.hyperparameters
        rate = float(values["learning_rate"]) / (1 - float(values.get("momentum", 0.0)))
        away = math.log10(rate) + power * math.log10(epoch) - best
        random = np.random.default_rng([config.seed, int(1e6 * abs(away)), epoch])
        loss = floor + away**2 + 1 / epoch + (worse or {}).get(config.rule, 0.0)
        return loss + noise * random.standard_normal()

    return surface


class FakeProgram:
    """Trains one rule: reads the engine's formula epoch by epoch."""

    compile_seconds = 0.0
    together = None

    def __init__(self, engine):
        self.engine, self.places = engine, engine.places
        self.capacity, self.whole = max(64, self.places), self.places > 1

    def begin(self, population):
        count = len(population)
        return State(
            weights=[np.zeros((count, 1), np.float32)],
            memory={},
            variables=[],
            step=np.zeros(count, np.int32),
            epoch=np.zeros(count, np.int32),
            alive=np.ones(count, bool),
        )

    def advance(self, population, state, stop, tell=silent):
        started, count = self.engine.now(), len(population)
        names = ("training_loss", "loss", *self.engine.facts.metrics)
        values = {name: np.full((count, stop), np.nan, np.float32) for name in names}
        trained, alive = np.zeros(count, int), state.alive.copy()
        for i in range(count):
            config = population.config(i)
            for epoch in range(int(state.epoch[i]) + 1, stop + 1):
                if not alive[i]:
                    break
                if self.engine.sleep and i % self.places == 0:
                    self.engine.clock.sleep(self.engine.sleep)
                    tell(1)
                found = self.engine.surface(config, epoch)
                found = found if isinstance(found, dict) else {"loss": found}
                for name in names:
                    values[name][i, trained[i]] = found.get(name, found["loss"])
                trained[i] += 1
                alive[i] = math.isfinite(found["loss"])
        epochs = state.epoch + trained.astype(np.int32)
        after = replace(state, epoch=epochs, step=epochs * STEPS_PER_EPOCH, alive=alive)
        seconds = max(1e-6, self.engine.now() - started)
        self.engine.advanced += [(population.config(i), int(epochs[i])) for i in range(count)]
        return after, Advance(values, trained, seconds)

    def measure(self, population, state, on):
        assert on == "validation"  # there is no other set
        return [dict.fromkeys(("loss", *self.engine.facts.metrics), 7.0)] * len(population)

    def update_seconds(self, population, state):
        return (1e-6, 2e-6)


class FakeEngine:
    """What a search asks of an engine; `prepared` and `advanced` note what it asked."""

    workers, memory, device, packages, sets = 1, 10**9, "none", ("numpy",), {}
    lockstep = False
    trivial = optimizer = None  # as of a task, which some take it for
    callbacks, wanted = (), {}  # alike

    def __init__(
        self, surface=None, epochs=9, sleep=0.0, metrics=(), directions=None, clock=time, places=1
    ):
        self.surface, self.sleep, self.clock = surface or bowl(), sleep, clock
        self.places = places
        self.now = time.perf_counter if clock is time else clock
        self.facts = TaskFacts(
            "fake",
            "mse",
            tuple(metrics),
            parameters=1,
            training_examples=STEPS_PER_EPOCH * 8,
            validation_examples=8,
            test_examples=0,
            epochs=epochs,
            batch_size=8,
            directions=directions or {},
        )
        self.prepared, self.advanced = [], []

    def prepare(self, configs, epochs=0, ready=unheard):
        self.prepared += [program_key(config) for config in configs.values()]
        for _ in configs:
            ready()
        return {key: FakeProgram(self) for key in configs}


def searched(engine, path, optimizers="SGD,Adam", race=True, watch=lambda *_: None, **asked):
    """Return a whole study by a fake engine, asked for as a person would."""
    options = Options(optimizers=optimizers, **asked)
    found, settings = make_plan(options, engine.facts)
    settings = replace(settings, race=race)
    return search(engine, found, settings, path / "study.db", watch, options.stored())
