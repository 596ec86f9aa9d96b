"""Learning curves of all trials of the search."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.measures.verdict import ahead_in_search
from steepest.records import Stage, StudyRecord, Trial
from steepest.reports.figures.curves import curve_values
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    finite,
    layout,
    log_axis,
    plotly_text,
    thinned,
    whole,
)
from steepest.reports.numbers import number
from steepest.reports.verdict_text import deciding
from steepest.text import many, setting

POINTS = 60  # of a trial's curve; there can be thousands of trials
HERE = "The search so far"


def search_curves_picture(study: StudyRecord, looks: Mapping[str, Look]) -> Picture | None:
    """Return the curve of what decides of every trial of the search; None without a curve.

    All of an optimizer's are one line with gaps, so that thousands can be drawn.
    """
    ahead = ahead_in_search(study)
    data: list[dict[str, Any]] = []
    every: list[float] = []
    drawn, longest = 0, 1
    for name, look in looks.items():
        x: list[int | None] = []
        y: list[float | None] = []
        told: list[str] = []
        for trial in study.trials:
            if trial.optimizer != name or trial.stage is not Stage.SEARCH:
                continue
            across, up = _line(study, trial)
            known = [v for v in up if v is not None]
            if not known:
                continue
            drawn, longest = drawn + 1, max(longest, across[-1])
            every += known
            x += [*across, None]
            y += [*up, None]
            told += [_told(trial)] * (len(across) + 1)
        if x:
            data.append(_trace(look, x, y, told, f"{look.colour}/50", 1.2, 4))
    if not data:
        return None
    if ahead is not None and ahead.optimizer in looks:
        across, up = _line(study, ahead)
        look = looks[ahead.optimizer]
        data.append(_trace(look, across, up, [_told(ahead)] * len(across), look.colour, 3, 7))
    log = min(every) > 0 and study.settings.decides == "loss"
    vertical = log_axis if log else lambda title, _: axis(title)
    what = f"validation {study.settings.decides}"
    figure = {
        "data": data,
        "layout": layout(380, axis("epoch", **whole(longest)), vertical(what, every)),
    }
    title = "Every trial of the search" if study.finished else HERE
    return Picture(figure, _caption(study, drawn, ahead), title)


def _trace(
    look: Look,
    x: Sequence[int | None],
    y: Sequence[float | None],
    told: Sequence[str],
    colour: str,
    width: float,
    size: int,
) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(x) < 400 else "lines",
        "x": list(x),
        "y": list(y),
        "text": list(told),
        "line": {"color": colour, "width": width, "dash": look.dash},
        "marker": {"symbol": look.marker, "color": colour, "size": size},
        "hovertemplate": f"{look.label}, %{{text}}, at epoch %{{x}}: %{{y:.4g}}<extra></extra>",
        "legendgroup": f"o{look.index}",
    }


def _told(trial: Trial) -> str:
    return f"trial {trial.number}, rate {_rate(trial)}"


def _line(study: StudyRecord, trial: Trial) -> tuple[list[int], list[float | None]]:
    quantity = study.settings.decides
    values = curve_values(trial, "validation_loss" if quantity == "loss" else quantity)
    kept = thinned(min(len(trial.curves.epoch), len(values)), POINTS)
    return [trial.curves.epoch[i] for i in kept], [finite(values[i]) for i in kept]


def _rate(trial: Trial) -> str:
    rate = trial.config.hyperparameters.get("learning_rate")
    return (
        setting(rate) if isinstance(rate, float) and math.isfinite(rate) else plotly_text(str(rate))
    )


def _caption(study: StudyRecord, drawn: int, ahead: Trial | None) -> str:
    text = f"A line is a trial of the search, {drawn:,} in all"
    if ahead is None:
        return text + "."
    return text + (
        f". The thick line is ahead: {ahead.optimizer}, {deciding(study.settings)} "
        f"{number(study.settings.value(ahead))} after {many(ahead.epochs, 'epoch')}. It is picked "
        "as the best of many on one seed, so it looks better than fresh seeds will."
    )
