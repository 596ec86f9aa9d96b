"""Pictures of batch sizes: what decides against the size, and the best rates against it."""

from collections.abc import Mapping
from typing import Any

from steepest.measures.batch_sizes import BatchSizes
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    interval,
    layout,
    log_axis,
    marks,
    vertical,
)
from steepest.reports.numbers import number, with_interval
from steepest.reports.verdict_text import deciding

HEIGHT = 320


def values_picture(found: BatchSizes, looks: Mapping[str, Look]) -> Picture | None:
    """Return what each optimizer reaches at each size, with its intervals."""
    settings = next(iter(found.studies.values())).settings
    known = [
        v
        for at in found.optimizers.values()
        for o in at.values()
        if (v := o.value).mean is not None
    ]
    if not known:
        return None
    drawn = [end for one in known for end in (one.mean, *(interval(one) or ())) if end is not None]
    up, low, high = vertical(settings, deciding(settings), drawn)
    data: list[dict[str, Any]] = []
    for name, at in found.optimizers.items():
        points = {size: one.value for size, one in at.items() if one.value.mean is not None}
        if not points:
            continue
        means = [float(value.mean or 0.0) for value in points.values()]
        spans = [interval(value, (low, high)) for value in points.values()]
        ends = [s or (m, m) for s, m in zip(spans, means, strict=True)]
        shown = "batch size %{x}: %{text}<extra></extra>"
        data.append(
            {
                "mode": "lines+markers",
                "x": [*points],
                "y": means,
                "error_y": {
                    "type": "data",
                    "symmetric": False,
                    "array": [e[1] - m for e, m in zip(ends, means, strict=True)],
                    "arrayminus": [m - e[0] for e, m in zip(ends, means, strict=True)],
                },
                "text": [with_interval(value) for value in points.values()],
                "hovertemplate": f"{looks[name].label}, {shown}",
                **_looked(looks[name]),
            }
        )
    caption = "After the same epochs, each size with its own best configuration."
    return Picture({"data": data, "layout": layout(HEIGHT, _across(found), up)}, caption, "Results")


def rates_picture(found: BatchSizes, looks: Mapping[str, Look]) -> Picture | None:
    """Return the best rates against the size, both in logarithms."""
    every = [one.rate for at in found.optimizers.values() for one in at.values() if one.rate]
    if not every:
        return None
    data = [
        {
            "mode": "lines+markers",
            "x": [size for size, one in at.items() if one.rate],
            "y": [one.rate for one in at.values() if one.rate],
            "hovertemplate": f"{looks[name].label}, batch size %{{x}}: %{{y:.3g}}<extra></extra>",
            **_looked(looks[name]),
        }
        for name, at in found.optimizers.items()
    ]
    told = [f"{looks[n].name} {number(one.mean, 2)} ×" for n, one in found.doubling.items()]
    caption = "What the best rate amounts to, learning_rate / (1 − momentum)."
    if told:
        caption += f" For a doubled batch: {', '.join(told)}."
    figure = {"data": data, "layout": layout(HEIGHT, _across(found), log_axis("rate", every))}
    return Picture(figure, caption, "Best rates")


def _across(found: BatchSizes) -> dict[str, Any]:
    sizes = [*found.sizes]
    return axis(
        "batch size", type="log", tickmode="array", tickvals=sizes, ticktext=[f"{s}" for s in sizes]
    )


def _looked(look: Look) -> dict[str, Any]:
    return {
        "type": "scatter",
        "legendgroup": f"o{look.index}",
        "marker": marks(look, 10),
        "line": {"color": look.colour, "dash": look.dash, "width": 1.5},
    }
