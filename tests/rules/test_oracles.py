"""Oracle: each rule, in each dialect, moves as the framework's own class does."""

from dataclasses import replace
from unittest.mock import patch

import numpy as np
import oracles
import pytest
from frameworks import initial, task

from steepest.rules import RULES, step

pytestmark = pytest.mark.slow

# Float32 rounding, which bias corrections near the first steps make larger. PyTorch takes them in
# double precision; its Muon multiplies matrices in bfloat16. Optax' RAdam takes a small number as
# the difference of two large ones in float32.
TOLERANCE = 1e-4
LIMITS = {("Muon", "torch"): 5e-2, ("RAdam", "optax"): 1e-3}
# Of matrices alone, which is all that PyTorch's Muon takes, its form differs in small numbers: far
# below the rounding of its bfloat16.
ALIKE = ("Muon", "torch", "form")

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
                if spoken.call is not None and (name, dialect, twist) != ALIKE:
                    for value in sorted(values - {spoken.twists.get(twist)}, key=str):
                        yield name, dialect, twist, value


@pytest.mark.parametrize(("name", "dialect", "twist", "value"), list(flips()), ids=str)
def test_a_wrong_twist_is_caught(name, dialect, twist, value):
    """Each twist, set as another framework has it, leaves this one's path in some case."""
    pytest.importorskip({"torch": "torch", "optax": "optax"}.get(dialect, "keras"))
    rule = RULES[name]
    spoken = rule.dialects[dialect]
    rate = oracles.rates_of(name, dialect)[-1]  # "drop", but for who takes no schedule
    cases = [(i, rate) for i in reversed(range(len(oracles.settings(name))))]
    if name.startswith("ScheduleFree"):
        cases.append((0, "rise"))
    wrong = replace(spoken, twists={**spoken.twists, twist: value})
    wrong_rule = replace(rule, dialects={**rule.dialects, dialect: wrong})
    for setting, rate in cases:
        one = oracles.configured(name, dialect, setting, rate)
        path, gradients = oracles.reference(name, dialect, setting, rate)
        keep, limit = oracles.moved(name, dialect), 5 * LIMITS.get((name, dialect), TOLERANCE)
        with patch.dict(RULES, {name: wrong_rule}):
            if not leaves(path, one, gradients, keep, limit):
                continue
        assert not leaves(path, one, gradients, keep, limit)  # which the right twist does not
        return
    pytest.fail("no setting tells this twist from the other")


def leaves(path, one, gradients, keep, limit):
    """Return whether a rule leaves a path. NumPy takes the steps: JAX would compile each twist."""
    plan = step.make_plan(one, task().facts.weights)
    numbers, complements = step.prepare(one.schedule, one.numbers, len(path))
    weights = initial()
    memory = step.begin(plan, weights, numbers, complements)
    for done, (g, theirs) in enumerate(zip(gradients, path, strict=True)):
        g = [np.asarray(a) for a in g]
        weights, memory = step.step(
            plan, g, weights, memory, np.float32(done), numbers, complements
        )
        if oracles.apart([[weights[i] for i in keep]], [[theirs[i] for i in keep]]) > limit:
            return True
    return False
