"""Contestant: an optimizer that a person asked about, with what is fixed and what is searched."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from steepest.errors import InputError, quoted
from steepest.records import Config
from steepest.rules import OWN, RULES, Rule, find_rule
from steepest.rules.reading import Call, read_calls
from steepest.rules.recipe import completed
from steepest.spaces import Choice, Float, Space, Value

MOST = 1000  # optimizers in a comparison


@dataclass(frozen=True)
class Contestant:
    """One optimizer in a comparison, named as the person wrote it, such as `SGD(nesterov=True)`.

    Every hyperparameter of the rule, and every ingredient of the recipe that was asked for, is in
    exactly one of `fixed` and `space`.
    """

    name: str
    rule: str
    fixed: Mapping[str, Value]
    space: Mapping[str, Space]
    dialect: str = "keras"
    schedule: str = "constant"
    baseline: bool = False  # takes part as it stands, untuned
    given: tuple[str, ...] = ()  # what the person fixed or gave a range: ours to leave alone

    def config(self, values: Mapping[str, Value], seed: int) -> Config:
        """Return the configuration with these values of all hyperparameters."""
        rest = {name: value for name, value in values.items() if name != "schedule"}
        schedule = str(values.get("schedule", self.schedule))
        return Config(self.rule, self.dialect, rest, schedule, seed)

    def values(self, unit: Iterable[float]) -> dict[str, Value]:
        """Return all hyperparameters at a point of the unit cube, one coordinate for each range."""
        searched = {
            name: space.at(u) for (name, space), u in zip(self.space.items(), unit, strict=True)
        }
        return {**self.fixed, **searched}

    def defaults(self) -> dict[str, Value]:
        """Return the framework's own defaults, as far as what the person gave allows them.

        An ingredient of the recipe that has no default is taken from the middle of its range.
        """
        values = {**find_rule(self.rule).settings(self.dialect), **self.fixed}
        return {
            **{n: v for n, v in values.items() if n not in self.space},
            **{
                name: space.nearest(values[name]) if name in values else _usual(space)
                for name, space in self.space.items()
            },
        }


def _usual(space: Space) -> Value:
    """Return the middle of a range, or the first of some values."""
    return space.at(0.5) if isinstance(space, Float) else space.values[0]


Given = Mapping[str, Value | Space]
Wanted = Iterable[str | Rule] | str | Rule | Mapping[str, Given]


def contestants(
    wanted: Wanted,
    trials: int,
    *,
    dialect: str = "keras",
    schedule: str = "constant",
    recipe: Given | None = None,
) -> list[Contestant]:
    """Return the optimizers that a person asked about.

    `wanted` is a list of names or one string with commas between them, as on the command line;
    a name may fix hyperparameters or give them a range, as in `SGD(nesterov=True)` or
    `Adam(learning_rate=Float(1e-4, 1e-1, log=True))`. A rule of one's own may stand for its name.
    Or it is a dictionary: for each name, hyperparameters with a fixed value or a range.
    Hyperparameters that are not mentioned are searched in the rule's own ranges, as far as `trials`
    trials carry them, and stay at the framework's defaults beyond. `recipe` is for all of them.

    Raises:
        InputError: an unknown optimizer or hyperparameter, a value out of bounds, a name twice.
    """
    if isinstance(wanted, Mapping):
        for given in wanted.values():
            if not isinstance(given, Mapping):
                raise InputError(
                    f"optimizers maps a name to {quoted(given)}, but must map it to a dictionary "
                    'of hyperparameters, such as {"Adam": {"beta_1": 0.8}} or {"Adam": {}}'
                )
    many: Any = [wanted] if isinstance(wanted, str | Rule) else wanted
    if isinstance(many, Iterable) and not isinstance(many, Mapping):
        try:
            many = list(itertools.islice(many, MOST + 1))
        except Exception:  # it says that it can be iterated, and cannot
            many = [None]
        if len(many) > MOST:
            raise InputError(f"optimizers are more than {MOST}; compare fewer at a time")
    if not isinstance(many, Iterable) or not all(isinstance(one, str | Rule) for one in many):
        raise InputError(
            f"optimizers is {quoted(wanted)}, but must be names, such as ['SGD', 'Adam'] or "
            "['SGD(momentum=0.9)'], or rules made by steepest.rule; not optimizer objects"
        )
    pairs: list[tuple[str, Rule, dict[str, Any]]] = []
    if isinstance(wanted, Mapping):
        pairs = [(name, find_rule(name), dict(given)) for name, given in wanted.items()]
    else:
        for one in many:
            if isinstance(one, Rule):
                pairs.append((one.name, one, {}))
            else:
                pairs += [_asked(call) for call in read_calls(one)]
    found = [_contestant(*pair, trials, dialect, schedule, dict(recipe or {})) for pair in pairs]
    if not found:
        raise InputError(f"no optimizer to compare; known are {', '.join([*RULES, *OWN])}")
    check_names(found)
    return found


def check_names(found: Iterable[Contestant]) -> None:
    """Raise `InputError` if two contestants have one name."""
    names = [contestant.name for contestant in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"the optimizer {name} is given twice; name each once")


def spaces_in(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return `given` with each call of Float or Choice as the range that it says.

    Raises:
        InputError: another call, or a range that is none.
    """
    return {name: _space(name, v) if isinstance(v, Call) else v for name, v in given.items()}


