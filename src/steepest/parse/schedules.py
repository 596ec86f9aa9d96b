"""A framework's learning-rate schedule, read back as one of Steepest's."""

from collections.abc import Mapping
from typing import Any

from steepest.calls import Call
from steepest.errors import InputError, nearest, quoted
from steepest.rules.custom_schedules import OwnSchedule
from steepest.rules.keras_schedules import GIVEN, parameters, parsed, peak, spelled
from steepest.rules.schedules import SCHEDULES

# The arguments of each schedule by position: ours, in the words below.
_ORDER: Mapping[str, tuple[str, ...]] = {
    **{name: parameters(name) for name in GIVEN},
    "cosine_decay_schedule": ("init_value", "decay_steps", "alpha", "exponent"),
    "linear_schedule": ("init_value", "end_value", "transition_steps", "transition_begin"),
    "exponential_decay": (
        "init_value", "transition_steps", "decay_rate", "transition_begin", "staircase",
        "end_value",
    ),
    "constant_schedule": ("value",),
    "piecewise_constant_schedule": ("init_value", "boundaries_and_scales"),
    "polynomial_schedule": (
        "init_value", "end_value", "power", "transition_steps", "transition_begin",
    ),
    "warmup_cosine_decay_schedule": (
        "init_value", "peak_value", "warmup_steps", "decay_steps", "end_value", "exponent",
    ),
}  # fmt: skip


# The word that is nearest to a scheduler of PyTorch, as far as it goes on alike.
_WORDS: Mapping[str, str] = {
    "CosineAnnealingLR": "cosine", "CosineAnnealingWarmRestarts": "cosine", "StepLR": "step",
    "MultiStepLR": "step", "ExponentialLR": "exponential", "LinearLR": "linear",
    "PolynomialLR": "linear", "OneCycleLR": "cosine", "ReduceLROnPlateau": "plateau",
}  # fmt: skip


Read = tuple[Any, str, dict[str, Any]]  # learning rate, schedule, the recipe's numbers for it


def check_word(schedule: Any) -> None:
    """Raise `InputError` unless `schedule` is one of the words for a schedule."""
    if isinstance(schedule, str) and schedule in SCHEDULES:
        return
    kind = type(schedule).__name__
    word = _WORDS.get(kind, "cosine")
    bases = {base.__name__ for base in type(schedule).__mro__}
    if kind in _WORDS or "LRScheduler" in bases:
        raise InputError(
            f"schedule has an object of {kind}, but must be a word, a function of the step, or one "
            f"of Keras' schedules; the nearest word is schedule={word!r}. An optimizer with this "
            "very schedule can be the baseline="
        )
    raise InputError(f"there is no schedule {quoted(schedule)}; {nearest_word(schedule)}")


def nearest_word(given: Any) -> str:
    """Return a hint at the schedules that there are."""
    return nearest(given if isinstance(given, str) else "", SCHEDULES)


def schedule_from(rate: Any) -> tuple[Any, str, dict[str, Any]]:
    """Return learning rate, schedule, and the recipe's numbers for it.

    `rate` is a number, the call of a schedule of Keras or Optax, or a person's own schedule. One
    that our words cannot say is kept as the text of a call, with the rate that stands for it.

    Raises:
        InputError: a schedule that Steepest does not know, or set in a way that it does not.
    """
    if isinstance(rate, OwnSchedule):
        return rate.peak, rate.name, {}
    if not isinstance(rate, Call):
        return rate, "constant", {}
    name = rate.name.rsplit(".", 1)[-1]
    if name not in _ORDER:
        raise InputError(
            f"cannot read the learning rate {rate.name}; give a number, or one of "
            f"{', '.join(_ORDER)}"
        )
    order = _ORDER[name]
    if len(rate.positional) > len(order) or not set(rate.keywords) <= {*order, "name"}:
        raise InputError(f"cannot read {name}: it takes {', '.join(order)}; give these alone")
    given = {**dict(zip(order, rate.positional, strict=False)), **rate.keywords}
    given.pop("name", None)
    for key, usual in (("exponent", 1), ("transition_begin", 0)):
        if given.pop(key, usual) != usual:
            raise InputError(
                f"cannot read {name}: Steepest knows {key}={usual} alone; leave {key} out"
            )
    if name == "exponential_decay" and given.get("end_value") is not None:
        raise InputError(f"cannot read {name}: Steepest does not know its end_value; leave it out")
    try:
        found = _keras(name, given) if name in GIVEN else _read(name, given)
        return found if isinstance(found, tuple) else (peak(found), found, {})
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"cannot read {name}: {'it lacks ' if isinstance(error, KeyError) else ''}{error}"
        ) from error


