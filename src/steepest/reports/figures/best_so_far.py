"""Pictures of how the search went: the best so far, against trainings and against seconds."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.records import Stage, StudyRecord, Trial
from steepest.reports.figures.style import Look, Picture, axis, layout, log_axis
from steepest.reports.numbers import number
from steepest.reports.verdict_text import deciding
from steepest.text import listed, setting

Step = tuple[float, float, Trial]  # what was spent, the best until then, the trial that it is of


def best_pictures(study: StudyRecord, looks: Mapping[str, Look]) -> tuple[Picture, Picture] | None:
    """Return the best result of each optimizer's search so far, against what it had cost.

    In full trainings and in seconds of training, each optimizer's own, in the order in which its
    trials began. A training counts when it is over, at whatever length it ended.
    """
    in_trainings = {n: _steps(study, n, lambda t: t.epochs / study.task.epochs) for n in looks}
    in_seconds = {n: _steps(study, n, lambda t: t.seconds) for n in looks}
    if not any(in_trainings.values()):
        return None
    return (
        Picture(
            _figure(study, in_trainings, looks, "full trainings"),
            _caption(study, in_trainings),
            "Best so far, against trainings",
        ),
        Picture(
            _figure(study, in_seconds, looks, "seconds of training"),
            "The same against the seconds that the trainings took, compiling not counted.",
            "Best so far, against seconds",
        ),
    )


def _steps(study: StudyRecord, name: str, cost: Any) -> list[Step]:
    """Return each time that the best changed, and the end of the search."""
    trials = [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
    found: list[Step] = []
    spent = 0.0
    for trial in sorted(trials, key=lambda t: t.number):
        spent += cost(trial)
        score = study.settings.score(trial)
        if math.isfinite(score) and (not found or score < study.settings.score(found[-1][2])):
            found.append((spent, study.settings.value(trial), trial))
    return [*found, (spent, found[-1][1], found[-1][2])] if found else []


def _figure(
    study: StudyRecord, steps: Mapping[str, Sequence[Step]], looks: Mapping[str, Look], title: str
) -> dict[str, Any]:
    data: list[dict[str, Any]] = []
    for name, mine in steps.items():
        if not mine:
            continue
        look = looks[name]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": [round(spent, 6) for spent, _, _ in mine],
                "y": [best for _, best, _ in mine],
                "text": [_trial(study, trial) for _, _, trial in mine],
                "line": {"color": look.colour, "width": 2, "dash": look.dash, "shape": "hv"},
                "marker": {
                    "symbol": look.marker,
                    "color": look.colour,
                    "size": [8] * (len(mine) - 1) + [0],
                },
                "hovertemplate": f"{look.label}, at %{{x:.3g}}: %{{y:.4g}} (%{{text}})"
                "<extra></extra>",
                "legendgroup": f"o{look.index}",
            }
        )
    every = [best for mine in steps.values() for _, best, _ in mine]
    log = min(every) > 0 and not study.settings.maximize
    kind = log_axis if log else lambda what, _: axis(what)
    across = axis(title, rangemode="tozero")
    return {"data": data, "layout": layout(300, across, kind(deciding(study.settings), every))}


def _trial(study: StudyRecord, trial: Trial) -> str:
    rate = trial.config.hyperparameters.get("learning_rate")
    text = f"trial {trial.number}"
    if isinstance(rate, float):
        text += f", rate {setting(rate)}"
    ended = trial.epochs < study.task.epochs
    return f"{text}, {trial.epochs} of {study.task.epochs} epochs" if ended else text


def _caption(study: StudyRecord, steps: Mapping[str, Sequence[Step]]) -> str:
    ends = [
        f"{name} {number(mine[-1][1])} after {number(mine[-1][0], 3)}"
        for name, mine in steps.items()
        if mine
    ]
    return (
        f"The lowest of each search, on its one seed: {listed(ends)} full trainings. Being the "
        "best of several it flatters; fresh seeds decide."
        if not study.settings.maximize
        else f"The highest of each search, on its one seed: {listed(ends)} full trainings. Being "
        "the best of several it flatters; fresh seeds decide."
    )
