"""The picture of the verdict: every seed, the mean, and its interval, of what decides."""

from collections.abc import Mapping, Sequence
from typing import Any

from steepest.measures.verdict import Standing, Status, Verdict
from steepest.records import StudyRecord
from steepest.reports.figures.style import (
    FEWEST,
    Look,
    Picture,
    axis,
    finite,
    interval,
    layout,
    limits,
    marks,
    rows,
)
from steepest.reports.numbers import number, with_interval
from steepest.reports.outcome_text import cell
from steepest.reports.verdict_text import deciding
from steepest.statistics import Estimate, State

SAYS = {
    State.OPEN: "not decided yet",
    State.SAME: "as good",
    State.BEHIND: "behind",
    State.DIVERGED: "diverged",
}


def verdict_picture(
    study: StudyRecord, verdict: Verdict, looks: Mapping[str, Look]
) -> Picture | None:
    """Return each optimizer's confirmed seeds with mean and 95 % interval, the best on top.

    None if no confirmed run has a finite value.
    """
    standings = [s for s in verdict.standings.values() if s.seeds]
    known = [v for s in standings for v in s.value.values if finite(v) is not None]
    if not known:
        return None
    ends = limits(study.settings, known)
    shown = {s.name: interval(s.value, ends) for s in standings}
    low, high = span_of([*known, *(end for one in shown.values() if one for end in one)], ends)
    data: list[dict[str, Any]] = []
    for row, one in enumerate(standings):
        seeds = [f"seed {seed}" for seed in one.seeds]
        data += row_of(looks[one.name], one.value, row, seeds, shown[one.name])
    labels = [
        f"{looks[s.name].label}<br><span style='font-size:11px'>{badge(verdict, s)}</span>"
        for s in standings
    ]
    figure = {
        "data": data,
        "layout": layout(
            70 + 52 * len(standings),
            axis(deciding(study.settings), range=[low, high], tickangle=0),
            rows([s.name for s in standings], labels),
        ),
    }
    return Picture(figure, _caption(study, standings, any(shown.values())))


def badge(verdict: Verdict, standing: Standing) -> str:
    """Return how an optimizer stands, in a word or two."""
    if standing.name == verdict.winner:
        return "winner"
    if standing.name == verdict.leader:
        return "as good, ahead" if verdict.status is Status.EQUAL else "ahead"
    if standing.state is State.DIVERGED and standing.seeds:
        return cell(standing, " of ") or "diverged"
    if not standing.seeds:
        return "not confirmed"
    text = SAYS.get(standing.state, "")
    relative = standing.relative
    if standing.state is State.BEHIND and relative is not None and relative.mean is not None:
        return f"{number(relative.mean * 100, 2)} % behind"
    return text


def row_of(
    look: Look,
    value: Estimate,
    row: float,
    seeds: Sequence[str],
    shown: tuple[float, float] | None,
) -> list[dict[str, Any]]:
    """Draw the seeds as small open marks, the interval as a thick line, the mean on top of it."""
    group = {"legendgroup": f"o{look.index}", "showlegend": False}
    traces: list[dict[str, Any]] = []
    if shown is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": list(shown),
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
            "text": list(seeds),
            "hovertemplate": f"{look.label}, %{{text}}: %{{x:.4g}}<extra></extra>",
            **group,
        }
    )
    if value.mean is not None:
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [value.mean],
                "y": [row],
                "marker": marks(look, 14, line={"color": "@paper", "width": 1.5}),
                "hovertemplate": f"{look.label}, mean {with_interval(value)}<extra></extra>",
                **group,
            }
        )
    return traces


def span_of(values: Sequence[float], ends: tuple[float, float]) -> tuple[float, float]:
    """Return a range that holds all values with a little room, which ends about where the quantity
    does: an accuracy does not run to 1.2."""
    low, high = min(values), max(values)
    room = 0.06 * ((high - low) or abs(high) * 0.1 or 1.0)
    left, right = low - room, high + room
    return max(left, ends[0] - 0.4 * room), min(right, ends[1] + 0.4 * room)


def _caption(study: StudyRecord, standings: Sequence[Standing], bars: bool) -> str:
    better = better_side(study)
    most = max(len(s.seeds) for s in standings)
    if most < 2:
        return f"One training each from a fresh seed; {better}. One seed says nothing of chance."
    text = f"Small marks are seeds, large ones their means; {better}."
    if bars:
        text += " Bars are 95 % intervals of the mean"
        few = [s.name for s in standings if len(s.seeds) < FEWEST]
        text += f", from {FEWEST} seeds on" if few else ""
        text += (
            ". Whether two differ is judged by their differences seed by seed, so bars that "
            "overlap decide nothing."
            if len(standings) > 1
            else "."
        )
    else:
        text += f" Below {FEWEST} seeds no interval is drawn."
    return text


def better_side(study: StudyRecord) -> str:
    """Return on which side the better results are."""
    return "further right is better" if study.settings.maximize else "further left is better"
