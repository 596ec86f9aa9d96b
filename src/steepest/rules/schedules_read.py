"""A framework's learning-rate schedule, read back as one of ours."""

from collections.abc import Mapping
from typing import Any

from steepest.errors import InputError
from steepest.rules.reading import Call

# The arguments of each schedule by position: ours, in the words below.
_ORDER: Mapping[str, tuple[str, ...]] = {
    "CosineDecay": (
        "initial_learning_rate", "decay_steps", "alpha", "name", "warmup_target", "warmup_steps",
    ),
    "ExponentialDecay": ("initial_learning_rate", "decay_steps", "decay_rate", "staircase"),
    "PolynomialDecay": (
        "initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle",
    ),
    "cosine_decay_schedule": ("init_value", "decay_steps", "alpha", "exponent"),
    "linear_schedule": ("init_value", "end_value", "transition_steps", "transition_begin"),
    "exponential_decay": (
        "init_value", "transition_steps", "decay_rate", "transition_begin", "staircase",
        "end_value",
    ),
    "constant_schedule": ("value",),
    "warmup_cosine_decay_schedule": (
        "init_value", "peak_value", "warmup_steps", "decay_steps", "end_value", "exponent",
    ),
}  # fmt: skip


def schedule_from(rate: Any) -> tuple[Any, str, dict[str, Any]]:
    """Return learning rate, schedule, and the recipe's numbers for it.

    `rate` is a number, or the call of a schedule of Keras or Optax.

    Raises:
        InputError: a schedule that Steepest does not know, or set in a way that it does not.
    """
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
        return _read(name, given)
    except (KeyError, TypeError, ValueError, ArithmeticError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"cannot read {name}: {'it lacks ' if isinstance(error, KeyError) else ''}{error}"
        ) from error


def _read(name: str, given: dict[str, Any]) -> tuple[Any, str, dict[str, Any]]:
    if name == "constant_schedule":
        return given["value"], "constant", {}
    if name in ("CosineDecay", "cosine_decay_schedule"):
        target, warmup = given.get("warmup_target"), given.get("warmup_steps", 0)
        start = given.get("initial_learning_rate", given.get("init_value"))
        length = float(given["decay_steps"])
        more: dict[str, Any] = {"final": given.get("alpha", 0.0), "decay_steps": length}
        if target is None:
            return start, "cosine", more
        if start:
            raise InputError("a warm-up must start at 0; give initial_learning_rate=0.0")
        return (
            target,
            "cosine",
            {
                **more,
                "decay_steps": length + warmup,
                "warmup": warmup / (length + warmup),
            },
        )
    if name == "warmup_cosine_decay_schedule":
        if given["init_value"]:
            raise InputError("a warm-up must start at 0; give init_value=0.0")
        peak, length = given["peak_value"], float(given["decay_steps"])
        more = {"final": given.get("end_value", 0.0) / peak, "decay_steps": length}
        return peak, "cosine", {**more, "warmup": given["warmup_steps"] / length}
    if name in ("ExponentialDecay", "exponential_decay"):
        start = given.get("initial_learning_rate", given.get("init_value"))
        length = float(
            given["decay_steps"] if "decay_steps" in given else given["transition_steps"]
        )
        if given.get("staircase"):
            drop = {"drop": given["decay_rate"], "drop_every": 1.0, "decay_steps": length}
            return start, "step", drop
        return start, "exponential", {"final": given["decay_rate"], "decay_steps": length}
    start = given.get("initial_learning_rate", given.get("init_value"))
    length = float(given["decay_steps"] if "decay_steps" in given else given["transition_steps"])
    end = given.get("end_learning_rate", given.get("end_value", 1e-4))
    if given.get("power", 1.0) != 1.0 or given.get("cycle"):
        raise InputError(
            "a polynomial decay must have power=1.0 and no cycle; give it these, or take a cosine"
        )
    return start, "linear", {"final": end / start, "decay_steps": length}
