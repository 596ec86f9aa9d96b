"""Pictures of what the search tried: each hyperparameter against the result."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.measures.sensitivity import Point, Sensitivity
from steepest.records import StudyRecord
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    layout,
    log_axis,
    marks,
    vertical,
)
from steepest.reports.numbers import number
from steepest.reports.outcome_text import died
from steepest.reports.verdict_text import deciding
from steepest.text import listed

Measured = Mapping[str, Sensitivity]


def _good(point: Point) -> bool:
    return not point.diverged and math.isfinite(point.result)


def _dots(look: Look, points: Sequence[Point], low: float, high: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [p.value for p in points],
        "y": [min(max(p.result, low), high) for p in points],
        "text": [f"{number(p.result)}, trial {p.trial}, seed {p.seed}" for p in points],
        "marker": marks(look, 8, opacity=0.75),
        "hovertemplate": f"{look.label}, %{{x:.4g}}: %{{text}}<extra></extra>",
        "legendgroup": f"o{look.index}",
    }


def _dead(look: Look, points: Sequence[Point], edge: float, died: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [p.value for p in points],
        "y": [edge] * len(points),
        "text": [f"trial {p.trial}, seed {p.seed}" for p in points],
        "marker": {"symbol": "x", "size": 10, "color": look.colour},
        "hovertemplate": f"{look.label}, %{{x:.4g}}: {died} (%{{text}})<extra></extra>",
        "legendgroup": f"o{look.index}",
        "cliponaxis": False,
    }


def hyperparameter_pictures(
    study: StudyRecord, measured: Measured, looks: Mapping[str, Look]
) -> list[Picture]:
    """Return a small picture for each searched hyperparameter: each trial's value and result."""
    keys = list(dict.fromkeys(key for one in measured.values() for key in one.tried))
    return [found for key in keys if (found := _tried(study, measured, looks, key)) is not None]


def _lengths(ends: Sequence[int]) -> str:
    return f"{listed([str(end) for end in ends])} epoch{'' if ends == [1] else 's'}"


def _tried(
    study: StudyRecord, measured: Measured, looks: Mapping[str, Look], key: str
) -> Picture | None:
    able = {n: one for n, one in measured.items() if one.tried.get(key)}
    points = [p for one in able.values() for p in one.tried[key]]
    good = [p.result for p in points if _good(p)]
    if not good:
        return None
    axis_y, low, high = vertical(study.settings, deciding(study.settings), good)
    edge = low if study.settings.maximize else high
    axis_y["title"]["text"] = ""
    values = [p.value for p in points]
    data = []
    for name, one in able.items():
        mine = one.tried[key]
        data.append(_dots(looks[name], [p for p in mine if _good(p)], low, high))
        data.append(_dead(looks[name], [p for p in mine if not _good(p)], edge, died(study.trials)))
    wide = min(values) > 0 and max(values) / min(values) > 20
    across = (log_axis if wide else lambda title, _: axis(title))(key, values)
    figure = {"data": data, "layout": layout(260, across, axis_y)}
    dead = sum(not _good(p) for p in points)
    best = (max if study.settings.maximize else min)(
        (p for p in points if _good(p)), key=lambda p: p.result
    )
    ends = sorted({one.tried_epochs for one in able.values()})
    caption = (
        f"{len(points)} trials after {_lengths(ends)}; best "
        f"{number(best.result)} at {number(best.value)}"
    )
    caption += f"; × {dead} {died(study.trials)}." if dead else "."
    return Picture(figure, caption, key)
