"""The facts in a study file: which there are, and the values that each may have."""

import re
from typing import Any

from steepest.errors import quoted
from steepest.records import (
    ROLES,
    CallbackRecord,
    ContestantRecord,
    Parameter,
    Planned,
    Settings,
    StudyRecord,
    TaskFacts,
    Trivial,
)
from steepest.records.callbacks import KINDS, SCHEDULER
from steepest.spaces import Choice, Float
from steepest.storage.checks import (
    LARGE,
    MOST_TRIALS,
    MOST_WORDS,
    flag,
    growing,
    maybe,
    measured,
    name,
    named,
    number,
    one_of,
    plain_value,
    record,
    several,
    text,
    whole,
)

DIALECTS = ("keras", "torch", "optax")
SCHEDULES = ("constant", "linear", "cosine", "exponential", "step", "plateau")
MOST_EPOCHS = 10_000_000

DIALECT, WORD = one_of(*DIALECTS), one_of(*SCHEDULES)
# No word: the call of one of Keras' schedules, or the name of a person's own.
GIVEN = re.compile(r"[A-Z]\w{0,60}\([^()]*\)|(own|of_step|of_total):\w{1,100}:[0-9a-f]{8}")


def schedule_of(what: str, value: Any) -> str:
    """Check a schedule: a word, one of Keras' or a person's own."""
    found = isinstance(value, str) and len(value) <= MOST_WORDS and GIVEN.fullmatch(value)
    return text(what, value) if found else str(WORD(what, value))


COUNT, NAMES, TEXTS = whole(0), several(name, 10_000), several(text, 10_000)
SECONDS = number(0.0, 1e12)
FINITE = number()

PARAMETER = record(
    {
        "path": text,
        "shape": several(whole(0), 8),
        "role": one_of(*ROLES),
        "layers": several(text, 1000),
    },
    needed=("path", "shape", "role"),
)


def _weight(what: str, value: Any) -> Parameter:
    return Parameter(**PARAMETER(what, value))


TRIVIAL = record(
    {
        "answer": text,
        "values": named(number(), 10_000),
        "spans": named(several(number(), 2), 10_000),
        "weighed": flag,
    },
    needed=("answer", "values"),
)


def _trivial(what: str, value: Any) -> Trivial:
    found = Trivial(**TRIVIAL(what, value))
    for key, span in found.spans.items():
        if len(span) != 2 or span[0] > span[1]:
            raise ValueError(f"{quoted(key)} spans {quoted(span)}, and not from low to high")
    return found


TASK = record(
    {
        "name": name,
        "loss": text,
        "metrics": NAMES,
        "parameters": COUNT,
        "training_examples": whole(1),
        "validation_examples": COUNT,
        "test_examples": COUNT,
        "epochs": whole(1, MOST_EPOCHS),
        "batch_size": whole(1),
        "notes": TEXTS,
        "weights": several(_weight),
        "directions": named(one_of("up", "down")),
        "fingerprint": named(text),
        "trivial": maybe(_trivial),
        "shuffle": flag,
        "drop_last": flag,
        "framework": one_of("keras", "torch"),
    },
    needed=(
        *("name", "loss", "metrics", "parameters", "training_examples", "validation_examples"),
        *("test_examples", "epochs", "batch_size"),
    ),
)
CALLBACK = record(
    {
        "kind": one_of(*KINDS),
        "monitor": text,
        "up": flag,
        "min_delta": number(0.0),
        "patience": COUNT,
        "baseline": maybe(number()),
        "restore": flag,
        "start_from_epoch": COUNT,
        "factor": number(0.0, 1.0),
        "cooldown": COUNT,
        "min_lr": number(0.0),
        "rates": several(number(0.0), MOST_EPOCHS),
        "relative": flag,
    },
    needed=("kind",),
)


def _callback(what: str, value: Any) -> CallbackRecord:
    found = CallbackRecord(**CALLBACK(what, value))
    if found.kind == SCHEDULER and not (found.rates and found.peak > 0):
        raise ValueError(f"{what} has no learning rate above 0")
    return found


SETTINGS = record(
    {
        "trials": whole(0, LARGE),
        "seeds": COUNT,
        "seed": whole(-LARGE),
        "schedule": schedule_of,
        "rungs": several(whole(1, MOST_EPOCHS)),
        "dialect": DIALECT,
        "survivors": several(COUNT),
        "refined": several(COUNT),
        "own_horizon": flag,
        "race": flag,
        "full_trainings": maybe(number(0.0, 1e12)),
        "search": number(0.0, 1e12),
        "searched": number(0.0, 1e12),
        "buys": maybe(SECONDS),
        "seconds": maybe(SECONDS),
        "decides": name,
        "maximize": flag,
        "at": one_of("end", "best"),
        "practical": number(0.0, 1.0),
        "practical_errors": maybe(number(0.0, 1.0)),
        "sweep": whole(0, 100_000),
        "callbacks": several(_callback, 1000),
        "start_lists": whole(1, LARGE),
    },
    needed=("trials", "seeds", "seed", "schedule", "rungs"),
)


