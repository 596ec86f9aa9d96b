"""The cores of this machine, and threads on them: ours, which Ctrl-C does not have to wait for, and
those of the linear algebra that is called on them."""

import importlib
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any, TypeVar

from threadpoolctl import ThreadpoolController

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


@contextmanager
def one_thread_a_call() -> Iterator[None]:
    """Let BLAS and LAPACK take one thread a call while there is training on all cores.

    On a CPU, JAX' eigenvectors and QR are SciPy's, of which SOAP takes some each ten steps. Its
    OpenBLAS would share each call out to threads of its own, which wait for each other where cores
    are taken: a QR of 128 × 128 took 0.8 ms by one thread, and 25 ms and more by two on two busy
    cores. PyTorch's own threads are left alone. OpenBLAS hears of it from the main thread alone.
    """
    with _openblas().limit(limits=1):
        yield


@cache
def _openblas() -> Any:
    """Return what sets the threads of SciPy's OpenBLAS; found once, as that takes milliseconds."""
    importlib.import_module("scipy.linalg")  # what is not loaded is not found
    every = ThreadpoolController().select(internal_api="openblas")
    return every.select(
        filepath=[one["filepath"] for one in every.info() if "torch" not in one["filepath"]]
    )
