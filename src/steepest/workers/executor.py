"""Workers behind any `concurrent.futures.Executor`: a pool, Dask's, MPI's, submitit's.

Nobody knows there which worker takes a slice. So one that has not met the task says so, and gets
the slice once more with the task beside it: after that it has it.
"""

import hashlib
import threading
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from typing import Any

from steepest.engines.cores import cores
from steepest.errors import SteepestError, in_one_line
from steepest.workers.crew import Answer
from steepest.workers.trainer import Trainer, answer
from steepest.workers.wire import pack

UNKNOWN = pack({"unknown": True})
KEPT = 2  # tasks that a process keeps built
_built: dict[str, Trainer] = {}
_lock = threading.Lock()


def run(key: str, work: bytes | None, share: int, memory: int | None, message: bytes) -> bytes:
    """Train a slice in a worker of an executor; its task is there already, or comes as `work`."""
    if work is None and key not in _built:
        return UNKNOWN

    def build() -> Trainer:
        with _lock:
            if key not in _built:
                while len(_built) >= KEPT:
                    del _built[next(iter(_built))]
                _built[key] = Trainer(work, share, memory)
            return _built[key]

    return answer(build, message)


class Pool:
    """An executor whose tasks are values. It is the person's, so it is not shut down."""

    def __init__(self, work: bytes, executor: Executor, memory: int | None = None) -> None:
        self.executor, self.work, self.memory = executor, work, memory
        self.key = hashlib.blake2b(work, digest_size=16).hexdigest()
        known = getattr(executor, "_max_workers", None)
        self.size = known if isinstance(known, int) and known > 0 else cores()
        self.name = f"{type(executor).__name__} of {self.size}"
        self.sent: dict[Future[bytes], tuple[int, bytes]] = {}

    @property
    def free(self) -> int:
        """How many slices would begin to train at once."""
        return max(0, self.size - len(self.sent))

    @property
    def idle(self) -> Sequence[int]:
        """Nobody knows one worker from another here."""
        return ()

    def need(self, count: int) -> None:
        """Who trains is the person's, and stays."""

    def submit(self, ticket: int, message: bytes, worker: int | None = None) -> None:  # noqa: ARG002
        """Have a slice trained, by whom the executor chooses."""
        self._send(ticket, message, None)

    def _send(self, ticket: int, message: bytes, work: bytes | None) -> None:
        given: Any = (self.key, work, self.size, self.memory, message)
        try:
            self.sent[self.executor.submit(run, *given)] = ticket, message
        except (BrokenExecutor, RuntimeError) as error:  # a RuntimeError where it was shut down
            raise SteepestError(
                f"the executor takes no more work ({in_one_line(str(error))[:160]}); what was "
                "trained is kept: make the same call with a new executor and the same out"
            ) from error

    def collect(self, timeout: float) -> list[Answer]:
        """Return what is there, or comes within so many seconds."""
        done, _ = wait(self.sent, timeout, FIRST_COMPLETED)
        found = []
        for future in done:
            ticket, message = self.sent.pop(future)
            error = future.exception()
            if error is not None:
                why = f"{type(error).__name__}: {in_one_line(str(error))[:160]}"
                found.append(Answer(ticket, None, why))
            elif future.result() == UNKNOWN:
                self._send(ticket, message, self.work)
            else:
                found.append(Answer(ticket, future.result()))
        return found

    def drop(self, ticket: int) -> None:
        """Give a slice up. Its worker cannot be ended, only left alone."""
        for future in [one for one, (own, _) in self.sent.items() if own == ticket]:
            future.cancel()
            del self.sent[future]

    def close(self) -> None:
        """Take back what has not begun."""
        for future in self.sent:
            future.cancel()
        self.sent.clear()
