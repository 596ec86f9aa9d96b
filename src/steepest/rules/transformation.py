"""A person's own transformation, in Optax' terms, as the rule of a step: all arrays at once.

Where parts of the model have learning rates of their own, each part gets a transformation of its
own, as Optax' `partition` has it: what a transformation takes over all arrays, such as a norm, it
takes over those of the part.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from steepest.rules.arrays import Array
from steepest.rules.groups import scaled
from steepest.rules.rule import Rule

Make = Callable[[Mapping[str, Any]], Any]  # from numbers to a transformation


def maker(rule: Rule, flags: Mapping[str, Any]) -> Make:
    """Return what builds a person's own transformation from numbers."""
    make, own = rule.transformation, {n: flags[n] for n in rule.flags}
    assert make is not None
    return lambda numbers: make(**{n: numbers[n] for n in rule.defaults if n in numbers}, **own)


def begin_all(
    make: Make, weights: Sequence[Array], numbers: Mapping[str, Any], factors: Sequence[str | None]
) -> Any:
    """Return the state before the first step: one, or where there are parts one of each."""
    parts = _parts(factors)
    if len(parts) < 2:
        return make(scaled(numbers, *parts)).init(list(weights))
    return [
        make(scaled(numbers, name)).init([weights[i] for i in places])
        for name, places in parts.items()
    ]


def update_all(
    make: Make,
    gradients: Sequence[Array],
    state: Any,
    weights: Sequence[Array],
    numbers: Mapping[str, Any],
    factors: Sequence[str | None],
) -> tuple[list[Array], Any]:
    """Return what to add to the weights, and the state after one update."""
    parts = _parts(factors)
    if len(parts) < 2:
        made = make(scaled(numbers, *parts))
        updates, state = made.update(list(gradients), state, list(weights))
        return list(updates), state
    found: dict[int, Array] = {}
    after = []
    for (name, places), one in zip(parts.items(), state, strict=True):
        made = make(scaled(numbers, name))
        given = ([gradients[i] for i in places], one, [weights[i] for i in places])
        updates, new = made.update(*given)
        after.append(new)
        found |= dict(zip(places, updates, strict=True))
    return [found[i] for i in range(len(weights))], after


def _parts(factors: Sequence[str | None]) -> dict[str | None, list[int]]:
    """Return the places of the arrays of each part, by the name of its factor."""
    found: dict[str | None, list[int]] = {}
    for i, name in enumerate(factors):
        found.setdefault(name, []).append(i)
    return found or {None: []}
