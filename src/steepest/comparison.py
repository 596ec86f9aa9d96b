"""The front door from Python: `compare` trains and judges, `read` opens a study, both give a
`Comparison`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from numbers import Integral
from pathlib import Path
from typing import Any

from steepest.errors import InputError, SteepestError, StudyFileError
from steepest.halving import rungs
from steepest.measures.verdict import Verdict, judge
from steepest.records import Config, Settings, Study
from steepest.reports.code import call, code, total_steps
from steepest.reports.sentence import sentence
from steepest.rules import RULES, SCHEDULES
from steepest.rules.contestant import Wanted, contestants
from steepest.spaces import Value

OPTIMIZERS = ("SGD", "Adam", "RMSprop")


@dataclass(frozen=True)
class Recommendation:
    """An optimizer as it was confirmed: its hyperparameters, and how to build it."""

    name: str
    config: Config
    study: Study = field(repr=False)

    @property
    def hyperparameters(self) -> dict[str, Value]:
        """The values that were measured, by Keras' names."""
        return dict(self.config.hyperparameters)

    def optimizer(self) -> Any:
        """Return a new `keras.optimizers` object with these hyperparameters."""
        from steepest.tasks.keras import make_optimizer

        name, values = call(self.config)
        return make_optimizer(name, values, self.config.schedule, total_steps(self.study))

    def code(self, framework: str = "keras") -> str:
        """Return source code that builds the same.

        Raises:
            InputError: a framework that Steepest does not write yet.
        """
        known = RULES[self.config.rule].dialects
        if framework not in known:
            raise InputError(
                f"there is no code for {framework!r} yet; known are {', '.join(known)}"
            )
        return code(self.config, self.study, framework)


@dataclass(frozen=True)
class Comparison:
    """A study with its verdict: print it for the story, `to_dict()` is what `--json` prints."""

    study: Study
    path: Path

    @cached_property
    def verdict(self) -> Verdict:
        """Who is best, and how each optimizer stands."""
        return judge(self.study)

    @property
    def best(self) -> Recommendation:
        """The winner or, in a tie, the one of the tied with the lowest mean loss.

        Raises:
            SteepestError: no optimizer was confirmed.
        """
        if self.verdict.leader is None:
            raise SteepestError(sentence(self.study, self.verdict))
        return self.optimizers[self.verdict.leader]

    @property
    def optimizers(self) -> dict[str, Recommendation]:
        """Each optimizer that was confirmed, best first, with its best configuration."""
        return {
            name: Recommendation(name, standing.config, self.study)
            for name, standing in self.verdict.standings.items()
            if standing.config is not None
        }

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `steepest compare --json` prints."""
        from steepest.reports.json import to_dict

        return to_dict(self.study, self.verdict)

    def __str__(self) -> str:
        from steepest.reports.terminal import text

        return text(self.study, self.verdict)

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self.study.optimizers)} on {self.study.task.name}>"


def compare(
    model: Any,
    x: Any,
    y: Any = None,
    *,
    validation_data: Any = None,
    validation_split: float = 0.0,
    test_data: Any = None,
    epochs: int = 10,
    batch_size: int = 32,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_weights: str = "fresh",
    optimizers: Wanted = OPTIMIZERS,
    schedule: str = "constant",
    trials: int = 32,
    seeds: int = 5,
    seed: int = 0,
    out: str | Path | None = None,
    name: str | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Find the best optimizer for a compiled Keras model. The call takes the place of `fit`.

    The first arguments are `fit`'s, with its meaning. The model is read, not changed.

    Args:
        model: a compiled `keras.Model` on the JAX backend.
        x: arrays `[examples, ...]`, or a list or dictionary of them.
        y: labels `[examples, ...]`, alike.
        validation_data: `(x, y)` or `(x, y, sample_weight)`; what optimizers are compared on.
        validation_split: instead of it, the share of the examples to cut off for it.
        test_data: like `validation_data`; looked at once, at the end, for the verdict.
        epochs: the length of a full training.
        batch_size: examples a step.
        class_weight: a weight for each class, as in `fit`.
        sample_weight: a weight for each example, as in `fit`.
        initial_weights: "fresh" draws new weights from each seed; "given" starts each trial from
            the model's own, for fine-tuning.
        optimizers: names, which may fix hyperparameters as in "SGD(nesterov=True)", or a
            dictionary from names to fixed values and ranges of your own.
        schedule: "constant", or "cosine" to let each learning rate decay to zero.
        trials: configurations tried for each optimizer.
        seeds: runs from fresh seeds that confirm each optimizer's best configuration.
        seed: what all randomness comes from.
        out: the directory that gets `study.db`; by default `runs/NAME-TIME`.
        name: what to call the task; by default the model's name.
        progress: show what goes on; by default when there is a terminal.

    Raises:
        InputError: something given cannot be used; nothing was written then.
        StudyFileError: the study file cannot be written.
    """
    settings = make_settings(trials, seeds, seed, schedule, epochs)
    for argument, value in (("out", out), ("name", name)):
        if value is not None and not isinstance(value, str | Path):
            raise InputError(f"{argument} is {value!r}, but must be text")
    found = contestants(optimizers, settings.trials)
    from steepest.tasks.keras import keras_task

    task = keras_task(
        model,
        x,
        y,
        validation_data=validation_data,
        validation_split=validation_split,
        test_data=test_data,
        epochs=epochs,
        batch_size=batch_size,
        class_weight=class_weight,
        sample_weight=sample_weight,
        initial_weights=initial_weights,
        name=name,
    )
    return run(task, found, settings, out, progress)


