"""The picture of `steepest lr`: validation loss against the learning rate, and a range test."""

import math
from typing import Any

from steepest.measures.rate_choice import RateChoice
from steepest.records.rate_runs import RateRuns
from steepest.reports.figures.style import Look, Picture, axis, layout, log_axis, marks
from steepest.reports.numbers import number
from steepest.text import many, setting

TOP = 1.6  # times the untrained loss, above which losses are drawn at the upper edge
TEST = "range test, smoothed training loss"


def rate_runs_picture(runs: RateRuns, choice: RateChoice, look: Look) -> Picture:
    """Return the curve over rates with its band from the lowest seed to the highest, and beside it
    the range test's training loss with what it would take."""
    finite = [v for one in choice.tried for v in one.value.values if math.isfinite(v)]
    edge = max(TOP * abs(runs.untrained), min(finite)) if math.isfinite(runs.untrained) else None
    top = max(finite) if edge is None else min(max(finite), edge)
    whole = [one for one in choice.tried if one.value.mean is not None]
    rates = [one.rate for one in whole]
    low = [min(min(one.value.values), top) for one in whole]
    high = [min(max(one.value.values), top) for one in whole]
    group = {"type": "scatter", "legendgroup": f"o{look.index}"}
    data: list[dict[str, Any]] = [
        {
            "mode": "lines",
            "x": [*rates, *reversed(rates)],
            "y": [*high, *reversed(low)],
            "fill": "toself",
            "fillcolor": f"{look.colour}/16",
            "line": {"color": "@clear", "width": 0},
            "hoverinfo": "skip",
            **group,
        },
        {
            "mode": "lines+markers",
            "x": rates,
            "y": [min(one.value.mean or 0.0, top) for one in whole],
            "text": [number(one.value.mean) for one in whole],
            "marker": marks(look, 7),
            "line": {"color": look.colour},
            "hovertemplate": f"{look.label} %{{x:.3g}}: %{{text}}<extra></extra>",
            **group,
        },
    ]
    broken = [one.rate for one in choice.tried if one.value.mean is None]
    data.append(
        {
            "mode": "markers",
            "x": broken,
            "y": [top] * len(broken),
            "marker": {"symbol": "x", "size": 10, "color": look.colour},
            "hovertemplate": f"{look.label} %{{x:.3g}}: a run has no finite loss<extra></extra>",
            "cliponaxis": False,
            **group,
        }
    )
    data += _test(runs, choice, top) + _named(choice, look, top)
    positive = min(finite) > 0
    lowest = min([min(low), *(v for t in data for v in t["y"] if isinstance(v, float))])
    up = (
        log_axis("loss", [lowest, top]) | {"range": [math.log10(lowest) - 0.05, _above(top)]}
        if positive and lowest > 0
        else axis("loss")
    )
    every = [one.rate for one in choice.tried]
    across = log_axis("learning rate", every)
    across["range"] = [math.log10(min(every)) - 0.15, math.log10(max(every)) + 0.15]
    return Picture({"data": data, "layout": layout(380, across, up)}, _caption(runs, choice))


def _above(top: float) -> float:
    return math.log10(top) + 0.05


def _test(runs: RateRuns, choice: RateChoice, top: float) -> list[dict[str, Any]]:
    """Draw the range test, and a vertical line at each rate that it would take."""
    test = runs.range_test
    if test is None:
        return []
    every = [one.rate for one in choice.tried]
    pairs = [
        (rate, min(loss, top))
        for rate, loss in zip(test.rates, test.smoothed, strict=True)
        if math.isfinite(loss) and min(every) <= rate <= max(every)
    ]
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [rate for rate, _ in pairs],
            "y": [loss for _, loss in pairs],
            "line": {"color": "@dim", "dash": "dot", "width": 1.5},
            "hovertemplate": f"{TEST}: %{{y:.4g}}<extra></extra>",
        }
    ]
    bottom = min(v for one in choice.tried for v in one.value.values if math.isfinite(v))
    for i, (how, rate) in enumerate(choice.tests.items()):
        if rate is not None and min(every) <= rate <= max(every):
            below = i % 2 == 1  # where the two lines are near, their names would lie on each other
            left = rate * rate > min(every) * max(every)  # away from the edge that cuts it off
            side = f"{'bottom' if below else 'top'} {'left' if left else 'right'}"
            traces.append(
                {
                    "type": "scatter",
                    "mode": "lines+text",
                    "x": [rate, rate],
                    "y": [bottom, top],
                    "text": [how, ""] if below else ["", how],
                    "textposition": side,
                    "textfont": {"color": "@dim", "size": 12},
                    "line": {"color": "@dim", "dash": "dash", "width": 1},
                    "hovertemplate": f"range test, {how}: %{{x:.3g}}<extra></extra>",
                    "cliponaxis": False,
                }
            )
    return traces


def _named(choice: RateChoice, look: Look, top: float) -> list[dict[str, Any]]:
    """Mark the rate to take, the framework's default and the person's own."""
    found = []
    kinds = ((choice.usual, "default"), (choice.yours, "yours"), (choice.best, "take"))
    for one, word in kinds:
        if one is None or one.value.mean is None or (one is choice.best and word != "take"):
            continue
        take = word == "take"
        place = "bottom center" if take else "top center"
        if word == "yours" and choice.usual is not None:  # their names would lie on each other
            place = "top left" if one.rate < choice.usual.rate else "top right"
        if word == "default" and choice.yours is not None:
            place = "top left" if one.rate <= choice.yours.rate else "top right"
        found.append(
            {
                "type": "scatter",
                "mode": "markers+text",
                "x": [one.rate],
                "y": [min(one.value.mean, top)],
                "text": [word],
                "textposition": place,
                "textfont": {"color": "@ink", "size": 13},
                "marker": marks(
                    look,
                    13,
                    symbol=look.marker if take else f"{look.marker}-open",
                    line={"color": "@card" if take else look.colour, "width": 2},
                ),
                "hovertemplate": f"{word} %{{x:.3g}}: %{{y:.4g}}<extra></extra>",
                "legendgroup": f"o{look.index}",
                "cliponaxis": False,
            }
        )
    return found


def _caption(runs: RateRuns, choice: RateChoice) -> str:
    text = (
        f"Validation loss after {many(runs.epochs, 'epoch')} at each learning rate: the line is "
        f"the mean over seeds, the band goes from the lowest of {many(len(runs.seeds), 'seed')} "
        "to the highest; rates far from the best have one seed."
    )
    if choice.breaks is not None:
        text += f" Training breaks at {setting(choice.breaks)}."
    if any(one.value.mean is None for one in choice.tried):
        text += " × has a run without a finite loss."
    if runs.range_test is not None:
        text += (
            " The dotted line is the smoothed training loss of a range test, in which the rate "
            "grows from batch to batch; dashed verticals are what it would take."
        )
    return text
