"""The picture of cost: the time of a step, and the optimizer's update in it."""

from collections.abc import Mapping
from typing import Any

from steepest.measures.cost import Cost, steps_differ
from steepest.records import StudyRecord
from steepest.reports.figures.style import (
    FEWEST,
    Look,
    Picture,
    axis,
    finite,
    layout,
    plotly_text,
    rows,
)
from steepest.reports.measure_tables import one_digit


def cost_picture(
    study: StudyRecord, measured: Mapping[str, Cost], looks: Mapping[str, Look]
) -> Picture | None:
    """Return milliseconds of a training step, the update alone on top; None without times.

    Where steps differ by no more than their timing's noise, the updates stand alone.
    """
    apart = steps_differ(study, measured)
    names = [n for n, one in measured.items() if (one.step if apart else one.update)]
    names = [n for n in names if measured[n].step.mean]
    if not names:
        return None
    data: list[dict[str, Any]] = []
    for row, name in enumerate(names):
        look, one = looks[name], measured[name]
        for estimate, fill, what, width in (
            (one.step if apart else None, f"{look.colour}/30", "a step", 0.62),
            (one.update, look.colour, "the update alone", 0.3),
        ):
            if estimate is None or not estimate.mean:
                continue
            reach = finite(estimate.half_width)
            shown = reach is not None and len(estimate.values) >= FEWEST
            time = one_digit(estimate / 1e-3, " ms")
            data.append(
                {
                    "type": "bar",
                    "orientation": "h",
                    "x": [estimate.mean * 1000],
                    "y": [row],
                    "width": [width],
                    "marker": {"color": fill, "line": {"color": look.colour, "width": 1}},
                    "error_x": {
                        "type": "data",
                        "symmetric": False,
                        "array": [1000 * (reach or 0.0)],
                        "arrayminus": [1000 * min(reach or 0.0, estimate.mean)],
                        "visible": shown,
                        "color": "@ink",
                        "thickness": 1.2,
                        "width": 4,
                    },
                    "hovertemplate": f"{look.label}, {what}: {time}<extra></extra>",
                    "legendgroup": f"o{look.index}",
                }
            )
    figure = {
        "data": data,
        "layout": layout(
            70 + 42 * len(names),
            axis("milliseconds", rangemode="tozero"),
            rows(names, [plotly_text(n) for n in names]),
            barmode="overlay",
        ),
    }
    return Picture(figure, _caption(measured, names, apart))


def _caption(measured: Mapping[str, Cost], names: list[str], apart: bool) -> str:
    if not apart:
        return (
            "The time of each optimizer's update alone. Whole steps differ by no more than their "
            "timing does."
        )
    text = "The time of a step, training and evaluation included"
    if any(measured[name].update is not None for name in names):
        text += "; the dark bar inside is the optimizer's update timed alone"
    return text + f". Whiskers are 95 % intervals, from {FEWEST} timings on."
