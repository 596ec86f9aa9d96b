"""How a population trains."""

from steepest.engines.compiled import CompiledEngine
from steepest.engines.engine import Engine
from steepest.engines.fit import FitEngine
from steepest.engines.stream import StreamEngine
from steepest.tasks.fitted import FitTask
from steepest.tasks.stream import Stream
from steepest.tasks.task import Task


def make_engine(task: Task | FitTask, memory: int | None = None) -> Engine:
    """Return what trains populations of `task`: compiled, compiled and streamed, or by `fit`.

    `memory` is what trials may take, in bytes; None is most of what is free.
    """
    if isinstance(task, FitTask):
        return FitEngine(task, memory=memory)
    if any(isinstance(data, Stream) for data in (task.training, task.validation, task.test)):
        return StreamEngine(task, memory=memory)
    return CompiledEngine(task, memory=memory)
