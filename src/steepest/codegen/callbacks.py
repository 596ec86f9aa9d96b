"""The callbacks of a study as code: what goes beside the optimizer into `fit`, or into a loop.

Keras gets its own callbacks, and PyTorch its `ReduceLROnPlateau` (`callback_calls.py`). What ends a
loop early is a sentence, as loops are people's own. The schedule `plateau` is in the list too.
"""

from collections.abc import Iterator
from statistics import median

from steepest.codegen import code
from steepest.codegen.callback_calls import call, torch_plateaus
from steepest.codegen.plateau import is_plateau
from steepest.records import Config, StudyRecord, Trial
from steepest.records.callbacks import SCHEDULER


def study_code(study: StudyRecord, config: Config, framework: str, exact: bool = True) -> str:
    """Return complete source of an optimizer of a study, with the study's callbacks beside it."""
    source = code(config, study.task, framework, exact)
    more = "\n".join(_lines(study, config, framework))
    return f"{source.rstrip()}\n\n{more}\n" if more else source


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
    plateau = is_plateau(config)
    if (callbacks or plateau) and framework == "keras":
        if any(one.kind == SCHEDULER for one in callbacks):
            yield "# schedule is your function, which the callback was given."
        yield "callbacks = ["
        yield from ["    plateau,"] * plateau
        yield from (f"    keras.callbacks.{call(one, config)}," for one in callbacks)
        yield "]"
        yield f"# model.fit(..., epochs={epochs}, callbacks=callbacks)"
    elif callbacks:
        yield f"# Measured for at most {epochs} epochs, under these callbacks as Keras means them:"
        yield from (f"#     {call(one, config)}" for one in callbacks)
        if framework == "torch":
            yield from torch_plateaus(callbacks)
    if study.settings.at == "best" and (found := best_epochs(study, config)):
        low, middle, high = found[0], round(median(found)), found[-1]
        seeds = f", {low} to {high} over the seeds" if low < high else ""
        yield (
            f"# The best epoch was {middle} of {epochs}{seeds}: epochs={middle} ends there, if the "
            "validation data is not to be looked at."
        )
