"""Step: a person's module with its loss and metrics as one module, from arrays to scalars.

Whatever a batch looks like, it goes in as the flat row of its arrays. This is what is exported and
lowered, and what the PyTorch loop calls.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from steepest.data.arrays import Batch, Tree
from steepest.errors import TaskError, quoted
from steepest.tasks.torch import gathered

Loss = Callable[[Any, Any], Tensor]  # of output and target
Own = Callable[[nn.Module, Any], Any]  # of module and batch
Metrics = Mapping[str, Any]  # functions of output and target, and objects that gather


class Step(nn.Module):
    """The loss of a batch, and its metrics.

    Args:
        module: the person's, whose parameters are trained.
        loss: of output and target; None with a `step`.
        step: of module and batch, where the person wrote one; it returns the loss, or the loss and
            a dictionary of metrics.
        metrics: functions of output and target by name, or objects that gather (`gathered.py`).
        names: of the metrics.
        like: a batch, for how its arrays are nested.
        types: what each array was before it became NumPy's, in the order of `leaves_of`.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        loss: Loss | None,
        step: Own | None = None,
        metrics: Metrics | None = None,
        names: tuple[str, ...] = (),
        like: Batch,
        types: tuple[torch.dtype, ...],
    ) -> None:
        super().__init__()
        self.module = module
        self.loss = loss  # registered where it is a module
        self.own = _Hidden(step)
        self.metrics = _Hidden(dict(metrics or {}))
        self.gathered = _Hidden(gathered.own(self.metrics.value))
        # Scalars of `forward` behind the loss, averaged over examples; those that gather are not.
        self.averaged = tuple(name for name in names if name not in self.gathered.value)
        self.names = names
        places = iter(range(len(types)))
        self.skeleton = filled(like[:2], places)
        self.types = types
        # Of a module in training, parts that somebody set to evaluation stay so.
        parts = list(module.modules())
        self.still = _Hidden([one for one in parts if module.training and not one.training])

    def train(self, mode: bool = True) -> "Step":
        """Set the mode of all modules but those that the person keeps in evaluation."""
        super().train(mode)
        for one in self.still.value:
            one.training = False
        return self

    def forward(self, *leaves: Tensor) -> tuple[Tensor, ...]:
        """Return the loss and one scalar a metric, of a batch's arrays in the order of `leaves_of`.

        Metrics that gather are not among them. Where the arrays that they count in follow those of
        the batch (`counters.py`), these are returned too, with the batch counted.

        Raises:
            TaskError: a step of the person's own returned something else.
        """
        cut = len(self.types)
        loss, values, output, y = self._taken(*leaves[:cut])
        scalars = (as_scalar(values[name]) for name in self.averaged)
        counted: list[Tensor] = []
        left = iter(leaves[cut:])
        for name, metric in self.gathered.value.items() if leaves[cut:] else ():
            states = {own: next(left) for own in metric.metric_state}
            counted += gathered.updated(name, metric, states, output, y)
        return (loss, *scalars, *counted)

    def output(self, *leaves: Tensor) -> tuple[Any, Any]:
        """Return output and target of a batch; None twice with a step of the person's own."""
        return self._taken(*leaves)[2:]

    def measured(self, *leaves: Tensor) -> tuple[Tensor, ...]:
        """Return loss and averaged metrics; those that gather have one more batch."""
        loss, values, output, y = self._taken(*leaves)
        for metric in self.gathered.value.values():
            metric.update(output, y)
        return (loss, *(as_scalar(values[name]) for name in self.averaged))

    def begin(self, device: torch.device | str) -> None:
        """Let metrics that gather begin a set, whose outputs are on a device."""
        gathered.begin(self.gathered.value, device)

    def told(self) -> dict[str, float]:
        """Return what they say of the set."""
        every = self.gathered.value.items()
        return {name: float(as_scalar(gathered.computed(one))) for name, one in every}

    def loss_alone(self, *leaves: Tensor) -> Tensor:
        """Return the loss, without metrics where they are functions of their own."""
        if self.loss is None:
            return self.values(*leaves)[0]
        x, y = filled(self.skeleton, iter(leaves))
        found: Tensor = self.loss(call(self.module, x), y)
        return found

    def values(self, *leaves: Tensor) -> tuple[Tensor, dict[str, Any]]:
        """Return the loss and all metrics that do not gather, by name."""
        return self._taken(*leaves)[:2]

    def _taken(self, *leaves: Tensor) -> tuple[Tensor, dict[str, Any], Any, Any]:
        """Return loss and metrics by name, and output and target where there is no own step."""
        x, y = filled(self.skeleton, iter(leaves))
        step = self.own.value
        if step is not None:
            made = step(self.module, x)
            if not isinstance(made, tuple | list):
                return made, {}, None, None
            if len(made) != 2 or not isinstance(made[1], Mapping):
                raise TaskError(
                    f"step returned {len(made)} values, but must return the loss, or the loss and "
                    "a dictionary of metrics"
                )
            return made[0], dict(made[1]), None, None
        assert self.loss is not None
        output = call(self.module, x)
        every = self.metrics.value.items()
        values = {n: f(output, y) for n, f in every if n not in self.gathered.value}
        return self.loss(output, y), values, output, y

    def tensors(self, batch: Batch, device: torch.device | str = "cpu") -> tuple[Tensor, ...]:
        """Return what `forward` takes of a batch, or of all examples, in the person's own types."""
        return tensors(batch, self.types, device)


