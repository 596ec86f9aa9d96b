"""Oracle: each rule, in each dialect, moves as the framework's own class does."""

from dataclasses import replace
from unittest.mock import patch

import oracles
import pytest

from steepest.rules import RULES

pytestmark = pytest.mark.slow

# Float32 rounding, which bias corrections near the first steps make larger. PyTorch takes them in
# double precision; its Muon multiplies matrices in bfloat16. Optax' RAdam takes a small number as
# the difference of two large ones in float32.
TOLERANCE = 1e-4
LIMITS = {("Muon", "torch"): 5e-2, ("RAdam", "optax"): 1e-3}

CASES = [
    (name, dialect, setting, rate)
    for name, dialect, setting, rate in oracles.cases()
    # All of them are in docs/dialects.md; here each setting once, at the rates that tell most.
    if rate == ("drop" if setting else "cosine") or oracles.rates_of(name, dialect) == (rate,)
]


@pytest.mark.parametrize(("name", "dialect", "setting", "rate"), CASES, ids=str)
def test_a_rule_equals_the_framework(name, dialect, setting, rate):
    pytest.importorskip({"torch": "torch", "optax": "optax"}.get(dialect, "keras"))
    limit = LIMITS.get((name, dialect), TOLERANCE)
    assert oracles.difference(name, dialect, setting, rate) < limit


def flips():
    """Yield every twist of every dialect with the value that another dialect has."""
    for name, rule in RULES.items():
        for twist in rule.twists:
            for dialect, spoken in rule.dialects.items():
                values = {other.twists.get(twist) for other in rule.dialects.values()}
                if spoken.call is not None:
                    for value in sorted(values - {spoken.twists.get(twist)}, key=str):
                        yield name, dialect, twist, value


@pytest.mark.parametrize(("name", "dialect", "twist", "value"), list(flips()), ids=str)
def test_a_wrong_twist_is_caught(name, dialect, twist, value):
    """Each twist, set as another framework has it, leaves this one's path in some case."""
    pytest.importorskip({"torch": "torch", "optax": "optax"}.get(dialect, "keras"))
    rule = RULES[name]
    spoken = rule.dialects[dialect]
    if name == "Adafactor":
        fixed = {**spoken.fixed, "smallest_factored": 1}
        spoken = replace(spoken, fixed=fixed)
    rate = oracles.rates_of(name, dialect)[-1]  # "drop", but for who takes no schedule
    cases = [(i, rate) for i in reversed(range(len(oracles.settings(name))))]
    if name.startswith("ScheduleFree"):
        cases.append((0, "rise"))
    wrong = replace(spoken, twists={**spoken.twists, twist: value})
    wrong_rule = replace(rule, dialects={**rule.dialects, dialect: wrong})
    for setting, rate in cases:
        one = oracles.configured(name, dialect, setting, rate)
        path, gradients = oracles.reference(name, dialect, setting, rate)
        with patch.dict(RULES, {name: wrong_rule}):
            _, ours, _ = oracles.our_steps(one, gradients=gradients)
        if oracles.apart(ours, path) > 5 * TOLERANCE:
            return
    pytest.fail("no setting tells this twist from the other")
