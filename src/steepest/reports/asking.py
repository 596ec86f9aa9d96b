"""How a person asks again: an option or a command as it was first given, typed or in Python."""

import shlex
from pathlib import Path

from steepest.records import StudyRecord
from steepest.text import plain


def option(study: StudyRecord, name: str, value: object) -> str:
    """Return an option as it is written where the study was asked: --seeds 5, or seeds=5."""
    if study.asked and not study.asked.get("tasks"):
        return f"{name}={value!r}"
    return f"--{name.replace('_', '-')} {value}"


def again(study: StudyRecord, where: str | Path | None, name: str, value: object) -> str:
    """Return how the study goes on with another value of an option.

    The command where the study's directory is known and it was asked on the command line, else in
    words. A task that is code has to be named, as a study file never says what code to run.
    """
    tasks = study.asked.get("tasks")
    if not isinstance(tasks, list) or len(tasks) != 1 or where is None:
        if isinstance(tasks, list) and tasks:
            return f"the same command with {option(study, name, value)}"
        return f"the same call with {name}={value!r}"
    own = [task for task in map(str, tasks) if ":" in task or task.endswith(".py")]
    words = ["steepest", "resume", str(where), *own, f"--{name.replace('_', '-')}", str(value)]
    return " ".join(shlex.quote(plain(word)) for word in words)
