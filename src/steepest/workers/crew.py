"""What a driver asks of those who train for it, whoever and wherever they are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What came of a slice: the worker's bytes, or None with why it died with it."""

    ticket: int
    message: bytes | None
    why: str = ""
    worker: int | None = None  # the number of who trained it, where workers are known by one


class Crew(Protocol):
    """Workers that train slices of one task, as `trainer.answer` does.

    A slice is sent by `submit` under a ticket, a number that is new; its answer comes by
    `collect`, once at the most. Who dies is replaced, as far as that can be.
    """

    name: str  # such as "4 processes", for the study file

    @property
    def size(self) -> int:
        """How many slices can be trained at the same time once all workers are there."""

    @property
    def free(self) -> int:
        """How many slices would begin to train at once if they were submitted now."""

    @property
    def idle(self) -> Sequence[int]:
        """The numbers of the workers that are free, if they are known by one."""

    def need(self, count: int) -> None:
        """Hear how many slices there are at a time; workers that this leaves idle may go.

        They come back when more are needed.
        """

    def submit(self, ticket: int, message: bytes, worker: int | None = None) -> None:
        """Have a slice trained, by this worker if it is idle, else by the next one that is."""

    def collect(self, timeout: float) -> list[Answer]:
        """Return what is there, or comes within so many seconds.

        Raises:
            SteepestError: there are no workers any more, and none can be started.
        """

    def drop(self, ticket: int) -> None:
        """Give a slice up, with its worker where that can be ended: it hangs. No answer comes."""

    def close(self) -> None:
        """End all workers, at once."""
