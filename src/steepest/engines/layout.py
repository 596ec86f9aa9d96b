"""Where the members of a call lie: so many places on each device, filled evenly."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.tasks.order import epoch_order

Ints = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Layout:
    """Places on all devices, device by device. What no member fills is a copy of the last one."""

    members: Ints  # int [places]: which member lies there
    places: Ints  # int [members]: where each member lies
    filled: Ints  # int32 [devices]: places that members fill


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


def orders_of(seeds: Ints, devices: int, epochs: range, room: int, size: int) -> tuple[Ints, Ints]:
    """Return the orders of some epochs, with room for `room`, and where each place finds its own.

    Args:
        seeds: of each place, `[places]`.

    Returns:
        int32 `[places, room, size]`, of which a device has a slot for each of its places and
        fills one for each different seed; and int32 `[places]`, the slot on its device.
    """
    capacity = len(seeds) // devices
    orders = np.zeros((len(seeds), room, size), np.int32)
    slots = np.zeros(len(seeds), np.int32)
    known: dict[tuple[int, int], Ints] = {}
    for device in range(devices):
        mine = slice(device * capacity, (device + 1) * capacity)
        different, slots[mine] = np.unique(seeds[mine], return_inverse=True)
        for slot, seed in enumerate(different.tolist()):
            for number, epoch in enumerate(epochs):
                if (seed, epoch) not in known:
                    known[seed, epoch] = epoch_order(seed, epoch, size)
                orders[device * capacity + slot, number] = known[seed, epoch]
    return orders, slots
