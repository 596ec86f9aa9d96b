"""The picture of cost: the time of a step, and the optimizer's update in it."""

from collections.abc import Mapping
from typing import Any

from steepest.measures.cost import Cost
from steepest.reports.figures.style import Look, Picture, axis, finite, layout, rows, shown
from steepest.reports.figures.words import span


def cost_picture(measured: Mapping[str, Cost], looks: Mapping[str, Look]) -> Picture | None:
    """Return milliseconds of a training step, the update alone on top; None without times."""
    names = [n for n, one in measured.items() if one.step.mean]
    if not names:
        return None
    data: list[dict[str, Any]] = []
    for row, name in enumerate(names):
        look, one = looks[name], measured[name]
        for estimate, fill, what, width in (
            (one.step, f"{look.colour}/30", "a step", 0.62),
            (one.update, look.colour, "the update alone", 0.3),
        ):
            if estimate is None or not estimate.mean:
                continue
            reach = finite(estimate.half_width)
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
                        "visible": reach is not None,
                        "color": "@ink",
                        "thickness": 1.2,
                        "width": 4,
                    },
                    "hovertemplate": f"{look.label}, {what}: %{{x:.3g}} ms<extra></extra>",
                    "legendgroup": f"o{look.index}",
                }
            )
    figure = {
        "data": data,
        "layout": layout(
            70 + 42 * len(names),
            axis("milliseconds", rangemode="tozero"),
            rows(names, [shown(n) for n in names]),
            barmode="overlay",
        ),
    }
    return Picture(figure, _caption(measured, names))


def _caption(measured: Mapping[str, Cost], names: list[str]) -> str:
    steps = {name: measured[name].step / 1e-3 for name in names}
    text = f"The time of a step, training and evaluation included, {span(steps, ' ms')}"
    if any(measured[name].update is not None for name in names):
        text += "; the dark bar inside is the optimizer's update timed alone"
    return text + ". Whiskers are 95 % intervals over confirmed runs."
