"""The optimizers of trials in the PyTorch loop, made by the code that is there to paste."""

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import CodeType
from typing import Any

import torch
from torch import Tensor

from steepest.codegen import has_code, optimizer_code
from steepest.errors import InputError
from steepest.records import Config
from steepest.rules import custom_schedules
from steepest.tasks.torch.loop_task import LoopTask


@dataclass(frozen=True)
class Ready:
    """An optimizer made for the module, with what the code to paste defines beside it."""

    names: dict[str, Any]

    @property
    def optimizer(self) -> torch.optim.Optimizer:
        """The optimizer itself."""
        found: torch.optim.Optimizer = self.names["optimizer"]
        return found

    @property
    def average(self) -> Any:
        """The averaged model that is evaluated, or None."""
        return self.names.get("averaged_model")

    @property
    def accumulates(self) -> bool:
        """Whether gradients of several batches are added up before a step."""
        return "batches" in self.names

    def step(self, loss: Any) -> None:
        """Take one step of training, given the loss of a batch."""
        if "step" in self.names:
            self.names["step"](loss)
            return
        loss.backward()
        self.optimizer.step()
        self.optimizer.zero_grad()

    def go_on(self, batches: int) -> None:
        """Let schedule and accumulation stand after so many batches.

        A rate is a function of how many there were, so it is what it would have been.
        """
        if self.accumulates:
            self.names["batches"][0] = batches
        scheduler = self.names.get("scheduler")
        if scheduler is not None:
            factors = [factor(batches) for factor in scheduler.lr_lambdas]
            rates = [base * one for base, one in zip(scheduler.base_lrs, factors, strict=True)]
            scheduler.last_epoch, scheduler._step_count = batches, batches + 1
            scheduler._last_lr = rates
            for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
                group["lr"] = rate

    @contextlib.contextmanager
    def shown(self, weights: Mapping[str, Tensor]) -> Iterator[None]:
        """Put in place what the code says is to be evaluated: an average, where it keeps one."""
        values: list[tuple[Tensor, Tensor]] = []
        if self.average is not None:
            averages = averages_of(self.average)
            values = [(w, averages[n].data) for n, w in weights.items() if n in averages]
        elif "evaluated" in self.names:
            known = [w for w in weights.values() if self.optimizer.state.get(w)]
            values = [(w, self.names["evaluated"](w)) for w in known]
        own = [weight.data for weight, _ in values]
        for weight, value in values:
            weight.data = value
        try:
            yield
        finally:
            for (weight, _), before in zip(values, own, strict=True):
                weight.data = before

    def close(self) -> None:
        """Let go of the memory: optimizer, scheduler and names hold each other."""
        self.optimizer.state.clear()
        self.names.clear()


def averages_of(average: Any) -> dict[str, Tensor]:
    """Return the parameters of an averaged model, by the names that the step has for its own."""
    return {f"module.{name}": one for name, one in average.module.named_parameters()}


class Optimizers:
    """Makes the optimizers of one task."""

    def __init__(self, task: LoopTask) -> None:
        self.task = task

    def source(self, config: Config) -> str:
        """Return the code that makes the optimizer of `config`.

        Raises:
            InputError: there is no PyTorch code for its rule.
        """
        if not has_code(config):
            raise InputError(
                f"{config.rule} is a rule of somebody's own, which only a compiled population can "
                f"train, but here {self.task.why}; leave {config.rule} out"
            )
        return optimizer_code(config, self.task.facts, "torch")

    def make(self, config: Config) -> Ready:
        """Return the optimizer of `config` for the weights that the module has now."""
        names: dict[str, Any] = {
            "__name__": "steepest_optimizer",
            "model": self.task.step.module,
            **_own_names(config.schedule, self.task.facts.steps),
        }
        exec(_compiled(self.source(config)), names)
        return Ready(names)


@functools.lru_cache(128)
def _compiled(source: str) -> CodeType:
    return compile(source, "<steepest>", "exec")


def _own_names(schedule: str, steps: int) -> dict[str, Any]:
    """Return what the name in the code stands for, in a training of so many steps; nothing for a
    schedule that is nobody's own, or not known to this process."""
    own = custom_schedules.OWN_SCHEDULES.get(schedule)
    if own is None:
        return {}
    if custom_schedules.is_factor(schedule):
        return {custom_schedules.identifier(schedule): own.value}
    rates: Sequence[float] = own.table(steps + 1).tolist()
    return {custom_schedules.identifier(schedule): lambda step: rates[min(step, steps)]}
