"""The person's module, lent to one trial after another, and handed back as it was.

While it is lent its parameters and buffers have other memory, on the device that trains: the
person's own values are never written to. Members are put in and taken out.
"""

import contextlib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from steepest.data.stream import Data
from steepest.engines.eval_sets import sets_of
from steepest.engines.state import State
from steepest.engines.torch_loop.memory import Memories
from steepest.engines.torch_loop.optimizers import Optimizers, Ready
from steepest.engines.torch_loop.tensors import fill, to_array
from steepest.errors import InputError, TrialError
from steepest.records import Config
from steepest.tasks.torch.checks import gist
from steepest.tasks.torch.loop_task import LoopTask


@dataclass(frozen=True)
class _Kept:
    """A tensor of the module's, and what of it may change."""

    tensor: Tensor
    data: Tensor
    grad: Tensor | None
    requires_grad: bool

    @staticmethod
    def of(tensor: Tensor) -> "_Kept":
        return _Kept(tensor, tensor.data, tensor.grad, tensor.requires_grad)

    def begin(self) -> None:
        """Let the tensor be what it was, but for its values and without a gradient."""
        self.tensor.requires_grad_(self.requires_grad)
        self.tensor.grad = None

    def give_back(self) -> None:
        """Let the tensor be what it was."""
        self.tensor.grad = None  # first, as it may be on another device
        self.tensor.data = self.data
        self.tensor.requires_grad_(self.requires_grad)
        self.tensor.grad = self.grad


class _Attributes:
    """What each module inside a module has of its own: modes, hooks, names of tensors, counters."""

    def __init__(self, module: nn.Module) -> None:
        self.found = [
            (vars(one), {k: (v, dict(v) if isinstance(v, dict) else None) for k, v in items})
            for one in module.modules()
            for items in [list(vars(one).items())]
        ]

    def restore(self) -> None:
        """Let all be as it was; dictionaries stay the same objects."""
        for own, before in self.found:
            own.clear()
            for key, (value, content) in before.items():
                if content is not None:
                    value.clear()
                    value.update(content)
                own[key] = value


class LentModule:
    """A task's module and the optimizers made for it; members are put in and taken out."""

    def __init__(self, task: LoopTask, device: torch.device, threads: int) -> None:
        self.task = task
        self.facts = task.facts
        self.device = device
        self.threads = threads  # of PyTorch's, in an operation on the CPU
        self.optimizers = Optimizers(task)
        self.memories = Memories(self.optimizers, task)
        self.sets: Mapping[str, Data] = sets_of(task)  # what weights can be measured on
        self._attributes: _Attributes | None = None
        self._kept: list[_Kept] = []

    @contextlib.contextmanager
    def borrow(self) -> Iterator[None]:
        """Lend the module; what goes wrong in it is one sentence.

        Raises:
            TrialError: the module, its loss or the optimizer raised something.
        """
        step, threads = self.task.step, torch.get_num_threads()
        self._attributes = _Attributes(step)
        tensors = {id(one): one for one in (*step.parameters(), *step.buffers())}
        self._kept = [_Kept.of(tensor) for tensor in tensors.values()]
        try:
            torch.set_num_threads(self.threads)  # which each thread of Python has for itself
            with warnings.catch_warnings(), torch.enable_grad():
                warnings.simplefilter("ignore")  # said once an epoch, and to nobody
                for one in self._kept:
                    one.tensor.grad = None
                    one.tensor.data = torch.empty_like(one.data, device=self.device)
                    one.tensor.data.copy_(one.data)
                yield
        except InputError:
            raise
        except Exception as error:
            said = f"{type(error).__name__}: {gist(error)}"
            raise TrialError(f"the PyTorch loop failed in a trial: {said}") from error
        finally:
            self._attributes.restore()
            for one in self._kept:
                one.give_back()
            torch.set_num_threads(threads)

    def tensors(self) -> tuple[list[Tensor], list[Tensor]]:
        """Return the tensors of weights and of state, as the module has them now."""
        return self.weights(), [self._tensor(name) for name in self.task.state[:-1]]

    def weights(self) -> list[Tensor]:
        """Return the tensors of weights."""
        return [self._tensor(name) for name in self.task.weights]

    def _tensor(self, name: str) -> Tensor:
        owner, _, key = name.rpartition(".")
        found: Tensor = getattr(self.task.step.get_submodule(owner), key)
        return found

    def put(self, weights: Any, variables: Any) -> None:
        """Put values into the module, which is otherwise as the person gave it.

        The last of `variables` is a random state, which is no tensor of the module.
        """
        assert self._attributes is not None
        self._attributes.restore()
        for one in self._kept:
            one.begin()
        own, state = self.tensors()
        for tensor, value in zip((*own, *state), (*weights, *variables[:-1]), strict=True):
            fill(tensor, value)

    def load(self, config: Config, state: State) -> Ready:
        """Put the one member of `state` into the module and its optimizer, which is returned."""
        self.put([w[0] for w in state.weights], [v[0] for v in state.variables])
        ready = self.optimizers.make(config)
        self.memories.put(config, ready, self.weights(), [m[0] for m in state.memory])
        ready.go_on(int(state.step[0]))
        return ready

    def take(self, config: Config, ready: Ready) -> tuple[list[Any], list[Any], list[Any]]:
        """Return the values of weights, memory and state, but for the random state."""
        weights, state = self.tensors()
        memory = self.memories.take(config, ready, weights)
        return [*map(to_array, weights)], memory, [*map(to_array, state)]
