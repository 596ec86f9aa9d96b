"""Workers that are actors of Ray: on this machine, or on the cluster that RAY_ADDRESS names.

One actor a GPU, or a core where there are none. Ray starts none of them again by itself
(`max_restarts=0`): who died is seen here, and its slice goes to another one. The task is put into
Ray's store once, and what is sent are bytes (`wire.py`). Ray's dashboard stays off.
"""

import importlib
import importlib.util
import logging
import os
import sys
import time
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from steepest.errors import InputError, in_one_line
from steepest.workers.team import AT_FIRST, Team, Worker
from steepest.workers.trainer import Trainer, answer

MISSING = 'Ray is not installed; run pip install "steepest[ray]"'
LOOK = 5.0  # seconds after which nodes are counted again, as they join and leave


class Trains:
    """What an actor is: a worker's side, with its task built once."""

    def __init__(self, work: Any, share: int, memory: int | None) -> None:
        self.given = work, share, memory

    @cached_property
    def trainer(self) -> Trainer:
        """The task, built when it is first asked for."""
        work, share, memory = self.given
        return Trainer(work, share, memory)

    def answer(self, message: bytes) -> bytes:
        """Return what came of a slice; of an empty message, that it is there."""
        return answer(lambda: self.trainer, message)


def _peak_bytes() -> int:
    """Return the memory that this process has had at most."""
    if importlib.util.find_spec("resource") is None:  # on Windows
        return 0
    resource: Any = importlib.import_module("resource")
    peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
    return peak if sys.platform == "darwin" else 1024 * peak


def _room(node: Mapping[str, float], needs: Mapping[str, float]) -> int:
    """Return how many actors a node has room for, by Ray's names of what it has."""
    names = {"num_gpus": "GPU", "num_cpus": "CPU", "memory": "memory"}
    wanted = [(node.get(names[name], 0.0), count) for name, count in needs.items() if count]
    return int(min(has // count for has, count in wanted))


class RayActors(Team[Any]):
    """Actors, as many as the cluster has GPUs, or cores, and memory.

    An actor needs the memory that this process has, which built the task too. Ray counts it when it
    chooses a node, and nothing is killed for taking more.

    Args:
        work: the task as bytes.
        memory: bytes that trials may take on a node; None for most of what is free.

    Raises:
        InputError: Ray is not installed, or there is no cluster where RAY_ADDRESS says.
    """

    def __init__(self, work: bytes, memory: int | None = None) -> None:
        if importlib.util.find_spec("ray") is None:
            raise InputError(f"workers is 'ray', but {MISSING}")
        self.ray: Any = importlib.import_module("ray")
        self.begun = not self.ray.is_initialized()  # then it is ours to end
        if self.begun:
            self._connect()
        super().__init__(1)
        self.memory = memory
        self.work = self.ray.put(np.frombuffer(work, np.uint8))
        self.takes = _peak_bytes()  # of an actor
        self.talks: dict[Any, Any] = {}  # what an actor was asked, and who it is
        self._count()
        self.given_back = max(0, self.size - AT_FIRST)
        self.fill()

    def _connect(self) -> None:
        address = os.environ.get("RAY_ADDRESS", "")
        if address.startswith("ray://"):
            raise InputError(
                f"RAY_ADDRESS is {address}, a client's address, over which a study would end with "
                "its connection; run the command on the cluster: ray job submit -- steepest "
                "compare my_task.py --workers ray"
            )
        own: dict[str, Any] = {} if address else {"include_dashboard": False}
        try:
            self.ray.init(log_to_driver=False, logging_level=logging.ERROR, **own)
        except (ConnectionError, RuntimeError, ValueError) as error:
            raise InputError(
                f"Ray cannot be reached at {address or 'this machine'} "
                f"({in_one_line(str(error))[:160]}); see ray status, and RAY_ADDRESS"
            ) from error

    def _count(self) -> None:
        """Count what the cluster has now: nodes join and leave."""
        self.counted = time.monotonic()
        nodes = [one["Resources"] for one in self.ray.nodes() if one.get("Alive")]
        self.gpus = sum(int(node.get("GPU", 0)) for node in nodes)
        most = max((node.get("memory", 0.0) for node in nodes), default=0.0)
        self.needs = {"num_gpus": 1, "num_cpus": 0} if self.gpus else {"num_cpus": 1}
        if most and self.takes:  # where it is more than any node has, one actor has a node
            self.needs["memory"] = int(min(self.takes, most))
        counts = [_room(node, self.needs) for node in nodes]
        self.size = max(1, sum(counts))
        self.share = 1 if self.gpus else max(1, *counts)
        self.name = f"Ray: {self.size} actors"

    def start(self, number: int) -> Any:  # noqa: ARG002  # Ray counts itself
        """Start an actor, which waits until some node has room for it."""
        made = self.ray.remote(max_restarts=0, max_task_retries=0, **self.needs)(Trains)
        actor = made.remote(self.work, self.share, self.memory)
        self.send(actor, b"")
        return actor

    def send(self, handle: Any, message: bytes) -> None:
        """Give an actor a message."""
        self.talks[handle.answer.remote(message)] = handle

    def hear(self, timeout: float) -> Sequence[tuple[Worker[Any], bytes | None, str]]:
        """Return who said what, or is dead."""
        if time.monotonic() - self.counted > LOOK:
            self._count()
        if not self.talks:
            time.sleep(timeout)
            return []
        done, left = self.ray.wait(list(self.talks), num_returns=1, timeout=timeout)
        if done and left:  # and whoever else is done by now
            done += self.ray.wait(left, num_returns=len(left), timeout=0)[0]
        found: list[tuple[Worker[Any], bytes | None, str]] = []
        for one in done:
            actor = self.talks.pop(one)
            worker = next((w for w in self.workers if w.handle is actor), None)
            if worker is None:  # it was dropped
                continue
            try:
                found.append((worker, self.ray.get(one), ""))
            except self.ray.exceptions.RayError as error:
                why = f"{type(error).__name__}: {in_one_line(str(error))[:160]}"
                found.append((worker, None, why))
        return found

    def end(self, handle: Any) -> None:
        """Kill an actor."""
        self.ray.kill(handle)

    def close(self) -> None:
        """End all actors, and Ray where it was begun here."""
        super().close()
        self.talks.clear()
        if self.begun:
            self.ray.shutdown()