def _keras(name: str, given: dict[str, Any]) -> Read | str:
    """Return one of Keras' schedules in our words where they can say it, else the text of it."""
    text = spelled(name, given)
    call = parsed(text)
    assert call is not None
    values = {**given, **call.keywords}
    start, length = values.get("initial_learning_rate", 0.0), float(values.get("decay_steps", 1.0))
    more: dict[str, Any] = {"decay_steps": length}
    if name == "CosineDecay" and values.get("alpha", 0.0) <= 1:
        more["final"] = values.get("alpha", 0.0)
        target, warmup = values.get("warmup_target"), values.get("warmup_steps", 0)
        if target is None:
            return start, "cosine", more
        if not start:
            whole = {"decay_steps": length + warmup, "warmup": warmup / (length + warmup)}
            return target, "cosine", {**more, **whole}
    if name == "ExponentialDecay" and 0 < values["decay_rate"] <= 1:
        if values.get("staircase"):
            drop = {"drop": values["decay_rate"], "drop_every": 1.0}
            return start, "step", {**more, **drop}
        return start, "exponential", {**more, "final": values["decay_rate"]}
    plain = values.get("power", 1.0) == 1.0 and not values.get("cycle")
    end = values.get("end_learning_rate", 1e-4)
    if name == "PolynomialDecay" and plain and start > 0 and end <= start:
        return start, "linear", {**more, "final": end / start}
    return text


def _read(name: str, given: dict[str, Any]) -> Read | str:
    """Return one of Optax' schedules in our words, or the text of the Keras schedule that it is."""
    if name == "constant_schedule":
        return given["value"], "constant", {}
    start = given["init_value"]
    if name == "piecewise_constant_schedule":
        return _pieces(start, given.get("boundaries_and_scales") or {})
    if name == "warmup_cosine_decay_schedule":
        top, warmup = given["peak_value"], given["warmup_steps"]
        alpha = given.get("end_value", 0.0) / top
        cosine = {
            "initial_learning_rate": start,
            "decay_steps": float(given["decay_steps"]) - warmup,
            "alpha": alpha,
            "warmup_target": top,
            "warmup_steps": warmup,
        }
        return _keras("CosineDecay", cosine)
    length = float(given["decay_steps"] if "decay_steps" in given else given["transition_steps"])
    both = {"initial_learning_rate": start, "decay_steps": length}
    if name == "cosine_decay_schedule":
        return _keras("CosineDecay", {**both, "alpha": given.get("alpha", 0.0)})
    if name == "exponential_decay":
        more = {"decay_rate": given["decay_rate"], "staircase": bool(given.get("staircase"))}
        return _keras("ExponentialDecay", {**both, **more})
    more = {"end_learning_rate": given["end_value"], "power": given.get("power", 1.0)}
    return _keras("PolynomialDecay", {**both, **more})


def _pieces(start: Any, scales: Any) -> Read | str:
    """Return steps down (or up) as Keras has them: there a boundary still has the rate before."""
    if not isinstance(scales, Mapping):
        raise TypeError("boundaries_and_scales is no dictionary")
    if not scales:
        return start, "constant", {}
    values, rate = [start], start
    for boundary in sorted(scales):
        rate *= scales[boundary]
        values.append(rate)
    boundaries = [boundary - 1 for boundary in sorted(scales)]
    return spelled("PiecewiseConstantDecay", {"boundaries": boundaries, "values": values})
