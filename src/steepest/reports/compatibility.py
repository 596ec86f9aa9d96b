"""Several tasks in words and as data: which optimizer is best on how many tasks.

`rows` is what tables show, a line an optimizer; `to_dict` is what goes into the JSON.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from steepest.measures.compatibility import Compatibility, OnTask
from steepest.reports.numbers import number
from steepest.reports.verdict_text import deciding
from steepest.statistics import Estimate
from steepest.text import listed, many

FEW = 10  # tasks; fewer say little of another one
SHOWN = 4  # tasks that the sentence names one by one


@dataclass(frozen=True)
class Row:
    """One optimizer over all tasks."""

    name: str
    best: int  # tasks on which it is best, or cannot be told from the best
    of: int  # tasks that count
    rank: Estimate  # means over tasks
    normalized: Estimate
    score: float | None  # AlgoPerf's, by steps to each task's target
    tasks: Mapping[str, OnTask]


def rows(found: Compatibility) -> list[Row]:
    """Return a row an optimizer, best mean rank first."""
    counted = _counted(found)
    return [
        Row(
            name,
            sum(name in found.about[task].best for task in counted),
            len(counted),
            found.ranks[name],
            found.normalized[name],
            found.profile.scores[name] if found.profile else None,
            tasks,
        )
        for name, tasks in found.optimizers.items()
    ]


def sentence(found: Compatibility) -> str:
    """Return in words who is best on which tasks, and no more."""
    counted = [task for task in _counted(found) if found.about[task].best]
    if not counted:
        return f"Of {_tasks(len(found.tasks))}, none has confirmed optimizers to compare yet."
    on_all = [
        name for name in found.optimizers if all(name in found.about[task].best for task in counted)
    ]
    winners = {found.about[task].winner for task in counted}
    start = f"Over {_tasks(len(counted))}, "
    if len(winners) == 1 and None not in winners:
        return start + f"{winners.pop()} is best on every one."
    if len(on_all) == len(found.optimizers):
        start += "no optimizer stands out, as all are among the best on every one"
    elif on_all:
        verb = "is" if len(on_all) == 1 else "are"
        start += f"{listed(on_all)} {verb} among the best on every one"
    else:
        start += "no optimizer is among the best on all"
    if len(counted) > SHOWN:
        counts = sorted(rows(found), key=lambda row: -row.best)
        return start + ": " + ", ".join(f"{r.name} is on {r.best}" for r in counts) + "."
    return start + ": " + "; ".join(f"on {t} {_best(found, t)}" for t in counted) + "."


def notes(found: Compatibility) -> list[str]:
    """Return what a careful colleague would add, a sentence each without its full stop."""
    counted, said = _counted(found), []
    if 0 < len(counted) < FEW:
        said.append(
            f"{_tasks(len(counted))} {'is' if len(counted) == 1 else 'are'} few: what holds for "
            "them need not hold for another"
        )
    if found.friedman is not None:
        more = "no more" if found.friedman > 0.05 else "more"
        said.append(
            f"mean ranks differ by {more} than chance would make them (Friedman's test, "
            f"p = {number(found.friedman, 2)})"
        )
    for task, about in found.about.items():
        if not about.judged:
            said.append(f"{task} does not count: it stopped before every optimizer was confirmed")
        elif not about.finished:
            said.append(f"{task} stopped before its end, and counts with what it has")
        elif about.seeds == 1:
            said.append(f"{task} has one seed, so nobody is told from anybody there")
    alike = [task for task in counted if len(found.about[task].best) == len(found.optimizers)]
    if alike:
        said.append(
            f"on {listed(alike)} none can be told from the others, and normalized scores stretch "
            "chance from 0 to 1"
        )
    untimed = [task for task in counted if found.about[task].target is None]
    if untimed and len(untimed) < len(counted):
        said.append(f"the AlgoPerf score leaves out {listed(untimed)}, which has no target")
    if found.left_out:
        said.append(f"not on all tasks, and left out: {', '.join(found.left_out)}")
    return said


def meaning(found: Compatibility) -> str:
    """Return what the columns are, in one paragraph."""
    text = (
        "Those that a study cannot tell apart share ranks. Normalized: 0 is the best mean on a "
        "task, 1 the worst. ± or (low to high) is a 95 % interval over tasks, which ends at the "
        "first and the last rank and score"
    )
    if found.profile is None:
        return f"{text}."
    return (
        f"{text}. AlgoPerf score: the share of tasks on which it reaches the target within τ times "
        "the steps of the fastest, averaged over τ from 1 to 4."
    )


def what(found: Compatibility, task: str) -> str:
    """Return what was compared on a task, and to which target."""
    about = found.about[task]
    text = f"{deciding(about.settings)}, {many(about.seeds, 'seed')}"
    if about.target is None:
        return text
    text += f"; target {number(about.target.value)}"
    by = about.target.reference
    return text + (f", where {by} ends in the median" if by else "")


def to_dict(found: Compatibility) -> dict[str, Any]:
    """Return what the JSON has under `compatibility`; not yet strict about infinities."""
    return {
        "sentence": sentence(found),
        "notes": notes(found),
        "tasks": {task: _task(found, task) for task in found.tasks},
        "optimizers": {
            row.name: {
                "best_on": row.best,
                "mean_rank": estimate_dict(row.rank),
                "mean_normalized": estimate_dict(row.normalized),
                "algoperf_score": row.score,
                "tasks": {task: _on_task(one) for task, one in row.tasks.items()},
            }
            for row in rows(found)
        },
        "profile": found.profile
        and {
            "tau": list(found.profile.taus),
            "share": {name: list(share) for name, share in found.profile.shares.items()},
        },
        "friedman_p": found.friedman,
        "left_out": list(found.left_out),
    }


def estimate_dict(value: Estimate | None) -> dict[str, Any] | None:
    """Return an estimate as the JSON has it."""
    if value is None:
        return None
    finite = [v if math.isfinite(v) else None for v in value.values]
    return {"mean": value.mean, "low": value.low, "high": value.high, "values": finite}


def _task(found: Compatibility, task: str) -> dict[str, Any]:
    about = found.about[task]
    return {
        "counts": about.judged,
        "finished": about.finished,
        "best": list(about.best),
        "winner": about.winner,
        "value": f"validation {about.settings.decides}",
        "maximize": about.settings.maximize,
        "at": about.settings.at,
        "seeds": about.seeds,
        "target": about.target
        and {"value": about.target.value, "reference": about.target.reference},
    }


def _on_task(one: OnTask) -> dict[str, Any]:
    reached = None if one.steps is None else math.isfinite(one.steps)
    return {
        "value": estimate_dict(one.value),
        "rank": one.rank,
        "normalized": estimate_dict(one.normalized),
        "steps": one.steps if reached else None,
        "reached": reached,
    }


def _counted(found: Compatibility) -> list[str]:
    return [task for task in found.tasks if found.about[task].judged]


def _tasks(count: int) -> str:
    return f"{count} task{'' if count == 1 else 's'}"


def _best(found: Compatibility, task: str) -> str:
    about = found.about[task]
    if about.winner is not None:
        return about.winner
    return listed(list(about.best))
