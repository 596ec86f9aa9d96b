"""A person's own learning-rate schedules: an object that gives a rate for each step.

Such a schedule is called by its class and a digest of its rates, as in `own:Staircase:1f0c6a9e`, in
a `Config` and in the study file. The object itself is known to the process that was given it, as a
person's own rules are: a study goes on when it is given again, and not with one of other rates.
"""

import hashlib
import re
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.errors import InputError, quoted
from steepest.rules import keras_schedules

Floats = np.ndarray[Any, Any]
OWN_SCHEDULES: dict[str, "OwnSchedule"] = {}  # by name
_NAME = re.compile(r"own:([A-Za-z_]\w{0,99}):([0-9a-f]{8})")
PROBES = (*range(64), *(2**power + more for power in range(6, 21) for more in (0, 1)))


@dataclass
class OwnSchedule:
    """Rates by step, with the object that gives them."""

    name: str
    thing: Any
    rate: Callable[[int], float]  # of one step
    many: Callable[[Floats], Any] | None = None  # of an array of them, if the object may take one
    peak: float = 1.0  # that stands for it
    known: Floats = field(default_factory=lambda: np.zeros(0))

    def table(self, count: int) -> Floats:
        """Return the rates of the first `count` steps, as float64."""
        if len(self.known) < count:
            self.known = _evaluated(self.rate, self.many, np.arange(count))
        return self.known[:count]


def _evaluated(
    rate: Callable[[int], float], many: Callable[[Floats], Any] | None, steps: Floats
) -> Floats:
    """Return the rates at some steps: asked for all at once, where that is what one by one gives.

    One by one can take a tenth of a second each, as JAX may compile each anew.
    """
    some = np.unique(np.linspace(0, len(steps) - 1, 6).astype(int))
    single = np.array([rate(int(steps[place])) for place in some])
    for way in (many, _mapped(many)):
        if way is None:
            continue
        try:
            found = np.asarray(way(steps.astype(np.int32)), np.float64)
        except Exception:  # a person's own code, which may be for numbers alone
            continue
        if found.shape == steps.shape and np.allclose(found[some], single, rtol=1e-6, atol=0):
            return found
    return np.array([rate(int(step)) for step in steps])


def _mapped(many: Any) -> Any:
    """Return what gives an array of rates by JAX' `vmap`, where JAX is there already."""
    jax = sys.modules.get("jax")
    return None if jax is None or many is None else jax.vmap(many)


def own_schedule(
    thing: Any,
    rate: Callable[[int], float],
    many: Callable[[Floats], Any] | None = None,
    probes: tuple[int, ...] = PROBES,
) -> OwnSchedule:
    """Return a person's schedule, known from now on.

    Raises:
        InputError: it fails, or gives something else than a finite number that is not negative.
    """
    kind = type(thing).__name__
    kind = getattr(thing, "__name__", kind) if kind == "function" else kind
    name = re.sub(r"\W", "_", kind).lstrip("_0123456789")[:60] or "schedule"
    asked = [0]

    def told(step: int) -> float:
        asked[0] = step
        return float(rate(step))

    try:
        found = _evaluated(told, many, np.array(probes))
    except Exception as error:  # a person's own code
        raise InputError(
            f"the schedule {name} fails at step {asked[0]}: {type(error).__name__}: {error}"
        ) from error
    for step, value in zip(probes, found.tolist(), strict=True):
        if not 0 <= value < 1e38:
            raise InputError(
                f"the schedule {name} gives {quoted(value)} at step {step}, but must give a rate "
                "from 0 on for every step"
            )
    if not found.max() > 0:
        raise InputError(f"the schedule {name} is never above 0; give one that is")
    digest = hashlib.sha256(found.astype(np.float32).tobytes()).hexdigest()[:8]
    known = found[: _consecutive(probes)]
    made = OwnSchedule(f"own:{name}:{digest}", thing, rate, many, float(found.max()), known)
    OWN_SCHEDULES[made.name] = made
    return made


def _consecutive(probes: tuple[int, ...]) -> int:
    return next((i for i, step in enumerate(probes) if i != step), len(probes))


def is_own(schedule: str) -> bool:
    """Return whether a schedule's name is that of a person's own, known here or not."""
    return _NAME.fullmatch(schedule) is not None


def identifier(schedule: str) -> str:
    """Return how code calls a person's own schedule, such as `Staircase_1f0c6a9e`."""
    found = _NAME.fullmatch(schedule)
    assert found is not None
    return f"{found[1]}_{found[2]}"


def is_known(schedule: str) -> bool:
    """Return whether a schedule that is no word can be taken here: Keras', or an own one."""
    return schedule in OWN_SCHEDULES or keras_schedules.parsed(schedule) is not None


def peak(schedule: str) -> float:
    """Return the learning rate that stands for a schedule: the largest that was looked at."""
    own = OWN_SCHEDULES.get(schedule)
    return own.peak if own else keras_schedules.peak(schedule)


def table(schedule: str, count: int) -> Floats:
    """Return the rates of the first steps, as float64 `[count]`; ones where nobody knows them."""
    own = OWN_SCHEDULES.get(schedule)
    if own is not None:
        return own.table(count)
    if keras_schedules.parsed(schedule) is None:  # of a study file: nothing trains by it
        return np.ones(count)
    return keras_schedules.rates(schedule, np.arange(count))
