"""What is trained of each optimizer: the same configurations on every task.

Of each, a line of learning rates (0.4 decades apart, the framework's default among them, all else
at its default), points of a low-discrepancy sequence over rate × one more hyperparameter, until
there are fifty at a constant rate, and a line of rates under a cosine schedule. Rates of rules
with momentum are effective, η/(1 − μ).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from steepest.records import Config
from steepest.rules import find_rule
from steepest.rules.recipe import completed
from steepest.spaces import Float

STEP = 0.4  # decades
WIDER = 10**0.5  # than the rule's own range of rates, on both sides
POINTS = 26  # of rate × one more, at the least
LEAST = 50  # configurations at a constant rate; further points until there are so many
ROOT = 1.324717957244746  # of x³ = x + 1: Roberts 2018, two dimensions
SECOND_EPSILON = 6  # points of rate × epsilon, where there is one that matters
LINE, POINT, COSINE, OTHER = "line", "point", "cosine", "other"  # where one comes from


@dataclass(frozen=True)
class Plan:
    """What is special about an optimizer: its second hyperparameter, and what lines keep fixed."""

    more: str
    lines: tuple[Mapping[str, float], ...] = ({},)  # one line of rates each
    epsilon: bool = False
    cosine: bool = True


PLANS: Mapping[str, Plan] = {  # the most used first
    "SGD": Plan("momentum", ({"momentum": 0.9}, {"momentum": 0.0})),
    "Adam": Plan("beta_1", epsilon=True),
    "AdamW": Plan("weight_decay"),
    "RMSprop": Plan("momentum"),
    "Nadam": Plan("beta_1"),
    "Lion": Plan("beta_1"),
    "Muon": Plan("weight_decay"),
    "Adagrad": Plan("initial_accumulator_value"),
    "ScheduleFreeAdamW": Plan("beta_1", cosine=False),
    "Adamax": Plan("beta_1"),
    "RAdam": Plan("beta_1"),
    "Adafactor": Plan("clip_threshold"),
    "Lamb": Plan("beta_1"),
    "NAdamW": Plan("weight_decay"),
    "Adadelta": Plan("rho"),
    "Ftrl": Plan("initial_accumulator_value"),
    "Prodigy": Plan("d_coef"),
    "AdEMAMix": Plan("alpha"),
    "ADOPT": Plan("beta_2"),
    "MARSAdamW": Plan("gamma"),
    "ScheduleFreeSGD": Plan("beta_1", cosine=False),
    "SOAP": Plan("beta_1"),
}


# What Steepest's searches start from, and what people try; rates as written.
_ADAM: tuple[Mapping[str, float], ...] = (
    {"learning_rate": 0.004, "beta_1": 0.9, "epsilon": 1e-3},
    {"learning_rate": 0.00063, "beta_1": 0.8},
    {"learning_rate": 0.0063, "beta_1": 0.95},
    {"learning_rate": 0.0004, "beta_1": 0.5},
    {"learning_rate": 0.0025, "beta_1": 0.9},
)
_SGD = ((0.0016, 0.95), (0.032, 0.9), (0.004, 0.95), (0.025, 0.95), (0.08, 0.9))
_RMSPROP = ((0.0004, 0.5), (0.00063, 0.9), (0.00016, 0.5), (0.0001, 0.95), (0.001, 0.9))
TODAY: Mapping[str, tuple[Mapping[str, float], ...]] = {
    "SGD": tuple({"learning_rate": rate, "momentum": mu} for rate, mu in _SGD),
    "RMSprop": tuple({"learning_rate": rate, "momentum": mu} for rate, mu in _RMSPROP),
    **dict.fromkeys(("Adam", "AdamW", "Nadam", "NAdamW"), _ADAM),
}
TRIED: Mapping[str, tuple[Mapping[str, float], ...]] = {
    "SGD": ({"learning_rate": 0.1, "momentum": 0.9},)
}
DECADES = (0.1, 10.0)  # times the default rate


def configs(optimizer: str) -> list[Config]:
    """Return all configurations of an optimizer, seed 0, without any twice; the default first."""
    return [one for one, _ in _made(optimizer)]


def points(optimizer: str) -> list[int]:
    """Return which of them are of the low-discrepancy sequence."""
    return [i for i, (_, origin) in enumerate(_made(optimizer)) if origin == POINT]


def today(optimizer: str) -> list[int]:
    """Return which of them Steepest starts from, or the default with a decade on each side."""
    usual = find_rule(optimizer).settings("keras")
    every = configs(optimizer)
    entries = TODAY.get(optimizer) or ({}, *_decades(usual))
    return [every.index(_config(optimizer, {**usual, **entry}, False)) for entry in entries]


def _made(optimizer: str) -> list[tuple[Config, str]]:
    """Return each configuration and where it comes from."""
    plan, rule = PLANS[optimizer], find_rule(optimizer)
    usual = rule.settings("keras")
    made = [
        (_config(rule.name, {**usual, **values}, origin == COSINE), origin)
        for values, origin in _values(plan, rule.spaces, usual)
    ]
    made += [
        (_config(rule.name, {**usual, **values}, False), OTHER)
        for values in (*_decades(usual), *TODAY.get(optimizer, ()), *TRIED.get(optimizer, ()))
    ]
    found: dict[str, tuple[Config, str]] = {}
    for one, origin in made:
        found.setdefault(repr(one), (one, origin))
    further = count(POINTS + SECOND_EPSILON)
    while sum(not is_cosine(one) for one, _ in found.values()) < LEAST:
        values = {**usual, **_point(next(further), plan.more, rule.spaces)}
        one = _config(rule.name, values, False)
        found.setdefault(repr(one), (one, POINT))
    return list(found.values())


def _values(
    plan: Plan, spaces: Mapping[str, Any], usual: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], str]]:
    yield {}, LINE
    wide = _wide(spaces)
    line = [_kept(float(usual["learning_rate"]) * 10 ** (STEP * j)) for j in range(-15, 16)]
    line = [rate for rate in line if wide.low <= rate <= wide.high]
    for fixed in plan.lines:
        for rate in line:
            yield {**fixed, "learning_rate": _given(rate, fixed)}, LINE
    seconds = [plan.more] * POINTS + ["epsilon"] * (SECOND_EPSILON if plan.epsilon else 0)
    for i, second in enumerate(seconds):
        yield _point(i, second, spaces), POINT
    if plan.cosine:
        for rate in line[1:-1]:
            yield {**plan.lines[0], "learning_rate": _given(rate, plan.lines[0])}, COSINE


def _point(i: int, second: str, spaces: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sequence's point `i` of rate × a second hyperparameter."""
    u, v = ((0.5 + (i + 1) * ROOT**-axis) % 1.0 for axis in (1, 2))
    other = {second: _kept(float(spaces[second].at(v)))}
    return {**other, "learning_rate": _given(_wide(spaces).at(u), other)}


