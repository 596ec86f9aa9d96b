"""How a framework spells an optimizer, and whether its own class is exact."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steepest.records import Config
from steepest.rules import Rule, find_rule
from steepest.rules.recipe import RECIPE
from steepest.spaces import Value
from steepest.text import shortest

NAMES = {"keras": "Keras", "torch": "PyTorch", "optax": "Optax"}
OF = {"keras": "Keras'", "torch": "PyTorch's", "optax": "Optax'"}


@dataclass(frozen=True)
class Spelling:
    """How a framework builds the optimizer of a configuration.

    `call` and `arguments` are of its own class, or of the nearest one where it has none that does
    the same: then `why` says so, and a class is to be written out.
    """

    call: str | None
    arguments: Mapping[str, str]  # as source
    decays: bool  # the call applies the weight decay itself
    why: str | None
    native: bool = False  # the class could, were it the same otherwise
    near: str = ""  # how far the class is from what was measured, where it is near enough

    def text(self, first: str = "") -> str:
        """Return the call as one line of source."""
        parts = [first] if first else []
        parts += [f"{k}={v}" for k, v in self.arguments.items()]
        return f"{self.call}({', '.join(parts)})"


def literal(value: Any) -> str:
    """Return a number, flag, word or list as source, without digits that change no training."""
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    if not isinstance(value, float):
        return repr(value)
    return "float('inf')" if math.isinf(value) else shortest(value)


def checked(config: Config) -> dict[str, Value]:
    """Return the hyperparameters of `config`, each known to its rule and within its bounds.

    What comes out is safe to be written into source, whoever wrote the study file.
    """
    rule = find_rule(config.rule)
    return {name: rule.check(name, value) for name, value in config.hyperparameters.items()}


def flags_of(config: Config) -> dict[str, Any]:
    """Return what the formula reads beside numbers: flags, twists, and what the dialect fixes."""
    rule = find_rule(config.rule)
    dialect = rule.dialect(config.dialect)
    own = {n: v for n, v in config.choices.items() if n not in RECIPE}
    return {**rule.flags, **own, **dialect.fixed, **dialect.twists}


def spell(config: Config, framework: str) -> Spelling:
    """Return how `framework` says what `config` is."""
    rule = find_rule(config.rule)
    target = rule.dialect(framework)
    values: dict[str, Any] = {**rule.dialect(config.dialect).fixed, **checked(config)}
    if target.call is None:
        return Spelling(None, {}, False, f"{NAMES[framework]} has no {rule.name}")
    if framework == "torch" and values.get("nesterov") and not values.get("momentum", 1):
        values["nesterov"] = False  # the same, and PyTorch refuses it
    call, dropped = target.call, set()
    for flag, other in target.calls.items():
        if values.get(flag):
            call, dropped = other, {flag, "weight_decay"}
        elif flag in values:
            dropped = {flag}
    native = (
        "weight_decay" in values
        and "weight_decay" in target.arguments
        and "weight_decay" not in dropped
        and values.get("decay") == target.decay
        and (values.get("decay_on") == "all" or target.mask is not None or framework != "optax")
    )
    arguments = {name: literal(value) for name, value in target.constants.items()}
    groups: dict[str, dict[int, str]] = {}
    for name, argument in target.arguments.items():
        if name not in values or name in dropped or (name == "weight_decay" and not native):
            continue
        value = values[name]
        if argument.startswith("-"):
            argument, value = argument[1:], -float(value)
        if argument.endswith("]"):
            argument, _, position = argument[:-1].partition("[")
            groups.setdefault(argument, {})[int(position)] = literal(value)
            arguments[argument] = ""
        else:
            arguments[argument] = literal(value)
    for argument, parts in groups.items():
        arguments[argument] = f"({', '.join(parts[i] for i in sorted(parts))})"
    own = "weight_decay" in target.arguments and "weight_decay" not in dropped
    if "weight_decay" in values and own and not native:
        arguments.setdefault(target.arguments["weight_decay"], "0.0")
    for name, argument, text in (
        ("match_rms_adamw", "consistent_rms", "0.2"),
        ("match_rms_adamw", "adjust_lr_fn", "'match_rms_adamw'"),
    ):
        belongs = (argument == "consistent_rms") == (framework == "optax")
        if values.get(name) and belongs and framework != "keras":
            arguments[argument] = text
    if rule.decays_itself and "weight_decay" in values and not native and framework != "keras":
        outside = f"{OF[framework]} {rule.name} cannot decay as it was measured"
        return Spelling(call, arguments, False, outside)
    why = _difference(rule, config, values, framework)
    if values.get("caution"):
        why = f"{OF[framework]} {rule.name} takes whole steps and no cautious ones"
    return Spelling(call, arguments, native and why is None, why, native)


def twist_apart(config: Config, framework: str) -> str | None:
    """Return the twists in which the framework's own class differs, where nothing else does."""
    rule = find_rule(config.rule)
    values = {**rule.dialect(config.dialect).fixed, **checked(config)}
    if values.get("caution") or rule.dialect(framework).call is None:
        return None
    if _limits(rule, config, values, framework):
        return None
    if rule.decays_itself and "weight_decay" in values and framework != "keras":
        return None
    return " and in ".join(_twists(rule, config, values, framework)) or None


def _difference(
    rule: Rule, config: Config, values: Mapping[str, Any], framework: str
) -> str | None:
    """Return why the framework's own class would not do the same, or None."""
    target = rule.dialect(framework)
    if config.dialect == framework and target.exact:
        return _unscheduled(rule, config, values, framework)
    twists = _twists(rule, config, values, framework)
    if twists:
        return f"{OF[framework]} {rule.name} is another algorithm: it differs in {twists[0]}"
    return _limits(rule, config, values, framework)


def _unscheduled(
    rule: Rule, config: Config, values: Mapping[str, Any], framework: str
) -> str | None:
    """Return that the framework's own class takes no schedule, where there is one."""
    if rule.dialect(framework).takes_schedules or not _rate_changes(config, values):
        return None
    return f"{OF[framework]} {rule.name} takes no schedule"


def _rate_changes(config: Config, values: Mapping[str, Any]) -> bool:
    return config.schedule != "constant" or "warmup" in values


def _twists(rule: Rule, config: Config, values: Mapping[str, Any], framework: str) -> list[str]:
    """Return in what the framework's arithmetic differs with these values."""
    source, target = rule.dialect(config.dialect), rule.dialect(framework)
    rate_changes = _rate_changes(config, values)
    found = []
    for twist, meaning in rule.twists.items():
        if source.twists.get(twist) != target.twists.get(twist):
            inert = rule.inert.get(twist)
            if inert is None or not inert(values, rate_changes):
                found.append(meaning)
    return found


def _limits(rule: Rule, config: Config, values: Mapping[str, Any], framework: str) -> str | None:
    """Return what the framework's own class cannot do of it, or None."""
    source, target = rule.dialect(config.dialect), rule.dialect(framework)
    theirs = OF[framework]
    if unscheduled := _unscheduled(rule, config, values, framework):
        return unscheduled
    every = {**values, **source.fixed}
    for name, value in every.items():
        if name in RECIPE or name == "routing":
            continue
        if name in target.fixed and target.fixed[name] != value:
            return f"{theirs} {rule.name} cannot set {name} to {literal(value)}"
        known = {*target.arguments, *target.fixed, *target.calls, "match_rms_adamw"}
        if name not in known and name in {**rule.defaults, **rule.flags}:
            return f"{theirs} {rule.name} has no {name}"
    if not target.exact:
        return f"{theirs} {rule.name} computes a part of it in another precision"
    return None
