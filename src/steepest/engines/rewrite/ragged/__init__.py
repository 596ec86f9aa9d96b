"""One program for full batches and for an epoch's last, smaller one.

Gradients for both sizes are two programs to compile, and users wait for that. `ragged` traces the
loss for both sizes, holds the two programs side by side, and runs the full one with an argument
that says whether the batch is full. If not, the rows beyond the smaller batch's do not count:

- what works row by row is left as it is (`rowwise.py`), and nobody reads the rows beyond;
- sums over examples, and products that sum over them, leave those rows out;
- numbers that differ, such as a mean's 1/32 and 1/21, are chosen between;
- any other operation is a branch with both of its forms, as long as it is a single operation.

Where the programs differ otherwise, as those of a loss that asks for the batch's size may, it
refuses, and the caller compiles two. So what comes out is what the smaller program gives, but
for rounding; and so are the gradients, as no row beyond reaches the loss.

The caller fills the batch with copies of the smaller one's last example. Whatever else has an axis
of examples (random bits, counters) is filled in the same way, so that rows beyond hold nothing that
is not finite where the smaller program is: 0 times infinity would reach the gradients.
"""

import logging
import math
from collections.abc import Callable
from typing import Any

import jax

from steepest.engines.rewrite.equations import operations
from steepest.engines.rewrite.ragged.pairs import Layouts, RefusedError
from steepest.engines.rewrite.ragged.replay import BRANCHES, Replay

__all__ = ["BRANCHES", "RefusedError", "ragged"]

log = logging.getLogger(__name__)


def ragged(
    function: Callable[..., Any],
    batch: tuple[int, int],
    dearest: float = math.inf,
    branches: int = BRANCHES,
    differentiated: bool = True,
) -> Callable[..., Any]:
    """Return `function(full, ...)` of a full batch, or of a smaller one that has been filled.

    `function` takes arrays, the last argument those of the examples `[examples, ...]`. `full` is a
    scalar. Where it is false, only the first `batch[1]` examples count, and the others must be
    copies of the last of them. Those take up to `dearest` operations of floating
    point, and up to `branches` operations become one. What is not `differentiated` needs no
    derivatives of functions that bring their own.

    Raises:
        RefusedError: while it is traced; the function needs a program for each size.
    """

    def run(full: Any, *arguments: Any) -> Any:
        *others, examples = arguments
        shape: Any = jax.ShapeDtypeStruct
        fewer = jax.tree.map(lambda a: shape((batch[1], *a.shape[1:]), a.dtype), examples)
        big, shapes = jax.make_jaxpr(function, return_shape=True)(*others, examples)
        small, same = jax.make_jaxpr(function, return_shape=True)(*others, fewer)
        if shapes != same:
            raise RefusedError("what is returned has an axis of examples")
        if operations(big.jaxpr) * (1 - batch[1] / batch[0]) > dearest:
            raise RefusedError("the rows beyond the smaller batch's take too long")
        replay = Replay(full, Layouts(batch), branches, differentiated=differentiated)
        out = replay.program(big, small, jax.tree.leaves(arguments))
        if replay.branched:
            log.debug("in both forms, for full and smaller: %s", ", ".join(replay.branched))
        return jax.tree.unflatten(jax.tree.structure(shapes), out)

    return run
