"""The cores of this machine, and threads on them that Ctrl-C does not have to wait for."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def cores() -> int:
    """Return how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def together(function: Callable[[A], B], items: Sequence[A]) -> list[B]:
    """Return `function` of each item, computed on all cores, in the order of `items`."""
    with pool(min(cores(), len(items))) as threads:
        return list(threads.map(function, items))


@contextmanager
def pool(threads: int) -> Iterator[ThreadPoolExecutor]:
    """Give a pool that Ctrl-C does not have to wait for."""
    made = ThreadPoolExecutor(max(1, threads))
    try:
        yield made
    except BaseException:
        made.shutdown(wait=False, cancel_futures=True)
        raise
    made.shutdown()
