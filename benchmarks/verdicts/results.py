"""What was measured, by task: excess over the truth, what was said and whether it is right, cost.

Numbers only. *Excess* is the mean loss of what was recommended, on seeds that no search has seen,
above that of the best configuration known.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.verdicts import oracle, others, steepest_study
from benchmarks.verdicts.seeds import JUDGES
from benchmarks.verdicts.truth import Truth, load

Found = dict[str, Any]  # of a task
OFF = 0.03  # of the best optimizer's loss: who recommends one that is further off is wrong
ROUGH = 0.03  # the standard error of a tool's excess, which are many
SURE = 2.0  # standard errors by which what is said must be contradicted to be wrong


def recommended_by_all(folder: Path, repetitions: int) -> list[str]:
    """Return all configurations that a study or a tool recommends."""
    done = _studies(folder, repetitions)
    return _recommended(done, _entries(others.place(folder), repetitions))


def _recommended(
    done: Sequence[tuple[str, Found]], tried: Sequence[tuple[str, Found]]
) -> list[str]:
    wanted = {steepest_study.recommended(entry) for _, entry in done}
    wanted |= {others.recommended(entry, cost) for _, entry in tried for cost in others.GRID}
    return sorted(key for key in wanted if key)


def of_task(folder: Path, truth: Truth, clock: dict[str, float], repetitions: int) -> Found:
    """Return all numbers of one task, after training what they need."""
    done, tried = _studies(folder, repetitions), _entries(others.place(folder), repetitions)
    best = oracle.standings(folder, truth)
    reference = best["keys"][best["winner"]]
    excess: dict[str | None, float] = {None: math.inf}
    excess |= truth.excesses(_recommended([], tried), reference, ROUGH)
    excess |= truth.excesses(_recommended(done, []), reference)

    studies: dict[str, list[Found]] = {}
    for name, entry in done:
        key = steepest_study.recommended(entry)
        studies.setdefault(name, []).append(
            {
                "excess": excess[key],
                "optimizer": entry["recommended"],
                "off": best["behind"].get(entry["recommended"], math.inf) > OFF,
                "status": entry["status"],
                "wrong": _wrong(entry, truth),
                "cost": entry["cost"],
                "seconds": entry["seconds"],
            }
        )
    tools: dict[str, list[Found]] = {}
    for name, entry in tried:
        found = {str(cost): others.recommended(entry, cost) for cost in others.GRID}
        tools.setdefault(name, []).append(
            {
                "excess": {cost: excess[key] for cost, key in found.items()},
                "off": {
                    cost: key is None or best["behind"][_optimizer(key)] > OFF
                    for cost, key in found.items()
                },
            }
        )
    return {"oracle": best, "steepest": studies, "others": tools, "clock": clock}


def _optimizer(key: str) -> str:
    return key.split('"')[1]


def _wrong(entry: dict[str, Any], truth: Truth) -> bool:
    """Tell whether fresh seeds contradict what a study said of the configurations that it compared.

    A winner is wrong if another one is better; "as good as each other" if two differ by more than
    what matters. By more than two standard errors each, so that chance does not contradict.
    """
    keys, mine = entry["keys"], entry["keys"].get(entry["recommended"])
    if entry["status"] not in ("WINNER", "EQUAL") or mine is None:
        return False
    compared = list(keys) if entry["status"] == "WINNER" else [*entry["equal"], entry["leader"]]
    some = [keys[name] for name in compared if name in keys and keys[name] != mine]
    truth.excesses(some, mine)  # measures with enough seeds what is close
    for key in some:
        behind = _paired(truth, key, mine)
        mean = float(behind.mean())
        if not math.isfinite(mean):
            if entry["status"] == "EQUAL":
                return True
            continue
        error = SURE * float(behind.std(ddof=1)) / len(behind) ** 0.5
        if entry["status"] == "WINNER" and mean + error < 0:
            return True
        if entry["status"] == "EQUAL" and abs(mean) - error > entry["practical"]:
            return True
    return False


def _paired(truth: Truth, key: str, mine: str) -> np.ndarray:
    """Return the relative differences on all judges' seeds that both are known on."""
    count = truth.known(key, JUDGES)
    count = min(count, truth.known(mine, JUDGES))
    some = JUDGES[:count]
    known = truth.losses(mine, some)
    return (truth.losses(key, some) - known) / known.mean()


def _studies(folder: Path, repetitions: int) -> list[tuple[str, Found]]:
    return [
        (label + name, entry)
        for label, file in steepest_study.places(folder).items()
        for name, entry in _entries(file, repetitions)
    ]


def _entries(file: Path, repetitions: int) -> list[tuple[str, Found]]:
    """Return name and entry of each repetition that is asked for."""
    found = []
    for key, entry in load(file).items():
        name, repetition = key.rsplit(" ", 1)
        if int(repetition) < repetitions:
            found.append((name, entry))
    return found


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """Return median, 90 % point and largest, infinite values counted as such."""
    finite = np.nan_to_num(np.array(values, float), posinf=1e300)
    found = np.quantile(finite, (0.5, 0.9, 1.0), method="higher")
    middle, high, worst = (float("inf") if value > 1e200 else float(value) for value in found)
    return middle, high, worst


def pooled(found: dict[str, Found]) -> Found:
    """Return the repetitions of several tasks as if they were of one."""
    every: Found = {"steepest": {}, "others": {}}
    for one in found.values():
        for kind in ("steepest", "others"):
            for name, some in one[kind].items():
                every[kind].setdefault(name, []).extend(some)
    return every


def at_seconds(found: dict[str, Found], budget: str) -> dict[str, list[Found]]:
    """Return what each tool recommends after the seconds that a study of a budget takes.

    The median study of each task, and the last place of the grid that the tool reaches by then; a
    tool that ended no trial has an infinite excess.
    """
    at: dict[str, list[Found]] = {}
    for one in found.values():
        some = one["steepest"].get(budget, [])
        if not some:
            continue
        seconds = float(np.median([study["seconds"] for study in some]))
        reached = [cost for cost in others.GRID if cost * one["clock"]["fit"] <= seconds]
        for tool, runs in one["others"].items():
            for run in runs:
                cost = str(reached[-1]) if reached else None
                at.setdefault(tool, []).append(
                    {
                        "excess": run["excess"][cost] if cost else math.inf,
                        "off": run["off"][cost] if cost else True,
                        "trainings": reached[-1] if reached else 0,
                    }
                )
    return at
