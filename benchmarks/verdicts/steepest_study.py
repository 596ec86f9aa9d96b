"""The only place where the benchmark touches Steepest's question, search and verdict."""

import hashlib
import os
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

import steepest
from benchmarks.verdicts import seeds
from benchmarks.verdicts.replayed_engine import ReplayedEngine
from benchmarks.verdicts.spaces import OPTIMIZERS, to_key
from benchmarks.verdicts.training import Trainer
from benchmarks.verdicts.truth import load, save

BUDGETS = ("quick", "standard", "thorough")
PRACTICAL = 0.03  # what matters, where the settings do not say
# What a study's outcome can depend on, below src/steepest; those that are there.
SOURCES: tuple[str, ...] = ("search", "measures", "rules", "priors", "parse", "plan.py")
SOURCES += ("records", "spaces.py", "budget.py", "statistics")


def version() -> str:
    """Return a digest of the search's source, so that studies of another one are done again."""
    root, digest = Path(steepest.__file__).parent, hashlib.sha256()
    for name in SOURCES:
        place = root / name
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if file.is_file() and file.suffix != ".pyc":
                digest.update(file.read_bytes())
    return digest.hexdigest()[:10]


def ask(budget: str, epochs: int, seed: int) -> tuple[Any, Any]:
    """Return contestants and settings of a study."""
    from steepest.options import Options
    from steepest.plan import make_plan
    from steepest.records import TaskFacts

    facts = TaskFacts("verdicts", "", (), 0, 1, 0, 0, epochs, 1)
    options = Options(",".join(OPTIMIZERS), budget=budget, seed=seed)
    return make_plan(options, facts)


def study(trainer: Trainer, clock: dict[str, float], budget: str, seed: int) -> dict[str, Any]:
    """Run one study; return what it cost and what it says."""
    from steepest.measures.verdict import judge
    from steepest.reports.progress import silent
    from steepest.search import search

    contestants, settings = ask(budget, trainer.epochs, seed)
    engine = ReplayedEngine(trainer, clock)
    trained, began = trainer.seconds, time.perf_counter()
    # What was found out about the clock is not remembered from study to study.
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, STEEPEST_CACHE="off"):
        done = search(engine, contestants, settings, Path(folder) / "study", silent)
    thinking = time.perf_counter() - began - (trainer.seconds - trained)
    verdict = judge(done)
    configs = {name: one.config for name, one in verdict.standings.items()}
    return {
        "cost": done.full_trainings,
        "seconds": clock["compile"] + done.full_trainings * clock["training"] + thinking,
        "leader": verdict.leader,
        "recommended": verdict.recommended or verdict.leader,
        "status": verdict.status.name,
        "equal": list(verdict.equal),
        "keys": {name: to_key(config) for name, config in configs.items() if config},
        "practical": getattr(done.settings, "practical", PRACTICAL),
    }


def place(folder: Path, label: str = "") -> Path:
    """Return the file that keeps the studies of this source, or those that have a label."""
    return folder / (f"studies-{label}.json" if label else f"steepest-{version()}.json")


def places(folder: Path) -> dict[str, Path]:
    """Return the files of studies by what their budgets' names begin with: all labels, and ours."""
    labelled = {
        f"{file.stem.removeprefix('studies-')}, ": file for file in folder.glob("studies-*.json")
    }
    return {**dict(sorted(labelled.items())), "": place(folder)}


def run_all(
    folder: Path,
    trainer: Trainer,
    clock: dict[str, float],
    budgets: list[str],
    repetitions: int,
    label: str = "",
) -> None:
    """Run the studies that are not in the file yet."""
    file = place(folder, label)
    done = load(file)
    for budget in budgets:
        for repetition in range(repetitions):
            key = f"{budget} {repetition}"
            if key not in done:
                done[key] = study(trainer, clock, budget, seeds.STUDIES + repetition)
        save(file, done)


def recommended(entry: dict[str, Any]) -> str | None:
    """Return the configuration that a study recommends."""
    return entry["keys"].get(entry["recommended"])
