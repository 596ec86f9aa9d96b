"""Parallel coordinates: each trial a line through its hyperparameters to its result.

Drawn as plain lines, as Plotly's own kind compiles shaders from text, which the page forbids.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steepest.measures.search_trials import at_length, common_length, number, searched
from steepest.records import StudyRecord, Trial
from steepest.reports.figures.style import Look, Picture, axis, layout, plotly_text
from steepest.reports.numbers import number as digits
from steepest.reports.verdict_text import deciding
from steepest.text import many

FEWEST = 20  # trials, from which a picture shows more than the table does
BEST = 0.25  # the share that is drawn strongly
WIDE = 20  # the ratio of values from which a coordinate is logarithmic


@dataclass(frozen=True)
class Coordinate:
    """An upright axis: its name, its ends, and a place from 0 to 1 for each trial's value."""

    name: str
    low: float
    high: float
    places: tuple[float, ...]


def parallel_pictures(study: StudyRecord, looks: Mapping[str, Look]) -> list[Picture]:
    """Return a picture of each optimizer whose search has 20 results at one length."""
    return [found for name in looks if (found := _of(study, name, looks[name])) is not None]


def _of(study: StudyRecord, name: str, look: Look) -> Picture | None:
    trials = searched(study, name)
    epochs = common_length(study, trials)
    results = [(t, r) for t, r in at_length(study, trials, epochs) if math.isfinite(r)]
    keys = [
        k
        for k in study.optimizers[name].ranges
        if all(number(t, k) is not None for t, _ in results)
    ]
    if len(results) < FEWEST or not keys:
        return None
    columns = [_coordinate(key, [number(t, key) or 0.0 for t, _ in results]) for key in keys]
    columns = [one for one in columns if one.low < one.high]
    columns.append(_coordinate(deciding(study.settings), [r for _, r in results]))
    sign = -1 if study.settings.maximize else 1
    order = sorted(range(len(results)), key=lambda i: sign * results[i][1])
    strong = set(order[: max(1, round(BEST * len(order)))])
    data = [_line(look, results[i], columns, i, i in strong) for i in [*reversed(order)]]
    figure = {
        "data": data,
        "layout": layout(
            280,
            axis(
                "",
                tickmode="array",
                tickvals=list(range(len(columns))),
                ticktext=[plotly_text(one.name) for one in columns],
                range=[-0.15, len(columns) - 0.6],
                tickfont={"color": "@ink"},
            ),
            axis("", range=[-0.08, 1.08], showgrid=False, showticklabels=False, ticks=""),
            annotations=[
                {
                    "x": i,
                    "y": place,
                    "text": digits(value, 3),
                    "showarrow": False,
                    "xanchor": "left",
                    "xshift": 4,
                    "font": {"size": 11, "color": "@dim"},
                }
                for i, one in enumerate(columns)
                for value, place in ((one.low, -0.04), (one.high, 1.04))
            ],
        ),
    }
    better = "highest" if study.settings.maximize else "lowest"
    return Picture(
        figure,
        f"Each line is a trial of the search after {many(epochs, 'epoch')}, from its "
        f"hyperparameters to its result; the quarter with the {better} results is drawn strongly.",
        f"The {len(results)} trials of {name}",
    )


def _coordinate(name: str, values: Sequence[float]) -> Coordinate:
    """Return where values lie between the lowest and the highest, in logarithms where they span
    much, or, near 1, in those of their distance from 1."""
    low, high = min(values), max(values)
    if low > 0 and high / low > WIDE:
        scaled = [math.log(v) for v in values]
    elif low > 0.5 and high < 1 and (1 - low) / (1 - high) > WIDE:
        scaled = [-math.log(1 - v) for v in values]
    else:
        scaled = list(values)
    first, span = min(scaled), (max(scaled) - min(scaled)) or 1.0
    return Coordinate(name, low, high, tuple((v - first) / span for v in scaled))


def _line(
    look: Look,
    one: tuple[Trial, float],
    columns: Sequence[Coordinate],
    place: int,
    strong: bool,
) -> dict[str, Any]:
    trial, result = one
    values = [
        f"{c.name} {digits(v, 3)}" for c in columns[:-1] if (v := number(trial, c.name)) is not None
    ]
    told = plotly_text(f"trial {trial.number}, {', '.join(values)}: {digits(result)}", 200)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": list(range(len(columns))),
        "y": [round(c.places[place], 4) for c in columns],
        "line": {
            "color": look.colour if strong else f"{look.colour}/30",
            "width": 1.8 if strong else 1,
        },
        "hovertemplate": f"{told}<extra></extra>",
        "legendgroup": f"o{look.index}",
    }
