"""The person's model, lent to one trial after another: what the programs of all rules share."""

import contextlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from steepest.data.stream import Data
from steepest.engines.eval_sets import sets_of
from steepest.engines.keras_fit.optimizers import Optimizers, Ready
from steepest.engines.keras_fit.own_callbacks import OwnCallbacks
from steepest.engines.state import State
from steepest.errors import InputError, TaskError, TrialError
from steepest.records import Config
from steepest.records.callbacks import changes_rate
from steepest.rules.plateau import PLATEAU
from steepest.tasks.keras.checks import gist
from steepest.tasks.keras.fit_task import FitTask, borrowed


def put(variables: Any, values: Any) -> None:
    """Assign the first of `[members, ...]` to each variable."""
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value[0])


class LentModel:
    """A task's model and the optimizers made for it; members are put in and taken out."""

    def __init__(self, task: FitTask) -> None:
        self.task = task
        self.facts = task.facts
        self.optimizers = Optimizers(task)
        self.own = OwnCallbacks(task)
        self._seeded = False

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return sets_of(self.task)

    @contextlib.contextmanager
    def borrow(self) -> Iterator[Any]:
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

    def load(self, model: Any, config: Config, state: State) -> Ready:
        """Put the one member of `state` into the model and its optimizer, which is returned."""
        ready = self.optimizers.ready(config, model)
        put(model.trainable_variables, state.weights)
        put(model.non_trainable_variables, state.variables)
        put(ready.optimizer.variables, state.memory)
        rate = config.numbers.get("learning_rate")
        changes = config.schedule == PLATEAU or changes_rate(self.task.callbacks)
        if rate is not None and changes:  # it is not as it was
            ready.optimizer.learning_rate = rate
        return ready
