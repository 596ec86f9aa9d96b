"""`steepest.compare`: the call that takes the place of `fit`."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from steepest.comparison.compared import Comparison
from steepest.comparison.running import run
from steepest.errors import InputError, StudyFileError, quoted
from steepest.question import decided_by, make_memory, make_question
from steepest.rules.contestant import Wanted

log = logging.getLogger(__name__)

OPTIMIZERS = ("SGD", "Adam", "RMSprop")

log = logging.getLogger(__name__)


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
    sweep: int = 0,
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
        sweep: beside the budget, train so many learning rates on either side of each optimizer's
            best, within a decade, and the framework's defaults, on up to three seeds: how
            sensitive it is.
        seed: what all randomness comes from.
        memory: what trials may take of it, as bytes or as in "4GB"; by default most of what is
            free. Those that wait for the next rung wait on disk where it does not suffice.
        out: the directory that gets `study.db` and `report.html`; by default `runs/NAME-TIME`. If
            it holds a study of the same question that was stopped, that one goes on; one that
            came to its end is returned.
        name: what to call the task; by default the model's name.
        progress: show what goes on; by default when there is a terminal.

    Raises:
        InputError: something given cannot be used, or `out` holds another study; nothing was
            written then.
        StudyFileError: the study file cannot be written, or another process writes it.
        Stopped: a `KeyboardInterrupt` that keeps what was trained, and says how to go on. Ctrl-C
            waits for the epochs in training; once more stops at once.
    """
    for argument, value in (("out", out), ("name", name)):
        if value is not None and not isinstance(value, str | Path):
            raise InputError(f"{argument} is {quoted(value)}, but must be text")
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
        sweep=sweep,
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
    comparison = run(task, found, settings, out, progress, bytes_)
    try:
        comparison.write_report()
    except StudyFileError as error:  # the study is there, and so is its verdict
        log.warning("the study is done, but without its report: %s", error)
    return comparison
