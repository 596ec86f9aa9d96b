"""`steepest.learning_rate`: one optimizer at many learning rates, in a minute or so."""

import contextlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from steepest.amounts import make_memory, make_whole
from steepest.errors import InputError, StudyFileError, quoted
from steepest.measures.rate_choice import RateChoice, choose_rate
from steepest.parse.compiled import compiled_with
from steepest.parse.contestant import Contestant, contestants
from steepest.records.rate_runs import RateRuns
from steepest.rules.plateau import PLATEAU
from steepest.study.fit_arguments import check_framework, progress_of
from steepest.tasks.any_task import any_task, is_of_torch

USUAL = "Adam"  # where neither the person nor the model names an optimizer
SEEDS = 5
MOST = 50  # seeds


@dataclass(frozen=True)
class LearningRate:
    """The learning rate to take, by trainings at many: print it for the advice and all rates."""

    runs: RateRuns

    @cached_property
    def choice(self) -> RateChoice:
        """The rate to take, those that are not told from it, and where training breaks."""
        return choose_rate(self.runs)

    @property
    def rate(self) -> float:
        """The learning rate to take."""
        return self.choice.best.rate

    def code(self, framework: str | None = None) -> str:
        """Return source of the optimizer with that rate, by default for the model's framework.

        Raises:
            InputError: an unknown framework, or a rule of your own, of which you have the code.
        """
        from steepest.codegen import code, own_framework
        from steepest.reports.rate_text import chosen_config

        config = chosen_config(self.runs, self.choice)
        return code(config, self.runs.task, framework or own_framework(config, self.runs.task))

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `steepest lr --json` prints."""
        from steepest.reports.rate_text import to_dict

        return to_dict(self.runs, self.choice)

    def write_report(self, path: str | Path) -> Path:
        """Write a page with the picture, and return where.

        Raises:
            StudyFileError: it cannot be written there.
        """
        from steepest.reports.page.rate_page import rate_page

        file = Path(path)
        try:
            file.write_text(rate_page(self.runs, self.choice), encoding="utf-8")
        except OSError as error:
            raise StudyFileError(
                f"cannot write {file}: {error.strerror}; choose another place"
            ) from error
        return file

    def __str__(self) -> str:
        from steepest.reports.rate_text import text

        return text(self.runs, self.choice)

    def __repr__(self) -> str:
        return f"<LearningRate {self.rate:g} of {self.runs.optimizer} on {self.runs.task.name}>"


def learning_rate(
    model: Any,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 10,
    verbose: int | str = "auto",
    *,
    optimizer: str | None = None,
    length: int | None = None,
    seeds: int = SEEDS,
    dialect: str | None = None,
    loss: Any = None,
    step: Any = None,
    metrics: Any = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    shuffle: bool = True,
    initial_weights: str = "fresh",
    seed: int = 0,
    memory: int | str | None = None,
    name: str | None = None,
    progress: bool | None = None,
) -> LearningRate:
    """Find the learning rate of one optimizer by trainings at many rates; seconds, not a study.

    A quick answer before `steepest.compare`, which tunes several optimizers and confirms on fresh
    seeds. Validation loss decides. Nothing is written, and Ctrl-C ends it.

    Args:
        model: as `compare` takes it: a compiled Keras model, or a PyTorch module, its class or a
            function that makes it.
        x: as in `compare`, with all that follows and is not named here.
        y: labels.
        batch_size: examples a step, 32 by default.
        epochs: the length of a full training, which the result is meant for.
        verbose: as in `fit`.
        optimizer: its name, which may fix hyperparameters, as in "SGD(momentum=0.9)"; by default
            what the model was compiled with, else Adam. All but the rate is at the framework's
            defaults.
        length: epochs of each training; by default those of a full one, or half or a quarter of
            them where all trainings would take over a minute. What is short prefers higher rates.
            A schedule is drawn together to it.
        seeds: from which the rates around the best train; those further away have one.
        dialect: whose arithmetic and defaults: "keras", "torch" or "optax"; by default those of
            the model's framework.
        loss: of a PyTorch module.
        step: instead of it, for batches that are not `(x, y)`.
        metrics: of a PyTorch module.
        validation_data: what rates are compared on; or `validation_split`.
        validation_split: the share of the examples to cut off for it.
        steps_per_epoch: batches an epoch, of a stream that does not say.
        validation_steps: alike for `validation_data`.
        class_weight: as in `fit`; not for PyTorch.
        sample_weight: as in `fit`; not for PyTorch.
        shuffle: False meets the examples in the given order in every epoch.
        initial_weights: "fresh", or "given" to start from the model's own.
        seed: what all randomness comes from.
        memory: what trials may take of it, as bytes or as in "4GB".
        name: what to call the task.
        progress: show what goes on; by default when there is a terminal.

    Raises:
        InputError: something given cannot be used.
        TaskError: the model cannot be trained, or no rate gives a finite loss.
        Stopped: somebody asked to stop.
    """
    given = locals()
    torch = is_of_torch(model)
    check_framework(torch, given)
    progress = progress_of(verbose, progress)
    own = ("loss", "step", "metrics") if torch else ("class_weight", "sample_weight")
    check_numbers(epochs, length, seeds, seed)
    task = any_task(
        model,
        x,
        y,
        validation_data=validation_data,
        validation_split=validation_split,
        epochs=epochs,
        batch_size=32 if batch_size is None else batch_size,
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
        shuffle=shuffle,
        initial_weights=initial_weights,
        name=name,
        **{argument: given[argument] for argument in own},
    )
    return run_learning_rate(task, optimizer, length, seeds, dialect, seed, memory, progress)


# What a task file may have for its study, and the runs of a rate are without: they are to train at
# the rate that they are given, for as long as they are given.
CALLBACKS = ("callbacks", "own_callbacks")


def check_numbers(epochs: int | None, length: int | None, seeds: int, seed: int) -> None:
    """Raise `InputError` for a number that is none, or out of bounds."""
    if epochs is not None:
        make_whole("epochs", epochs, 1, 1_000_000)
    if length is not None:
        make_whole("length", length, 1, 1_000_000)
    make_whole("seeds", seeds, 1, MOST)
    make_whole("seed", seed, 0, 2**31 // 1000 - 1)


def run_learning_rate(
    task: Any,
    optimizer: str | None = None,
    length: int | None = None,
    seeds: int = SEEDS,
    dialect: str | None = None,
    seed: int = 0,
    memory: int | str | None = None,
    progress: bool | None = None,
) -> LearningRate:
    """Train one optimizer on a task at many learning rates, and return what to take.

    Raises:
        InputError: the optimizer, the dialect or the length cannot be used.
        TaskError: as for `learning_rate`.
    """
    from rich.console import Console

    from steepest.engines import make_engine
    from steepest.engines.callbacks import with_callbacks
    from steepest.engines.unused_gpu import tell_unused_gpu
    from steepest.reports.progress import live, silent
    from steepest.search.rate_runs import run_rates

    facts = task.facts
    contestant = _contestant(optimizer, dialect or facts.framework, task.optimizer)
    if length is not None and length > facts.epochs:
        raise InputError(
            f"length is {length}, but a full training has {facts.epochs} epochs; give at most that"
        )
    task = replace(task, **{name: () for name in CALLBACKS if hasattr(task, name)})
    engine = make_engine(task, None if memory is None else make_memory(memory))
    if contestant.schedule == PLATEAU:
        engine = with_callbacks(engine)
    if "jaxlib" in engine.packages:
        tell_unused_gpu()
    console = Console(stderr=True)
    if progress is None:
        progress = sys.stderr.isatty() or console.is_jupyter
    shown = live(console) if progress else contextlib.nullcontext(silent)
    with shown as watch:
        return LearningRate(run_rates(engine, contestant, length, seeds, seed, watch))


def _contestant(optimizer: str | None, dialect: str, compiled: Any) -> Contestant:
    """Return the one optimizer: as it was asked for, as the model has it, or Adam."""
    if optimizer is None:
        own, _ = compiled_with(compiled)
        if own is not None:
            return own
    wanted = USUAL if optimizer is None else optimizer
    found = contestants(wanted, 1, dialect=dialect)
    if len(found) > 1:
        raise InputError(f"optimizer is {quoted(wanted)}, but must be one; name one at a time")
    (one,) = found
    ranges = [key for key in one.given if key in one.space]
    if ranges:
        raise InputError(
            f"{one.name} has a range of {', '.join(ranges)}, but here the learning rate alone is "
            "moved; give one value, or search it by steepest compare"
        )
    return one