def make_settings(trials: Any, seeds: Any, seed: Any, schedule: Any, epochs: Any) -> Settings:
    """Return checked settings.

    Raises:
        InputError: a count below one, a seed out of range, an unknown schedule.
    """
    for name, value, low, high in (
        ("trials", trials, 1, 100_000),
        ("seeds", seeds, 1, 900),
        ("seed", seed, 0, 2_000_000),
        ("epochs", epochs, 1, 1_000_000),
    ):
        whole = isinstance(value, Integral) and not isinstance(value, bool)
        if not (whole and low <= int(value) <= high):
            raise InputError(
                f"{name} is {value!r}, but must be a whole number from {low} to {high}"
            )
    if not isinstance(schedule, str) or schedule not in SCHEDULES:
        raise InputError(f"there is no schedule {schedule!r}; known are {', '.join(SCHEDULES)}")
    return Settings(int(trials), int(seeds), int(seed), schedule, rungs(int(epochs)))


def run(
    task: Any,
    found: list[Any],
    settings: Settings,
    out: str | Path | None,
    progress: bool | None = None,
) -> Comparison:
    """Search, and return the comparison. `task` and `found` are as `search` takes them."""
    from rich.console import Console

    from steepest.reports.progress import live, silent
    from steepest.search import search

    path = (Path(out) if out else new_directory(task.facts.name)) / "study.db"
    console = Console(stderr=True)
    if progress is None:
        progress = sys.stderr.isatty()
    if not progress:
        return Comparison(search(task, found, settings, path, silent), path)
    with live(console) as watch:
        return Comparison(search(task, found, settings, path, watch), path)


def read(path: str | Path) -> Comparison:
    """Open a study file, or the directory it is in.

    Raises:
        StudyFileError: it is missing, damaged, of a newer version, or no study.
    """
    from steepest import storage
    from steepest.reports.json import to_dict

    comparison = Comparison(storage.read(Path(path)), Path(path))
    try:
        to_dict(comparison.study, comparison.verdict)
    except (LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise StudyFileError(f"{path} is damaged: its trials do not fit together") from error
    return comparison


def new_directory(name: str) -> Path:
    """Return a directory under `runs` that is not there yet, named after a task and the time."""
    plain = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
    base = Path("runs") / f"{plain}-{datetime.now():%Y%m%d-%H%M%S}"
    path, count = base, 1
    while path.exists():
        count += 1
        path = base.with_name(f"{base.name}-{count}")
    return path
