"""The proof: a module's graphs give PyTorch's numbers, gradients and buffers, or it says which not.

What is compared is the module itself, run and differentiated by PyTorch, against the graph that is
to train it, in float64 on both sides (`Graph.widened`; `oracle.py`), on real batches, at the given
weights and at others nearby: fresh weights have zeros, at which errors hide. So the proof notices
whatever the export loses: a `detach`, a region without gradients, the backward pass of a custom
`autograd.Function`, a buffer that changes, a branch that was baked in.

PyTorch's formulas have constants of float32 here and there (hardsigmoid's gradient a third of
1 / 6), so numbers may differ by 1e-6 of the largest of an array.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from torch import Tensor, nn

from steepest.errors import SteepestError
from steepest.tasks.torch.lowering.draws import FIXED
from steepest.tasks.torch.lowering.lowered import Graph
from steepest.tasks.torch.lowering.oracle import Numbers, Oracle
from steepest.tasks.torch.lowering.quick import quick
from steepest.tasks.torch.lowering.table import NotLoweredError

RELATIVE = 1e-6  # of the largest element of an array
# Of the largest element of all gradients, or of all buffers: what may remain of one that is 0 but
# for rounding, as a bias' gradient is in front of a batch norm, and the mean of what follows one.
ROUNDING = 1e-11
NEARBY = 0.05  # how far the other weights are, in standard deviations of each array


class NotProvedError(SteepestError):
    """A graph does not give PyTorch's numbers: the message says which, and by how much."""


def prove(
    step: nn.Module,
    train: Graph,
    evaluate: Graph,
    batches: Sequence[Sequence[Tensor]],
    evaluated: Sequence[Sequence[Tensor]] | None = None,
) -> None:
    """Raise NotProvedError unless the graphs of `step` agree with PyTorch on `batches`.

    `step(*leaves)` returns the loss first, a scalar. `train` and `evaluate` are its graphs in both
    modes, for leaves of the shapes that `batches` have; `evaluated` are what evaluation is given
    instead, where it takes more. The step stays as it was.
    """
    measured = batches if evaluated is None else evaluated
    for training, graph, given in ((True, train, batches), (False, evaluate, measured)):
        wide = graph.widened()
        try:
            oracle = Oracle(step, training)
            with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
                _prove_mode(oracle, wide, given, "training" if training else "evaluation")
        except NotLoweredError as error:
            raise NotProvedError(str(error)) from error


def _prove_mode(
    oracle: Oracle, graph: Graph, batches: Sequence[Sequence[Tensor]], mode: str
) -> None:
    run = compiled(graph)
    given = oracle.values()
    nearby = {name: _nearby(value, n) for n, (name, value) in enumerate(given.items())}
    for batch in batches:
        for values in (given, nearby):
            expected = oracle.run(values, batch)
            if values is nearby and not np.all(np.isfinite(expected.outputs[0])):
                continue  # a place where the module has no numbers, and training need not go
            trained = {name: values[name] for name in oracle.trained}
            rest = {name: value for name, value in values.items() if name not in trained}
            leaves = [oracle.array(leaf) for leaf in batch]
            outputs, changed, gradients = jax.device_get(run(trained, rest, leaves))
            changed = {name: changed.get(name, rest[name]) for name in expected.buffers}
            _compare(Numbers(outputs, changed, gradients), expected, mode)


def compiled(graph: Graph) -> Callable[..., Any]:
    """Return what gives the graph's `numbers`, compiled when it is called."""
    return jax.jit(lambda *given: numbers(graph, *given), compiler_options=quick())


def numbers(
    graph: Graph, trained: Mapping[str, Any], rest: Mapping[str, Any], leaves: Sequence[Any]
) -> tuple[list[Any], dict[str, Any], dict[str, Any]]:
    """Return outputs, changed buffers, and the gradients of the first output."""

    def loss(trained: Mapping[str, Any]) -> tuple[Any, Any]:
        outputs, changed = graph.run({**rest, **trained}, leaves, FIXED)
        return outputs[0], (outputs, changed)

    gradients, (outputs, changed) = jax.grad(loss, has_aux=True)(trained)
    return outputs, changed, gradients


def _nearby(value: Any, number: int) -> Any:
    """Return other values: buffers and weights get no smaller, as a variance must not."""
    if not np.issubdtype(value.dtype, np.floating):
        return value
    finite = value[np.isfinite(value)]
    spread = float(finite.std()) if finite.size > 1 else 0.0
    noise = np.abs(np.random.default_rng(number).standard_normal(value.shape))
    return value + NEARBY * (spread or 1.0) * noise


def _compare(mine: Numbers, theirs: Numbers, mode: str) -> None:
    for number, (one, other) in enumerate(zip(mine.outputs, theirs.outputs, strict=True)):
        _same(one, other, "the loss" if number == 0 else f"output {number}", mode)
    floor = _rounding(theirs.buffers)
    for name, other in theirs.buffers.items():
        _same(mine.buffers[name], other, f"the buffer {name}", mode, floor)
    floor = _rounding(theirs.gradients)
    for name, other in theirs.gradients.items():
        _same(mine.gradients[name], other, f"the gradient of {name}", mode, floor)


def _rounding(arrays: Mapping[str, Any]) -> float:
    """Return below what a number among these is 0 but for rounding."""
    floats = [a for a in map(np.asarray, arrays.values()) if np.issubdtype(a.dtype, np.floating)]
    every = [np.abs(a[np.isfinite(a)]).max(initial=0.0) for a in floats]
    return ROUNDING * float(max(every, default=0.0))


def _same(mine: Any, theirs: Any, what: str, mode: str, floor: float = 0.0) -> None:
    """Raise NotProvedError where two arrays differ; NaN and infinities have to be the same."""
    mine, theirs = np.asarray(mine, np.float64), np.asarray(theirs, np.float64)
    if mine.shape != theirs.shape:
        shapes = f"{mine.shape}, not {theirs.shape}"
        raise NotProvedError(f"{what} in {mode} has another shape than PyTorch's: {shapes}")
    largest = np.abs(theirs[np.isfinite(theirs)]).max(initial=0.0)
    bound = max(RELATIVE * largest, floor, np.finfo(np.float32).tiny)
    if np.allclose(mine, theirs, rtol=0, atol=bound, equal_nan=True):
        return
    with np.errstate(invalid="ignore"):
        worst = np.nan_to_num(np.abs(mine - theirs), nan=np.inf).argmax()
    one, other = mine.reshape(-1)[worst], theirs.reshape(-1)[worst]
    raise NotProvedError(f"{what} in {mode} is {one:.6g} where PyTorch has {other:.6g}")
