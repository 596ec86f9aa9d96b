"""Schedule objects of Keras and PyTorch as the learning rate of an optimizer.

They are looked at and asked for their rates; no framework is imported.
"""

import contextlib
import copy
import warnings
from collections.abc import Iterator
from typing import Any

from steepest.calls import Call
from steepest.errors import InputError, quoted
from steepest.rules.custom_schedules import PROBES, OwnSchedule, own_schedule
from steepest.rules.keras_schedules import GIVEN

PLACE = "_learning_rate"  # where an optimizer of Keras keeps what it was given


def keras_rate(optimizer: Any) -> Any:
    """Return what the learning rate of a Keras optimizer is, where it is no number: one of Keras'
    schedules as its call, a person's own, or the number that a function always gives; else None.

    Raises:
        InputError: a schedule of a person's own fails.
    """
    rate = vars(optimizer).get(PLACE) if hasattr(optimizer, "__dict__") else None
    if not callable(rate):
        return None
    kind = type(rate)
    if kind.__name__ in GIVEN and kind.__module__.split(".")[0] in ("keras", "tf_keras"):
        return Call(kind.__name__, (), dict(rate.get_config()))
    if any(base.__name__ == "LearningRateSchedule" for base in kind.__mro__):
        return own_schedule(rate, lambda step: framework_number(rate(step)), rate)
    return _function(optimizer, rate)


@contextlib.contextmanager
def without_rate(optimizer: Any, rate: Any) -> Iterator[None]:
    """Let an optimizer tell its configuration without that of a schedule, which need have none."""
    own = vars(optimizer)
    if rate is None:
        yield
        return
    before, own[PLACE] = own[PLACE], 0.5
    try:
        yield
    finally:
        own[PLACE] = before


def _function(optimizer: Any, function: Any) -> float | OwnSchedule:
    """Return what a function without arguments gives, which may look at the optimizer's steps."""
    iterations = optimizer.iterations

    def rate(step: int) -> float:
        before = iterations.numpy()
        iterations.assign(step)
        try:
            return framework_number(function())
        finally:
            iterations.assign(before)

    made = own_schedule(function, rate)
    found = {float(value) for value in made.known} | {rate(step) for step in PROBES[-4:]}
    return found.pop() if len(found) == 1 else made


def framework_number(value: Any) -> float:
    """Return a framework's scalar as a float."""
    return float(value.numpy() if hasattr(value, "numpy") else value)


def torch_schedule(scheduler: Any, every: Any) -> OwnSchedule:
    """Return the rates of a PyTorch scheduler that is stepped after each `every` batches.

    A copy of it is asked from its start, on an optimizer of its own; it itself is not stepped.

    Raises:
        InputError: it does not depend on the step alone, or changes more than one learning rate.
    """
    kind = type(scheduler).__name__
    if every is None:
        raise InputError(
            f"the baseline is a {kind} of PyTorch, which does not say how often it is stepped; "
            "give baseline=steepest.from_torch(scheduler, every=1) if after each batch, or "
            "every=len(loader) if after each epoch"
        )
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise InputError(f"every is {quoted(every)}, but must be a number of batches from 1 on")
    if kind == "ReduceLROnPlateau":
        raise InputError(
            "a ReduceLROnPlateau looks at the losses of a training, so it is no schedule that a "
            "baseline can have; give the optimizer alone, and schedule='plateau' for the others"
        )
    if getattr(scheduler, "cycle_momentum", False):
        raise InputError(
            f"a {kind} with cycle_momentum changes the momentum too, which no baseline can; give "
            "cycle_momentum=False"
        )
    rates = _TorchRates(scheduler)
    made = own_schedule(scheduler, lambda step: rates(step // every), probes=tuple(range(4096)))
    made.many = lambda steps: [rates(step) for step in (steps // every).tolist()]
    return made


class _TorchRates:
    """The rates of a scheduler, step by step, as far as anybody asked."""

    def __init__(self, scheduler: Any) -> None:
        original = scheduler.optimizer
        groups = [dict(group) for group in original.param_groups]
        starts = {float(group.get("initial_lr") or group["lr"]) for group in groups}
        if len(starts) > 1:
            raise InputError(
                f"the parameter groups have the learning rates {sorted(starts)}, but a baseline "
                "has one; give it once for all"
            )
        stand_in = copy.copy(original)
        stand_in.__dict__ = {**vars(original)}
        for group in groups:
            group["params"] = []
        stand_in.param_groups = groups
        self.optimizer, self.known, self.ended = stand_in, list[float](), False
        # Whatever refers to the optimizer, in schedulers inside of it too, gets the stand-in.
        self.scheduler = copy.deepcopy(scheduler, {id(original): stand_in})
        if self.scheduler.last_epoch > 0:
            raise InputError(
                "the PyTorch scheduler has been stepped already; give a new one, from its start"
            )

    def __call__(self, step: int) -> float:
        while len(self.known) <= step:
            if self.ended:
                return self.known[-1]
            if self.known and not self._step():
                continue
            self.known.append(float(self.scheduler.get_last_lr()[0]))
        return self.known[step]

    def _step(self) -> bool:
        """Step on; a OneCycleLR refuses more steps than it has, after which its rate stays."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that no optimizer was stepped before
            try:
                self.scheduler.step()
            except ValueError:
                if not hasattr(self.scheduler, "total_steps"):
                    raise
                self.ended = True
        return not self.ended
