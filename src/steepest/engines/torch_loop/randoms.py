"""The global generators of random numbers, seeded for an epoch and handed back."""

import contextlib
from collections.abc import Iterator

import numpy as np
import torch

from steepest.tasks.torch.randomness import set_seed, set_states, states


@contextlib.contextmanager
def seeded(seed: int, epoch: int, device: torch.device) -> Iterator[None]:
    """Seed what dropout, and code of the person's own, draw from in an epoch.

    Python's, NumPy's and PyTorch's generators go on afterwards from where they were. They are not
    locked meanwhile: members train one at a time.
    """
    before = states()
    apple = torch.mps.get_rng_state() if device.type == "mps" else None
    number = int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0])
    set_seed(number)
    if apple is not None:
        torch.mps.manual_seed(number)
    try:
        yield
    finally:
        set_states(before)
        if apple is not None:
            torch.mps.set_rng_state(apple)
