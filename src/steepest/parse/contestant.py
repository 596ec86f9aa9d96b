"""Contestant: an optimizer that a person asked about, with what is fixed and what is searched."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from steepest.calls import Call, read_calls
from steepest.errors import InputError, quoted
from steepest.parse.optimizers import Given, Wanted, as_list
from steepest.parse.own_schedules import schedule_value
from steepest.parse.ranges import spaces_in
from steepest.priors.start_lists import start_list
from steepest.records import Config
from steepest.rules import OWN, RULES, Rule, find_rule
from steepest.rules.custom_schedules import is_known
from steepest.rules.recipe import RECIPE, check_rate, completed
from steepest.rules.schedules import SCHEDULES
from steepest.spaces import Choice, Float, Space, Value


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
    compiled: bool = False  # a baseline that nobody named: what the model was compiled with
    given: tuple[str, ...] = ()  # what the person fixed or gave a range: ours to leave alone
    # What a baseline of the same rule has of what is searched here: where the search starts.
    start: Mapping[str, Value] = field(default_factory=dict)

    @property
    def schedules(self) -> tuple[str, ...]:
        """The schedules that it may have: one, or those that are searched."""
        searched = self.space.get("schedule")
        given = searched.values if isinstance(searched, Choice) else (self.schedule,)
        return tuple(map(str, given))

    def config(self, values: Mapping[str, Value], seed: int) -> Config:
        """Return the configuration with these values of all hyperparameters."""
        rest = {name: value for name, value in values.items() if name != "schedule"}
        schedule = str(values.get("schedule", self.schedule))
        return Config(self.rule, self.dialect, rest, schedule, seed)

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
    many, pairs = as_list(wanted), list[tuple[str, Rule, dict[str, Any]]]()
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
        if key == "schedule":
            value = schedule_value(value)
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
            counts = key in RECIPE and RECIPE[key].counts
            if counts or not all(isinstance(end, float) for end in checked):
                raise InputError(
                    f"{name}'s {key} is no number on a scale; search it as Choice((2, 4, 8))"
                )
            own[key] = value
        elif isinstance(value, Choice):
            own[key] = Choice(tuple(rule.check(key, one) for one in value.values))
        else:
            fixed[key] = rule.check(key, value)
    # What the rule's start list has several values of is searched, however few the trials.
    listed = {key for entry in start_list(rule.name) for key in entry}
    every = rule.space(trials, dialect)
    every |= {k: space for k, space in rule.spaces.items() if k in listed and k in able}
    ranges = {k: space for k, space in every.items() if k not in given}
    space = {**ranges, **own}
    named = {**able, **fixed, **space}
    fixed |= completed(name, named, rule.dialect(dialect).decay, str(fixed.get("schedule", "")))
    check_rate(name, rule.divides_by_rate, named)
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
    arguments = ", ".join(f"{key}={_argument(value)}" for key, value in given.items())
    return (f"{rule.name}({arguments})" if given else rule.name), rule, given


def _argument(value: Any) -> str:
    if isinstance(value, Float):
        return f"{value.low:g}..{value.high:g}"
    if isinstance(value, Choice):
        return "|".join(map(str, value.values))
    return repr(value)  # the name, which a study file has: as it was typed


def as_baseline(config: Config, name: str) -> Contestant:
    """Return the contestant that takes part as `config` has it, untuned."""
    named = {**config.hyperparameters, "schedule": config.schedule}
    if config.schedule not in SCHEDULES and not is_known(config.schedule):
        raise InputError(
            f"the schedule {quoted(config.schedule)} is not known here; give as the baseline the "
            "optimizer that has it, not its Config"
        )
    check_rate(name, find_rule(config.rule).divides_by_rate, named)
    fixed = {k: find_rule(config.rule).check(k, v) for k, v in config.hyperparameters.items()}
    return replace(
        Contestant(name, config.rule, fixed, {}, config.dialect, config.schedule), baseline=True
    )


def start_of(one: Contestant, baseline: Contestant) -> dict[str, Value]:
    """Return what a baseline has of what a contestant searches; nothing where the baseline is of
    another rule, dialect or schedule, or has a value outside of a range.

    Learning rates have no bounds but those that a person gave. A framework's default that is
    outside of the rule's own range, such as a weight decay of 0, is taken as a search takes it.
    """
    theirs = {**baseline.fixed, "schedule": baseline.schedule}
    kind = (one.rule, one.dialect) == (baseline.rule, baseline.dialect)
    if not kind or ("schedule" not in one.space and one.schedule != baseline.schedule):
        return {}
    found = {name: theirs[name] for name in one.space if name in theirs}
    default, usual = find_rule(one.rule).settings(one.dialect), one.defaults()
    for name, value in found.items():
        ours = name not in one.given  # a range of the rule, which need not have its default
        if ours and name != "learning_rate" and value == default.get(name):
            found[name] = usual[name]
        elif one.space[name].nearest(value) != value and not (
            ours and name == "learning_rate" and value != 0
        ):
            return {}
    return found
