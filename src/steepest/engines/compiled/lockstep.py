"""The training of members side by side as a function that JAX traces and compiles.

All members that a call trains are in the same epoch and at the same step, so counters are single
numbers and only what a member owns is mapped (`vmap`). A loop whose counters were mapped would run
both branches of every choice, the gradient of the epoch's smaller last batch among them, at each
step. A member that is not alive, or in another epoch, keeps what it has. Members of several rules
have one gradient and one evaluation, and each rule's places an update (`by_place.py`).
"""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from steepest.data.arrays import Arrays, Batch
from steepest.engines.compiled.by_place import ByPlace
from steepest.engines.compiled.evaluation import Chunks, evaluation
from steepest.engines.compiled.parts import Parts
from steepest.engines.compiled.training import batch_at, names
from steepest.tasks.task import Task

# Steps of a loop of fixed length inside the loop over an epoch: an accelerator asks the host
# whether a loop of open length goes on, at each turn.
BLOCK = 16
IDLE = 1 / 32  # of an epoch's steps, at most, that its last block may have too many


def block_of(batches: int) -> int:
    """Return how many steps are taken at a time: what divides `batches`, at most `BLOCK`."""
    return max((n for n in range(1, BLOCK + 1) if batches % n == 0), default=1)


def even_block(steps: int) -> int | None:
    """Return how many steps of an epoch are taken at a time where the last batch is one of them.

    The last block may have a few too many, which change nothing. None where it would be more.
    """
    asked = {n: -(-steps // n) for n in range(1, BLOCK + 1)}  # blocks of an epoch
    fitting = [n for n, blocks in asked.items() if blocks * n - steps <= IDLE * steps]
    found = min(fitting, key=lambda n: (asked[n], n))
    return found if 2 * found > min(BLOCK, steps) // 2 else None


def make_lockstep(task: Task, parts: Parts, update: ByPlace) -> Any:
    """Return the training of members `[members, ...]` up to epoch `stop`, by `steps_left` about.

    A call ends with a block of steps, or with an epoch. Arguments as in `training.make_single`, but
    numbers, complements and memory are tuples with an entry for each rule of `update`.
    """
    facts = task.facts
    size, batch = facts.training_examples, facts.batch_size
    full = size // batch
    met = full * batch if facts.drop_last else size

    def shares(weights: Arrays, variables: Arrays, training: Batch) -> bool:
        """Return whether full batches and the last, smaller one may have one gradient."""
        member = jax.tree.map(lambda a: a[0], (weights, variables))
        return parts.shares(*member, jax.tree.map(lambda a: a[:batch], training))

    def run(
        training: Batch,
        validation: Chunks,
        first: Any,
        stop: Any,
        steps_left: Any,
        orders: Any,
        filled: Any,  # noqa: ARG001
        slots: Any,
        numbers: tuple[dict[str, Any], ...],
        complements: tuple[dict[str, Any], ...],
        state: Any,
    ) -> Any:
        weights, memory, variables, t, epochs, alive, total = state
        even = even_block(facts.steps_per_epoch) if shares(weights, variables, training) else None
        # Of an epoch's batches, those that one program takes; a smaller one may have its own.
        alike, block = (full, block_of(full)) if even is None else (facts.steps_per_epoch, even)
        begin = jnp.min(jnp.where(alive, epochs, stop))
        chosen = alive & (epochs == begin)  # who trains in this call
        done = jnp.max(jnp.where(chosen, t, 0)) - begin * facts.steps_per_epoch

        def train(i: Any, at: Any, order: Any, count: Any, live: Any, carry: Any) -> Any:
            """Take a step of all members with the epoch's batch i, of which `count` examples count.

            `order` is `[members, batch]`; `at` steps were before.
            """

            def one(weights: Arrays, variables: Arrays, total: Any, places: Any, lives: Any) -> Any:
                given = weights, variables, jax.tree.map(lambda a: a[places], training)
                if even is None or parts.either_gradient is None:
                    (loss, changed), gradients = parts.gradient(*given)
                else:
                    (loss, changed), gradients = parts.either_gradient(i < full, *given)
                grown = total + loss.astype(jnp.float32) * count
                after, before = (changed, grown), (variables, total)
                kept = jax.tree.map(lambda new, old: jnp.where(lives, new, old), after, before)
                return gradients, *kept

            weights, memory, variables, total = carry
            found = jax.vmap(one)(weights, variables, total, order, live)
            gradients, variables, total = found
            own = weights, memory, live, at, numbers, complements
            weights, memory = update.step(task.constrain, gradients, *own)
            return weights, memory, variables, total

        def one_epoch(carry: Any) -> Any:
            own, (epochs, alive), (epoch, begun), left, curves = carry
            live = chosen & alive
            rows = slots + (epoch - first)
            before = (epoch * facts.steps_per_epoch).astype(jnp.float32)

            def whole(i: Any, own: Any) -> Any:
                if even is None:
                    part = lax.dynamic_slice(orders, (0, i * batch), (orders.shape[0], batch))
                    return train(i, before + i, part[rows], batch, live, own)
                part, count = batch_at(orders, i, facts)
                return train(i, before + i, part[rows], count, live & (i < alike), own)

            def blocks(c: Any) -> Any:
                i, own = c
                return i + block, lax.fori_loop(0, block, lambda j, o: whole(i + j, o), own)

            def more(c: Any) -> Any:
                return (c[0] < alike) & (c[0] - begun < left)

            i, own = lax.while_loop(more, blocks, (begun, own)) if alike else (begun, own)
            i = jnp.minimum(i, jnp.maximum(begun, alike))
            if alike < facts.steps_per_epoch:

                def rest(own: Any) -> Any:
                    own_rest, last = orders[rows, full * batch :], size - full * batch
                    return train(full, before + full, own_rest, last, live, own)

                due = (i == full) & (i - begun < left)
                own = lax.cond(due, rest, lambda own: own, own)
                i = i + due
            over = i >= facts.steps_per_epoch

            def evaluate(own: Any, epochs: Any, alive: Any, curves: Any) -> Any:
                weights, memory, variables, total = own

                def one(w: Arrays, v: Arrays) -> Any:
                    return evaluation(task, parts, w, v, validation)

                shown = update.shown(weights, memory, numbers, complements)
                measured, after = jax.vmap(one)(shown, variables)
                values = {"training_loss": total / met, **measured}
                curves = {
                    name: c.at[:, epoch].set(
                        jnp.where(live, values[name].astype(c.dtype), c[:, epoch])
                    )
                    for name, c in curves.items()
                }
                fine = jnp.isfinite(values["training_loss"]) & jnp.isfinite(values["loss"])

                def kept(new: Any, old: Any) -> Any:
                    return jnp.where(live.reshape(-1, *[1] * (old.ndim - 1)), new, old)

                variables = jax.tree.map(kept, after, variables)
                own = (weights, memory, variables, jnp.where(live, 0.0, total))
                return own, jnp.where(live, epoch + 1, epochs), alive & (fine | ~live), curves

            own, epochs, alive, curves = lax.cond(
                over, evaluate, lambda *same: same, own, epochs, alive, curves
            )
            place = (epoch + over, jnp.where(over, 0, i))
            return own, (epochs, alive), place, left - (i - begun), curves

        def more_epochs(carry: Any) -> Any:
            _, (_, alive), (epoch, _), left, _ = carry
            return (epoch < stop) & (chosen & alive).any() & (left > 0)

        curves = {
            name: jnp.full((len(slots), facts.epochs), jnp.nan, jnp.float32) for name in names(task)
        }
        own = (weights, memory, variables, total)
        carry = (own, (epochs, alive), (begin, done), steps_left, curves)
        own, (after, alive), (_, begun), _, curves = lax.while_loop(more_epochs, one_epoch, carry)
        # Who did not end an epoch stands within it.
        taken = after * facts.steps_per_epoch + jnp.where(alive, begun, 0)
        weights, memory, variables, total = own
        t = jnp.where(chosen, taken, t)
        return (weights, memory, variables, t, after, alive, total), curves

    return run
