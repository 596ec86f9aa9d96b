"""What is trained of each optimizer: the same configurations on every task.

Of each, a line of learning rates (0.4 decades apart, the framework's default among them, all else
at its default), points of a low-discrepancy sequence over rate × one more hyperparameter, and a
line of rates under a cosine schedule. Rates of rules with momentum are effective, η/(1 − μ).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from steepest.records import Config
from steepest.rules import find_rule
from steepest.spaces import Float

STEP = 0.4  # decades
WIDER = 10**0.5  # than the rule's own range of rates, on both sides
POINTS = 26  # of rate × one more
ROOT = 1.324717957244746  # of x³ = x + 1: Roberts 2018, two dimensions
SECOND_EPSILON = 6  # points of rate × epsilon, where there is one that matters


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
}


def configs(optimizer: str) -> list[Config]:
    """Return all configurations of an optimizer, seed 0, without any twice."""
    plan, rule = PLANS[optimizer], find_rule(optimizer)
    usual = rule.settings("keras")
    found: dict[str, Config] = {}
    for values, cosine in _values(plan, rule.spaces, usual):
        made = _config(rule.name, {**usual, **values}, cosine)
        found.setdefault(repr(made), made)
    return list(found.values())


def _values(
    plan: Plan, spaces: Mapping[str, Any], usual: Mapping[str, Any]
) -> Iterator[tuple[dict[str, Any], bool]]:
    yield {}, False
    rates = spaces["learning_rate"]
    wide = Float(rates.low / WIDER, rates.high * WIDER, log=True)
    line = [_kept(float(usual["learning_rate"]) * 10 ** (STEP * j)) for j in range(-15, 16)]
    line = [rate for rate in line if wide.low <= rate <= wide.high]
    for fixed in plan.lines:
        for rate in line:
            yield {**fixed, "learning_rate": _given(rate, fixed)}, False
    seconds = [plan.more] * POINTS + ["epsilon"] * (SECOND_EPSILON if plan.epsilon else 0)
    for i, second in enumerate(seconds):
        u, v = ((0.5 + (i + 1) * ROOT**-axis) % 1.0 for axis in (1, 2))
        other = {second: _kept(float(spaces[second].at(v)))}
        yield {**other, "learning_rate": _given(wide.at(u), other)}, False
    if plan.cosine:
        for rate in line[1:-1]:
            yield {**plan.lines[0], "learning_rate": _given(rate, plan.lines[0])}, True


def _given(effective: float, others: Mapping[str, float]) -> float:
    return _kept(effective * (1 - others.get("momentum", 0.0)))


def _kept(value: float) -> float:
    return float(f"{value:.3g}")


def _config(rule: str, values: Mapping[str, Any], cosine: bool) -> Config:
    """Return a configuration; a constant rate is a cosine that ends where it began.

    So that one compiled program trains both.
    """
    if not PLANS[rule].cosine:
        return Config(rule, "keras", dict(values), "constant", 0)
    final = 0.0 if cosine else 1.0
    return Config(rule, "keras", {**values, "final": final}, "cosine", 0)


def is_cosine(config: Config) -> bool:
    """Return whether a configuration's rate falls; a cosine that ends where it began does not."""
    return config.schedule == "cosine" and config.hyperparameters["final"] != 1.0
