"""Parameters that the loss does not use, which PyTorch leaves as they are.

Their gradient is None there, and `torch.optim` skips them: no weight decay, no momentum. In a
compiled program each gradient is an array, zero for these, by which decay would still shrink them.
So they are no weights there, but state that nothing changes.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from steepest.data.arrays import Arrays, Batch
from steepest.tasks.torch.initial_weights import PREFIX
from steepest.tasks.torch.loop_task import LoopTask
from steepest.tasks.torch.lowering.table import NotLoweredError
from steepest.tasks.torch.tries import absent


def without_unused(task: LoopTask, batches: Sequence[Batch]) -> LoopTask:
    """Return the task with parameters that the loss does not use among its state.

    `batches` are one of each size that trains.

    Raises:
        NotLoweredError: some batches use a parameter that others do not.
    """
    found = [absent(task.step, batch) for batch in batches]
    for name in sorted(set().union(*found)):
        if not all(name in one for one in found):
            raise NotLoweredError(
                f"batches of some sizes use {name}, and others do not, for which PyTorch's "
                "optimizers leave it as it is"
            )
    still = [name for name in task.weights if name.removeprefix(PREFIX) in found[0]]
    return _held(task, still) if still else task


def _held(task: LoopTask, still: Sequence[str]) -> LoopTask:
    places = [task.weights.index(name) for name in still]
    rest = [n for n in range(len(task.weights)) if n not in places]

    def initialize(seed: int) -> tuple[Arrays, Arrays]:
        weights, state = task.initialize(seed)
        return [weights[n] for n in rest], [*(weights[n] for n in places), *state]

    weights = tuple(task.facts.weights[n] for n in rest)
    said = [name.removeprefix(PREFIX) for name in still]
    more = f" and {len(said) - 3} more" if len(said) > 3 else ""
    note = (
        f"the loss does not depend on {', '.join(said[:3])}{more}, so training leaves "
        f"{'them as they are' if len(said) > 1 else 'it as it is'}"
    )
    facts = replace(
        task.facts,
        weights=weights,
        parameters=sum(int(np.prod(one.shape)) for one in weights),
        notes=(*task.facts.notes, note),
    )
    return replace(
        task,
        facts=facts,
        weights=tuple(task.weights[n] for n in rest),
        state=(*still, *task.state),
        initialize=initialize,
    )
