"""Pictures of searching: the best expected of so many trials, and what mattered."""

from collections.abc import Mapping
from typing import Any

from steepest.measures.sensitivity import Sensitivity
from steepest.records import StudyRecord
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    finite,
    layout,
    log_axis,
    marks,
    plotly_text,
    rows,
    whole,
)
from steepest.reports.numbers import number
from steepest.reports.verdict_text import deciding
from steepest.text import listed, many

Measured = Mapping[str, Sensitivity]
SHOWN = 3  # optimizers that the caption names


def expected_picture(
    study: StudyRecord, measured: Measured, looks: Mapping[str, Look]
) -> Picture | None:
    """Return the best that a search of n trials finds on average, with its band."""
    able = {n: one.expected for n, one in measured.items() if one.expected}
    data: list[dict[str, Any]] = []
    for name, one in able.items():
        if one is None or not one.counts:
            continue
        look, x = looks[name], list(one.counts)
        group = {"type": "scatter", "legendgroup": f"o{look.index}"}
        if len(x) > 1:
            data.append(
                {
                    "mode": "lines",
                    "x": [*x, *reversed(x)],
                    "y": [*map(finite, one.high), *map(finite, reversed(one.low))],
                    "fill": "toself",
                    "fillcolor": f"{look.colour}/14",
                    "line": {"width": 0, "color": "@clear"},
                    "hoverinfo": "skip",
                    **group,
                }
            )
        data.append(
            {
                "mode": "lines+markers",
                "x": x,
                "y": [finite(v) for v in one.mean],
                "line": {"color": look.colour, "width": 2.2, "dash": look.dash},
                "marker": marks(look, 7 if len(x) < 40 else 3),
                "hovertemplate": f"{look.label}, %{{x}} trials: %{{y:.4g}}<extra></extra>",
                **group,
            }
        )
    if not data:
        return None
    every = [v for trace in data for v in trace["y"] if v is not None]
    log = not study.settings.maximize and min(every, default=0) > 0
    most = max(x for trace in data for x in trace["x"])
    vertical = log_axis if log else lambda title, _: axis(title)
    figure = {
        "data": data,
        "layout": layout(
            360, axis("trials", **whole(most)), vertical(deciding(study.settings), every)
        ),
    }
    return Picture(figure, _expected_caption(study, able), "How much searching it takes")


def _expected_caption(study: StudyRecord, able: Mapping[str, Any]) -> str:
    firsts = {n: finite(one.mean[0]) for n, one in able.items() if one and one.mean}
    known = {n: v for n, v in firsts.items() if v is not None}
    text = ""
    if known:
        order = sorted(known, key=lambda n: known[n], reverse=study.settings.maximize)
        means = listed([f"{name} {number(known[name])}" for name in order[:SHOWN]])
        text = f"In the mean of a single trial: {means}. "
    ends = sorted({one.epochs for one in able.values() if one})
    return text + (
        "The best of so many trials of the search, on average and with a 95 % band, judged after "
        f"{listed([str(e) for e in ends])} of {many(study.task.epochs, 'epoch')}; a flat "
        "line needs no search."
    )


def importance_picture(measured: Measured, looks: Mapping[str, Look]) -> Picture | None:
    """Return the share of each hyperparameter in what sets the best quarter of trials apart."""
    able = {n: one.importance for n, one in measured.items() if one.importance}
    entries = [
        (name, key, value)
        for name, one in able.items()
        for key, value in sorted(one.items(), key=lambda pair: -(pair[1].mean or 0.0))
        if value.mean is not None
    ]
    if not entries:
        return None
    labels = [
        f"{plotly_text(key)}<br><span style='font-size:11px'>{looks[name].label}</span>"
        for name, key, _ in entries
    ]
    data: list[dict[str, Any]] = []
    for row, (name, key, value) in enumerate(entries):
        mean, look = value.mean or 0.0, looks[name]
        low = value.low if value.low is not None else mean
        high = value.high if value.high is not None else mean
        data.append(
            {
                "type": "bar",
                "orientation": "h",
                "x": [mean],
                "y": [row],
                "width": [0.55],
                "marker": {
                    "color": f"{look.colour}/60",
                    "line": {"color": look.colour, "width": 1},
                },
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [max(0.0, min(high, 1.0) - mean)],
                    "arrayminus": [max(0.0, mean - max(low, 0.0))],
                    "visible": value.low is not None,
                    "color": "@ink",
                    "thickness": 1.2,
                    "width": 4,
                },
                "hovertemplate": f"{look.label}, {plotly_text(key)}: %{{x:.0%}}<extra></extra>",
                "legendgroup": f"o{look.index}",
            }
        )
    figure = {
        "data": data,
        "layout": layout(
            70 + 40 * len(entries),
            axis("share in what sets the best apart", range=[0, 1.02], tickformat=".0%"),
            rows([key for _, key, _ in entries], labels),
        ),
    }
    tops = []
    for name, one in able.items():
        best = max(one, key=lambda k: one[k].mean or 0.0)
        tops.append(f"{best} for {name} ({100 * (one[best].mean or 0.0):.0f} %)")
    return Picture(
        figure,
        f"What sets the best quarter of the trials apart from all: {listed(tops)}, each by itself; "
        "shares sum to 100 % for each optimizer. Whiskers are 95 % intervals over trials; an order "
        "within them means nothing.",
        "Which hyperparameters matter",
    )
