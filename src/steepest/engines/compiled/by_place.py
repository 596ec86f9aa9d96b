"""The updates of several rules in one program whose members train side by side.

Each rule has places of its own, so no member takes a step of another's rule; gradient and
evaluation are one for all of them. Where members move little in a step, a card trains those of all
rules in the time of one rule's.
"""

from collections.abc import Callable, Sequence
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp

from steepest.engines.compiled.updates import shows_others
from steepest.engines.state import State
from steepest.rules import step as steps

HEAVY = {"cond", "dot_general", "eigh", "qr", "scan", "svd", "while"}
# Where members stand: weights, memory, variables, steps, epochs, who is alive, sums of losses.
Standing = tuple[Any, ...]


class ByPlace:
    """Places of several rules, one rule's after the other's.

    What is of a rule alone, its memory and hyperparameters, is a tuple with an entry each.

    Args:
        plans: of the rules.
        places: that each has.
        blanks: numbers, with their complements, and standing of a rule's places with no members.
    """

    def __init__(
        self, plans: Sequence[steps.Plan], places: int, blanks: Sequence[tuple[Any, Standing]]
    ) -> None:
        self.plans, self.places, self.blanks = plans, places, blanks

    def _own(self, rule: int, tree: Any) -> Any:
        """Return the rows of one rule's places."""
        if len(self.plans) == 1:
            return tree
        first = rule * self.places
        return jax.tree.map(lambda a: a[first : first + self.places], tree)

    def step(
        self,
        constrain: Callable[[Any], Any],
        gradients: Any,
        weights: Any,
        memory: tuple[Any, ...],
        live: Any,
        at: Any,
        n: tuple[Any, ...],
        c: tuple[Any, ...],
    ) -> tuple[Any, tuple[Any, ...]]:
        """Return weights and memory after one more batch, of those that are `live` `[places]`.

        `at` steps were before.
        """

        def member(plan: steps.Plan, *own: Any) -> Any:
            gradients, weights, memory, lives, numbers, complements = own
            moved, kept = steps.step(plan, gradients, weights, memory, at, numbers, complements)
            after, before = (constrain(moved), kept), (weights, memory)
            return jax.tree.map(lambda new, old: jnp.where(lives, new, old), after, before)

        found = []
        for rule, plan in enumerate(self.plans):
            g, w, lives = self._own(rule, (gradients, weights, live))
            of_rule = jax.vmap(partial(member, plan))
            found.append(of_rule(g, w, memory[rule], lives, n[rule], c[rule]))
        return _concatenated([moved for moved, _ in found]), tuple(kept for _, kept in found)

    def shown(self, weights: Any, memory: tuple[Any, ...], n: Any, c: Any) -> Any:
        """Return the weights to evaluate."""
        if not any(map(shows_others, self.plans)):
            return weights
        found = []
        for rule, plan in enumerate(self.plans):
            of_rule = jax.vmap(partial(steps.shown, plan))
            found.append(list(of_rule(self._own(rule, weights), memory[rule], n[rule], c[rule])))
        return _concatenated(found)

    @cached_property
    def joined(self) -> Callable[[Sequence[Standing]], Standing]:
        """What puts the standings of each rule's places together, in one compiled call."""
        if len(self.plans) == 1:
            return lambda some: (some[0][0], (some[0][1],), *some[0][2:])

        def join(some: Sequence[Standing]) -> Standing:
            weights, memory, *rest = zip(*some, strict=True)
            return (_concatenated(weights), tuple(memory), *map(_concatenated, rest))

        return jax.jit(join)

    @cached_property
    def split(self) -> Callable[[Standing], list[tuple[Any, Any, Any]]]:
        """What gives weights, memory and variables of each rule's places."""

        def cut(standing: Standing) -> list[tuple[Any, Any, Any]]:
            weights, memory, variables = standing[:3]
            each = range(len(self.plans))
            return [(self._own(i, weights), memory[i], self._own(i, variables)) for i in each]

        return cut if len(self.plans) == 1 else jax.jit(cut)


def is_light(plan: steps.Plan, begun: State, numbers: Any) -> bool:
    """Return whether a rule's update is arithmetic of single numbers, and sums.

    One with matrix products or loops is dear also where it has no members in a call, and is no rule
    to share a program with.

    Args:
        plan: of the rule.
        begun: an untrained member.
        numbers: its hyperparameters and their complements, `[1]`.
    """
    weights, memory, own = jax.tree.map(lambda a: a[0], (begun.weights, begun.memory, numbers))
    traced = jax.make_jaxpr(partial(steps.step, plan))(weights, weights, memory, 0.0, *own)
    return HEAVY.isdisjoint(_primitives(traced.jaxpr))


def _primitives(jaxpr: Any) -> set[str]:
    found = set()
    for equation in jaxpr.eqns:
        found.add(equation.primitive.name)
        for value in equation.params.values():
            for one in value if isinstance(value, tuple) else (value,):
                inner = getattr(one, "jaxpr", one)
                found |= _primitives(inner) if hasattr(inner, "eqns") else set()
    return found


def _concatenated(some: Sequence[Any]) -> Any:
    if len(some) == 1:
        return some[0]
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *some)
