"""Notes on a contestant before it trains, as sentences for the report."""

from collections.abc import Iterable
from typing import Any

from steepest.parse.contestant import Contestant
from steepest.rules import find_rule
from steepest.rules.groups import part_of
from steepest.rules.rule import Rule

# Numbers of the recipe at which an ingredient makes no difference.
NOTHING = {"weight_decay": 0.0, "warmup": 0.0, "ema": 0.0, "drop": 1.0, "final": 1.0}


def notes(
    contestant: Contestant, weights: Iterable[Any], framework: str = "keras", batches: int = 1
) -> list[str]:
    """Return what a person should know of this optimizer on a model with these weights.

    `framework` is the model's; `batches` are those of an epoch.
    """
    rule = find_rule(contestant.rule)
    return [
        *_idle(contestant, rule),
        *_frozen(contestant),
        *_routed(contestant, rule, weights, framework),
        *_in_minibatches(contestant, rule, batches),
    ]


def _in_minibatches(contestant: Contestant, rule: Rule, batches: int) -> list[str]:
    """Return what is to be known of a rule for full batches where an epoch has several."""
    gathered = contestant.fixed.get("accumulation", 1)
    if not rule.full_batches or batches <= int(gathered if isinstance(gathered, int) else 1):
        return []
    return [
        f"{rule.name} is made for full batches, and an epoch has {batches} batches here: the signs "
        "of their gradients turn with the noise, so its steps do not find their length, and what "
        "it reaches says little of it; give all examples as one batch"
    ]


def _idle(contestant: Contestant, rule: Rule) -> list[str]:
    """Return what was asked for and does nothing, beside the numbers that are fixed."""
    fixed, searched = contestant.fixed, contestant.space
    found = []
    for flag, number in rule.idle.items():
        asked = flag in contestant.given or contestant.baseline
        form = {**rule.dialect(contestant.dialect).twists}.get("form")
        if fixed.get(flag) is True and asked and fixed.get(number) == 0 and form != "optax":
            found.append(
                f"{flag}=True does nothing without {number}, which is 0 here; fix it, as in "
                f"{rule.name}({flag}=True, {number}=0.9), or leave {flag} out"
            )
    if fixed.get("learning_rate") == 0:
        found.append("the learning rate is 0, so nothing is trained")
    for name, value in NOTHING.items():
        asked = name in contestant.given or contestant.baseline
        if asked and name not in searched and fixed.get(name) == value:
            if name == "weight_decay" and contestant.baseline:
                continue  # a framework's way to say that there is none
            if rule.settings(contestant.dialect).get(name, value) != value:
                continue  # left out, it would be the default
            found.append(f"{name}={value:g} does nothing; leave it out, or give another value")
    return found


def _frozen(contestant: Contestant) -> list[str]:
    """Return which parts of the model do not move, though gradients of them are computed."""
    still = [
        part
        for name, value in contestant.fixed.items()
        if (part := part_of(name)) is not None and value == 0
    ]
    how = "trainable = False in Keras, requires_grad_(False) in PyTorch"
    return [
        f"{part} does not move, as its factor on the learning rate is 0; frozen in the model "
        f"({how}) it would cost no gradients"
        for part in still
    ]


def _routed(
    contestant: Contestant, rule: Rule, weights: Iterable[Any], framework: str
) -> list[str]:
    """Return what a rule does with each kind of weights, where that differs from Keras, or from
    what shapes tell, which is all that PyTorch's own looks at."""
    if rule.choose is None:
        return []
    flags = {**rule.flags, **contestant.fixed}
    parameters = list(weights)
    ours = [rule.choose(p, flags)["matrix"] for p in parameters]
    usual, who = ("keras", "Keras") if framework == "keras" else ("optax", "a rule by shape alone")
    theirs = [rule.choose(p, {**flags, "routing": usual})["matrix"] for p in parameters]
    found = []
    wrong = [p.path for p, a, b in zip(parameters, ours, theirs, strict=True) if b and not a]
    if wrong:
        found.append(
            f"{rule.name} leaves to AdamW what are no hidden matrices ({_listed(wrong)}), which "
            f"{who} would send to Newton–Schulz; the code to paste excludes them"
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
