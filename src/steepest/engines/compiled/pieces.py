"""A training cut into pieces: calls of an executable that end in time to be told of, or stopped."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Integer

from steepest.engines.compiled.resident import Resident
from steepest.engines.protocol import SoFar, Tell
from steepest.engines.state import Advance, State, so_far

PIECE_SECONDS = 2.0  # after which a call tells how far it is
TRIED = 16  # steps of the first piece, which say how long a step takes
MOST = 2**30  # steps of a call


@dataclass
class Pieces:
    """How long an executable took the last time, by which the next training is cut."""

    epoch_seconds: float = 0.0  # of a member, in the last call; 0 before there was one
    step_seconds: float = 0.0  # of a call of the executable, evaluation included; alike

    def train(
        self,
        run: Callable[..., Any],
        here: Sequence[Resident],
        rows: int,
        before: State,
        stop: int,
        tell: Tell,
        started: float,
    ) -> tuple[State, Advance]:
        """Train members up to epoch `stop`; return where they stand and what was measured.

        Args:
            run: the executable.
            here: members by calls of it.
            rows: orders of examples that a call is given on a device.
            before: where all of them stood.
            stop: the epoch to train up to.
            tell: hears of it, and may end it.
            started: when the call that asks for it began.
        """
        count = len(before)
        start = int(before.epoch[before.alive].min()) if before.alive.any() else stop
        if start >= stop:
            return so_far(before, before, [], started)[1:]
        pieces: list[dict[str, Any]] = []
        first = start
        while first < stop:
            # A long training is cut, so that it can be told of, and stopped when time is over.
            timely = int(PIECE_SECONDS / (self.epoch_seconds * count)) if self.epoch_seconds else 1
            room = rows // max(some.orders_an_epoch for some in here)
            until = min(stop, first + max(1, min(room, timely)), _next_epoch(here, first, stop))
            began, trained = time.perf_counter(), sum(int(some.epoch.sum()) for some in here)
            values = [self._call(run, some, first, until, tell) for some in here]
            joined = jax.tree.map(lambda *some: np.concatenate(some), *values)
            pieces.append({n: a[:, first:until] for n, a in joined.items()})
            self.epoch_seconds = (time.perf_counter() - began) / (count * (until - first))
            if until < stop:
                ready = partial(_so_far, before, here, pieces, started)
                tell(sum(int(some.epoch.sum()) for some in here) - trained, ready)
            first = until
        return so_far(before, _joined([some.resting() for some in here]), pieces, started)[1:]

    def _call(
        self, run: Callable[..., Any], here: Resident, first: int, until: int, tell: Tell
    ) -> dict[str, Any]:
        """Train the members of one call of the executable up to an epoch; return their curves.

        Where an epoch takes long, by several calls, each of some of its steps: `tell` may end it
        between them.
        """
        curves = None
        while True:
            epoch, step, began = here.epoch, here.step, time.perf_counter()
            values = here.train(run, first, until, self._steps())
            curves = values if curves is None else _grown(curves, values, epoch, here.epoch)
            self.step_seconds = (time.perf_counter() - began) / max(
                1, int((here.step - step).max())
            )
            if not (here.alive & (here.epoch < until)).any():
                return curves
            tell(0)

    def _steps(self) -> int:
        """Return how many steps a call takes at most: twice what a piece of work should last, as
        it is meant to end with an epoch."""
        if not self.step_seconds:
            return TRIED
        return int(min(MOST, max(1, 2 * PIECE_SECONDS / self.step_seconds)))


def _next_epoch(here: Sequence[Resident], first: int, stop: int) -> int:
    """Return the epoch that members who are further than the others wait in, or `stop`."""
    epochs = np.concatenate([some.epoch[some.alive] for some in here])
    return int(epochs[epochs > first].min(initial=stop))


def _so_far(
    before: State, here: Sequence[Resident], pieces: list[dict[str, Any]], started: float
) -> tuple[range, State, Advance]:
    """Return all members, their state, which comes to the host for it, and what was measured."""
    return so_far(before, _joined([some.state() for some in here]), pieces, started)


def _joined(parts: list[State]) -> State:
    return parts[0] if len(parts) == 1 else State.join(parts)


def _grown(
    curves: dict[str, Any], values: dict[str, Any], before: Any, after: Any
) -> dict[str, Any]:
    """Return curves `[members, epochs]` with the epochs that ended in the last call.

    `before` and `after` are the epochs that members were in, `[members]`.
    """
    epochs = np.arange(next(iter(curves.values())).shape[1])
    new = (epochs >= before[:, None]) & (epochs < after[:, None])
    return {name: np.where(new, values[name], curve) for name, curve in curves.items()}


def tell_of(
    tell: Tell,
    members: Integer[np.ndarray, " some"],
    epochs: int,
    so_far: SoFar | None = None,
) -> None:
    """Tell of some of the members."""
    if so_far is None:
        tell(epochs)
        return

    def placed() -> tuple[list[int], State, Advance]:
        places, state, measured = so_far()
        return members[list(places)].tolist(), state, measured

    tell(epochs, placed)
