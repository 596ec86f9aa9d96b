"""The updates of several rules in one program, which has a single gradient and evaluation.

Each rule's update is a loop of its own that turns once for that rule and never for another. XLA
writes over the arrays of a loop; branches (`lax.switch`) it gives copies, which made a perceptron's
step 1.6 to 2.5 times as long. The gradients go through a barrier in the loop: XLA would take their
products with a rule's numbers out of it, where every rule's would be computed at each step.

A rule that is alone has the same loop. So what it computes is the same to the last bit, whatever
rules it shares a program with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.stages import Compiled

from steepest.engines.state import State
from steepest.rules import step as steps

WHICH = "which rule"  # its place among the program's rules, beside the hyperparameters


def shows_others(plan: steps.Plan) -> bool:
    """Return whether other weights are evaluated than those that train."""
    return plan.rule.shown is not None or plan.has("ema")


class OneUpdate:
    """The update of one rule as it is, where loops are dear."""

    def __init__(self, plan: steps.Plan) -> None:
        self.plan = plan

    def step(self, gradients: Any, weights: Any, memory: Any, done: Any, n: Any, c: Any) -> Any:
        """Return weights and memory after one more batch."""
        return steps.step(self.plan, gradients, weights, memory, done, n, c)

    def shown(self, weights: Any, memory: Any, n: Any, c: Any) -> Any:
        """Return the weights to evaluate."""
        return steps.shown(self.plan, weights, memory, n, c)


class Updates:
    """The updates of several rules, each in a loop of its own.

    What rules remember is a list of arrays that they share: as many of a shape as the one with the
    most of them needs. What a rule does not use stays as it is.

    Args:
        plans: of the rules.
        begun: an untrained member of each, whose arrays have the shapes.
        numbers: the hyperparameters of each, and their complements, `[1]`.
    """

    def __init__(
        self,
        plans: Sequence[steps.Plan],
        begun: Sequence[State],
        numbers: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]],
    ) -> None:
        self.plans = plans
        self.forms = [one.form for one in begun]
        self.kinds: list[tuple[tuple[int, ...], np.dtype[Any]]] = []  # of the arrays, `[1, ...]`
        self.places = [self._placed(jax.tree.leaves(one.memory)) for one in begun]
        self.names = [tuple(map(frozenset, one)) for one in numbers]
        # Of the others' hyperparameters a rule's members have zeros, which nobody reads.
        self.zeros = [
            {name: np.zeros_like(array) for one in numbers for name, array in one[part].items()}
            for part in (0, 1)
        ]

    def _placed(self, leaves: Sequence[Any]) -> list[int]:
        """Return the places of a rule's arrays among the shared ones; make those that lack."""
        places: list[int] = []
        for leaf in leaves:
            kind = (tuple(leaf.shape), np.dtype(leaf.dtype))
            like = [i for i, one in enumerate(self.kinds) if one == kind and i not in places]
            if not like:
                self.kinds.append(kind)
            places.append(like[0] if like else len(self.kinds) - 1)
        return places

    def step(self, gradients: Any, weights: Any, shared: Any, done: Any, n: Any, c: Any) -> Any:
        """Return weights and the shared arrays after one more batch."""
        weights, shared = list(weights), list(shared)
        for rule, plan in enumerate(self.plans):
            own, more = self._numbers(rule, n, c)

            def update(carry: Any, plan: Any = plan, own: Any = own, more: Any = more) -> Any:
                turns, weights, memory, gradients = carry
                barrier: Any = lax.optimization_barrier
                held, _ = barrier((gradients, turns))
                weights, memory = steps.step(plan, held, weights, memory, done, own, more)
                return turns - 1, weights, memory, gradients

            turns = jnp.where(n[WHICH] == rule, 1, 0)
            carry = (turns, weights, self._memory(rule, shared), gradients)
            _, weights, memory, gradients = lax.while_loop(lambda c: c[0] > 0, update, carry)
            for place, leaf in zip(self.places[rule], jax.tree.leaves(memory), strict=True):
                shared[place] = leaf
        return weights, shared

    def shown(self, weights: Any, shared: Any, n: Any, c: Any) -> Any:
        """Return the weights to evaluate."""
        if not any(map(shows_others, self.plans)):
            return weights

        def of(rule: int) -> Any:
            def weights_of(weights: Any, shared: Any) -> Any:
                memory, (own, more) = self._memory(rule, shared), self._numbers(rule, n, c)
                return list(steps.shown(self.plans[rule], weights, memory, own, more))

            return weights_of

        each = [of(rule) for rule in range(len(self.plans))]
        return lax.switch(n[WHICH], each, list(weights), list(shared))

    def _memory(self, rule: int, shared: Sequence[Any]) -> Any:
        return jax.tree.unflatten(self.forms[rule], [shared[i] for i in self.places[rule]])

    def _numbers(self, rule: int, n: Any, c: Any) -> Any:
        return tuple(
            {name: each[name] for name in names}
            for names, each in zip(self.names[rule], (n, c), strict=True)
        )


@dataclass(frozen=True)
class OneOf:
    """An executable of several rules, called as if it were of one."""

    run: Compiled
    updates: Updates
    rule: int

    def __call__(self, *arguments: Any) -> Any:
        found, curves = self.run(*self.arguments(*arguments))
        weights, shared, *rest = found
        memory = [shared[place] for place in self.updates.places[self.rule]]
        form = self.updates.forms[self.rule]
        return (weights, jax.tree.unflatten(form, memory), *rest), curves

    def memory_analysis(self) -> Any:
        """Return what XLA says that the program takes."""
        return self.run.memory_analysis()

    def arguments(self, *arguments: Any) -> tuple[Any, ...]:
        """Return what the executable takes, of what one of this rule alone would."""
        return shared_arguments(self.updates, self.rule, arguments)


def shared_arguments(updates: Updates, rule: int, arguments: Sequence[Any]) -> tuple[Any, ...]:
    """Return the arguments of a program of several rules for members of one of them."""
    *before, numbers, complements, (weights, memory, *rest) = arguments
    given = dict(zip(updates.places[rule], jax.tree.leaves(memory), strict=True))
    shared = [given[i] if i in given else np.zeros(*kind) for i, kind in enumerate(updates.kinds)]
    which = {WHICH: np.full(1, rule, np.int32)}
    numbers = {**updates.zeros[0], **numbers, **which}
    complements = {**updates.zeros[1], **complements}
    return (*before, numbers, complements, (weights, shared, *rest))
