"""A person's own learning-rate schedules: an object that gives a rate for each step.

Such a schedule is called by its class and a digest of its rates, as in `own:Staircase:1f0c6a9e`, in
a `Config` and in the study file. The object itself is known to the process that was given it, as a
person's own rules are: a study goes on when it is given again, and not with one of other rates.

A baseline's rates are taken as they are. The schedule that optimizers are compared under is a
factor on the learning rate, which is searched: its value over the largest that it has in a full
training, `of_step:warm:1f0c6a9e`, or of a function of the step and of the steps of the training,
`of_total:warm:1f0c6a9e`. The latter is drawn together to a shorter training, as ours are.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from steepest.errors import InputError, quoted
from steepest.rules import keras_schedules

Floats = np.ndarray[Any, Any]
OWN_SCHEDULES: dict[str, "OwnSchedule"] = {}  # by name
_NAME = re.compile(r"(own|of_step|of_total):([A-Za-z_]\w{0,99}):([0-9a-f]{8})")
LENGTH = 100  # steps of the training in which a function of both is looked at
PROBES = (*range(64), *(2**power + more for power in range(6, 21) for more in (0, 1)))


@dataclass
class OwnSchedule:
    """Rates by step, with the object that gives them."""

    name: str
    thing: Any
    rate: Callable[[int], float]  # of one step
    many: Callable[[Floats], Any] | None = None  # of an array of them, if the object may take one
    over: Callable[[int, int], float] | None = None  # of a step and of all steps, instead of both
    peak: float = 1.0  # that stands for it
    known: Floats = field(default_factory=lambda: np.zeros(0))
    told: dict[int, Floats] = field(default_factory=dict)  # by the steps of a training

    def table(self, count: int) -> Floats:
        """Return the rates of the first `count` steps, as float64."""
        if len(self.known) < count:
            self.known = _evaluated(self.rate, self.many, np.arange(count))
        return self.known[:count]

    def value(self, *at: int) -> float:
        """Return the value at a step, or at a step of so many: as code to paste asks for it."""
        return self.rate(*at) if self.over is None else self.over(*at)

    def values(self, length: int) -> Floats:
        """Return the values in a training of so many steps, and one more at its end.

        Raises:
            InputError: it fails there, or gives something else than numbers from 0 on.
        """
        if length in self.told:
            return self.told[length]
        try:
            if self.over is None:
                found = self.table(length + 1)
            else:
                found = np.array([self.over(step, length) for step in range(length + 1)])
        except Exception as error:  # a person's own code
            raise InputError(
                f"the schedule {shown(self.name)} fails in a training of {length} steps: "
                f"{type(error).__name__}: {error}"
            ) from error
        _check(shown(self.name), range(length + 1), found)
        self.told[length] = found
        return found


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
    name = _name_of(thing)
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
    _check(name, probes, found)
    _check_above_zero(name, found)
    known = found[: _consecutive(probes)]
    full = f"own:{name}:{_digest(found)}"
    made = OwnSchedule(full, thing, rate, many, peak=float(found.max()), known=known)
    OWN_SCHEDULES[made.name] = made
    return made


def factor_of_step(
    thing: Any, rate: Callable[[int], float], many: Callable[[Floats], Any] | None = None
) -> OwnSchedule:
    """Return a person's schedule of the step as a factor, known from now on.

    It is looked at as far as it goes: it need have no value beyond the training.

    Raises:
        InputError: it fails at once, or gives something else than numbers from 0 on.
    """
    name, found = _name_of(thing), list[float]()
    for step in PROBES:
        try:
            found.append(float(rate(step)))
        except Exception as error:  # a person's own code
            if step:
                break
            raise InputError(
                f"the schedule {name} fails at step 0: {type(error).__name__}: {error}"
            ) from error
    values = np.array(found)
    _check(name, PROBES[: len(values)], values)
    _check_above_zero(name, values)
    made = OwnSchedule(f"of_step:{name}:{_digest(values)}", thing, rate, many)
    OWN_SCHEDULES[made.name] = made
    return made


def factor_of_total(thing: Any, over: Callable[[int, int], float]) -> OwnSchedule:
    """Return a person's schedule of the step and of all steps as a factor, known from now on.

    Raises:
        InputError: it fails, or gives something else than numbers from 0 on.
    """
    made = OwnSchedule(f"of_total:{_name_of(thing)}:00000000", thing, lambda _: 1.0, over=over)
    values = np.concatenate([made.values(LENGTH), made.values(LENGTH // 9)])
    _check_above_zero(_name_of(thing), values)
    digest = _digest(values)
    made.name = made.name.replace("00000000", digest)
    OWN_SCHEDULES[made.name] = made
    return made


def _name_of(thing: Any) -> str:
    """Return what to call a schedule: a function's own name, or that of an object's class."""
    kind = type(thing).__name__
    kind = getattr(thing, "__name__", kind) if kind == "function" else kind
    kind = "schedule" if kind == "<lambda>" else kind
    return re.sub(r"\W", "_", kind).lstrip("_0123456789")[:60] or "schedule"


def _check(name: str, steps: Sequence[int], values: Floats) -> None:
    """Raise `InputError` for values that no learning rate can have."""
    for step, value in zip(steps, values.tolist(), strict=True):
        if not 0 <= value < 1e38:
            raise InputError(
                f"the schedule {name} gives {quoted(value)} at step {step}, but must give a rate "
                "from 0 on for every step"
            )


def _check_above_zero(name: str, values: Floats) -> None:
    if not values.max() > 0:
        raise InputError(f"the schedule {name} is never above 0; give one that is")


def _digest(values: Floats) -> str:
    return hashlib.sha256(values.astype(np.float32).tobytes()).hexdigest()[:8]


def _consecutive(probes: tuple[int, ...]) -> int:
    return next((i for i, step in enumerate(probes) if i != step), len(probes))


def is_own(schedule: str) -> bool:
    """Return whether a schedule's name is that of a person's own, known here or not."""
    return _NAME.fullmatch(schedule) is not None


def is_factor(schedule: str) -> bool:
    """Return whether it is one that optimizers are compared under: a factor on their rate."""
    return is_own(schedule) and not schedule.startswith("own:")


def stretches(schedule: str) -> bool:
    """Return whether a schedule that is no word is drawn together to a shorter training."""
    return schedule.startswith("of_total:")


def identifier(schedule: str) -> str:
    """Return how code calls a person's own schedule, such as `Staircase_1f0c6a9e`."""
    found = _NAME.fullmatch(schedule)
    assert found is not None
    return f"{found[2]}_{found[3]}"


def shown(schedule: str) -> str:
    """Return a schedule as people read it: a word, or the name of a class or a function."""
    found = _NAME.fullmatch(schedule)
    return found[2] if found else schedule.partition("(")[0]


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


def factors(schedule: str, lengths: Any, count: int) -> Floats:
    """Return the first `count` factors on the learning rate, as float64 `[count]`; ones where
    nobody knows them.

    `lengths` are the steps of the schedule. Where members have their own, `[members, count]`. After
    the end of a schedule its last value stays.
    """
    own = OWN_SCHEDULES.get(schedule)
    if own is None:
        return np.ones(count)
    if np.ndim(lengths):
        known = {float(one): factors(schedule, one, count) for one in np.unique(lengths)}
        return np.stack([known[float(one)] for one in np.asarray(lengths)])
    values = own.values(max(1, round(float(lengths))))
    found = values[np.minimum(np.arange(count), len(values) - 1)]
    return np.asarray(found / (values.max() or 1.0))
