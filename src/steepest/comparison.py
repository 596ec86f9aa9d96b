"""The front door from Python: `compare` trains and judges, `read` opens a study, both give a
`Comparison`."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from steepest.errors import InputError, SteepestError, StudyFileError
from steepest.export import code
from steepest.measures.verdict import Verdict, judge
from steepest.question import decided_by, make_memory, make_question
from steepest.records import Config, Settings, Study
from steepest.reports.sentence import sentence
from steepest.rules.contestant import Wanted
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
        """The values that were measured, by their names here, which are Keras'."""
        return dict(self.config.hyperparameters)

    def optimizer(self, model: Any = None) -> Any:
        """Return a new Keras optimizer that does what was measured.

        One of `keras.optimizers`, unless only a class written for it is exact; weight decay leaves
        biases and normalization alone as it did here, by the names of the model's variables.

        Args:
            model: the model that it is for. Muon takes from it what is no hidden matrix, and weight
                decay what is no kernel where names do not tell; other optimizers need none.

        Raises:
            InputError: no model where one is needed; or a rule of your own, which you build with
                the function that you gave.
        """
        from steepest.tasks.keras import run_code

        source = self.code("keras")
        if model is None and "model." in source:
            raise InputError(
                f"{self.config.rule} has to know which of a model's weights are what; give the "
                "model, as in optimizer(model)"
            )
        return run_code(source, model)

    def code(self, framework: str = "keras") -> str:
        """Return complete source that builds the same in "keras", "torch" or "optax".

        Raises:
            InputError: an unknown framework, or a rule of your own.
        """
        return code(self.config, self.study.task, framework)


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
        """The winner or, in a tie, the one of the tied with the lowest mean loss, but for one that
        does what SGD does and is among them too.

        Raises:
            SteepestError: no optimizer was confirmed.
        """
        if self.verdict.recommended is None:
            raise SteepestError(sentence(self.study, self.verdict))
        return self.optimizers[self.verdict.recommended]

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
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    initial_weights: str = "fresh",
    optimizers: Wanted = OPTIMIZERS,
    dialect: str = "keras",
    schedule: str = "constant",
    recipe: Mapping[str, Any] | str | None = None,
    baseline: Any = None,
    budget: str = "standard",
    trials: int | None = None,
    full_trainings: float | None = None,
    time: float | str | None = None,
    seeds: int | None = None,
    metric: str | None = None,
    direction: str | None = None,
    at: str = "end",
    practical: float | str = "1%",
    seed: int = 0,
    memory: int | str | None = None,
    out: str | Path | None = None,
    name: str | None = None,
    progress: bool | None = None,
) -> Comparison:
    """Find the best optimizer for a compiled Keras model. The call takes the place of `fit`.

    The first arguments are `fit`'s, with its meaning. The model is read, not changed.

    Args:
        model: a compiled `keras.Model`, on any backend; on JAX trials train together.
        x: arrays `[examples, ...]`, or a list or dictionary of them; or a stream of batches: a
            `tf.data.Dataset`, a `keras.utils.PyDataset`, a PyTorch `DataLoader`, something else
            that is iterated with a length, or a function that returns a new generator. Large
            arrays on disk (`np.memmap`, h5py, zarr) are read batch by batch.
        y: labels `[examples, ...]`, alike; not for a stream, nor where `add_loss` is all there is.
        validation_data: `(x, y)` or `(x, y, sample_weight)` or a stream; what optimizers are
            compared on.
        validation_split: instead of it, the share of the examples to cut off for it.
        test_data: like `validation_data`; looked at once, at the end, for the verdict.
        epochs: the length of a full training.
        batch_size: examples a step; the batches of a stream have their own.
        steps_per_epoch: batches an epoch, of a stream that does not say or is endless.
        validation_steps: alike for `validation_data`, each time from its start.
        class_weight: a weight for each class, as in `fit`.
        sample_weight: a weight for each example, as in `fit`.
        initial_weights: "fresh" draws new weights from each seed; "given" starts each trial from
            the model's own, for fine-tuning.
        optimizers: names, which may fix hyperparameters as in "SGD(nesterov=True)", or a
            dictionary from names to fixed values and ranges of your own; or rules that you made
            with `steepest.rule`.
        dialect: whose arithmetic and defaults the optimizers have: "keras", "torch" or "optax".
        schedule: of the learning rate: "constant", "linear", "cosine", "exponential" or "step".
        recipe: what surrounds every optimizer, fixed or searched, as a dictionary or a text:
            warmup, clip_norm, weight_decay, accumulation, ema, ... such as
            {"warmup": 0.05, "clip_norm": Float(0.1, 10, log=True)}.
        baseline: the optimizer that you use today: a Keras or PyTorch optimizer, or the text of its
            call. It takes part as it stands, untuned.
        budget: "quick", "standard" or "thorough": about 2, 4 and 20 full trainings for each
            optimizer, a half of them to search and the rest to confirm.
        trials: instead of it, configurations tried for each optimizer.
        full_trainings: instead of it, what the whole study may cost, in trainings of all epochs.
        time: seconds, or a text such as "10m", after which the study ends with what it has.
        seeds: the most runs from fresh seeds that confirm an optimizer's best configuration.
        metric: what decides: by default the validation loss, or one of the model's metrics.
        direction: "up" or "down", for a metric that does not say itself which is better.
        at: whether trials are compared at the "end" of training or at their "best" epoch.
        practical: the relative difference below which two optimizers are as good, as in "1%".
        seed: what all randomness comes from.
        memory: what trials may take of it, as bytes or as in "4GB"; by default most of what is
            free. Those that wait for the next rung wait on disk where it does not suffice.
        out: the directory that gets `study.db`; by default `runs/NAME-TIME`.
        name: what to call the task; by default the model's name.
        progress: show what goes on; by default when there is a terminal.

    Raises:
        InputError: something given cannot be used; nothing was written then.
        StudyFileError: the study file cannot be written.
    """
    for argument, value in (("out", out), ("name", name)):
        if value is not None and not isinstance(value, str | Path):
            raise InputError(f"{argument} is {value!r}, but must be text")
    found, settings = make_question(
        optimizers,
        epochs,
        budget=budget,
        trials=trials,
        full_trainings=full_trainings,
        time=time,
        seeds=seeds,
        seed=seed,
        schedule=schedule,
        dialect=dialect,
        at=at,
        practical=practical,
        recipe=recipe,
        baseline=baseline,
    )
    bytes_ = make_memory(memory)
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
        steps_per_epoch=steps_per_epoch,
        validation_steps=validation_steps,
        class_weight=class_weight,
        sample_weight=sample_weight,
        initial_weights=initial_weights,
        name=name,
    )
    settings = decided_by(settings, task.facts, metric, direction)
    return run(task, found, settings, out, progress, bytes_)


def run(
    task: Any,
    found: list[Any],
    settings: Settings,
    out: str | Path | None,
    progress: bool | None = None,
    memory: int | None = None,
) -> Comparison:
    """Search, and return the comparison. `task` and `found` are as `search` takes them."""
    from rich.console import Console

    from steepest.engines import make_engine
    from steepest.reports.progress import live, silent
    from steepest.search import search

    path = (Path(out) if out else new_directory(task.facts.name)) / "study.db"
    console = Console(stderr=True)
    engine = make_engine(task, memory)
    if progress is None:
        progress = sys.stderr.isatty()
    if not progress:
        return Comparison(search(engine, found, settings, path, silent), path)
    with live(console) as watch:
        return Comparison(search(engine, found, settings, path, watch), path)


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