def _wide(spaces: Mapping[str, Any]) -> Float:
    rates = spaces["learning_rate"]
    return Float(rates.low / WIDER, rates.high * WIDER, log=True)


def _decades(usual: Mapping[str, Any]) -> list[Mapping[str, float]]:
    rate = float(usual["learning_rate"])
    return [{"learning_rate": _kept(rate * times)} for times in DECADES]


def _given(effective: float, others: Mapping[str, float]) -> float:
    return _kept(effective * (1 - others.get("momentum", 0.0)))


def _kept(value: float) -> float:
    """Return a number in three digits; close to 1, in three of its distance from 1."""
    if 0.9 < value < 1:
        return float(f"{1 - float(f'{1 - value:.3g}'):.9g}")
    return float(f"{value:.3g}")


def _config(rule: str, values: Mapping[str, Any], cosine: bool) -> Config:
    """Return a configuration; a constant rate is a cosine that ends where it began.

    So that one compiled program trains both.
    """
    schedule = "cosine" if PLANS[rule].cosine else "constant"
    if PLANS[rule].cosine:
        values = {**values, "final": 0.0 if cosine else 1.0}
    words = completed(rule, values, find_rule(rule).dialect("keras").decay, schedule)
    return Config(rule, "keras", {**values, **words}, schedule, 0)


def is_cosine(config: Config) -> bool:
    """Return whether a configuration's rate falls; a cosine that ends where it began does not."""
    return config.schedule == "cosine" and config.hyperparameters["final"] != 1.0
