"""Learning curves of the search, which are all there is before anything is confirmed."""

import math
from collections.abc import Mapping
from typing import Any

from steepest.measures.verdict import ahead_in_search
from steepest.records import Stage, Study, Trial
from steepest.reports.figures.curves import curve_values
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    digits,
    finite,
    layout,
    log_axis,
    shown,
    thinned,
    whole,
)
from steepest.reports.sentence import deciding, many

FEW = 8  # trials of each optimizer that are drawn


def trying_picture(study: Study, looks: Mapping[str, Look]) -> Picture | None:
    """Return the curves of what decides of each optimizer's best trials of the search so far.

    The best as `ahead_in_search` has it: those that went furthest, and of them those with the best
    result. None without a curve.
    """
    ahead = ahead_in_search(study)
    drawn: list[Trial] = []
    for name in looks:
        mine = [
            t
            for t in study.trials
            if t.optimizer == name and t.stage is Stage.SEARCH and t.curves.epoch
        ]
        mine.sort(key=lambda t: (-t.epochs, study.settings.score(t), t.number))
        drawn += mine[:FEW]
    lines = [(trial, _line(study, trial)) for trial in drawn]
    every = [y for _, line in lines for y in line[1] if y is not None]
    if not every:
        return None
    data: list[dict[str, Any]] = []
    for trial, (x, y) in sorted(lines, key=lambda one: one[0] is ahead):
        look, best = looks[trial.optimizer], trial is ahead
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers" if len(x) == 1 else "lines",
                "x": x,
                "y": y,
                "line": {
                    "color": look.colour if best else f"{look.colour}/60",
                    "width": 3 if best else 1.2,
                    "dash": look.dash,
                },
                "marker": {"symbol": look.marker, "color": look.colour, "size": 8 if best else 5},
                "hovertemplate": (
                    f"{look.label}, trial {trial.number}, rate {_rate(trial)}, at %{{x}}: "
                    "%{y:.4g}<extra></extra>"
                ),
                "legendgroup": f"o{look.index}",
            }
        )
    longest = max(v for _, (x, _) in lines for v in x)
    vertical = (
        log_axis
        if min(every) > 0 and study.settings.decides == "loss"
        else lambda title, _: axis(title)
    )
    what = f"validation {study.settings.decides}"
    figure = {
        "data": data,
        "layout": layout(400, axis("epoch", **whole(longest)), vertical(what, every)),
    }
    return Picture(figure, _caption(study, len(drawn), ahead), "The search so far")


def _line(study: Study, trial: Trial) -> tuple[list[int], list[float | None]]:
    quantity = study.settings.decides
    values = curve_values(trial, "validation_loss" if quantity == "loss" else quantity)
    kept = thinned(min(len(trial.curves.epoch), len(values)))
    return [trial.curves.epoch[i] for i in kept], [finite(values[i]) for i in kept]


def _rate(trial: Trial) -> str:
    rate = trial.config.hyperparameters.get("learning_rate")
    return digits(rate) if isinstance(rate, float) and math.isfinite(rate) else shown(str(rate))


def _caption(study: Study, drawn: int, ahead: Trial | None) -> str:
    tried = sum(t.stage is Stage.SEARCH for t in study.trials)
    text = f"A line is a trial of the search; {drawn} of {many(tried, 'trial')}"
    text += f", up to {FEW} of each optimizer: those that went furthest, the best of them first"
    if ahead is None:
        return text + "."
    return text + (
        f". The thick line is ahead: {ahead.optimizer}, {deciding(study.settings)} "
        f"{digits(study.settings.value(ahead))} after {many(ahead.epochs, 'epoch')}. These are "
        "picked as the best of many on one seed, so they look better than fresh seeds will."
    )
