"""Lowered and proved, or the reason why not: the proof is remembered beside compiled programs."""

import hashlib
import importlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path

import jax
import numpy as np
import torch
from torch import Tensor

from steepest import memo
from steepest.data import sources
from steepest.data.arrays import Batch
from steepest.errors import TaskError
from steepest.hashing import digest_array
from steepest.tasks.torch.loop_task import LoopTask
from steepest.tasks.torch.lowering.lowered import Graph
from steepest.tasks.torch.lowering.table import NotLoweredError
from steepest.tasks.torch.lowering.verify import NotProvedError, prove
from steepest.tasks.torch.step import leaves_of
from steepest.tasks.torch.traced_task import Graphs, Shapes

PROVED = "proved"


def proved_graphs(
    task: LoopTask, trained: Sequence[Batch], evaluated: Sequence[Batch]
) -> Graphs | str:
    """Return the graphs of a task's step, proved on batches that are `trained`, one of each size.

    Those of batches that are only `evaluated` are captured, so that what has no graph is known
    before anything trains. Where it cannot be, a sentence says why.
    """
    try:
        graphs = Graphs(task.step)
        for batch in evaluated:
            graphs.of(leaves_of(batch[:2]), training=False)
        for batch in trained:
            leaves = leaves_of(batch[:2])
            train, evaluate = (graphs.of(leaves, training=mode) for mode in (True, False))
            key = _key(task, batch)
            if memo.read(key) != PROVED:
                own = task.step.tensors(batch)
                counted = [(*own, *states) for states in graphs.counters.prove(own)]
                prove(task.step, train, evaluate, [own], counted)
                memo.write(key, PROVED)
    except (NotLoweredError, NotProvedError) as error:
        return str(error)
    graphs.late = partial(_prove_late, task, graphs)
    return graphs


def _prove_late(
    task: LoopTask, graphs: Graphs, shapes: Shapes, train: Graph, evaluate: Graph
) -> None:
    """Prove the graphs of a shape that a stream gave when trials were training.

    On its first batch, cut or repeated to that shape; in a thread of its own, as in this one a
    program is being traced.

    Raises:
        TaskError: they are not proved, so nothing may train with them.
    """
    first = task.step.tensors(sources.sample_of(task.training, task.facts.batch_size))
    batch = [_cut(one, shape) for one, shape in zip(first, shapes, strict=True)]
    counted = [*batch, *graphs.counters.initial]
    with ThreadPoolExecutor(1) as thread:
        found = thread.submit(prove, task.step, train, evaluate, [batch], [counted])
    error = found.exception()
    if isinstance(error, NotLoweredError | NotProvedError):
        raise TaskError(
            f"batches of the shapes {', '.join(map(str, shapes))}, which the stream gives after "
            f"others, cannot be trained with what was lowered: {error}; pad to a few lengths"
        ) from error
    found.result()


def _cut(array: Tensor, shape: Sequence[int]) -> Tensor:
    """Return an array cut or repeated along its axes."""
    for axis, size in enumerate(shape):
        array = array.index_select(axis, torch.arange(size) % array.shape[axis])
    return array


def _key(task: LoopTask, batch: Batch) -> str:
    """Return what a proof is of: the module and the loss, a batch, and the code that lowers."""
    parts = {name: task.facts.fingerprint[name] for name in ("model", "compile")}
    numbers = [digest_array(np.asarray(one)) for one in leaves_of(batch[:2])]
    versions = (torch.__version__, jax.__version__, np.__version__, jax.default_backend())
    return f"proof-{memo.name((parts, numbers, versions, _code()))}"


@cache
def _code() -> str:
    """Return a digest of the code of the lowering."""
    package = importlib.import_module("steepest.tasks.torch.lowering")
    found = hashlib.sha256()
    folder = Path(str(package.__file__)).parent
    beside = [folder.parent / name for name in ("step.py", "gathered.py", "counters.py")]
    for path in (*sorted(folder.rglob("*.py")), *beside):
        found.update(path.read_bytes())
    return found.hexdigest()
