"""What ships of the atlas, made from all trainings: its summary, the start lists, the page."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas import figures, lists, store, table
from benchmarks.atlas.exponents import exponents
from benchmarks.atlas.scaling import scaling
from benchmarks.atlas.sentences import sentences
from benchmarks.atlas.table import Rule, Table, of_tasks
from steepest.priors.atlas import Atlas, AtlasTask, Measured, from_json, to_json
from steepest.priors.left_out import left_out, settled
from steepest.priors.likeness import goal_of, kind_of
from steepest.priors.suggestion import choices
from steepest.records import Parameter
from steepest.rules import find_rule

MOST = 0.75  # of the series: optimizers that were trained on fewer are left out
VERSION = 3  # of the atlas and its lists: one more with every build that is shipped
PRIORS = Path(__file__).parents[2] / "src" / "steepest" / "priors"


def build(folder: Path = store.DATA) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the summary and the start lists, as they are written."""
    every = usable(table.read(folder))
    found = without_variations(every)
    atlas = make_atlas(found)
    kept = from_json(to_json(atlas))  # as a reader has it: suggestions are judged by that
    numbers = {
        **figures.figures(found),
        "exponents": exponents(every),
        "scaling": scaling(found),
        "suggestions": judge_suggestions(kept),
        "sentences": sentences(found),
    }
    whole = Atlas(VERSION, atlas.tasks, atlas.optimizers, numbers)
    return to_json(whole), make_lists(found)


def usable(found: Table) -> Table:
    """Leave out optimizers that few series were trained with; a series is one or more tasks."""
    series = set(found.series)
    rules = {
        name: rule
        for name, rule in found.rules.items()
        if len(set(found.series[rule.measured])) >= MOST * len(series)
    }
    return Table(found.tasks, found.facts, rules)


def without_variations(found: Table) -> Table:
    """Leave out tasks that vary another one by a number: ten of one data set would outvote ten.

    They say how an optimizer's best rate moves; which optimizer is best they say once.
    """
    return of_tasks(found, [t for t, name in enumerate(found.tasks) if found.series[t] == name])


def make_atlas(found: Table) -> Atlas:
    """Return the tasks and all configurations with a constant rate, without figures."""
    measured = {}
    for name, rule in found.rules.items():
        some = np.flatnonzero(~rule.cosine)
        excess = np.where(rule.measured, found.excess(rule.losses[some]), np.nan)
        measured[name] = Measured(tuple(_values(rule, int(i)) for i in some), excess)
    return Atlas(VERSION, tuple(map(_task, found.tasks, found.facts, found.best)), measured, {})


def _values(rule: Rule, i: int) -> dict[str, Any]:
    usual = find_rule(rule.name).settings("keras")
    values = rule.configs[i].hyperparameters
    return {k: v for k, v in values.items() if k == "learning_rate" or usual.get(k, v) != v}


def _task(name: str, facts: Mapping[str, Any], best: float) -> AtlasTask:
    weights = [Parameter(path, tuple(shape), role) for path, role, shape in facts["weights"]]
    return AtlasTask(
        name,
        facts["family"],
        facts["what"],
        facts["series"],
        kind_of(weights),
        goal_of(facts["loss"], weights),
        facts["parameters"],
        facts["training_examples"],
        facts["batch_size"],
        facts["steps"],
        float(f"{best:.5g}"),
    )


def judge_suggestions(atlas: Atlas) -> dict[str, Any]:
    """Return how first suggestions do on tasks whose family is left out, how to weigh as well."""
    every = choices(atlas, atlas.optimizers)
    record, way = left_out(every, range(len(atlas.tasks))), settled(every)
    return {
        "tasks": len(atlas.tasks),
        "cap": way.cap,
        "reach": way.reach if np.isfinite(way.reach) else None,
        "family": _spread(record.suggested, atlas.series_weights),
        "usual": _spread(record.usual, atlas.series_weights),
    }


def _spread(excess: Any, weights: Any) -> dict[str, Any]:
    return {
        "median": figures.quantile(excess, weights, 0.5),
        "ninety": figures.quantile(excess, weights, 0.9),
        "within": {
            str(level): float(f"{weights[excess <= level].sum() / weights.sum():.4g}")
            for level in figures.LEVELS
        },
    }


def make_lists(found: Table) -> dict[str, Any]:
    """Return the start lists of all optimizers, and how lists do when their family is left out."""
    every = {}
    for name, rule in found.rules.items():
        judged = lists.judge(found, rule)
        gains = lists.gains(found, rule, judged)
        every[name] = {
            "list": [_entry(rule, i) for i in lists.start_list(found, rule)],
            "tasks": int(rule.measured.sum()),
            "judged": {
                str(k): {
                    how: {
                        "median": figures.quantile(getattr(judged, how)[k], found.weights, 0.5),
                        "ninety": figures.quantile(getattr(judged, how)[k], found.weights, 0.9),
                    }
                    for how in ("listed", "random", "usual", "today")
                }
                for k in lists.JUDGED
            },
            "gains": gains,
            "better": lists.is_better(gains),
        }
    return {"version": VERSION, "optimizers": every}


def _entry(rule: Rule, i: int) -> dict[str, Any]:
    """Return a start: what differs from the defaults, and the effective rate beside the rate."""
    values = _values(rule, i)
    momentum = float(values.get("momentum", 0.0)) if rule.name in ("SGD", "RMSprop") else 0.0
    effective = float(values["learning_rate"]) / (1 - momentum)
    return {**values, "effective_rate": float(f"{effective:.3g}")}


def write(folder: Path = store.DATA, priors: Path = PRIORS) -> None:
    """Write both files, a line a configuration so that changes show."""
    summary, listed = build(folder)
    (priors / "atlas.json").write_text(compact(summary), encoding="utf-8")
    (priors / "start_lists.json").write_text(
        json.dumps(listed, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )


def compact(summary: Mapping[str, Any]) -> str:
    """Return the summary as JSON in lines of tasks and optimizers."""
    parts = []
    for key, value in summary.items():
        if isinstance(value, list):
            inner = ",\n ".join(_line(one) for one in value)
            parts.append(f'"{key}": [\n {inner}\n]')
        elif isinstance(value, dict):
            inner = ",\n ".join(f"{_line(name)}: {_line(one)}" for name, one in value.items())
            parts.append(f'"{key}": {{\n {inner}\n}}')
        else:
            parts.append(f'"{key}": {_line(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _line(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
