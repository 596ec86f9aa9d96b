"""Rows of a state: some of its members taken, or put in the place of what they were."""

from typing import Any

import jax
import numpy as np

from steepest.engines.state import State


def weighing(state: State) -> tuple[Any, Any, Any]:
    """Return what is needed to measure members: averages of weights may be in the memory."""
    return (state.weights, state.memory, state.variables)


def chosen(tree: Any, which: Any) -> Any:
    """Return some rows of nested arrays `[members, ...]`."""
    return jax.tree.map(lambda a: np.asarray(a)[which], tree)


def replaced(tree: Any, members: Any, new: Any) -> Any:
    """Return arrays `[members, ...]` with some rows replaced, in memory of their own."""
    if not len(members):
        return tree

    def one(old: Any, some: Any) -> Any:
        if len(members) == len(old):
            return np.array(some)
        found = np.array(old)
        found[members] = some
        return found

    return jax.tree.map(one, tree, new)


def joined(state: State, members: Any, after: State) -> State:
    """Return a state in which some members stand where `after` has them."""
    return State(*replaced(state.tree(), members, after.tree()))
