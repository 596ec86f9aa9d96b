"""What was measured, by task: excess over the oracle, cost, verdicts. Numbers only."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts import oracle, others, steepest_study
from benchmarks.verdicts.truth import Truth, load

Found = dict[str, Any]  # of a task


def measure(folder: Path, truth: Truth, repetitions: int) -> None:
    """Measure the truth of all that was recommended, after each cost of the grid."""
    wanted = set()
    for _, entry in _entries(others.place(folder), repetitions):
        wanted |= {others.recommended(entry, cost) for cost in others.GRID}
    for _, entry in _entries(_studies(folder), repetitions):
        wanted.add(steepest_study.recommended(entry))
    truth.measure(sorted(key for key in wanted if key))


def of_task(folder: Path, truth: Truth, repetitions: int) -> Found:
    """Return all numbers of one task."""
    measure(folder, truth, repetitions)
    best = oracle.standings(truth)
    reference = float(best["reference"])

    def excess(key: str | None) -> float:
        return truth.mean(key) / reference - 1 if key else math.inf

    studies: dict[str, list[Found]] = {}
    for name, entry in _entries(_studies(folder), repetitions):
        told = "tie" if entry["winner"] is None else "wrong"
        if entry["winner"] in (best["winner"], *best["tied"]):
            told = "right"
        studies.setdefault(name, []).append(
            {
                "excess": excess(steepest_study.recommended(entry)),
                "cost": entry["cost"],
                "seconds": entry["seconds"],
                "leader": entry["leader"],
                "told": told,
            }
        )
    curves: dict[str, dict[str, list[float]]] = {}
    for name, entry in _entries(others.place(folder), repetitions):
        for cost in others.GRID:
            found = excess(others.recommended(entry, cost))
            curves.setdefault(name, {}).setdefault(str(cost), []).append(found)
    searched = load(oracle.place(folder))
    best["full trainings"] = {name: one["full_trainings"] for name, one in searched.items()}
    return {"oracle": best, "steepest": studies, "others": dict(sorted(curves.items()))}


def _studies(folder: Path) -> Path:
    return folder / f"steepest-{steepest_study.version()}.json"


def _entries(file: Path, repetitions: int) -> list[tuple[str, Found]]:
    """Return name and entry of each repetition that is asked for."""
    found = []
    for key, entry in load(file).items():
        name, repetition = key.rsplit(" ", 1)
        if int(repetition) < repetitions:
            found.append((name, entry))
    return found


def median(values: Sequence[float]) -> float:
    """Return the median, which may be infinite."""
    return quartiles(values)[1]


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the quartiles, infinite values counted as the largest."""
    finite = np.nan_to_num(np.array(values, float), posinf=1e300)
    found = np.quantile(finite, (0.25, 0.5, 0.75))
    low, middle, high = (float("inf") if value > 1e200 else float(value) for value in found)
    return low, middle, high


def reach(curve: dict[str, list[float]], target: float) -> float:
    """Return after what cost the median excess is `target`, infinite where it never is.

    Interpolated between the costs of the grid, along the logarithm of the cost.
    """
    before: tuple[float, float] | None = None
    for cost in others.GRID:
        value = median(curve[str(cost)])
        if value <= target:
            if before is None or math.isinf(before[1]):
                return float(cost)
            share = (before[1] - target) / (before[1] - value)
            return float(before[0] * (cost / before[0]) ** share)
        before = cost, value
    return math.inf


def pooled(found: dict[str, Found]) -> Found:
    """Return the repetitions of all tasks as if they were of one."""
    studies: dict[str, list[Found]] = {}
    curves: dict[str, dict[str, list[float]]] = {}
    for one in found.values():
        for name, some in one["steepest"].items():
            studies.setdefault(name, []).extend(some)
        for name, curve in one["others"].items():
            for cost, values in curve.items():
                curves.setdefault(name, {}).setdefault(cost, []).extend(values)
    return {"steepest": studies, "others": curves}
