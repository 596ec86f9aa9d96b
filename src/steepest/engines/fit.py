"""A population that trains through Keras' own `fit`, one member after the other, on any backend.

    for each member, for each epoch:
        fit on the examples in the member's order; evaluate on the validation set

The optimizer is made by the very code that is there to paste, so what is measured is what is
pasted. Members do not know of each other: what one was is put into the model before it trains and
taken out after, and the model itself is handed back as the person had it.
"""

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from steepest.engines import backends
from steepest.engines.engine import Key, Program
from steepest.engines.fit_program import FitProgram, put
from steepest.engines.optimizers import Optimizers
from steepest.engines.sets import sets_of
from steepest.engines.state import State
from steepest.engines.width import budget
from steepest.errors import InputError, TaskError, TrialError
from steepest.records import Config
from steepest.tasks.checks import gist
from steepest.tasks.fitted import FitTask, borrowed
from steepest.tasks.stream import Data


class FitEngine:
    """Trains populations of a task that only Keras' `fit` can train."""

    workers = 1  # the model is one, and `fit` uses the cores itself
    lockstep: bool | None = False

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
            raise TrialError(f"Keras' fit failed in a trial: {gist(error)}") from error

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
