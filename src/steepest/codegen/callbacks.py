"""The callbacks of a study as code: what goes beside the optimizer into `fit`, or into a loop.

Keras gets its own callbacks. PyTorch's `ReduceLROnPlateau` counts otherwise: it acts on the first
bad epoch after `patience` of them, and an epoch of cooldown is one more than in Keras, so its
numbers are one less. What ends a loop early is a sentence, as loops are people's own.
"""

from collections.abc import Iterator, Sequence
from statistics import median

from steepest.codegen import code
from steepest.codegen.spelling import literal
from steepest.records import CallbackRecord, Config, StudyRecord, Trial
from steepest.records.callbacks import CHECKPOINT, PLATEAU, SCHEDULER


def study_code(study: StudyRecord, config: Config, framework: str, exact: bool = True) -> str:
    """Return complete source of an optimizer of a study, with the study's callbacks beside it."""
    source = code(config, study.task, framework, exact)
    more = "\n".join(_lines(study, config, framework))
    return f"{source.rstrip()}\n\n{more}\n" if more else source


def call(one: CallbackRecord, config: Config | None = None) -> str:
    """Return the call of Keras' callback, with what is not Keras' default.

    A scheduler's function is the person's own, called `schedule`; where it sets rates, its shape
    has the rate of `config` in the place of its peak.
    """
    if one.kind == SCHEDULER:
        rate = None if config is None else config.numbers.get("learning_rate")
        scaled = None if one.relative or rate is None else literal(rate / one.peak)
        what = "schedule" if scaled is None else f"lambda epoch: {scaled} * schedule(epoch)"
        return f"{SCHEDULER}({what})"
    curves = {"loss": "val_loss", "training_loss": "loss"}
    monitor = curves.get(one.monitor, f"val_{one.monitor}")
    given: list[str] = [] if monitor == "val_loss" else [f"monitor={monitor!r}"]
    if one.up or one.monitor not in curves:
        given.append(f"mode={'max' if one.up else 'min'!r}")
    if one.kind == CHECKPOINT:
        given = ["'best.keras'", *given, "save_best_only=True"]
        given += [f"initial_value_threshold={one.baseline!r}"] * (one.baseline is not None)
    elif one.kind == PLATEAU:
        given += [f"factor={literal(one.factor)}", f"patience={one.patience}"]
        given += [f"min_delta={literal(one.min_delta)}"] * (one.min_delta != 1e-4)
        given += [f"cooldown={one.cooldown}"] * bool(one.cooldown)
        given += [f"min_lr={literal(one.min_lr)}"] * bool(one.min_lr)
    else:
        given += [f"min_delta={literal(one.min_delta)}"] * bool(one.min_delta)
        given += [f"patience={one.patience}"]
        given += [f"baseline={one.baseline!r}"] * (one.baseline is not None)
        given += ["restore_best_weights=True"] * one.restore
        given += [f"start_from_epoch={one.start_from_epoch}"] * bool(one.start_from_epoch)
    return f"{one.kind}({', '.join(given)})"


def best_epochs(study: StudyRecord, config: Config) -> list[int]:
    """Return the epochs at which the confirmed runs of a configuration were compared."""
    runs = [trial for trial in study.trials if _is_of(trial, config)]
    places = [(trial, study.settings.place(trial)) for trial in runs if not trial.lost]
    return sorted(trial.epochs + place + 1 for trial, place in places if place)


def _is_of(trial: Trial, config: Config) -> bool:
    mine, other = trial.config, config
    same = (mine.rule, mine.schedule) == (other.rule, other.schedule)
    return same and trial.stage.name == "CONFIRM" and mine.hyperparameters == other.hyperparameters


def _lines(study: StudyRecord, config: Config, framework: str) -> Iterator[str]:
    callbacks, epochs = study.settings.callbacks, study.task.epochs
    if callbacks and framework == "keras":
        if any(one.kind == SCHEDULER for one in callbacks):
            yield "# schedule is your function, which the callback was given."
        yield "callbacks = ["
        yield from (f"    keras.callbacks.{call(one, config)}," for one in callbacks)
        yield "]"
        yield f"# model.fit(..., epochs={epochs}, callbacks=callbacks)"
    elif callbacks:
        yield f"# Measured for at most {epochs} epochs, under these callbacks as Keras means them:"
        yield from (f"#     {call(one, config)}" for one in callbacks)
        if framework == "torch":
            yield from _plateaus(callbacks)
    if study.settings.at == "best" and (found := best_epochs(study, config)):
        low, middle, high = found[0], round(median(found)), found[-1]
        seeds = f", {low} to {high} over the seeds" if low < high else ""
        yield (
            f"# The best epoch was {middle} of {epochs}{seeds}: epochs={middle} ends there, if the "
            "validation data is not to be looked at."
        )


def _plateaus(callbacks: Sequence[CallbackRecord]) -> Iterator[str]:
    for one in callbacks:
        if one.kind != PLATEAU:
            continue
        named = {"loss": "validation loss", "training_loss": "training loss"}
        value = named.get(one.monitor, f"validation {one.monitor!r}")
        yield "plateau = torch.optim.lr_scheduler.ReduceLROnPlateau("
        yield f"    optimizer, {'max' if one.up else 'min'!r}, factor={literal(one.factor)},"
        yield f"    patience={max(one.patience, 1) - 1}, threshold={literal(one.min_delta)},"
        yield f"    threshold_mode='abs', cooldown={max(one.cooldown, 1) - 1},"
        yield f"    min_lr={literal(one.min_lr)}, eps=0.0,"
        yield ")"
        yield f"# After each epoch: plateau.step(...) with the {value}."
