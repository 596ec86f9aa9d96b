"""An engine that costs nothing and whose losses hang on its weights, so a lost state shows."""

import math
import time
from dataclasses import replace

import numpy as np
from fake_engine import STEPS_PER_EPOCH, FakeEngine, FakeProgram, bowl

from steepest.engines.protocol import silent, unheard
from steepest.engines.state import Advance

WEIGHTS = 3000  # so that a state takes several pages of a file, and several writes


class RememberingProgram(FakeProgram):
    """Trains one rule: weights wander by seed, rate and epoch, and the loss sees all of them."""

    def begin(self, population):
        state = super().begin(population)
        drawn = [np.random.default_rng(int(seed)).normal(size=WEIGHTS) for seed in population.seeds]
        return replace(state, weights=[np.stack(drawn).astype(np.float32)])

    def advance(self, population, state, stop, tell=silent):
        started, count = time.perf_counter(), len(population)
        names = ("training_loss", "loss", *self.engine.facts.metrics)
        values = {name: np.full((count, stop), np.nan, np.float32) for name in names}
        trained, alive = np.zeros(count, int), state.alive.copy()
        weights = state.weights[0].copy()

        def so_far():
            epochs = state.epoch + trained.astype(np.int32)
            steps = epochs * STEPS_PER_EPOCH
            after = replace(
                state, weights=[weights.copy()], epoch=epochs, step=steps, alive=alive.copy()
            )
            seconds = max(1e-6, time.perf_counter() - started)
            measured = {name: found.copy() for name, found in values.items()}
            return range(count), after, Advance(measured, trained.copy(), seconds)

        for i in range(count):
            config = population.config(i)
            for epoch in range(int(state.epoch[i]) + 1, stop + 1):
                if not alive[i]:
                    break
                time.sleep(self.engine.sleep)
                random = np.random.default_rng([config.seed, epoch])
                step = random.normal(size=WEIGHTS).astype(np.float32)
                weights[i] = np.float32(0.9) * weights[i] + step
                away = float(np.abs(weights[i]).mean())
                loss = self.engine.surface(config, epoch) + 0.01 * away
                for name in names:
                    values[name][i, trained[i]] = loss
                trained[i] += 1
                alive[i] = math.isfinite(loss)
                self.engine.count += 1
                tell(1, so_far)
        return so_far()[1:]

    def update_seconds(self, population, state):
        return (1e-6, 2e-6)


class RememberingEngine(FakeEngine):
    """Its `count` is how many epochs it trained."""

    def __init__(self, epochs=9, sleep=0.0, surface=None, data="these examples"):
        super().__init__(surface or bowl(noise=0.05), epochs, sleep)
        fingerprint = {"model": "this model", "training data": data}
        self.facts = replace(self.facts, fingerprint=fingerprint)
        self.count = 0

    def prepare(self, configs, epochs=0, ready=unheard):
        super().prepare(configs, epochs, ready)
        return {key: RememberingProgram(self) for key in configs}
