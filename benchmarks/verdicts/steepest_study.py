"""The only place where the benchmark touches Steepest's question, search and verdict."""

import contextlib
import hashlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import steepest
from benchmarks.verdicts import seeds, tpe
from benchmarks.verdicts.spaces import OPTIMIZERS, to_key
from benchmarks.verdicts.training import Trainer
from benchmarks.verdicts.truth import load, save

BUDGETS = ("quick", "standard", "thorough")


def whole(settings: Any, epochs: int) -> Any:
    """Return settings under which every trial is trained to the end."""
    return replace(settings, rungs=(epochs,), survivors=(), refined=())


TPE = "TPE for the model"
# What is done otherwise, by name: the schedule, and what becomes of the settings of `standard`.
ABLATIONS: dict[str, tuple[str, Callable[[Any, int], Any]]] = {
    "no halving": ("constant", lambda settings, epochs: whole(settings, epochs)),
    "no refinement": (
        "constant",
        lambda settings, epochs: replace(settings, refined=(0,) * len(settings.refined)),
    ),
    TPE: ("constant", lambda settings, epochs: settings),
    "fixed seeds": ("constant", lambda settings, epochs: replace(settings, race=False)),
    "cosine": ("cosine", lambda settings, epochs: settings),
    "cosine, rungs cut it off": (
        "cosine",
        lambda settings, epochs: replace(settings, own_horizon=False),
    ),
    "cosine, no halving": ("cosine", lambda settings, epochs: whole(settings, epochs)),
}
# What a study's outcome can depend on, below src/steepest.
SOURCES: tuple[str, ...] = (
    "search",
    "measures",
    "rules",
    "question.py",
    "records.py",
    "spaces.py",
    "halving.py",
)
SOURCES += ("budget.py", "statistics.py")


def version() -> str:
    """Return a digest of the search's source, so that studies of another one are done again."""
    root, digest = Path(steepest.__file__).parent, hashlib.sha256()
    for name in SOURCES:
        place = root / name
        for file in sorted(place.rglob("*.py")) if place.is_dir() else [place]:
            if file.is_file():
                digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def ask(budget: str, epochs: int, seed: int, schedule: str) -> tuple[Any, Any]:
    """Return contestants and settings of a study."""
    from steepest.question import make_question

    return make_question(",".join(OPTIMIZERS), epochs, budget=budget, seed=seed, schedule=schedule)


def study(trainer: Trainer, budget: str, seed: int, other: Any = None) -> dict[str, Any]:
    """Run one study; return what it cost and what it says."""
    from steepest.measures.verdict import judge
    from steepest.reports.progress import silent
    from steepest.search import search

    started = time.perf_counter()
    schedule, change = other or ("constant", lambda settings, _: settings)
    contestants, settings = ask(budget, trainer.epochs, seed, schedule)
    settings = change(settings, trainer.epochs)
    with tempfile.TemporaryDirectory() as folder:
        done = search(trainer.engine, contestants, settings, Path(folder) / "study", silent)
    verdict = judge(done)
    configs = {name: one.config for name, one in verdict.standings.items()}
    return {
        "cost": done.full_trainings,
        "leader": verdict.leader,
        "winner": verdict.winner,
        "tied": list(verdict.tied_with),
        "keys": {name: to_key(config) for name, config in configs.items() if config},
        "seconds": time.perf_counter() - started,
    }


def run_all(folder: Path, trainer: Trainer, repetitions: int, ablations: bool) -> None:
    """Run the studies that are not in the file yet: of each budget, or of `standard` changed."""
    file = folder / f"steepest-{version()}.json"
    done = load(file)
    wanted: dict[str, tuple[str, Any]] = {budget: (budget, None) for budget in BUDGETS}
    if ablations:
        wanted = {name: ("standard", change) for name, change in ABLATIONS.items()}
    for name, (budget, change) in wanted.items():
        for repetition in range(repetitions):
            key = f"{name} {repetition}"
            if key not in done:
                with tpe.instead() if name == TPE else contextlib.nullcontext():
                    done[key] = study(trainer, budget, seeds.STUDIES + repetition, change)
        save(file, done)


def recommended(entry: dict[str, Any]) -> str | None:
    """Return the configuration that a study recommends: its leader's."""
    return entry["keys"].get(entry["leader"])
