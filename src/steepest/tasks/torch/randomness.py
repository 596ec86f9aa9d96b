"""Random states of the process, lent and handed back as they were: PyTorch's, NumPy's, Python's."""

import contextlib
import random
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

LOCK = threading.RLock()  # the states are the process's own, so one lends them at a time


@contextlib.contextmanager
def lent(seed: int | None = None) -> Iterator[None]:
    """Let code draw random numbers, from `seed` if it is given; afterwards all is as it was.

    The seed is that of `torch.manual_seed`, and NumPy's and Python's too.
    """
    with LOCK:
        before = states()
        try:
            if seed is not None:
                set_seed(seed)
            yield
        finally:
            set_states(before)


def states() -> tuple[Any, ...]:
    """Return the random states of the process."""
    # A device that nobody uses is left alone: to ask it would start it.
    cuda = torch.cuda.get_rng_state_all() if _cuda_runs() else None
    return torch.get_rng_state(), cuda, np.random.get_state(), random.getstate()


def set_states(before: tuple[Any, ...]) -> None:
    """Put back what `states` returned."""
    own, cuda, numpy, python = before
    torch.set_rng_state(own)
    if cuda is not None:
        torch.cuda.set_rng_state_all(cuda)
    np.random.set_state(numpy)
    random.setstate(python)


def set_seed(seed: int) -> None:
    """Seed PyTorch as `torch.manual_seed` does, NumPy and Python."""
    torch.default_generator.manual_seed(seed)
    if _cuda_runs():
        torch.cuda.manual_seed_all(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)


def _cuda_runs() -> bool:
    cuda: Any = torch.cuda
    return bool(cuda.is_initialized())
