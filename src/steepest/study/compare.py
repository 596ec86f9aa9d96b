"""`steepest.compare`: the one call, of a Keras model in the place of `fit`, or of PyTorch's."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, overload

from steepest import budget as budgets
from steepest.backend import share_gpu
from steepest.errors import InputError, StudyFileError, quoted
from steepest.options import NAMES, Options
from steepest.parse.optimizers import Wanted
from steepest.plan import check_plan
from steepest.study.fit_arguments import (
    check_arguments,
    check_framework,
    names_of,
    progress_of,
)
from steepest.study.run import run_study
from steepest.study.study import Study
from steepest.study.study_set import StudySet, each_size
from steepest.tasks.any_task import any_task, is_of_torch
from steepest.text import is_none

log = logging.getLogger(__name__)


@overload
def compare(
    model: Any, x: Any, y: Any = None, *, batch_size: list[int] | tuple[int, ...], **given: Any
) -> StudySet: ...


@overload
def compare(
    model: Any, x: Any, y: Any = None, batch_size: int | None = None, *more: Any, **given: Any
) -> Study: ...


def compare(
    model: Any,
    x: Any,
    y: Any = None,
    batch_size: int | Sequence[int] | None = None,
    epochs: int = 10,
    verbose: int | str = "auto",
    *more: Any,
    loss: Any = None,
    step: Any = None,
    metrics: Any = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    test_data: Any = None,
    steps_per_epoch: int | None = None,
    validation_steps: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    shuffle: bool = True,
    callbacks: Any = None,
    initial_weights: str = "fresh",
    optimizers: Wanted = "SGD,Adam,RMSprop",
    dialect: str | None = None,
    schedule: Any = "constant",
    recipe: Mapping[str, Any] | str | None = None,
    groups: Mapping[str, Any] | str | None = None,
    baseline: Any = None,
    budget: str = "standard",
    trials: int | None = None,
    full_trainings: float | None = None,
    time: float | str | None = None,
    seeds: int | None = None,
    metric: str | None = None,
    direction: str | None = None,
    at: str = "end",
    practical: float | str | None = None,
    sweep: int = 0,
    seed: int = 0,
    memory: int | str | None = None,
    workers: Any = None,
    kinds: str = "one",
    idle: str = "back",
    out: str | Path | None = None,
    name: str | None = None,
    progress: bool | None = None,
    **unknown: Any,
) -> Study | StudySet:
    """Find the best optimizer for a compiled Keras model or for a PyTorch module.

    For a Keras model the call takes the place of `fit`: the first arguments are `fit`'s, with its
    meaning and in its order. For a PyTorch module, the second one is the `DataLoader` of training,
    and `loss` or `step` says what to minimize. The model is read, not changed.

    Args:
        model: a compiled `keras.Model`, on any backend; on JAX trials train together. Or PyTorch's:
            a class or a function without arguments that makes an `nn.Module`, whose own code then
            draws the weights of each seed; or a module, drawn anew by `reset_parameters`.
        x: arrays `[examples, ...]`, or a list or dictionary of them; or a stream of batches: a
            PyTorch `DataLoader`, a `tf.data.Dataset`, a `keras.utils.PyDataset`, something else
            that is iterated with a length, or a function that returns a new generator. Large
            arrays on disk (`np.memmap`, h5py, zarr) are read batch by batch. For a PyTorch module
            a `DataLoader` has the batch size and the transforms, or give a `Dataset` or tensors.
        y: labels `[examples, ...]`, alike; not for a stream, nor where `add_loss` is all there is.
        batch_size: examples a step, 32 by default; the batches of a stream have their own. Several,
            as in [32, 64, 128], make a study of each, and a `StudySet` is returned: which to use,
            and how the best learning rates move with it.
        epochs: the length of a full training.
        loss: of a PyTorch module, a function of its output and the target, such as
            `nn.CrossEntropyLoss()`; Keras models are compiled with theirs.
        step: instead, for batches that are not `(x, y)`: a function of the module and the batch
            that returns the loss, or `(loss, {"accuracy": ...})`.
        metrics: of a PyTorch module, functions of output and target by name; by default the
            accuracy, where targets are classes.
        verbose: 0 shows nothing of what goes on, 1 and 2 show it, "auto" leaves it to `progress`.
        validation_data: `(x, y)` or `(x, y, sample_weight)` or a stream; what optimizers are
            compared on.
        validation_split: instead of it, the share of the examples to cut off for it.
        test_data: like `validation_data`; looked at once, at the end, for the verdict.
        steps_per_epoch: batches an epoch, of a stream that does not say or is endless.
        validation_steps: alike for `validation_data`, each time from its start.
        class_weight: a weight for each class, as in `fit`; not for PyTorch.
        sample_weight: a weight for each example, as in `fit`; not for PyTorch.
        shuffle: False meets the examples in the given order in every epoch, as in `fit`.
        callbacks: as in `fit`, or as texts such as "EarlyStopping(patience=5)". EarlyStopping,
            ReduceLROnPlateau, LearningRateScheduler, TerminateOnNaN and
            ModelCheckpoint(save_best_only=True) mean what they mean in Keras, in every engine;
            others of a Keras model are called by its own `fit`, one trial at a time.
        initial_weights: "fresh" draws new weights from each seed; "given" starts each trial from
            the model's own, for fine-tuning.
        optimizers: names, which may fix hyperparameters as in "SGD(nesterov=True)", or a
            dictionary from names to fixed values and ranges of your own; or rules that you made
            with `steepest.rule`.
        dialect: whose arithmetic and defaults the optimizers have: "keras", "torch" or "optax"; by
            default those of the model's framework.
        schedule: of the learning rate: "constant", "linear", "cosine", "exponential", "step" or
            "plateau"; or one of your own: a function of the step, or of the step and the number of
            all steps, one of Keras' or of Optax'. The rate that is searched is its largest one.
            Several in a list are searched, as in ["cosine", mine].
        recipe: what surrounds every optimizer, fixed or searched, as a dictionary or a text:
            warmup, clip_norm, weight_decay, accumulation, ema, ... such as
            {"warmup": 0.05, "clip_norm": Float(0.1, 10, log=True)}.
        groups: learning rates of parts of the model, as multiples of the others', for fine-tuning:
            {"backbone": 0.1}, by a layer's name or by what parameters' names begin with. A number,
            or a range to search, such as Float(0.01, 1, log=True); a part at 0 does not move.
        baseline: the optimizer that you use today, which takes part as it stands, untuned: a Keras
            or PyTorch optimizer, or the text of its call. By default the one that the model was
            compiled with, unless that is Keras' own default; False leaves it out. A search of the
            same optimizer starts at its values.
        budget: "quick", "standard" or "thorough": about 4, 8 and 20 full trainings for each
            optimizer, at most three quarters of them to search and the rest to confirm. Where
            trainings are short, as many as 5 s, 30 s or 3 min of training buy instead.
        trials: instead of it, configurations tried for each optimizer.
        full_trainings: instead of it, what the whole study may cost, in trainings of all epochs.
        time: seconds, or a text such as "10m", by which the study is to end; what it spends is
            planned accordingly. None or "none" for no limit.
        seeds: the most runs from fresh seeds that confirm an optimizer's best configuration. A
            finished study in `out` that has fewer goes on with them.
        metric: what decides: by default the validation loss, or one of the model's metrics.
        direction: "up" or "down", for a metric that does not say itself which is better.
        at: whether trials are compared at the "end" of training or at their "best" epoch.
        practical: the difference below which two optimizers are as good, as in "1%": of a loss a
            share of it (3 % without), of an accuracy a share of its errors (10 %).
        sweep: beside the budget, train so many learning rates on either side of each optimizer's
            best, within a decade, and the framework's defaults, on up to three seeds: how
            sensitive it is.
        seed: what all randomness comes from.
        memory: what trials may take of it, as bytes or as in "4GB"; by default most of what is
            free. Those that wait to go on wait on disk where it does not suffice.
        workers: who trains: by default threads of this process, one a core. A number is so many
            processes on this machine, "ray" is Ray's actors, here or where RAY_ADDRESS says, and
            any `concurrent.futures.Executor` will do whose tasks are values, such as Dask's. For
            Keras models without code of their own, with arrays.
        kinds: "one" refuses workers whose processors or GPUs are of several kinds, as these
            round differently; "any" takes them, and notes which kinds trained each trial.
        idle: what becomes of workers that the search leaves idle: they are given "back", or train
            "ahead" what it may ask for next: the same study sooner, for more computing.
        out: the directory that gets `study.db` and `report.html`; by default `runs/NAME-TIME`. If
            it holds a study of the same question that was stopped, that one goes on, and so does
            one that its limit of time cut short, with another `time`; one that came to its end is
            returned.
        name: what to call the task; by default the name of the model or of the module's class, or
            that of the script where the model was given none.
        progress: show what goes on; by default when there is a terminal.

    Raises:
        InputError: something given cannot be used, or `out` holds another study; nothing was
            written then.
        StudyFileError: the study file cannot be written, or another process writes it.
        Stopped: a `KeyboardInterrupt` that keeps what was trained, and says how to go on. Ctrl-C
            waits for the epochs in training; once more stops at once.
    """
    given = locals()  # the arguments, and nothing else yet
    check_arguments(more, unknown, names_of(compare))
    torch = is_of_torch(model)
    check_framework(torch, given)
    progress = progress_of(verbose, progress)
    if out is not None and not isinstance(out, str | Path):
        raise InputError(f"out is {quoted(out)}, but must be text")
    asked = {name: given[name] for name in NAMES}
    if baseline is False:
        asked["baseline"] = "none"
    if isinstance(time, str) and is_none(time):
        asked["time"] = None
    options = Options(**asked)
    check_plan(options)
    own = ("loss", "step", "metrics") if torch else ("class_weight", "sample_weight")

    def train(size: int, place: str | Path | None) -> Study:
        began = budgets.clock()
        arguments = {
            "validation_data": validation_data,
            "validation_split": validation_split,
            "test_data": test_data,
            "epochs": epochs,
            "batch_size": size,
            "steps_per_epoch": steps_per_epoch,
            "validation_steps": validation_steps,
            "shuffle": shuffle,
            "callbacks": callbacks,
            "initial_weights": initial_weights,
            "name": name,
            **{argument: given[argument] for argument in own},
        }
        work = None
        if workers is not None:
            from steepest.workers.work import Work

            share_gpu()
            work = Work.of_model(model, x, y, arguments)  # as it is given, and before it is met
        task = any_task(model, x, y, **arguments)
        study = run_study(task, options, place, progress, work=work, began=began)
        _write(study)
        return study

    sizes = options.batch_sizes or (32,)
    if len(sizes) == 1:
        return train(sizes[0], out)
    found = each_size(sizes, train, out, name)
    _write(found)
    return found


def _write(study: Study | StudySet) -> None:
    try:
        study.write_report()
    except StudyFileError as error:  # the study is there, and so is its verdict
        log.warning("the study is done, but without its report: %s", error)
