"""The order of examples that PyTorch's own DataLoader gives, for any seed and epoch.

It is that of `DataLoader(data, shuffle=True, generator=torch.Generator().manual_seed(seed))`, which
goes on from one epoch to the next: the loader draws a seed for its workers, the sampler an order,
and one more when it is asked for what is left.
"""

import threading

import numpy as np
import torch
from jaxtyping import Int32
from torch import Tensor

EVERY = 16  # epochs from one kept state of a generator to the next
MOST = 2000  # states that are kept, of 5 kB each


class LoaderOrder:
    """Draws the places of all examples, int32 `[examples]`, for a seed and an epoch from 0.

    Several threads may ask at a time, in any order.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._states: dict[tuple[int, int], Tensor] = {}  # before an epoch, by seed and epoch
        self._lock = threading.Lock()

    def __call__(self, seed: int, epoch: int) -> Int32[np.ndarray, " examples"]:
        """Return the order of an epoch."""
        with self._lock:
            known = [e for s, e in self._states if s == seed and e <= epoch]
            now = max(known, default=0)
            state = self._states.get((seed, now))
        generator = torch.Generator()
        if state is None:
            generator.manual_seed(seed)
        else:
            generator.set_state(state)
        while True:
            order = self._epoch(generator)
            now += 1
            self._keep(seed, now, generator.get_state(), last=now > epoch)
            if now > epoch:
                return order.numpy().astype(np.int32)

    def _epoch(self, generator: torch.Generator) -> Tensor:
        torch.empty((), dtype=torch.int64).random_(generator=generator)
        order = torch.randperm(self.size, generator=generator)
        torch.randperm(self.size, generator=generator)
        return order

    def _keep(self, seed: int, epoch: int, state: Tensor, *, last: bool) -> None:
        """Keep the state before an epoch: of a few, and where the next one will be asked for."""
        if epoch % EVERY and not last:
            return
        with self._lock:
            self._states.pop((seed, epoch - 1), None) if (epoch - 1) % EVERY else None
            while len(self._states) >= MOST:
                del self._states[next(iter(self._states))]
            self._states[seed, epoch] = state
