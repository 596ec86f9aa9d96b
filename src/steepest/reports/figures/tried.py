"""Pictures of what was tried: learning rates on one axis, and each hyperparameter."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.measures.sensitivity import Point, Sensitivity
from steepest.records import Settings, Study
from steepest.reports.endings import died
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    digits,
    layout,
    log_axis,
    marks,
)
from steepest.reports.figures.words import span
from steepest.reports.sentence import deciding, listed, many

Measured = Mapping[str, Sensitivity]


def rates_picture(study: Study, measured: Measured, looks: Mapping[str, Look]) -> Picture | None:
    """Return what decides against the learning rate, all optimizers on one axis."""
    able = {n: one for n, one in measured.items() if one.rates and one.rates.points}
    results = [p.result for one in able.values() if one.rates for p in one.rates.points if _good(p)]
    if not results:
        return None
    axis_y, low, high = _vertical(study.settings, results)
    edge = low if study.settings.maximize else high  # where diverged trials are drawn
    data: list[dict[str, Any]] = []
    every: list[float] = []
    for name, one in able.items():
        if one.rates is None:
            continue
        look, points = looks[name], one.rates.points
        every += [p.value for p in points]
        line = _means(points)
        if one.rates.source == "sweep":
            data.append(_line(look, line))
        data.append(_dots(look, [p for p in points if _good(p)], low, high))
        data.append(_dead(look, [p for p in points if not _good(p)], edge, died(study.trials)))
        if one.band:
            data.append(_band(look, one, edge))
    figure = {
        "data": data,
        "layout": layout(430, log_axis("learning rate", every), axis_y),
    }
    return Picture(figure, _rates_caption(study, able), "The learning rate")


def _good(point: Point) -> bool:
    return not point.diverged and math.isfinite(point.result)


def _vertical(settings: Settings, results: Sequence[float]) -> tuple[dict[str, Any], float, float]:
    """Return the axis of what decides, and its ends as values: bad trials are cut at the edge."""
    low, high = min(results), max(results)
    if low > 0 and not settings.maximize:
        ratio = max(high / low, 1.2)
        low, high = low / ratio**0.06, high * ratio**0.08
        found = log_axis(deciding(settings), results)
        found["range"] = [math.log10(low), math.log10(high * ratio**0.04)]
        return found, low, high
    span = (high - low) or abs(high) or 1.0
    low, high = low - 0.08 * span, high + 0.08 * span
    return axis(deciding(settings), range=[low - 0.04 * span, high + 0.04 * span]), low, high


def _means(points: Sequence[Point]) -> list[tuple[float, float]]:
    """Return the mean result at each learning rate at which no seed diverged."""
    at: dict[float, list[Point]] = {}
    for point in points:
        at.setdefault(float(f"{point.value:.9g}"), []).append(point)
    return [
        (value, math.fsum(p.result for p in some) / len(some))
        for value, some in sorted(at.items())
        if all(map(_good, some))
    ]


def _line(look: Look, line: Sequence[tuple[float, float]]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [x for x, _ in line],
        "y": [y for _, y in line],
        "line": {"color": look.colour, "width": 2, "dash": look.dash},
        "hoverinfo": "skip",
        "legendgroup": f"o{look.index}",
    }


def _dots(look: Look, points: Sequence[Point], low: float, high: float) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [p.value for p in points],
        "y": [min(max(p.result, low), high) for p in points],
        "text": [f"{digits(p.result)}, trial {p.trial}, seed {p.seed}" for p in points],
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


def _band(look: Look, one: Sensitivity, edge: float) -> dict[str, Any]:
    """Draw the band of good learning rates as a thick line along the bottom, a level each."""
    band = one.band
    assert band is not None
    assert one.rates is not None
    good = [p.result for p in one.rates.points if _good(p)]
    best = (max if edge < min(good, default=edge) else min)(good, default=edge)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [band.low, band.high],
        "y": [best, best],
        "line": {"color": f"{look.colour}/40", "width": 9},
        "hovertemplate": (
            f"{look.label}: within {band.within * 100:.3g} % of its best from "
            f"{digits(band.low)} to {digits(band.high)}<extra></extra>"
        ),
        "legendgroup": f"o{look.index}",
    }


def _rates_caption(study: Study, able: Measured) -> str:
    bands = {name: one.band for name, one in able.items() if one.band}
    widths = {name: band.decades for name, band in bands.items()}
    text = ""
    if told := span(widths, " decades"):
        share = f"{next(iter(bands.values())).within * 100:.3g} %"
        least = any(band.open_low or band.open_high for band in bands.values())
        text = f"Rates within {share} of each best: the width of this band (thick lines) {told}"
        text += "; some go on beyond what was tried. " if least else ". "
    sources = _sources(able)
    if "sweep" in sources:
        text += "Lines are means over seeds, where nothing but the rate changes. "
    if "search" in sources:
        ends = sorted(
            {o.rates.epochs for o in able.values() if o.rates and o.rates.source == "search"}
        )
        text += (
            "These are trials of the search, whose other hyperparameters differ too, after "
            f"{listed([str(e) for e in ends])} of {many(study.task.epochs, 'epoch')}. "
        )
    dead = sum(not _good(p) for one in able.values() if one.rates for p in one.rates.points)
    if dead:
        lost = died(study.trials)
        text += f"× are the {dead} that {lost}." if dead > 1 else f"× is the one that {lost}."
    return text.strip()


def _sources(able: Measured) -> set[str]:
    return {one.rates.source for one in able.values() if one.rates}


def tried_pictures(study: Study, measured: Measured, looks: Mapping[str, Look]) -> list[Picture]:
    """Return a small picture for each searched hyperparameter: each trial's value and result."""
    keys = list(dict.fromkeys(key for one in measured.values() for key in one.tried))
    if all(one.rates is None or one.rates.source == "search" for one in measured.values()):
        keys = [key for key in keys if key != "learning_rate"]  # the large picture shows the same
    return [found for key in keys if (found := _tried(study, measured, looks, key)) is not None]


def _lengths(ends: Sequence[int]) -> str:
    return f"{listed([str(end) for end in ends])} epoch{'' if ends == [1] else 's'}"


def _tried(study: Study, measured: Measured, looks: Mapping[str, Look], key: str) -> Picture | None:
    able = {n: one for n, one in measured.items() if one.tried.get(key)}
    points = [p for one in able.values() for p in one.tried[key]]
    good = [p.result for p in points if _good(p)]
    if not good:
        return None
    axis_y, low, high = _vertical(study.settings, good)
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
        f"{digits(best.result)} at {digits(best.value)}"
    )
    caption += f"; × {dead} {died(study.trials)}." if dead else "."
    return Picture(figure, caption, key)