class _Hidden:
    """Keeps something from `nn.Module`, which registers the modules it is given."""

    def __init__(self, value: Any) -> None:
        self.value = value


def tensors(
    batch: Batch, types: tuple[torch.dtype, ...], device: torch.device | str = "cpu"
) -> tuple[Tensor, ...]:
    """Return the arrays of a batch as tensors of these types, in the order of `leaves_of`."""
    return tuple(
        as_tensor(array).to(device=device, dtype=kind)
        for array, kind in zip(leaves_of(batch[:2]), types, strict=True)
    )


def nested(batch: Batch, types: tuple[torch.dtype, ...]) -> tuple[Tree, Tree]:
    """Return x and y of a batch as tensors of these types, nested as they are."""
    x, y = filled(batch[:2], iter(tensors(batch, types)))
    return x, y


def call(module: nn.Module, x: Any) -> Any:
    """Return what a module makes of x: a tensor is its argument, tuples and dictionaries are its
    arguments by place and by name."""
    if isinstance(x, Mapping):
        return module(**x)
    return module(*x) if isinstance(x, list | tuple) else module(x)


def leaves_of(tree: Tree) -> list[Any]:
    """Return the arrays of nested tuples, lists and dictionaries, these by their sorted keys.

    Sorted as JAX sorts them, which hands dictionaries back so.
    """
    if tree is None:
        return []
    if isinstance(tree, Mapping):
        return [leaf for key in sorted(tree) for leaf in leaves_of(tree[key])]
    if isinstance(tree, list | tuple):
        return [leaf for one in tree for leaf in leaves_of(one)]
    return [tree]


def filled(tree: Tree, leaves: Iterator[Any]) -> Tree:
    """Return the same nesting with other leaves, in the order of `leaves_of`."""
    if tree is None:
        return None
    if isinstance(tree, Mapping):
        found = {key: filled(tree[key], leaves) for key in sorted(tree)}
        return {key: found[key] for key in tree}
    if isinstance(tree, list | tuple):
        return type(tree)(filled(one, leaves) for one in tree)
    return next(leaves)


def as_tensor(array: np.ndarray[Any, Any]) -> Tensor:
    """Return an array as a tensor, which may share its memory."""
    array = np.asarray(array, order="C")
    if array.dtype.name == "bfloat16":  # which only ml_dtypes knows
        return torch.from_numpy(array.view(np.int16)).view(torch.bfloat16)
    if not array.flags.writeable:
        array = array.copy()
    return torch.from_numpy(array)


def as_scalar(value: Any) -> Tensor:
    """Return a metric as a float32 scalar.

    Raises:
        TaskError: it is no single number.
    """
    try:
        found = torch.as_tensor(value)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TaskError(f"a metric is {quoted(value)}, but must be one number a batch") from error
    if found.ndim:
        if found.numel() != 1:
            raise TaskError(
                f"a metric has shape {tuple(found.shape)}, but must be one number a batch; return "
                "its mean over the examples"
            )
        found = found.reshape(())
    return found.to(torch.float32)