def _space(what: str, value: Any) -> dict[str, Any]:
    """Check a range by making it, and return it as it was."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind == "Choice":
        found = record({"kind": text, "values": several(plain_value, 10_000)}, ("values",))
        chosen: dict[str, Any] = found(what, value)
        Choice(chosen["values"])
        return {**chosen, "values": list(chosen["values"])}
    if kind != "Float":
        raise ValueError(f"{what} is {quoted(value)[:60]}, and no range")
    ends, signs = (
        dict.fromkeys(("low", "high"), number()),
        dict.fromkeys(("log", "complement"), flag),
    )
    checked: dict[str, Any] = record({"kind": text, **ends, **signs}, ("low", "high"))(what, value)
    Float(**{key: one for key, one in checked.items() if key != "kind"})
    return checked


OPTIMIZER_FIELDS = {
    "rule": name,
    "dialect": DIALECT,
    "schedule": schedule_of,
    "baseline": flag,
    "compiled": flag,
    "notes": TEXTS,
    "fixed": named(plain_value, 1000),
    "space": named(_space, 1000),
    "given": several(name, 1000),
    "start": named(plain_value, 1000),
    "effective": flag,
    "code": text,
    "expanded": named(_space, 1000),
}
OPTIMIZER = record(OPTIMIZER_FIELDS, needed=("rule", "fixed", "space"))


def contestant_to_dict(one: ContestantRecord) -> dict[str, Any]:
    """Return what a file has of a contestant: not what it does not say, nor ranges of none."""
    known = {key: getattr(one, key) for key in OPTIMIZER_FIELDS}
    known = {k: v for k, v in known.items() if v or k not in ("expanded", "start")}
    return {key: value for key, value in known.items() if value is not None}


def _anything(_: str, value: Any) -> Any:
    return value


PLANNED = record(
    {
        "search": number(0.0, 1e12),
        "full_trainings": maybe(number(0.0, 1e12)),
        "training_seconds": SECONDS,
    },
    needed=("search", "full_trainings"),
)


def _planned(what: str, value: Any) -> Planned:
    return Planned(**PLANNED(what, value))


STUDY = record(
    {
        "task": TASK,
        "settings": SETTINGS,
        "optimizers": named(OPTIMIZER, 10_000),
        "versions": named(text, 1000),
        "hardware": named(text, 1000),
        "started": text,
        "seconds": SECONDS,
        "compile_seconds": SECONDS,
        "finished": flag,
        "complete": flag,
        "stopped": text,
        "initial": named(measured),
        "update_seconds": named(several(SECONDS)),
        "asked": named(_anything),
        "planned": maybe(_planned),
        "resumed": TEXTS,
        "judged": several(COUNT),
        "trained_on": named(several(COUNT, MOST_TRIALS), 1000),
        "parts": named(several(FINITE, 1000)),
        "part_examples": COUNT,
    },
    needed=("task", "settings", "optimizers", "versions", "hardware", "started"),
)


def study_of(values: dict[str, Any]) -> StudyRecord:
    """Return the study without its trials, of parsed values by key.

    Raises:
        ValueError: something is absent, unknown, of another type or out of range.
    """
    found = STUDY("the study", values)
    task, settings = TaskFacts(**found.pop("task")), Settings(**found.pop("settings"))
    if len(set(task.metrics)) < len(task.metrics):
        raise ValueError("two metrics have the same name")
    if settings.decides != "loss" and settings.decides not in task.metrics:
        raise ValueError(f"{quoted(settings.decides)} decides, but is no metric of the task")
    for one in settings.callbacks:
        if one.monitor not in ("", "loss", "training_loss", *task.metrics):
            raise ValueError(f"a callback monitors {quoted(one.monitor)}, which is no curve")
    growing("rungs", settings.rungs)
    if not found["optimizers"]:
        raise ValueError("it compares no optimizer")
    # The first format had one dialect and one schedule for all.
    usual = {"dialect": settings.dialect, "schedule": settings.schedule}
    optimizers = {
        key: ContestantRecord(**{**usual, **one}) for key, one in found.pop("optimizers").items()
    }
    for what in ("initial",):
        if found.get(what) and "loss" not in found[what]:
            raise ValueError(f"{what} has no loss")
    return StudyRecord(task=task, settings=settings, optimizers=optimizers, **found)
