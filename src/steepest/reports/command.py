"""The command that repeats a study: printed from its options, or from its settings in old files."""

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

from steepest.command_text import arguments_text
from steepest.errors import InputError
from steepest.options import NAMES, Options, about
from steepest.records import StudyRecord
from steepest.spaces import from_dict
from steepest.text import plain


@dataclass(frozen=True)
class Command:
    """A command line, with what it cannot say."""

    line: str
    notes: tuple[str, ...] = ()


def command(study: StudyRecord) -> str:
    """Return `steepest compare ...` that repeats this study."""
    return command_and_notes(study).line


def command_and_notes(study: StudyRecord) -> Command:
    """Return the command with notes where it is not the whole of it."""
    notes: list[str] = []
    values = _stored(study)
    tasks = study.asked.get("tasks") if values else None
    if values is None:
        values, notes = _from_settings(study), _doubts(study)
    if not isinstance(tasks, list) or not tasks:
        tasks = [study.task.name]
        notes.append(
            "TASK is a built-in task, or your own file or function; if your data came from Python, "
            "call steepest.compare with the same"
        )
    elif any(":" in str(task) or str(task).endswith(".py") for task in tasks):
        notes.append("the task is code: run the command only if that code is yours")
    if values.get("dialect") == study.task.framework:  # as it is without the option
        values = {**values, "dialect": None}
    words = ["steepest", "compare", *map(str, tasks), *_arguments(values, notes)]
    return Command(" ".join(shlex.quote(plain(word)) for word in words), tuple(notes))


def _stored(study: StudyRecord) -> dict[str, Any] | None:
    """Return the options that a study file has, if it has any that this version takes."""
    values = {name: value for name, value in study.asked.items() if name != "tasks"}
    try:
        Options.from_stored(values)
    except InputError:
        return None
    return values or None


def _arguments(values: Mapping[str, Any], notes: list[str]) -> Iterator[str]:
    """Yield the words of all options that are not at their default; note what no word can say."""
    for one in fields(Options):
        value, option = values.get(one.name, one.default), f"--{one.name.replace('_', '-')}"
        if value == one.default:
            continue
        end = ".0" if about(one).kind is float else ""
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict):
                kind = plain(str(part.get("object")))
                notes.append(f"{option} was an object of {kind} in Python: write its call there")
            else:
                yield from (
                    option,
                    str(part).removesuffix(end),
                )


def _from_settings(study: StudyRecord) -> dict[str, Any]:
    """Return the options as far as settings tell them: files before format 5 have no others."""
    settings, task = study.settings, study.task
    by_loss = settings.decides == "loss"
    names = [name for name, one in study.optimizers.items() if not one.baseline]
    tried = settings.trials + sum(settings.refined)
    # Of a loss and of an accuracy's errors another share: nobody gave one.
    nobody_s = settings.practical_errors not in (None, settings.practical)
    return {
        **{name: getattr(settings, name) for name in NAMES if hasattr(settings, name)},
        "optimizers": ",".join(_optimizer(study, name) for name in names),
        "epochs": task.epochs,
        "practical": None if nobody_s else settings.practical,
        "trials": tried if settings.full_trainings is None else None,
        "time": None if settings.seconds is None else f"{settings.seconds:g}s",
        "metric": None if by_loss else settings.decides,
        "direction": None if by_loss else "up" if settings.maximize else "down",
    }


def _doubts(study: StudyRecord) -> list[str]:
    """Return what the settings of a study do not tell."""
    notes = []
    if study.settings.full_trainings is None:
        notes.append("its plan of trials may differ from what this version plans")
    if any(one.baseline and not one.compiled for one in study.optimizers.values()):
        notes.append("what you used as a baseline is not written down as a call: add --baseline")
    return notes


def _optimizer(study: StudyRecord, name: str) -> str:
    """Return an optimizer as it was asked for: what the person fixed or gave a range."""
    mine = study.optimizers[name]
    given = {
        key: from_dict(mine.space[key]) if key in mine.space else mine.fixed.get(key)
        for key in mine.given or ()
        if key != "schedule"
    }
    if "schedule" in mine.space:
        given["schedule"] = from_dict(mine.space["schedule"])
    elif mine.schedule != study.settings.schedule:
        given["schedule"] = mine.schedule
    return f"{mine.rule}({arguments_text(given)})" if given else mine.rule
