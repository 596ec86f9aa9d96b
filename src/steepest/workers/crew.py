"""What a driver asks of those who train for it, whoever and wherever they are."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """What came of a slice: the worker's bytes, or None with why it died with it."""

    ticket: int
    message: bytes | None
    why: str = ""


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

    def submit(self, ticket: int, message: bytes) -> None:
        """Have a slice trained, at once or by the next worker that is free."""

    def collect(self, timeout: float) -> list[Answer]:
        """Return what is there, or comes within so many seconds.

        Raises:
            SteepestError: there are no workers any more, and none can be started.
        """

    def drop(self, ticket: int) -> None:
        """Give a slice up, with its worker where that can be ended: it hangs. No answer comes."""

    def close(self) -> None:
        """End all workers, at once."""
