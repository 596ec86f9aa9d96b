"""The crew that `workers` names: processes, Ray's actors, or an executor of the person's."""

from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from steepest.workers.crew import Crew
from steepest.workers.executor import Pool
from steepest.workers.on_ray import RayActors
from steepest.workers.processes import Processes
from steepest.workers.work import Work


def make_crew(workers: int | str | Executor, work: Work, memory: int | None = None) -> Crew:
    """Return who trains: so many processes, "ray", or an executor's workers."""
    data = work.to_bytes()
    if isinstance(workers, Executor) or hasattr(workers, "submit"):
        executor: Any = workers
        return Pool(data, executor, memory)
    if workers == "ray":
        return RayActors(data, memory)
    return Processes(data, int(workers), memory)


@contextmanager
def hired(workers: int | str | Executor, work: Work, memory: int | None = None) -> Iterator[Crew]:
    """Have a crew, and end it."""
    crew = make_crew(workers, work, memory)
    try:
        yield crew
    finally:
        crew.close()
