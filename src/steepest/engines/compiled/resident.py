"""Members of a call on the devices: their state stays there from a rung's first epoch to its last.

Between two calls only what is small comes to the host: which epoch and step members are at, whether
they are alive, and their curves. All transfers go through `to_devices` and `to_host`.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from steepest.engines.compiled.device_task import DeviceTask
from steepest.engines.compiled.placement import lay_out, orders_of
from steepest.engines.compiled.resting import Call, Resting, to_host
from steepest.engines.population import Population
from steepest.engines.state import Fresh, State
from steepest.rules import step as steps


def to_devices(shared: DeviceTask, tree: Any) -> Any:
    """Return arrays `[places, ...]` where their members train; they may be written to there."""
    if shared.on_cpu:  # a copy, as the host's array would be taken as it is
        tree = jax.tree.map(jnp.array, tree)
    if shared.each is not None:
        return jax.device_put(tree, shared.each)
    return tree if shared.on_cpu else jax.device_put(tree)


def on_host() -> bool:
    """Return whether what is on the device may be the host's own memory, which is written over."""
    return jax.default_backend() == "cpu"


class Resident:
    """Members that one call of an executable trains.

    Args:
        shared: the task on its devices.
        at_once: places on a device.
        rows: orders of examples that a call is given on each device.
        population: the members.
        state: where they stand.
        begin: makes the standing of an untrained population where it trains (`make_begin`).
    """

    def __init__(
        self,
        shared: DeviceTask,
        at_once: int,
        rows: int,
        population: Population,
        state: State,
        begin: Any = None,
    ) -> None:
        self.shared, self.rows = shared, rows
        devices = len(shared.devices)
        self.layout = lay_out(len(population), devices, at_once)
        there = population.take(self.layout.members)
        self.seeds = there.seeds
        self.numbers = to_devices(shared, numbers_of(shared, there))
        if begin is not None and isinstance(state, Fresh):
            self.standing = begin(there.seeds, *self.numbers)
        else:
            self.standing = self._placed(state)
        self.step, self.epoch, self.alive = state.step, state.epoch, state.alive
        self._orders: tuple[Any, Any] = (None, None)

    def _placed(self, state: State) -> Any:
        """Return members that were trained before, each at its place on the devices."""
        which = self.layout.members
        counts = (state.step[which], state.epoch[which], state.alive[which])
        sums = np.zeros(len(which), np.float32)
        rows = state.gathered(which) if isinstance(state, Resting) else None
        if rows is not None:
            return (*rows, *to_devices(self.shared, (*counts, sums)))
        at = state.take(which)
        return to_devices(self.shared, (at.weights, at.memory, at.variables, *counts, sums))

    @property
    def orders_an_epoch(self) -> int:
        """How many orders an epoch takes on a device: one for each different seed."""
        each = np.split(self.seeds, len(self.shared.devices))
        return max(len(np.unique(seeds)) for seeds in each)

    def train(self, run: Callable[..., Any], first: int, stop: int, most: int) -> dict[str, Any]:
        """Train up to epoch `stop`, by about `most` steps; return curves `[members, epochs]`.

        `first` is the first epoch that any member is to be trained in.
        """
        found, curves = run(*self.arguments(first, stop, most))
        self.standing = found
        if not self.shared.on_cpu:  # which trains on meanwhile
            self._draw_ahead(range(stop, 2 * stop - first))
        small = to_host((*found[3:6], curves))
        *own, values = jax.tree.map(lambda a: np.array(a)[self.layout.places], small)
        self.step, self.epoch, self.alive = own
        return dict(values)

    def arguments(self, first: int, stop: int, most: int) -> tuple[Any, ...]:
        """Return what the executable takes."""
        shared, key = self.shared, (first, stop)
        if self._orders[0] != key:
            made = orders_of(
                self.seeds,
                len(shared.devices),
                range(first, stop),
                self.rows,
                shared.facts.training_examples,
                shared.orders.draw,
            )
            self._orders = (key, to_devices(shared, made))
        orders, slots = self._orders[1]
        return (
            *shared.placed,
            np.int32(first),
            np.int32(stop),
            np.int32(most),
            orders,
            self.layout.filled,
            slots,
            *self.numbers,
            self.standing,
        )

    def _draw_ahead(self, epochs: range) -> None:
        """Draw the orders of as many epochs more as a call was just given: it may go on there."""
        facts, orders = self.shared.facts, self.shared.orders
        some = [epoch for epoch in epochs if epoch < facts.epochs]
        seeds = np.unique(self.seeds).tolist()
        if 2 * len(seeds) * len(some) <= orders.most:  # or those that are next would be lost
            for seed in seeds:
                for epoch in some:
                    orders.draw(seed, epoch)

    def state(self) -> State:
        """Return where the members stand, on the host. They are between two epochs."""
        counts: Any = (self.step, self.epoch, self.alive)
        tree, places = to_host(self.standing[:3]), self.layout.places
        if len(places) == len(self.layout.members) and not on_host():
            return State(*jax.tree.map(np.asarray, tree), *counts)  # in their order, and copied
        return State(*jax.tree.map(lambda a: np.asarray(a)[places], tree), *counts)

    def resting(self) -> State:
        """Return where the members stand, left on the device where states may wait there.

        They train no further here: what they stand in would be written over.
        """
        shelf = self.shared.shelf
        if shelf is None:
            return self.state()
        call, places = Call(self.standing[:3]), self.layout.places
        state = Resting([call], np.zeros_like(places), places, (self.step, self.epoch, self.alive))
        shelf.add(call)
        return state


def make_begin(shared: DeviceTask, plan: steps.Plan) -> Any:
    """Return what makes the standing of untrained members on the devices, in one compiled call.

    Of `seeds` `[places]` and the members' numbers. Only the weights of each different seed leave
    the host.
    """

    def make(weights: Any, variables: Any, which: Any, numbers: Any, complements: Any) -> Any:
        weights, variables = jax.tree.map(lambda a: a[which], (weights, variables))
        memory = jax.vmap(lambda w, n, c: steps.begin(plan, w, n, c))(weights, numbers, complements)
        zeros = jnp.zeros(which.shape, jnp.int32)
        rest = (zeros, zeros + 0, jnp.ones(which.shape, bool), zeros.astype(jnp.float32))
        return (weights, memory, variables, *rest)

    compiled = jax.jit(make, out_shardings=shared.each)

    def begin(seeds: Any, numbers: Any, complements: Any) -> Any:
        different, which = np.unique(seeds, return_inverse=True)
        drawn = [shared.draw(int(seed)) for seed in different]
        # Room for a power of two of them, so that few programs are compiled.
        drawn += [drawn[-1]] * ((1 << (len(drawn) - 1).bit_length()) - len(drawn))
        stacked = (
            [np.stack([part[i] for part in parts]) for i in range(len(parts[0]))]
            for parts in zip(*drawn, strict=True)
        )
        return compiled(*stacked, which.astype(np.int32), numbers, complements)

    return begin


def numbers_of(shared: DeviceTask, population: Population) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the members' numbers and their complements, each float32 `[members]`."""
    return steps.prepare(population.schedule, population.numbers, shared.facts.steps)
