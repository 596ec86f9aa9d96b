"""The facts of a study as its file has them: which there are, and what each may be."""

from typing import Any

from steepest.plain import quoted
from steepest.records import ROLES, Parameter, Settings, Study, TaskFacts
from steepest.spaces import Choice, Float
from steepest.storage.checks import (
    LARGE,
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
SCHEDULES = ("constant", "linear", "cosine", "exponential", "step")
MOST_EPOCHS = 10_000_000

DIALECT, SCHEDULE = one_of(*DIALECTS), one_of(*SCHEDULES)
COUNT, NAMES, TEXTS = whole(0), several(name, 10_000), several(text, 10_000)
SECONDS = number(0.0, 1e12)

PARAMETER = record(
    {"path": text, "shape": several(whole(0), 8), "role": one_of(*ROLES)},
    needed=("path", "shape", "role"),
)


def _weight(what: str, value: Any) -> Parameter:
    return Parameter(**PARAMETER(what, value))


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
    },
    needed=(
        *("name", "loss", "metrics", "parameters", "training_examples", "validation_examples"),
        *("test_examples", "epochs", "batch_size"),
    ),
)
SETTINGS = record(
    {
        "trials": whole(0, LARGE),
        "seeds": COUNT,
        "seed": whole(-LARGE),
        "schedule": SCHEDULE,
        "rungs": several(whole(1, MOST_EPOCHS)),
        "dialect": DIALECT,
        "survivors": several(COUNT),
        "refined": several(COUNT),
        "own_horizon": flag,
        "race": flag,
        "full_trainings": maybe(number(0.0, 1e12)),
        "seconds": maybe(SECONDS),
        "decides": name,
        "maximize": flag,
        "at": one_of("end", "best"),
        "practical": number(0.0, 1.0),
        "sweep": whole(0, 100_000),
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
        raise ValueError(f"{what} is {quoted(value)}, and no range")
    ends, signs = (
        dict.fromkeys(("low", "high"), number()),
        dict.fromkeys(("log", "complement"), flag),
    )
    checked: dict[str, Any] = record({"kind": text, **ends, **signs}, ("low", "high"))(what, value)
    Float(**{key: one for key, one in checked.items() if key != "kind"})
    return checked


OPTIMIZER = record(
    {
        "rule": name,
        "dialect": DIALECT,
        "schedule": SCHEDULE,
        "baseline": flag,
        "notes": TEXTS,
        "fixed": named(plain_value, 1000),
        "space": named(_space, 1000),
        "given": several(name, 1000),
        "effective": flag,
        "code": text,
        "expanded": named(_space, 1000),
    },
    needed=("rule", "fixed", "space"),
)


def _optimizer(what: str, value: Any) -> dict[str, Any]:
    """Check what is known of an optimizer; lists stay lists, as who wrote them has them."""
    found = OPTIMIZER(what, value)
    return {key: list(one) if isinstance(one, tuple) else one for key, one in found.items()}


def _anything(_: str, value: Any) -> Any:
    return value


STUDY = record(
    {
        "task": TASK,
        "settings": SETTINGS,
        "optimizers": named(_optimizer, 10_000),
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
        "resumed": TEXTS,
    },
    needed=("task", "settings", "optimizers", "versions", "hardware", "started"),
)


def study_of(values: dict[str, Any]) -> Study:
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
    growing("rungs", settings.rungs)
    if not found["optimizers"]:
        raise ValueError("it compares no optimizer")
    for what in ("initial",):
        if found.get(what) and "loss" not in found[what]:
            raise ValueError(f"{what} has no loss")
    return Study(task=task, settings=settings, **found)
