"""How a population trains."""

from typing import TYPE_CHECKING

from steepest.data.stream import Stream
from steepest.engines.callbacks import CallbackEngine
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.keras_fit.engine import FitEngine
from steepest.engines.protocol import Engine
from steepest.engines.streaming.engine import StreamEngine
from steepest.tasks.keras.fit_task import FitTask
from steepest.tasks.task import Task

if TYPE_CHECKING:
    from steepest.tasks.torch.loop_task import LoopTask


def make_engine(task: "Task | FitTask | LoopTask", memory: int | None = None) -> Engine:
    """Return what trains populations of `task`: compiled, compiled and streamed, by Keras' `fit`,
    or in a PyTorch loop; under the task's callbacks, if it has any.

    `memory` is what trials may take, in bytes; None is most of what is free.
    """
    engine = _engine_of(task, memory)
    own = isinstance(task, FitTask) and bool(task.own_callbacks)
    return CallbackEngine(engine, task.callbacks, own) if task.callbacks or own else engine


def _engine_of(task: "Task | FitTask | LoopTask", memory: int | None) -> Engine:
    if isinstance(task, FitTask):
        return FitEngine(task, memory=memory)
    if not isinstance(task, Task):  # so PyTorch is there, and imported for nothing else
        from steepest.engines.torch_loop.engine import TorchLoopEngine

        return TorchLoopEngine(task, memory=memory)
    if any(isinstance(data, Stream) for data in (task.training, task.validation, task.test)):
        return StreamEngine(task, memory=memory)
    return CompiledEngine(task, memory=memory)
