"""Schedules that an optimizer brought with it, which are no words of the recipe: Keras' classes.

Each is kept as the text of its call, such as `PiecewiseConstantDecay(boundaries=[100],
values=[0.1, 0.01])`, and read as syntax, never run. What trains takes its rates from a table, an
entry a step. The arithmetic is Keras' (keras/src/optimizers/schedules), in its single precision.
A person's own schedules are in `schedules_own`.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

import numpy as np

from steepest.calls import Call, read_calls
from steepest.errors import InputError, quoted
from steepest.spaces import check_number

Floats = np.ndarray[Any, Any]


def piecewise_constant(step, boundaries, values):  # type: ignore[no-untyped-def]
    return np.asarray(values, np.float32)[np.searchsorted(boundaries, step, side="left")]


def inverse_time(step, initial_learning_rate, decay_steps, decay_rate, staircase=False):  # type: ignore[no-untyped-def]
    share = np.asarray(step, np.float32) / np.float32(decay_steps)
    share = np.floor(share) if staircase else share
    return np.float32(initial_learning_rate) / (1 + np.float32(decay_rate) * share)


def exponential(step, initial_learning_rate, decay_steps, decay_rate, staircase=False):  # type: ignore[no-untyped-def]
    share = np.asarray(step, np.float32) / np.float32(decay_steps)
    share = np.floor(share) if staircase else share
    return np.float32(initial_learning_rate) * np.float32(decay_rate) ** share


def polynomial(  # type: ignore[no-untyped-def]
    step, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False
):
    step, length = np.asarray(step, np.float32), np.asarray(decay_steps, np.float32)
    if cycle:  # the first multiple of the length that is not below the step
        length = length * np.where(step == 0, np.float32(1), np.ceil(step / length))
    share = (1 - np.minimum(step, length) / length) ** np.float32(power)
    start, end = np.float32(initial_learning_rate), np.float32(end_learning_rate)
    return (start - end) * share + end


def cosine(  # type: ignore[no-untyped-def]
    step, initial_learning_rate, decay_steps, alpha=0.0, warmup_target=None, warmup_steps=0
):
    step, first = np.asarray(step, np.float32), np.float32(initial_learning_rate)
    warm = warmup_target is not None
    peak, before = np.float32(warmup_target if warm else first), np.float32(warm * warmup_steps)
    share = np.clip(step - before, 0, np.float32(decay_steps)) / np.float32(decay_steps)
    wave = np.float32(0.5) * (1 + np.cos(np.float32(np.pi) * share))
    after = peak * (np.float32(1 - alpha) * wave + np.float32(alpha))
    rising = (peak - first) * (step / np.maximum(before, np.float32(1))) + first
    return np.where(step < before, rising, after)


def cosine_restarts(  # type: ignore[no-untyped-def]
    step, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0
):
    share = np.asarray(step, np.float32) / np.float32(first_decay_steps)
    t = np.float32(t_mul)
    if t == 1:
        restarts = np.floor(share)
        share = share - restarts
    else:
        restarts = np.floor(np.log(1 - share * (1 - t)) / np.log(t))
        share = (share - (1 - t**restarts) / (1 - t)) / t**restarts
    wave = np.float32(0.5) * np.float32(m_mul) ** restarts
    wave = wave * (1 + np.cos(np.float32(np.pi) * share))
    return np.float32(initial_learning_rate) * (np.float32(1 - alpha) * wave + np.float32(alpha))


GIVEN: Mapping[str, Callable[..., Any]] = {
    "PiecewiseConstantDecay": piecewise_constant,
    "InverseTimeDecay": inverse_time,
    "ExponentialDecay": exponential,
    "PolynomialDecay": polynomial,
    "CosineDecay": cosine,
    "CosineDecayRestarts": cosine_restarts,
}
# Keras' own order, where it is not the formula's.
ORDER: Mapping[str, tuple[str, ...]] = {
    "CosineDecay": (
        "initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps",
    ),
}  # fmt: skip
RATES = ("initial_learning_rate", "end_learning_rate", "warmup_target", "values")
_FLAGS = ("staircase", "cycle")
_LOWEST = {"decay_steps": 1.0, "first_decay_steps": 1.0, "t_mul": 1.0}
_MOST = 1000  # boundaries


def parameters(name: str) -> tuple[str, ...]:
    """Return the arguments of one of Keras' schedules, in Keras' order."""
    own = tuple(inspect.signature(GIVEN[name]).parameters)[1:]
    return ORDER.get(name, (*own, "name"))


def spelled(name: str, given: Mapping[str, Any]) -> str:
    """Return one of Keras' schedules as the text of its call, checked.

    Raises:
        InputError: an argument is missing or cannot be.
    """
    usual = inspect.signature(GIVEN[name]).parameters
    checked: dict[str, Any] = {}
    for key, value in given.items():
        if key in ("boundaries", "values"):
            checked[key] = _numbers(name, key, value)
        elif key in _FLAGS:
            if not isinstance(value, bool):
                raise InputError(f"{name}'s {key} is {quoted(value)}, but must be True or False")
            checked[key] = value
        elif value is None and key == "warmup_target":
            continue
        else:
            checked[key] = check_number(name, key, value, _LOWEST.get(key, 0.0), 1e9)
    needed = [k for k, p in usual.items() if k != "step" and p.default is p.empty]
    if lacking := [key for key in needed if key not in checked]:
        raise InputError(f"cannot read {name}: it lacks {', '.join(lacking)}")
    if name == "PiecewiseConstantDecay":
        _check_pieces(checked["boundaries"], checked["values"])
    if not _peak(checked) > 0:
        raise InputError(f"cannot read {name}: its rate is never above 0; give one that is")
    rest = {k: v for k, v in checked.items() if usual[k].default != v}
    return f"{name}({', '.join(f'{key}={value!r}' for key, value in rest.items())})"


def _numbers(name: str, key: str, value: Any) -> list[float]:
    value = value.tolist() if hasattr(value, "tolist") else value
    if not isinstance(value, list | tuple) or len(value) > _MOST:
        raise InputError(
            f"{name}'s {key} is {quoted(value)}, but must be a list of at most {_MOST} numbers"
        )
    found = [check_number(name, key, one, 0.0, 1e15) for one in value]
    return [int(one) for one in found] if key == "boundaries" and _whole(found) else found


def _whole(values: list[float]) -> bool:
    return all(value.is_integer() for value in values)


def _check_pieces(boundaries: list[float], values: list[float]) -> None:
    if len(values) != len(boundaries) + 1 or not boundaries:
        raise InputError(
            f"PiecewiseConstantDecay has {len(boundaries)} boundaries and {len(values)} values, "
            "but must have one value more than boundaries, of which there is at least one"
        )
    if sorted(set(boundaries)) != boundaries:
        raise InputError("PiecewiseConstantDecay's boundaries must grow; sort them")


def _peak(arguments: Mapping[str, Any]) -> float:
    """Return the learning rate that stands for a schedule, as the one that it goes out from."""
    found = [value for key, value in arguments.items() if key in RATES and value is not None]
    return max((float(max(one) if isinstance(one, list) else one) for one in found), default=0.0)


@lru_cache(maxsize=256)
def parsed(schedule: str) -> Call | None:
    """Return the call that a schedule's text is, or None if it is none of Keras' schedules.

    The text may be a study file's, so it is checked as a person's is.
    """
    try:
        (call,) = read_calls(schedule)
        if call.name not in GIVEN or not call.called or call.positional:
            return None
        return call if spelled(call.name, call.keywords) == schedule else None
    except (InputError, ValueError, TypeError, KeyError):
        return None


def peak(schedule: str) -> float:
    """Return the learning rate that stands for a schedule."""
    call = parsed(schedule)
    assert call is not None
    return _peak(call.keywords)


def rates(schedule: str, steps: Floats) -> Floats:
    """Return the learning rates after so many steps, as float64."""
    call = parsed(schedule)
    assert call is not None
    with np.errstate(all="ignore"):
        found = GIVEN[call.name](steps, **call.keywords)
    return np.broadcast_to(np.asarray(found, np.float64), np.shape(steps))


def scaled(schedule: str, learning_rate: float) -> Call:
    """Return the call whose rates are those of `schedule`, with another one to stand for it."""
    call = parsed(schedule)
    assert call is not None
    times = learning_rate / _peak(call.keywords)
    if math.isclose(times, 1.0, rel_tol=1e-12):
        return call
    given = {**call.keywords}
    if call.name == "PolynomialDecay":
        given.setdefault("end_learning_rate", 0.0001)
    more = {
        key: [times * one for one in value] if isinstance(value, list) else times * value
        for key, value in given.items()
        if key in RATES
    }
    return Call(call.name, (), {**given, **more})
