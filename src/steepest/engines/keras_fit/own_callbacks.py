"""Callbacks of the person's own, called around each epoch of a trial as one `fit` would call them.

A trial trains an epoch at a time, in a `fit` each, and trials take turns. So each has copies of the
callbacks, which hear of its beginning and end once, and of its own epochs by their numbers. What
they remember is in this process alone.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.errors import InputError, TrialError
from steepest.records import Config
from steepest.tasks.keras.fit_task import FitTask

BATCHES = tuple(
    f"on_{what}_batch_{when}" for what in ("train", "test") for when in ("begin", "end")
)


@dataclass
class Copies:
    """The callbacks of one trial, and the epochs that they have seen."""

    every: list[Any]
    epochs: int = 0

    def tell(self, what: str, *given: Any) -> None:
        """Call all of them."""
        for one in self.every:
            getattr(one, what)(*given)


@dataclass
class OwnCallbacks:
    """Copies of a task's own callbacks, of each trial that is in training."""

    task: FitTask
    trials: dict[str, Copies] = field(default_factory=dict)

    def of(self, config: Config, epoch: int, model: Any) -> Copies | None:
        """Return the callbacks of a trial that has trained so many epochs; None without any.

        Raises:
            InputError: a callback cannot be copied.
            TrialError: what they have seen of the trial is lost.
        """
        if not self.task.own_callbacks:
            return None
        what = (config.rule, config.dialect, config.schedule, config.seed)
        key = repr((what, sorted(config.hyperparameters.items())))
        found = self.trials.get(key)
        if epoch == 0:
            found = self.trials[key] = Copies([self._copy(one) for one in self.task.own_callbacks])
            for one in found.every:
                one.set_params({"epochs": self.task.facts.epochs, "verbose": 0})
                one.set_model(model)
            found.tell("on_train_begin", {})
        if found is None or found.epochs != epoch:
            raise TrialError("what its callbacks had seen is lost, so it cannot go on")
        return found

    @staticmethod
    def _copy(one: Any) -> Any:
        try:
            return copy.deepcopy(one)
        except Exception as error:  # the person's own code
            raise InputError(
                f"the callback {type(one).__name__} cannot be copied, but each trial needs one of "
                f"its own ({type(error).__name__}: {error}); let copy.deepcopy take it, or leave "
                "it out"
            ) from error


def during_fit(keras: Any, copies: Copies, epoch: int) -> Any:
    """Return the callback that tells copies of what goes on within one epoch's `fit`."""

    class Telling(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_begin(self, _: int, logs: Any = None) -> None:
            copies.tell("on_epoch_begin", epoch, logs)

        def on_test_begin(self, logs: Any = None) -> None:
            copies.tell("on_test_begin", logs)

        def on_test_end(self, logs: Any = None) -> None:
            copies.tell("on_test_end", logs)

    for name in BATCHES:
        setattr(Telling, name, _teller(copies, name))
    return Telling()


def _teller(copies: Copies, name: str) -> Any:
    def tell(self: Any, batch: int, logs: Any = None) -> None:  # noqa: ARG001
        copies.tell(name, batch, logs)

    return tell


def end_epoch(copies: Copies, model: Any, epoch: int, last: int, logs: Mapping[str, float]) -> bool:
    """Tell copies of the end of an epoch; return whether they stop the trial."""
    copies.tell("on_epoch_end", epoch, dict(logs))
    copies.epochs = epoch + 1
    stopped = bool(model.stop_training)
    if stopped or copies.epochs >= last:
        copies.tell("on_train_end", dict(logs))
    return stopped