def _space(name: str, call: Call) -> Space:
    kinds: dict[str, type[Float] | type[Choice]] = {"Float": Float, "Choice": Choice}
    kind = kinds.get(call.name.rsplit(".", 1)[-1])
    if kind is None or not call.called:
        raise InputError(
            f"{name} is {call.name}, but must be a plain number, True or False, a word in quotes, "
            "or a range such as Float(1e-4, 1e-1, log=True)"
        )
    try:
        return kind(*call.positional, **call.keywords)
    except TypeError:
        raise InputError(
            f"cannot read the range of {name}; write Float(low, high, log=True) or "
            "Choice((first, second))"
        ) from None


def _contestant(
    name: str,
    rule: Rule,
    given: Mapping[str, Any],
    trials: int,
    dialect: str,
    schedule: str,
    recipe: Mapping[str, Any],
) -> Contestant:
    given = {"schedule": schedule, **recipe, **given}
    fixed: dict[str, Value] = {}
    own: dict[str, Space] = {}
    able = rule.settings(dialect)
    for key, value in given.items():
        if not isinstance(key, str):
            raise InputError(
                f"{name} has {quoted(key)}, but hyperparameters are called by words; "
                'write it in quotes, such as "learning_rate"'
            )
        if key in rule.dialect(dialect).fixed:
            raise InputError(
                f"{name} has no {key} in {dialect}, which always has "
                f"{rule.dialect(dialect).fixed[key]}; choose another dialect to set it"
            )
        if isinstance(value, Float):
            checked = [rule.check(key, end) for end in (value.low, value.high)]
            if not all(isinstance(end, float) for end in checked):
                raise InputError(
                    f"{name}'s {key} is no number on a scale; search it as Choice((2, 4, 8))"
                )
            own[key] = value
        elif isinstance(value, Choice):
            own[key] = Choice(tuple(rule.check(key, one) for one in value.values))
        else:
            fixed[key] = rule.check(key, value)
    ranges = {k: space for k, space in rule.space(trials, dialect).items() if k not in given}
    space = {**ranges, **own}
    named = {**able, **fixed, **space}
    fixed |= completed(name, named, rule.dialect(dialect).decay, str(fixed.get("schedule", "")))
    check_rate(name, rule, named)
    schedule = str(fixed.pop("schedule", schedule))
    rest = {**able, **fixed}
    return Contestant(
        name,
        rule.name,
        {key: value for key, value in rest.items() if key not in space},
        space,
        dialect,
        schedule,
        given=tuple(given),
    )


def _asked(call: Call) -> tuple[str, Rule, dict[str, Any]]:
    """Return the name to show, the rule, and what was given of it."""
    rule = find_rule(call.name)
    if not call.called:
        return rule.name, rule, {}
    if call.positional:
        raise InputError(
            f"cannot read {call.name}({quoted(call.positional[0])}, ...); fix hyperparameters by "
            "name as in SGD(nesterov=True)"
        )
    given = spaces_in(call.keywords)
    arguments = ", ".join(f"{key}={_shown(value)}" for key, value in given.items())
    return (f"{rule.name}({arguments})" if given else rule.name), rule, given


def _shown(value: Any) -> str:
    if isinstance(value, Float):
        return f"{value.low:g}..{value.high:g}"
    if isinstance(value, Choice):
        return "|".join(map(str, value.values))
    return repr(value)


def notes(contestant: Contestant, weights: Iterable[Any]) -> list[str]:
    """Return what a person should know of this optimizer on a model with these weights."""
    rule = find_rule(contestant.rule)
    if rule.choose is None:
        return []
    flags = {**rule.flags, **contestant.fixed}
    parameters = list(weights)
    ours = [rule.choose(p, flags)["matrix"] for p in parameters]
    theirs = [rule.choose(p, {**flags, "routing": "keras"})["matrix"] for p in parameters]
    found = []
    wrong = [p.path for p, a, b in zip(parameters, ours, theirs, strict=True) if b and not a]
    if wrong:
        found.append(
            f"{rule.name} leaves to AdamW what are no hidden matrices ({_listed(wrong)}), which "
            "Keras would send to Newton–Schulz; the code to paste excludes them"
        )
    high = [p.path for p in parameters if p.role == "kernel" and len(p.shape) > 2]
    if high:
        found.append(
            f"{rule.name} trains {_listed(high)} by AdamW: kernels with more than two axes are no "
            "matrices"
        )
    if not any(ours):
        found.append(f"{rule.name} found no hidden matrix in this model: it is AdamW here")
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def check_rate(name: str, rule: Rule, named: Mapping[str, Any]) -> None:
    """Raise `InputError` if a rule that divides by the learning rate would meet a rate of zero."""
    ends = named.get("schedule") in ("linear", "cosine") and not named.get("final")
    zero = "a warm-up starts at" if named.get("warmup") else "the schedule ends at"
    if rule.divides_by_rate and (named.get("warmup") or (ends and "decay_steps" in named)):
        raise InputError(
            f"{name} divides by the learning rate, which {zero} zero; leave warmup out and let the "
            "schedule end above zero by final"
        )


def as_baseline(config: Config, name: str) -> Contestant:
    """Return the contestant that takes part as `config` has it, untuned."""
    named = {**config.hyperparameters, "schedule": config.schedule}
    check_rate(name, find_rule(config.rule), named)
    fixed = {k: find_rule(config.rule).check(k, v) for k, v in config.hyperparameters.items()}
    return replace(
        Contestant(name, config.rule, fixed, {}, config.dialect, config.schedule), baseline=True
    )
