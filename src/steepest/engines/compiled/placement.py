"""Where the members of a call stand and lie: so many places on each device, filled evenly."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Integer

from steepest.data.order import Order

KEPT_BYTES = 2**26  # of orders that are kept, as several members and rules meet them


@dataclass(frozen=True)
class Layout:
    """Places on all devices, device by device. What no member fills is a copy of the last one."""

    members: Integer[np.ndarray, " places"]  # which member lies there
    places: Integer[np.ndarray, " members"]  # where each member lies
    filled: Int32[np.ndarray, " devices"]  # places that members fill


def lay_out(count: int, devices: int, capacity: int) -> Layout:
    """Spread `count` members over devices of `capacity` places each."""
    share, more = divmod(count, devices)
    filled = np.array([share + (device < more) for device in range(devices)], np.int32)
    places = np.concatenate(
        [device * capacity + np.arange(some) for device, some in enumerate(filled)]
    )
    members = np.full(devices * capacity, count - 1)
    members[places] = np.arange(count)
    return Layout(members, places, filled)


def orders_of(
    seeds: Integer[np.ndarray, " places"],
    devices: int,
    epochs: range,
    room: int,
    size: int,
    draw: Callable[[int, int], Int32[np.ndarray, " size"]],
) -> tuple[Int32[np.ndarray, "rows {size}"], Int32[np.ndarray, " places"]]:
    """Return the orders of some epochs, and at which row on its device each place finds its own.

    Of the orders a device has `room` rows: for each different seed there, one for each epoch.
    `draw(seed, epoch)` gives an order.
    """
    capacity = len(seeds) // devices
    orders = np.zeros((devices * room, size), np.int32)
    slots = np.zeros(len(seeds), np.int32)
    for device in range(devices):
        mine = slice(device * capacity, (device + 1) * capacity)
        different, which = np.unique(seeds[mine], return_inverse=True)
        slots[mine] = which * len(epochs)
        rows = [draw(seed, epoch) for seed in different.tolist() for epoch in epochs]
        if rows:
            orders[device * room : device * room + len(rows)] = rows
    return orders, slots


class Orders:
    """Orders of examples, drawn once for all members and rules that meet them, while there is room.

    Args:
        order: what draws the order of an epoch.
        size: how many examples there are.
    """

    def __init__(self, order: Order, size: int) -> None:
        self.order = order
        self.most = max(1, KEPT_BYTES // (4 * size))
        self._known: dict[tuple[int, int], Int32[np.ndarray, " size"]] = {}
        self._lock = threading.Lock()

    def draw(self, seed: int, epoch: int) -> Int32[np.ndarray, " size"]:
        """Return the order of an epoch; it must not be written to."""
        key = (seed, epoch)
        with self._lock:
            if key in self._known:
                return self._known[key]
        order = self.order(seed, epoch)
        with self._lock:
            self._known[key] = order
            while len(self._known) > self.most:
                del self._known[next(iter(self._known))]
        return order
