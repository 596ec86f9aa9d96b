"""The schedule that optimizers are compared under, as people give it: words, calls, objects.

"cosine"    ["cosine", mine]    "PiecewiseConstantDecay([100, 200], [1, 0.1, 0.01])"
lambda step: 0.99**step    lambda step, total: 1 - step / total
keras.optimizers.schedules.CosineDecayRestarts(1.0, 100)    optax.cosine_decay_schedule(1.0, 1000)

All but words are factors on the learning rate, which is searched: the value over the largest one.
"""

import inspect
from collections.abc import Callable
from typing import Any

from steepest.calls import Call, read_calls
from steepest.errors import InputError, quoted
from steepest.parse.schedule_objects import framework_number
from steepest.parse.schedules import check_word
from steepest.rules.custom_schedules import factor_of_step, factor_of_total, is_known, shown
from steepest.rules.keras_schedules import GIVEN, parameters, spelled
from steepest.rules.schedules import SCHEDULES
from steepest.spaces import Choice

_KERAS = ("keras", "tf_keras")


def read_schedules(given: Any) -> tuple[str, ...]:
    """Return the names of one schedule or of several, in a list or in a text with commas.

    Raises:
        InputError: one of them is none, or is there twice.
    """
    many = list(given) if isinstance(given, list | tuple) else [given]
    if isinstance(given, str) and "," in given and not is_known(given):
        many = _calls(given)
    names = tuple(map(schedule_name, many))
    if not names:
        raise InputError("schedule is an empty list; give one at least, such as 'constant'")
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"schedule has {shown(name)} twice; give each once")
    return names


def schedule_value(value: Any) -> Any:
    """Return the name of a schedule, or a Choice of names for one of several."""
    if isinstance(value, Choice):
        return Choice(tuple(map(schedule_name, value.values)))
    return schedule_name(value)


def schedule_name(given: Any) -> str:
    """Return what a configuration calls a schedule: a word, a call, or a name of an own one's.

    Raises:
        InputError: it is no schedule, or fails.
    """
    if isinstance(given, Call):
        return _from_call(given)
    if isinstance(given, str):
        if given in SCHEDULES or is_known(given):
            return given
        calls = _calls(given) if "(" in given else []
        if len(calls) == 1:
            return _from_call(calls[0])
    elif callable(given) and not isinstance(given, type):
        return _from_object(given)
    check_word(given)
    return str(given)


def _calls(text: str) -> list[Call]:
    try:
        return read_calls(text)
    except InputError:
        raise InputError(
            f"cannot read the schedule {quoted(text)}; write words with commas between, or the "
            "call of one of Keras', such as 'PiecewiseConstantDecay([100], [0.1, 0.01])'"
        ) from None


def _from_call(call: Call) -> str:
    """Return the word that a name is, or the text of one of Keras' schedules."""
    name = call.name.rsplit(".", 1)[-1]
    if not call.called or name not in GIVEN:
        check_word(call.name)
        return call.name
    order = parameters(name)
    if len(call.positional) > len(order) or not set(call.keywords) <= {*order, "name"}:
        raise InputError(f"cannot read {name}: it takes {', '.join(order)}; give these alone")
    values = {**dict(zip(order, call.positional, strict=False)), **call.keywords}
    return _spelled(name, values)


def _spelled(name: str, values: dict[str, Any]) -> str:
    values.pop("name", None)
    return spelled(name, values)


def _from_object(given: Any) -> str:
    kind = type(given)
    bases = {base.__name__ for base in kind.__mro__}
    if kind.__name__ in GIVEN and kind.__module__.split(".")[0] in _KERAS:
        return _spelled(kind.__name__, dict(given.get_config()))
    if bases & {"LRScheduler", "Optimizer"}:
        check_word(given)  # it refuses them, with the nearest word
    if "LearningRateSchedule" in bases:
        return factor_of_step(given, lambda step: framework_number(given(step)), given).name
    if _arguments(given) == 2:
        return factor_of_total(given, lambda *at: framework_number(given(*at))).name
    return factor_of_step(given, lambda step: framework_number(given(step)), given).name


def _arguments(function: Callable[..., Any]) -> int:
    """Return whether a function takes the step alone, or the step and the number of all steps.

    Raises:
        InputError: it takes something else.
    """
    try:
        found = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # a builtin without a signature
        return 1
    plain = [one for one in found if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)]
    needed = sum(one.default is one.empty for one in plain)
    named = [one for one in found if one.kind is one.KEYWORD_ONLY and one.default is one.empty]
    if named or needed > 2 or not plain:
        raise InputError(
            f"the schedule {quoted(function)} takes {needed + len(named)} arguments, but must take "
            "the step, or the step and the number of all steps: lambda step, total: ..."
        )
    return max(1, needed)
