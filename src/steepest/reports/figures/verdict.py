"""The picture of the verdict: every seed, the mean, and its interval, of what decides."""

from collections.abc import Mapping
from typing import Any

from steepest.measures.verdict import Standing, Verdict
from steepest.records import Study
from steepest.reports.endings import cell
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    digits,
    finite,
    layout,
    marks,
    rows,
)
from steepest.reports.sentence import deciding, listed
from steepest.statistics import State

ROOM = 1.2  # how far an interval may reach beyond the seeds, as a share of their range
SAYS = {
    State.OPEN: "tied",
    State.SAME: "as good",
    State.BEHIND: "behind",
    State.DIVERGED: "diverged",
}


def verdict_picture(study: Study, verdict: Verdict, looks: Mapping[str, Look]) -> Picture | None:
    """Return each optimizer's confirmed seeds with mean and 95 % interval, the best on top.

    None if no confirmed run has a finite value.
    """
    standings = [s for s in verdict.standings.values() if s.seeds]
    known = [v for s in standings for v in s.value.values if finite(v) is not None]
    if not known:
        return None
    low, high = _range(known, standings)
    what = deciding(study.settings)
    data: list[dict[str, Any]] = []
    for row, one in enumerate(standings):
        data += _of_one(looks[one.name], one, row)
    labels = [
        f"{looks[s.name].label}<br><span style='font-size:11px'>{badge(verdict, s)}</span>"
        for s in standings
    ]
    figure = {
        "data": data,
        "layout": layout(
            70 + 52 * len(standings),
            axis(what, range=[low, high], nticks=6),
            rows([s.name for s in standings], labels),
        ),
    }
    return Picture(figure, _caption(study, verdict, standings, (low, high)))


def badge(verdict: Verdict, standing: Standing) -> str:
    """Return how an optimizer stands, in a word or two."""
    if standing.name == verdict.winner:
        return "winner"
    if standing.name == verdict.leader:
        return "tied, ahead" if verdict.tied_with else "best so far"
    if standing.state is State.DIVERGED and standing.seeds:
        return cell(standing, " of ") or "diverged"
    if not standing.seeds:
        return "not confirmed"
    text = SAYS.get(standing.state, "")
    relative = standing.relative
    if standing.state is State.BEHIND and relative is not None and relative.mean is not None:
        return f"{relative.mean * 100:{'.2g' if relative.mean < 1 else ',.0f'}} % behind"
    return text


def _of_one(look: Look, one: Standing, row: int) -> list[dict[str, Any]]:
    """Draw the seeds as small open marks, the interval as a thick line, the mean on top of it."""
    group = {"legendgroup": f"o{look.index}", "showlegend": False}
    value = one.value
    traces: list[dict[str, Any]] = []
    if value.low is not None and value.high is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": [value.low, value.high],
                "y": [row, row],
                "line": {"color": f"{look.colour}/45", "width": 7},
                "hoverinfo": "skip",
                **group,
            }
        )
    traces.append(
        {
            "type": "scatter",
            "mode": "markers",
            "x": [finite(v) for v in value.values],
            "y": [row] * len(value.values),
            "marker": marks(look, 8, symbol=f"{look.marker}-open", line={"width": 1.5}),
            "text": [f"seed {seed}" for seed in one.seeds],
            "hovertemplate": f"{look.label}, %{{text}}: %{{x:.4g}}<extra></extra>",
            **group,
        }
    )
    if value.mean is not None:
        ends = (
            f"<br>95 % interval {digits(value.low)} to {digits(value.high)}"
            if value.low is not None
            else ""
        )
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [value.mean],
                "y": [row],
                "marker": marks(look, 14, line={"color": "@paper", "width": 1.5}),
                "hovertemplate": f"{look.label}, mean {digits(value.mean)}{ends}<extra></extra>",
                **group,
            }
        )
    return traces


def _range(known: list[float], standings: list[Standing]) -> tuple[float, float]:
    """Return the range that is shown: of the seeds, and of intervals where readable."""
    low, high = min(known), max(known)
    span = (high - low) or abs(high) * 0.1 or 1.0
    lows = [s.value.low for s in standings if s.value.low is not None]
    highs = [s.value.high for s in standings if s.value.high is not None]
    left = max(min([low, *lows]), low - ROOM * span)
    right = min(max([high, *highs]), high + ROOM * span)
    edge = 0.06 * (right - left or span)
    return left - edge, right + edge


def _caption(
    study: Study, verdict: Verdict, standings: list[Standing], shown: tuple[float, float]
) -> str:
    settings = study.settings
    better = "further right is better" if settings.maximize else "further left is better"
    most = max(len(s.seeds) for s in standings)
    if most < 2:
        return f"One training each from a fresh seed; {better}. One seed says nothing of chance."
    text = (
        f"Small marks are seeds, large ones their means, bars 95 % intervals of the mean; {better}."
    )
    cut = [
        s.name
        for s in standings
        if s.value.low is not None
        and s.value.high is not None
        and (s.value.low < shown[0] or s.value.high > shown[1])
    ]
    if cut:
        reaches = "s of {} reach" if len(cut) > 1 else " of {} reaches"
        text += f" The interval{reaches.format(listed(cut))} beyond the picture."
    if verdict.leader and len(standings) > 1:
        text += (
            " Whether two differ is judged by their differences seed by seed, so bars that overlap "
            "need not mean a tie."
        )
    return text
