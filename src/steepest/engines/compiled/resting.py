"""States that wait on an accelerator, and come to the host when somebody asks for their arrays.

Most trials end where they trained, and most of those that go on go on there. So what a call trained
stays on the device, and a member's state is a row of it. It comes to the host for a checkpoint on
disk, for another process, or to make room: then the arrays of the whole call come at once, each
state that is still held gets its rows, and the device's are let go.
"""

import threading
import weakref
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Int32, Integer

from steepest.engines.state import State

LOCK = threading.RLock()  # one thread may ask for arrays while another trains
MOST = 4  # calls whose rows are put together on the device: each number of them is to compile
ARRAYS = ("weights", "memory", "variables")


def to_host(tree: Any) -> Any:
    """Return NumPy arrays, brought at the same time; on a CPU they may be views."""
    return jax.device_get(tree)


class Call:
    """What one call of an executable trained: weights, memory and variables, `[places, ...]`."""

    def __init__(self, arrays: tuple[Any, Any, Any]) -> None:
        self.arrays: tuple[Any, Any, Any] | None = arrays  # None once they are on the host
        leaves = jax.tree.leaves(arrays)
        self.nbytes: int = sum(leaf.nbytes for leaf in leaves)
        self.row_bytes: int = sum(leaf.nbytes // len(leaf) for leaf in leaves)
        self.states: weakref.WeakValueDictionary[int, Resting] = weakref.WeakValueDictionary()

    def leave(self) -> None:
        """Bring the arrays to the host, and give each state that is still held its rows."""
        with LOCK:
            arrays, self.arrays = self.arrays, None
            held = list(self.states.values())
            if arrays is not None and held:
                whole = to_host(arrays)
                for state in held:
                    state.receive(self, whole)


class Shelf:
    """The calls whose members wait on the device, the oldest first.

    Args:
        room: bytes that they may take there.
    """

    def __init__(self, room: int) -> None:
        self.room = room
        self.calls: list[weakref.ref[Call]] = []

    def add(self, call: Call) -> None:
        """Let the members of one more call wait; what there is no room for goes to the host."""
        with LOCK:
            waiting = [*self._waiting(), call]
            while waiting and sum(one.nbytes for one in waiting) > self.room:
                waiting.pop(0).leave()
            self.calls = [weakref.ref(one) for one in waiting]

    def clear(self) -> bool:
        """Bring all that waits to the host; return whether anything did."""
        with LOCK:
            waiting, self.calls = self._waiting(), []
            for call in waiting:
                call.leave()
        return bool(waiting)

    def _waiting(self) -> list[Call]:
        found = [ref() for ref in self.calls]
        return [call for call in found if call is not None and call.arrays is not None]


class Resting(State):
    """A state whose arrays are rows of what calls left on the device, until they are asked for.

    Args:
        calls: that trained the members.
        which: the call of each member.
        places: its row there.
        counts: the members' steps, epochs, and whether they are alive, which are on the host.
    """

    def __init__(
        self,
        calls: Sequence[Call],
        which: Integer[np.ndarray, " members"],
        places: Integer[np.ndarray, " members"],
        counts: Sequence[Any],
    ) -> None:
        own = self.__dict__  # as a State is frozen
        own.update(zip(("step", "epoch", "alive"), counts, strict=True))
        own.update(calls=list(calls), which=which, places=places, rows=[None] * len(calls))
        for call in calls:
            call.states[id(self)] = self

    calls: list[Call]
    which: Integer[np.ndarray, " members"]
    places: Integer[np.ndarray, " members"]
    rows: list[Any]  # of each call, once its arrays came

    def __getattr__(self, name: str) -> Any:  # asked only for what is not there
        if name not in ARRAYS:
            raise AttributeError(name)
        for call in list(self.calls):
            call.leave()
        return self.__dict__[name]

    def receive(self, call: Call, whole: tuple[Any, Any, Any]) -> None:
        """Keep the own rows of a call's arrays, which are on the host now."""
        at = self.calls.index(call)
        mine = self.places[self.which == at]
        self.rows[at] = jax.tree.map(lambda a: np.asarray(a)[mine], whole)
        if any(rows is None for rows in self.rows):
            return
        order = np.argsort(np.argsort(self.which, kind="stable"))
        joined = jax.tree.map(lambda *some: np.concatenate(some)[order], *self.rows)
        self.__dict__.update(zip(ARRAYS, joined, strict=True), calls=[], rows=[])

    @property
    def on_device(self) -> bool:
        """Whether all arrays are still on the device."""
        return bool(self.calls) and all(call.arrays is not None for call in self.calls)

    @property
    def nbytes(self) -> int:
        """The memory that the arrays take, wherever they are."""
        if not self.calls:
            return super().nbytes
        counts = self.step.nbytes + self.epoch.nbytes + self.alive.nbytes
        return len(self) * self.calls[0].row_bytes + counts

    def on_host(self) -> State:
        """Return it as a plain state, with its arrays on the host."""
        return State(*self.tree())

    def take(self, members: Sequence[int] | Integer[np.ndarray, " some"]) -> State:
        """Return the state of those members alone."""
        with LOCK:
            if not self.on_device:
                return self.on_host().take(members)
            index = np.asarray(members, np.int64)
            calls, which = self.calls, self.which[index]
            if len(calls) > 1:  # then those that trained none of them are let go
                used, which = np.unique(which, return_inverse=True)
                calls = [calls[i] for i in used]
            counts = [array[index] for array in (self.step, self.epoch, self.alive)]
            return Resting(calls, which, self.places[index], counts)

    def followed_by(self, others: Sequence[State]) -> State:
        """Return the members of this state and of others, in their order."""
        with LOCK:
            parts = [self, *(one for one in others if isinstance(one, Resting))]
            if len(parts) <= len(others) or not all(one.on_device for one in parts):
                return self.on_host().followed_by(others)
            calls = list(dict.fromkeys(call for one in parts for call in one.calls))
            which = [np.array([calls.index(c) for c in one.calls])[one.which] for one in parts]
            places = [one.places for one in parts]
            counts = [
                np.concatenate([getattr(one, name) for one in parts])
                for name in ("step", "epoch", "alive")
            ]
            return Resting(calls, np.concatenate(which), np.concatenate(places), counts)

    def gathered(self, members: Integer[np.ndarray, " places"]) -> tuple[Any, Any, Any] | None:
        """Return weights, memory and variables of those members in new arrays on the device.

        None if they are on the host, or of more calls than are put together there.
        """
        with LOCK:
            if not self.on_device or len(self.calls) > MOST:
                return None
            index = self.which[members].astype(np.int32), self.places[members].astype(np.int32)
            found: tuple[Any, Any, Any] = _gathered([one.arrays for one in self.calls], *index)
            return found


@jax.jit
def _gathered(
    calls: list[Any], which: Int32[jax.Array, " places"], places: Int32[jax.Array, " places"]
) -> Any:
    def rows(*some: Any) -> Any:
        found = jnp.take(some[0], places, axis=0, mode="clip")
        for i, one in enumerate(some[1:], 1):
            mine = (which == i).reshape(-1, *[1] * (one.ndim - 1))
            found = jnp.where(mine, jnp.take(one, places, axis=0, mode="clip"), found)
        return found

    return jax.tree.map(rows, *calls)
