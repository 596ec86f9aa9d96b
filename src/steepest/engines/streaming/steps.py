"""What a streamed population computes, as compiled programs: train, measure, finish an epoch.

Each takes the members of a group, arrays `[members, ...]`, and a block of batches that all of them
meet. A program is compiled for each shape of a block, once.
"""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from steepest.engines.compiled.parts import Parts
from steepest.engines.compiled.training import compiled, compiler_options
from steepest.engines.streaming.prefetch import Block
from steepest.errors import SteepestError, TaskError
from steepest.rules import step as steps
from steepest.tasks.keras.checks import gist
from steepest.tasks.task import Task

# weights, memory, variables, step, and the sum of the epoch's losses; arrays [members, ...].
Standing = tuple[Any, Any, Any, Any, Any]
Heed = Callable[[], None]
Numbers = tuple[dict[str, Any], dict[str, Any]]  # and their complements, float32 [members]


PIECE_SECONDS = 1.0  # of a call
TRIED = 4  # batches of the first call, which say how long one takes


def _nobody() -> None:
    """Heed nobody."""


class StreamSteps:
    """The compiled programs of one rule on one task."""

    def __init__(self, task: Task, parts: Parts, plan: steps.Plan, lockstep: bool) -> None:
        self.task, self.parts, self.plan = task, parts, plan
        self.lockstep = lockstep
        self.executables: dict[Any, Any] = {}
        self.seconds: dict[str, float] = {}  # of a batch: to "train", to "measure"
        self.lock = threading.Lock()
        self.options = compiler_options(jax.default_backend())

    def train(
        self, standing: Standing, numbers: Numbers, block: Block, heed: Heed = _nobody
    ) -> Standing:
        """Train the members on each batch of `block`; takes the place of `standing`.

        `heed` is called after steps that take about a second; it may raise.
        """
        for places in self._pieces("train", block, heed):
            standing = self._run(self._train, standing, numbers, (block.batches, *places))
            standing[4].block_until_ready()  # so that blocks do not pile up before the device
        return standing

    def begin_totals(self, standing: Standing) -> Any:
        """Return what an evaluation starts from: variables, and the task's totals for each."""
        members = standing[3].shape[0]
        totals = jax.tree.map(
            lambda a: jnp.array(np.broadcast_to(a, (members, *np.shape(a)))), self.task.totals
        )
        return standing[2], totals

    def measure(
        self, carry: Any, standing: Standing, numbers: Numbers, block: Block, heed: Heed = _nobody
    ) -> Any:
        """Evaluate each batch of `block`; takes the place of `carry`. `heed` as in `train`."""
        kept = (standing[0], standing[1], *numbers)
        for places in self._pieces("measure", block, heed):
            carry = self._run(self._measure, carry, kept, (block.batches, *places))
            carry[1][0].block_until_ready()
        return carry

    def _pieces(self, what: str, block: Block, heed: Heed) -> Iterator[tuple[Any, Any]]:
        """Give the first place and the end of what is done in a call, about a second each."""
        first = 0
        while first < block.count:
            heed()
            took = self.seconds.get(what)
            most = TRIED if took is None else max(1, int(PIECE_SECONDS / took))
            end = min(block.count, first + most)
            began = time.perf_counter()
            yield np.int32(first), np.int32(end)
            self.seconds[what] = max(1e-9, (time.perf_counter() - began) / (end - first))
            first = end

    def finish(self, carry: Any) -> dict[str, np.ndarray[Any, Any]]:
        """Return loss and metrics `[members]`."""
        values = self._run(self._finish, carry[1], (), ())
        return {name: np.asarray(value) for name, value in values.items()}

    def _train(self, standing: Any, numbers: Any, shared: Any) -> Any:
        batches, first, end = shared

        def step(carry: Any, batch: Any) -> Any:
            weights, memory, variables, t, total = carry
            (loss, variables), gradients = self.parts.gradient(weights, variables, batch)
            done = t.astype(jnp.float32)
            weights, memory = steps.step(self.plan, gradients, weights, memory, done, *numbers)
            weights = self.task.constrain(weights)
            size = jax.tree.leaves(batch)[0].shape[0]
            return weights, memory, variables, t + 1, total + loss.astype(jnp.float32) * size

        def more(c: Any) -> Any:  # a member whose loss is not finite costs nothing more
            return (c[0] < end) & (True if self.lockstep else jnp.isfinite(c[1][4]))

        def body(c: Any) -> Any:
            return c[0] + 1, step(c[1], jax.tree.map(lambda a: a[c[0]], batches))

        return lax.while_loop(more, body, (first, standing))[1]

    def _measure(self, carry: Any, kept: Any, shared: Any) -> Any:
        batches, first, end = shared
        shown = steps.shown(self.plan, *kept)

        def body(i: Any, carry: Any) -> Any:
            variables, totals = carry
            return self.parts.measure(
                shown, variables, totals, jax.tree.map(lambda a: a[i], batches)
            )

        return lax.fori_loop(first, end, body, carry)

    def _finish(self, totals: Any, _kept: Any, _shared: Any) -> Any:
        values = self.task.summarize(totals)
        return {name: values[name] for name in ("loss", *self.task.facts.metrics)}

    def _run(self, function: Callable[..., Any], taken: Any, kept: Any, shared: Any) -> Any:
        """Call the compiled `function`; the memory of `taken` is used for what it returns."""
        key = (function.__name__, *(np.shape(a) for a in jax.tree.leaves(shared)))
        with self.lock:
            found = self.executables.get(key)
            if found is None:
                each = self._for_each(function)
                donate = () if function.__name__ == "_finish" else (0,)
                try:
                    lowered = jax.jit(each, donate_argnums=donate).lower(taken, kept, shared)
                except SteepestError:
                    raise
                except Exception as error:  # the first batch was traced before
                    shapes = ", ".join(str(shape[1:]) for shape in key[1:] if len(shape) > 1)
                    raise TaskError(
                        f"the model cannot take batches of the shapes {shapes}, which the stream "
                        f"gives after others: {gist(error)}"
                    ) from error
                found = compiled(lowered, self.options)
                self.executables[key] = found
        return found(taken, kept, shared)

    def _for_each(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return `function` of one member as a function of a group."""
        if self.lockstep:
            return jax.vmap(function, in_axes=(0, 0, None))

        def alone(taken: Any, kept: Any, shared: Any) -> Any:
            taken, kept = jax.tree.map(lambda a: a[0], (taken, kept))
            return jax.tree.map(lambda a: jnp.asarray(a)[None], function(taken, kept, shared))

        return alone
