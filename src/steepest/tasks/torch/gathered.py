"""Metrics that gather, such as the objects of torchmetrics: what they say of a whole set is no mean
of what they say of its batches.

    reset → update(output, target), batch by batch → compute

Whatever has these three is one. Some count in arrays of fixed shapes, which a compiled program can
carry from batch to batch: `updated` and `Computed` are their `update` and `compute` as functions of
these arrays, to be exported.
"""

import contextlib
import copy
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from steepest.errors import in_one_line
from steepest.tasks.torch.lowering.export import ON_VALUES
from steepest.tasks.torch.lowering.table import NotLoweredError

STEPS = ("reset", "update", "compute")


def gathers(metric: Any) -> bool:
    """Whether a metric has a state, to be updated by batches and asked at the end."""
    return not isinstance(metric, type) and all(
        callable(getattr(metric, name, None)) for name in STEPS
    )


def expanded(metrics: Any) -> Any:
    """Return metrics with those of a collection, such as a MetricCollection, one by one."""
    if _is_collection(metrics):
        return {str(name): one for name, one in metrics.items()}
    if not isinstance(metrics, Mapping):
        return metrics
    found: dict[Any, Any] = {}
    for name, one in metrics.items():
        inner = one.items() if _is_collection(one) else ()
        found |= {f"{name}_{own}": metric for own, metric in inner} or {name: one}
    return found


def _is_collection(metric: Any) -> bool:
    return gathers(metric) and callable(getattr(metric, "items", None))


def own(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return copies of the metrics that gather, which have seen nothing."""
    found = {name: copy.deepcopy(one) for name, one in metrics.items() if gathers(one)}
    for one in found.values():
        one.reset()
    return found


def begin(metrics: Mapping[str, Any], device: torch.device | str = "cpu") -> None:
    """Let all forget, and be where the outputs are."""
    for one in metrics.values():
        one.reset()
        if isinstance(one, nn.Module):
            one.to(device)


def computed(metric: Any) -> Any:
    """Return what a metric says of all that it has gathered."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there was no example of a class, say
        return metric.compute()


def direction(metric: Any) -> str | None:
    """Return "up" or "down" where a metric says which is better."""
    higher = getattr(metric, "higher_is_better", None)
    return None if higher is None else "up" if higher else "down"


def states_of(name: str, metric: Any) -> dict[str, Tensor]:
    """Return the arrays that a metric counts in, before the first batch.

    Raises:
        NotLoweredError: it has others, or does not say.
    """
    known = getattr(metric, "metric_state", None)
    if not isinstance(known, Mapping):
        raise NotLoweredError(f"the metric {name} does not tell what it counts in (metric_state)")
    inner = list(metric.modules())[1:] if isinstance(metric, nn.Module) else []
    if any(map(gathers, inner)):
        raise NotLoweredError(f"the metric {name} is made of other metrics")
    metric.reset()
    found = dict(metric.metric_state)
    if not found or not all(isinstance(one, Tensor) for one in found.values()):
        raise NotLoweredError(f"the metric {name} keeps what all batches gave until the end")
    return found


def updated(
    name: str, metric: Any, states: Mapping[str, Tensor], output: Any, target: Any
) -> tuple[Tensor, ...]:
    """Return the states after one more batch, and leave the metric as it is.

    Raises:
        NotLoweredError: it cannot be traced.
    """
    with _holding(name, metric, states):
        type(metric).update(metric, output, target)
        return tuple(torch.as_tensor(getattr(metric, own)) for own in states)


class Computed(nn.Module):
    """What metrics say, as a function of their states in a row."""

    def __init__(self, metrics: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> None:
        super().__init__()
        # A function, so that `nn.Module` does not see the metrics, which may be modules.
        self.ask: Callable[[], tuple[Mapping[str, Any], Mapping[str, Sequence[str]]]]
        self.ask = lambda: (metrics, names)

    def forward(self, *states: Tensor) -> tuple[Tensor, ...]:
        """Return a scalar a metric."""
        metrics, names = self.ask()
        left = iter(states)
        found = []
        for name, metric in metrics.items():
            with _holding(name, metric, {own: next(left) for own in names[name]}):
                compute: Any = type(metric).compute  # what torchmetrics wraps for each object
                value = torch.as_tensor(compute(metric))
                found.append(value.reshape(()).to(torch.float32))
        return tuple(found)


@contextlib.contextmanager
def _holding(name: str, metric: Any, states: Mapping[str, Tensor]) -> Iterator[None]:
    """Let a metric have these states, which it may write to, and check no values meanwhile."""
    before = dict(vars(metric))
    try:
        for own, value in states.items():
            setattr(metric, own, value.clone())
        if getattr(metric, "validate_args", False):
            metric.validate_args = False  # looks at values, and changes none
        with _Fixed():
            yield
    except Exception as error:  # whatever it does that torch.export cannot trace
        why = "decides on the values of tensors"
        if type(error).__name__ != ON_VALUES:
            why = f"cannot be traced: {in_one_line(str(error).strip().splitlines()[0])}"
        raise NotLoweredError(f"the metric {name} {why}") from error
    finally:
        vars(metric).clear()
        vars(metric).update(before)


class _Fixed(TorchFunctionMode):
    """Counts by class, whose number PyTorch takes from the data, as many as there have to be."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func in (torch.bincount, Tensor.bincount):
            given = dict(zip(("input", "weights", "minlength"), args, strict=False)) | kwargs
            if given.get("minlength") and given.get("weights") is None:
                zeros = torch.zeros(given["minlength"], dtype=torch.int64)
                x = given["input"].to(torch.int64)
                return zeros.scatter_add(0, x, torch.ones_like(x))
        return func(*args, **kwargs)
