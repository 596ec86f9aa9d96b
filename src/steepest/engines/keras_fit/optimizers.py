"""The optimizers of trials that train through `fit`, made by the code that is there to paste."""

import contextlib
import functools
import re
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.codegen import has_code, optimizer_code
from steepest.data.arrays import Arrays
from steepest.errors import InputError
from steepest.records import Config
from steepest.rules.custom_schedules import OWN_SCHEDULES, OwnSchedule, identifier, is_factor
from steepest.rules.plateau import PLATEAU
from steepest.tasks.keras import fit_task
from steepest.tasks.keras.fit_task import BACKENDS, FitTask
from steepest.tasks.keras.initial_weights import values_of
from steepest.tasks.keras.task import load_keras, run_source

# Every configuration needs a training function of its own, as backends compile an optimizer's
# numbers into it; that takes some tenths of a second to seconds, on TensorFlow and JAX more than
# the epochs of a small model. So functions are kept, as long as these bounds allow, for the trials
# that go on and for the seeds that confirm.
KEPT = 128
KEPT_BYTES = 2**28  # of the optimizers' memory
RATE = re.compile(r"\blearning_rate=[-+.\de]+,")  # with as many digits as the code has


@dataclass(frozen=True)
class Ready:
    """An optimizer that is built for the model, with the training function compiled for it."""

    names: Mapping[str, Any]  # what the code to paste defines
    optimizer: Any
    train_function: Any


class Optimizers:
    """Makes the optimizers of one task, and keeps them with what was compiled for them."""

    def __init__(self, task: FitTask) -> None:
        self.task = task
        self.backend: str = task.keras.backend.backend()
        self._ready: OrderedDict[str, Ready] = OrderedDict()
        self._test_function: Any = None

    def source(self, config: Config) -> str:
        """Return the code that makes the optimizer of `config`."""
        if not has_code(config):
            raise InputError(
                f"{config.rule} is a rule of somebody's own, which only a compiled population can "
                f"train, but here {self.task.why}; leave {config.rule} out"
            )
        source = optimizer_code(config, self.task.facts, "keras")
        calls = [line for line in source.splitlines() if not line.lstrip().startswith("#")]
        wrong = any("keras.optimizers.ScheduleFreeAdamW" in line for line in calls)
        if wrong and self.backend != "jax":
            raise InputError(
                f"Keras' ScheduleFreeAdamW computes something else on {BACKENDS[self.backend]} "
                "than on JAX; use the dialect optax, whose code brings a class that is exact, or "
                "KERAS_BACKEND=jax"
            )
        return source

    def make(self, config: Config, model: Any) -> tuple[Mapping[str, Any], Any]:
        """Return what the code of `config` defines, and its optimizer, as `compile` takes it."""
        own = own_names(config.schedule, self.task.facts.steps)
        names = run_source(self.source(config), model, own)
        made, keras = names["optimizer"], self.task.keras
        scaler, own = keras.optimizers.LossScaleOptimizer, self.task.model.optimizer
        if isinstance(own, scaler):  # as compile had it for the person's own
            made = scaler(
                made,
                initial_scale=own.initial_scale,
                dynamic_growth_steps=own.dynamic_growth_steps,
            )
        elif own is None and model.dtype_policy.name == "mixed_float16":
            made = scaler(made)
        return names, made

    def start(self, config: Config, model: Any) -> Arrays:
        """Return the values of the optimizer's variables before the first step.

        The weights are in the model already, as some optimizers begin with a copy of them.
        """
        _, optimizer = self.make(config, model)
        optimizer.build(model.trainable_variables)
        return values_of(self.task.keras, optimizer.variables)

    def ready(self, config: Config, model: Any) -> Ready:
        """Put the optimizer of `config` into the borrowed model, with functions made for it."""
        source = self.source(config)
        if config.schedule in ("constant", PLATEAU) and "warmup" not in config.numbers:
            # Then the learning rate is a variable of the optimizer, and no number in its function.
            source = RATE.sub("learning_rate=...,", source)
        found = self._ready.pop(source, None)
        own = vars(model)
        if found is None:
            names, optimizer = self.make(config, model)
            fit_task.set_up(model, optimizer, self.task.eagerly)
            with _fresh_steps(model, self.backend):
                model.make_train_function()
                if self._test_function is None:
                    model.make_test_function()
                    self._test_function = own["test_function"]
            found = Ready(names, optimizer, own["train_function"])
        self._ready[source] = found  # last in the order: used most recently
        size = sum(v.nbytes for v in values_of(self.task.keras, found.optimizer.variables))
        while len(self._ready) > max(1, min(KEPT, KEPT_BYTES // max(1, size))):
            self._ready.popitem(last=False)
        fit_task.set_up(model, found.optimizer, self.task.eagerly)
        own.update(train_function=found.train_function, test_function=self._test_function)
        return found


@contextlib.contextmanager
def _fresh_steps(model: Any, backend: str) -> Iterator[None]:
    """Let JAX compile steps anew.

    It knows functions by equality, and two bound methods of one model are equal: it would train
    with the numbers of an optimizer that the model had before.
    """
    if backend != "jax":
        yield
        return
    own = vars(model)
    for name in ("train_step", "test_step"):
        own[name] = functools.partial(getattr(type(model), name), model)
    try:
        yield
    finally:
        del own["train_step"], own["test_step"]


def own_names(schedule: str, steps: int) -> dict[str, Any]:
    """Return what the name in the code stands for, in a training of so many steps; nothing for a
    schedule that is nobody's own, or not known to this process."""
    own = OWN_SCHEDULES.get(schedule)
    if own is None:
        return {}
    thing = own.value if is_factor(schedule) else _for_keras(own, steps)
    return {identifier(schedule): thing}


def _for_keras(own: OwnSchedule, steps: int) -> Any:
    """Return the person's schedule, or one with its rates where Keras could not call it so.

    A function that Keras calls without the step looks at an optimizer that is not the trial's, and
    a scheduler of PyTorch is no function.
    """
    keras = load_keras()
    base: Any = keras.optimizers.schedules.LearningRateSchedule
    if isinstance(own.thing, base):
        return own.thing
    rates = own.table(steps + 1).astype(np.float32)

    class Rates(base):  # type: ignore[misc]
        def __call__(self, step: Any) -> Any:
            last = keras.ops.minimum(keras.ops.cast(step, "int32"), steps)
            return keras.ops.take(keras.ops.convert_to_tensor(rates), last)

        def get_config(self) -> dict[str, Any]:
            return {}

    return Rates()
