"""The command that does a study again, as far as its settings tell."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from steepest.errors import SteepestError
from steepest.records import Settings, Study

PLAN = ("trials", "seeds", "survivors", "refined", "full_trainings", "rungs", "own_horizon", "race")


@dataclass(frozen=True)
class Command:
    """A command line, with what it cannot say."""

    line: str
    notes: tuple[str, ...] = ()


def command(study: Study) -> str:
    """Return `steepest compare ...` that asks for this study's settings again."""
    return command_and_notes(study).line


def command_and_notes(study: Study) -> Command:
    """Return the command with notes where it is not the whole of it.

    The plan of a study is written down, but not the budget that it was bought with, so budgets are
    tried until one gives the same plan.
    """
    settings, notes = study.settings, []
    options: list[str] = []
    names = [n for n, o in study.optimizers.items() if not o.get("baseline")]
    wanted = ",".join(_asked(study, name) for name in names)
    options += ["--optimizers", wanted]
    for key, usual in (("dialect", "keras"), ("schedule", "constant"), ("at", "end")):
        value = getattr(settings, key)
        options += [f"--{key}", str(value)] if value != usual else []
    options += ["--epochs", str(study.task.epochs), "--seed", str(settings.seed)]
    if settings.practical != 0.01:
        options += ["--practical", f"{settings.practical!r}"]
    if settings.decides != "loss":
        options += ["--metric", settings.decides]
        options += ["--direction", "up" if settings.maximize else "down"]
    if settings.sweep:
        options += ["--sweep", str(settings.sweep)]
    if settings.seconds is not None:
        options += ["--time", f"{settings.seconds:g}s"]
    if settings.sweep:
        options += ["--sweep", str(settings.sweep)]
    plan = _plan(study, wanted)
    if plan is None:
        plan = ["--trials", str(settings.trials + sum(settings.refined))]
        plan += ["--seeds", str(settings.seeds)]
        notes.append("its plan of trials may differ from what this version plans")
    options += plan
    if any(o.get("baseline") for o in study.optimizers.values()):
        notes.append("what you used as a baseline is not written down as a call: add --baseline")
    notes.append(
        "TASK is a built-in task, or your own file or function; if your data came from Python, "
        "call steepest.compare with the same"
    )
    words = ["steepest", "compare", study.task.name, *options]
    return Command(" ".join(map(shlex.quote, words)), tuple(notes))


def _plan(study: Study, wanted: str) -> list[str] | None:
    """Return the options of the budget that buys this study's plan, or None if none does."""
    from steepest.question import make_question

    settings = study.settings
    tried = settings.trials + sum(settings.refined)
    seeds = str(settings.seeds)
    candidates: list[dict[str, Any]] = [
        *({"budget": budget} for budget in ("standard", "quick", "thorough")),
        *({"budget": b, "seeds": seeds} for b in ("standard", "quick", "thorough")),
        {"trials": tried, "seeds": seeds},
    ]
    if settings.full_trainings is not None:
        total = f"{settings.full_trainings:g}"
        candidates.append({"full_trainings": total})
        candidates.append({"full_trainings": total, "seeds": seeds})
    for one in candidates:
        given = {k: int(v) if k in ("seeds", "trials") else v for k, v in one.items()}
        try:
            _, found = make_question(
                wanted,
                study.task.epochs,
                seed=settings.seed,
                schedule=settings.schedule,
                dialect=settings.dialect,
                at=settings.at,
                practical=settings.practical,
                sweep=settings.sweep,
                **given,
            )
        except SteepestError:
            return None
        if _same_plan(found, settings):
            return [w for k, v in one.items() for w in (f"--{k.replace('_', '-')}", str(v))]
    return None


def _same_plan(found: Settings, settings: Settings) -> bool:
    given = {name: getattr(settings, name) for name in PLAN}
    return replace(found, **given) == found


def _asked(study: Study, name: str) -> str:
    """Return an optimizer as it was asked for: what the person fixed or gave a range."""
    about = study.optimizers[name]
    given = [key for key in about.get("given", ()) if key != "schedule"]
    schedule = about.get("schedule", study.settings.schedule)
    arguments = [f"{key}={_value(about, key)}" for key in given]
    if "schedule" in about.get("space", {}):
        arguments.append(f"schedule={_value(about, 'schedule')}")
    elif schedule != study.settings.schedule:
        arguments.append(f"schedule={schedule!r}")
    rule = str(about.get("rule", name))
    return f"{rule}({','.join(arguments)})" if arguments else rule


def _value(about: Mapping[str, Any], key: str) -> str:
    space = about.get("space", {}).get(key)
    if space is None:
        return repr(about.get("fixed", {}).get(key))
    if space["kind"] == "Choice":
        return f"Choice({tuple(space['values'])!r})"
    flags = "".join(f",{flag}=True" for flag in ("log", "complement") if space.get(flag))
    return f"Float({space['low']!r},{space['high']!r}{flags})"
