"""How many members train in one call, and whether side by side: what memory allows."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import jax

SEQUENTIAL = 8  # members a call can take when they train one after another
LOCKSTEP = 32  # and when they train side by side on a CPU
FREE_BYTES = 2**27  # that a GPU moves while it launches the kernels of a step (H200: 80 µs of it)
STATE_BYTES = 2**24  # what the state of these members may take there; large models go one by one
WIDTHS = (8, 32, 128, 512)  # of members side by side on an accelerator
USUAL = 128  # of them where nobody asks for more; most rungs have fewer, and more take longer
SHARE = 0.75  # of the free memory that populations may take, if the person gave no budget


@dataclass(frozen=True)
class Width:
    """Members that a call of `advance` takes for each device: side by side, or one after another.

    Side by side (`vmap`) suits accelerators. On CPUs one after another is as fast, keeps the caches
    warm, a member that diverged costs nothing more, and the program is that of a single member.
    """

    capacity: int
    lockstep: bool

    @property
    def at_once(self) -> int:
        """Members that a call of the compiled program trains on each device."""
        return self.capacity if self.lockstep else 1


class Weighed(Protocol):
    """What XLA compiled."""

    def memory_analysis(self) -> Any:
        """Return what it takes, in bytes, or None where the device does not say."""


def rules_a_program(width: Width, member_bytes: int, rules: int, *, on_cpu: bool) -> int:
    """Return how many rules are to share a program side by side, each with its own places.

    As many as cost next to nothing beside one: those that have no members in a call are there too.
    """
    free = STATE_BYTES if on_cpu else FREE_BYTES
    return max(1, min(rules, free // max(1, width.at_once * member_bytes)))


def first_width(lockstep: bool, state_bytes: int) -> Width:
    """Return the width to try first for members whose state takes so many bytes."""
    most = LOCKSTEP if lockstep else SEQUENTIAL
    return Width(max(1, min(most, STATE_BYTES // state_bytes)), lockstep)


def accelerator_width(members: int, member_bytes: int, memory: int, rules: int = 1) -> Width:
    """Return the width to try first on an accelerator, where memory bounds it.

    Args:
        members: that may want to train at a time; 0 if that is unknown.
        member_bytes: what one takes while it trains, its state included, about.
        memory: bytes that those in training may take.
        rules: that may share what costs next to nothing.
    """
    wanted = next((w for w in WIDTHS if w >= members), WIDTHS[-1]) if members else LOCKSTEP
    # Members that cost next to nothing beside the others: then more seeds do not, either.
    free = max((w for w in WIDTHS if rules * w * member_bytes <= FREE_BYTES), default=1)
    wanted = max(wanted, min(free, USUAL))
    room = memory // max(1, member_bytes)
    return Width(max(1, min(wanted, room if room < 8 else room // 8 * 8)), lockstep=True)


def narrower(width: Width) -> Width | None:
    """Return half the width, or None if it is one member already."""
    return Width(width.capacity // 2, width.lockstep) if width.capacity > 1 else None


def fits(executable: Weighed, width: Width, state_bytes: int, *, workers: int, memory: int) -> bool:
    """Return whether `workers` calls at the same time fit into `memory` bytes, theirs alone.

    Measured, not guessed: XLA says what a compiled program takes beside its arguments.
    """
    taken = executable.memory_analysis()
    if taken is None:  # not every device tells
        return True
    call = taken.temp_size_in_bytes + taken.output_size_in_bytes + taken.argument_size_in_bytes
    call -= taken.alias_size_in_bytes  # the state, which is written over
    call += (width.capacity - width.at_once) * state_bytes
    return bool(workers * call <= memory)


def budget(given: int | None) -> int:
    """Return the bytes that populations may take: what was given, or most of what is free."""
    return int(SHARE * free_memory()) if given is None else given


def free_memory() -> int:
    """Return the bytes that are free where JAX computes: on the device, or for a CPU in memory.

    Of a container's limit, what is left.
    """
    told = jax.devices()[0].memory_stats()
    if told and "bytes_limit" in told:
        return int(told["bytes_limit"] - told.get("bytes_in_use", 0))
    pages, size = os.sysconf("SC_AVPHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    free = pages * size
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) * 1024
    limit, used = (_lines(f"/sys/fs/cgroup/memory.{name}") for name in ("max", "current"))
    if limit and used and limit[0].isdigit():
        free = min(free, int(limit[0]) - int(used[0]))
    return max(0, free)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a device or the host had no memory left."""
    return isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error)
