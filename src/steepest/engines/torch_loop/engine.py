"""A population that trains in a plain PyTorch loop, one member after the other.

    for each member, for each epoch:
        train on the examples in the member's order; evaluate on the validation set

The optimizer is `torch.optim`'s, made by the very code that is there to paste, so what is measured
is what is pasted. Members do not know of each other: what one was is put into the module before it
trains and taken out after, and the module itself is handed back as the person had it. Nothing is
compiled: `torch.compile` has had releases with wrong gradients (pytorch#193061).
"""

import contextlib
from collections.abc import Callable, Mapping

import torch

from steepest.data import sources
from steepest.data.stream import Data, Stream
from steepest.engines.compiled.width import budget
from steepest.engines.cores import cores
from steepest.engines.protocol import Key, Program, unheard
from steepest.engines.torch_loop.batches import Batches
from steepest.engines.torch_loop.lent_module import LentModule
from steepest.engines.torch_loop.program import LoopProgram
from steepest.errors import TrialError
from steepest.records import Config
from steepest.tasks.torch.loop_task import LoopTask


class TorchLoopEngine:
    """Trains populations of a module that only PyTorch can train."""

    workers = 1  # the module is one, and PyTorch uses the cores itself
    lockstep: bool | None = False
    packages: tuple[str, ...] = ("torch",)

    def __init__(self, task: LoopTask, *, memory: int | None = None) -> None:
        # PyTorch's own number, or what the person set, if there are so many cores.
        threads = min(cores(), torch.get_num_threads())
        self.lent = LentModule(task, torch.device("cpu"), threads)
        there = _accelerator()
        if there is not None:
            beside = LentModule(task, there, threads)
            with contextlib.suppress(TrialError):  # some modules hold tensors that do not move
                _try(beside)
                self.lent = beside
        device = self.lent.device
        self.memory = budget(memory)
        self.facts = task.facts
        self.device = f"{_name(device)} (PyTorch)"
        self.training = Batches(task, task.training, device)
        self.batches = {
            name: self.training if _same(data, task.training) else Batches(task, data, device)
            for name, data in self.sets.items()
        }

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return self.lent.sets

    def prepare(
        self,
        configs: Mapping[Key, Config],
        epochs: int = 0,  # noqa: ARG002
        ready: Callable[[], None] = unheard,  # noqa: ARG002
    ) -> Mapping[Key, Program]:
        """Return the programs; nothing is compiled.

        Raises:
            InputError: there is no PyTorch code for a rule.
        """
        for config in configs.values():
            self.lent.optimizers.source(config)
        return {key: LoopProgram(self.lent, self.batches, self.training) for key in configs}


def _same(one: Data, other: Data) -> bool:
    """Whether two sets are the same arrays, which are then on the device once."""
    return not isinstance(one, Stream) and not isinstance(other, Stream) and one[0] is other[0]


def _accelerator() -> torch.device | None:
    """Return the accelerator that PyTorch sees."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps") if torch.backends.mps.is_available() else None


def _try(lent: LentModule) -> None:
    """Take a batch through the module and back, on its device.

    Raises:
        TrialError: that cannot be.
    """
    task = lent.task
    first = sources.sample_of(task.training, task.facts.batch_size)
    with lent.borrow():
        lent.put(*task.initialize(0))
        torch.autograd.backward(task.step.loss_alone(*task.step.tensors(first, lent.device)))


def _name(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return "MPS" if device.type == "mps" else "CPU"
