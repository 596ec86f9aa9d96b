"""What all pictures share: tokens for colours, a marker and a dash for each optimizer, axes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from steepest.records import Settings
from steepest.statistics import Estimate

Figure = dict[str, Any]  # data and layout, as Plotly has them
Span = tuple[float, float]

COLOURS = 8  # of the page's palette; more optimizers are told apart by marker and dash
MARKERS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "triangle-down",
    "pentagon",
    "star",
    "hexagon",
    "bowtie",
    "triangle-left",
    "triangle-right",
    "hourglass",
    "star-diamond",
    "hexagram",
    "cross",
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot", "8px,3px,2px,3px,2px,3px")
POINTS = 400  # of a curve that are drawn; a screen shows no more
FEWEST = 3  # seeds of which an interval is drawn
LONG = 22  # letters of a name that a picture has room for


@dataclass(frozen=True)
class Picture:
    """A figure with the line that says what to see in it, on this study."""

    figure: Figure
    caption: str
    title: str = ""
    # Values that the page's toggles put in place of the figure's, an entry a trace: "x" and "y" by
    # the toggle's name, with the titles of the axes.
    variants: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Look:
    """How one optimizer looks, in all pictures."""

    index: int  # its place in the study, which also names it to the page
    name: str
    colour: str
    marker: str
    dash: str

    @property
    def label(self) -> str:
        """The name for Plotly, which takes text for a kind of HTML: escaped, and cut if long."""
        return plotly_text(self.name)


def looks(names: Sequence[str]) -> dict[str, Look]:
    """Return how each optimizer looks; by its place in the study, so that ranks move no colour."""
    return {
        name: Look(i, name, f"@{i % COLOURS}", MARKERS[i % len(MARKERS)], DASHES[i % len(DASHES)])
        for i, name in enumerate(names)
    }


def plotly_text(text: str, long: int = LONG) -> str:
    """Return text that Plotly shows as it is, cut if it is long."""
    cut = text if len(text) <= long else f"{text[: long - 1]}…"
    return escape(cut).replace("\n", " ").replace("%{", "%&#123;")


def finite(value: Any) -> float | None:
    """Return a number that JSON and Plotly can have, or None."""
    if value is None:
        return None
    found = float(value)
    return found if math.isfinite(found) else None


def axis(title: str, **more: Any) -> dict[str, Any]:
    """Return an axis with the page's look."""
    return {
        "title": {"text": plotly_text(title, 2 * LONG), "standoff": 8, "font": {"color": "@dim"}},
        "gridcolor": "@grid",
        "zeroline": False,
        "linecolor": "@grid",
        "tickcolor": "@grid",
        "tickfont": {"color": "@dim"},
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def whole(most: float) -> dict[str, Any]:
    """Return ticks at whole numbers alone, on an axis of counts up to `most`; Plotly itself puts
    halves where the numbers are small."""
    return {"tick0": 0, "dtick": 1} if most <= 12 else {}


def log_axis(title: str, values: Sequence[float | None], **more: Any) -> dict[str, Any]:
    """Return a logarithmic axis whose labels can be read without the ones around them."""
    return axis(title, type="log", **log_ticks(values), **more)


def log_ticks(values: Sequence[float | None]) -> dict[str, Any]:
    """Return where a logarithmic axis over `values` has its labels: powers of ten, or numbers."""
    known = [v for v in values if v is not None and v > 0]
    low, high = min(known, default=0.1), max(known, default=1.0)
    decades = math.log10(high / low)
    if decades >= 2.5:
        return {"dtick": 1 if decades < 8 else 2, "exponentformat": "power"}
    if decades >= 0.35:
        steps = (1, 2, 5) if decades >= 0.9 else (1, 1.5, 2, 3, 4, 5, 6, 8)
        first, last = math.floor(math.log10(low)) - 1, math.ceil(math.log10(high)) + 1
        ticks = [float(f"{m}e{e}") for e in range(first, last + 1) for m in steps]
    else:
        step = 10.0 ** math.floor(math.log10((high - low) or high))
        step *= 1 if (high - low) / step > 3.5 else 0.5 if (high - low) / step > 1.7 else 0.2
        start = math.floor(low / step) - 2
        ticks = [float(f"{(start + i) * step:.6g}") for i in range(14) if start + i > 0]
    return {"tickmode": "array", "tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]}


def layout(height: int, x: dict[str, Any], y: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a layout of a height in pixels; the width follows the page."""
    return {
        "height": height,
        "margin": {"l": 8, "r": 12, "t": 12, "b": 8, "pad": 2},
        "paper_bgcolor": "@clear",
        "plot_bgcolor": "@clear",
        "font": {"family": "system-ui, sans-serif", "size": 13, "color": "@ink"},
        "showlegend": False,
        "dragmode": False,
        "hovermode": "closest",
        "hoverlabel": {
            "bgcolor": "@paper",
            "bordercolor": "@grid",
            "font": {"color": "@ink"},
            "align": "left",
            "namelength": -1,
        },
        "xaxis": x,
        "yaxis": y,
        **more,
    }


def vertical(
    settings: Settings, title: str, results: Sequence[float]
) -> tuple[dict[str, Any], float, float]:
    """Return the axis of what decides over finite results, and its ends as values.

    Logarithmic for a loss above 0. Else it ends where the quantity does, see `limits`.
    """
    low, high = min(results), max(results)
    if low > 0 and not settings.maximize:
        # In logarithms, as a damaged file's losses may be as far apart as floats go.
        below, above = math.log10(low), math.log10(high)
        span = max(above - below, math.log10(1.2))
        below, above = max(-307.0, below - 0.06 * span), min(307.0, above + 0.08 * span)
        found = log_axis(title, results)
        found["range"] = [below, above + 0.04 * span]
        return found, 10**below, 10**above
    least, most = limits(settings, results)
    span = (high - low) or abs(high) or 1.0
    low, high = max(least, low - 0.08 * span), min(most, high + 0.08 * span)
    return axis(title, range=[low - 0.04 * span, high + 0.04 * span]), low, high


def limits(settings: Settings, results: Sequence[float]) -> tuple[float, float]:
    """Return where what decides ends, as far as its results tell: a loss at 0, an accuracy at 0 and
    1. What has results beyond has no such end."""
    least = 0.0 if min(results) >= 0 else -math.inf
    most = 1.0 if settings.maximize and max(results) <= 1 else math.inf
    return least, most


def interval(value: Estimate, ends: tuple[float, float] = (-math.inf, math.inf)) -> Span | None:
    """Return a mean's interval as it is drawn, within `ends`; None with fewer than three seeds, of
    which it says no more than that they are few."""
    if value.low is None or value.high is None or len(value.values) < FEWEST:
        return None
    return max(value.low, ends[0]), min(value.high, ends[1])


def rows(names: Sequence[str], labels: Sequence[str]) -> dict[str, Any]:
    """Return a vertical axis with a row for each name, the first on top."""
    count = len(names)
    return axis(
        "",
        tickmode="array",
        tickvals=list(range(count)),
        ticktext=list(labels),
        range=[count - 0.5, -0.5],
        showgrid=False,
        tickfont={"color": "@ink"},
        ticks="",
    )


def marks(look: Look, size: int = 9, **more: Any) -> dict[str, Any]:
    """Return an optimizer's markers."""
    return {"symbol": look.marker, "color": look.colour, "size": size, **more}


def thinned(count: int, points: int = POINTS) -> list[int]:
    """Return the indices of the points that are drawn, the first and the last among them."""
    if count <= points:
        return list(range(count))
    return sorted({round(i * (count - 1) / (points - 1)) for i in range(points)})
