"""Contestant: an optimizer that a person asked about, with what is fixed and what is searched."""

import ast
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from steepest.errors import InputError, nearest
from steepest.rules import RULES, Rule
from steepest.spaces import Choice, Float, Space, Value


@dataclass(frozen=True)
class Contestant:
    """One optimizer in a comparison, named as the person wrote it, such as `SGD(nesterov=True)`.

    Every hyperparameter of the rule is in exactly one of `fixed` and `space`.
    """

    name: str
    rule: str
    fixed: Mapping[str, Value]
    space: Mapping[str, Space]

    def values(self, unit: Iterable[float]) -> dict[str, Value]:
        """Return all hyperparameters at a point of the unit cube, one coordinate for each range."""
        searched = {
            name: space.at(u) for (name, space), u in zip(self.space.items(), unit, strict=True)
        }
        return {**self.fixed, **searched}

    def defaults(self) -> dict[str, Value]:
        """Return the framework's own defaults, as far as what the person gave allows them."""
        rule = RULES[self.rule]
        values: dict[str, Value] = {**rule.defaults, **rule.flags, **self.fixed}
        return values | {n: space.nearest(values[n]) for n, space in self.space.items()}


Wanted = Iterable[str] | str | Mapping[str, Mapping[str, Value | Space]]


def contestants(wanted: Wanted, trials: int) -> list[Contestant]:
    """Return the optimizers that a person asked about.

    `wanted` is a list of names or one string with commas between them, as on the command line;
    a name may fix hyperparameters, as in `SGD(nesterov=True)`. Or it is a dictionary: for each
    name, hyperparameters with a fixed value or a range of their own. Hyperparameters that are
    not mentioned are searched in the rule's own ranges, as far as `trials` trials carry them,
    and stay at Keras' defaults beyond.

    Raises:
        InputError: an unknown optimizer or hyperparameter, a value out of bounds, a name twice.
    """
    for given in wanted.values() if isinstance(wanted, Mapping) else ():
        if not isinstance(given, Mapping):
            raise InputError(
                f"optimizers maps a name to {given!r}, but must map it to a dictionary of "
                'hyperparameters, such as {"Adam": {"beta_1": 0.8}} or {"Adam": {}}'
            )
    if not isinstance(wanted, Iterable) or not all(isinstance(name, str) for name in wanted):
        raise InputError(
            f"optimizers is {wanted!r}, but must be names, such as ['SGD', 'Adam'] or "
            "['SGD(momentum=0.9)']; not optimizer objects"
        )
    if isinstance(wanted, Mapping):
        pairs = [(name, _resolve(name), dict(given)) for name, given in wanted.items()]
    else:
        texts = [wanted] if isinstance(wanted, str) else list(wanted)
        pairs = [parsed for text in texts for parsed in _parse(text)]
    found = [_contestant(name, rule, given, trials) for name, rule, given in pairs]
    if not found:
        raise InputError(f"no optimizer to compare; known are {', '.join(RULES)}")
    names = [contestant.name for contestant in found]
    for name in names:
        if names.count(name) > 1:
            raise InputError(f"the optimizer {name} is given twice; name each once")
    return found


def _contestant(
    name: str, rule: Rule, given: Mapping[str, Value | Space], trials: int
) -> Contestant:
    fixed: dict[str, Value] = {}
    own: dict[str, Space] = {}
    for key, value in given.items():
        if isinstance(value, Float | Choice):
            for end in (value.low, value.high) if isinstance(value, Float) else value.values:
                rule.check(key, end)
            own[key] = value
        else:
            fixed[key] = rule.check(key, value)
    ranges = {key: space for key, space in rule.space(trials).items() if key not in given}
    space = {**ranges, **own}
    rest = {**rule.defaults, **rule.flags, **fixed}
    return Contestant(
        name, rule.name, {key: value for key, value in rest.items() if key not in space}, space
    )


def _resolve(name: str) -> Rule:
    last = name.rsplit(".", 1)[-1].lower()  # keras.optimizers.Adam is Adam
    for known, rule in RULES.items():
        if known.lower() == last:
            return rule
    raise InputError(
        f"there is no optimizer {name!r} among {', '.join(RULES)}; {nearest(last, RULES)}"
    )


def _parse(text: str) -> list[tuple[str, Rule, dict[str, Value | Space]]]:
    """Read `SGD,Adam(beta_1=0.9)` as syntax, never as code to run."""
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError):
        raise InputError(
            f"cannot read the optimizers {text!r}; write names with commas between them, such as "
            "SGD,Adam or SGD(nesterov=True),Adam"
        ) from None
    return [_parse_one(node) for node in (tree.elts if isinstance(tree, ast.Tuple) else [tree])]


def _parse_one(node: ast.expr) -> tuple[str, Rule, dict[str, Value | Space]]:
    source = ast.unparse(node)
    if isinstance(node, ast.Call) and not node.args:
        given: dict[str, Value | Space] = {}
        for keyword in node.keywords:
            if keyword.arg in given:
                raise InputError(f"in {source}, {keyword.arg} is given twice; give it once")
            try:
                given[str(keyword.arg)] = ast.literal_eval(keyword.value)
            except ValueError:
                raise InputError(
                    f"in {source}, {keyword.arg} is {ast.unparse(keyword.value)}, but must be a "
                    "plain number or True or False"
                ) from None
        rule = _resolve(ast.unparse(node.func))
        arguments = ", ".join(f"{name}={value}" for name, value in given.items())
        return (f"{rule.name}({arguments})" if given else rule.name), rule, given
    if isinstance(node, ast.Name | ast.Attribute):
        rule = _resolve(source)
        return rule.name, rule, {}
    raise InputError(
        f"cannot read the optimizer {source!r}; write a name such as Adam, or fix hyperparameters "
        "by name as in SGD(nesterov=True)"
    )
