"""Pictures of several tasks: ranks and normalized scores, and the performance profiles."""

from collections.abc import Callable, Mapping
from typing import Any

from steepest.measures.compatibility import Compatibility, OnTask
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    layout,
    marks,
    plotly_text,
    rows,
)
from steepest.reports.numbers import with_interval
from steepest.statistics import Estimate
from steepest.text import listed, many

SPREAD = 0.5  # of a row's height, over which the tasks' marks lie, so that equal ones are all seen


def ranks_picture(found: Compatibility, looks: Mapping[str, Look]) -> Picture | None:
    """Return each optimizer's rank on each task and their mean; None if no task counts."""
    count = len(found.optimizers)
    across = axis("rank, 1 is best", range=[0.7, count + 0.3], tick0=1, dtick=1)
    return _dots(
        found,
        looks,
        found.ranks,
        lambda one: one.rank,
        across,
        (1.0, float(count)),
        "Ranks",
        "rank",
        "Those that a study cannot tell apart share a rank.",
    )


def normalized_picture(found: Compatibility, looks: Mapping[str, Look]) -> Picture | None:
    """Return each optimizer's normalized score on each task and their mean."""
    return _dots(
        found,
        looks,
        found.normalized,
        lambda one: None if one.normalized is None else one.normalized.mean,
        axis("0 best of the task, 1 worst", range=[-0.08, 1.08]),
        (0.0, 1.0),
        "Normalized scores",
        "score",
        "Distances count here, also those that chance alone makes.",
    )


def _dots(
    found: Compatibility,
    looks: Mapping[str, Look],
    means: Mapping[str, Estimate],
    of: Callable[[OnTask], float | None],
    across: dict[str, Any],
    ends: tuple[float, float],
    title: str,
    what: str,
    says: str,
) -> Picture | None:
    """Return a row an optimizer, a small open mark a task, and the mean with its interval."""
    names = list(found.optimizers)
    if not any(means[name].values for name in names):
        return None
    step = SPREAD / max(1, len(found.tasks) - 1)
    data: list[dict[str, Any]] = []
    cut = False
    for row, name in enumerate(names):
        look, mean = looks[name], means[name]
        group = {"type": "scatter", "legendgroup": f"o{look.index}"}
        if mean.low is not None and mean.high is not None:
            cut = cut or mean.low <= ends[0] or mean.high >= ends[1]
            low, high = max(mean.low, ends[0]), min(mean.high, ends[1])
            data.append(
                {
                    "mode": "lines",
                    "x": [low, high],
                    "y": [row, row],
                    "line": {"color": f"{look.colour}/45", "width": 7},
                    "hoverinfo": "skip",
                    **group,
                }
            )
        known = [
            (value, row - SPREAD / 2 + i * step, task)
            for i, task in enumerate(found.tasks)
            if (value := of(found.optimizers[name][task])) is not None
        ]
        data.append(
            {
                "mode": "markers",
                "x": [value for value, _, _ in known],
                "y": [place for _, place, _ in known],
                "text": [plotly_text(task) for _, _, task in known],
                "marker": marks(look, 8, symbol=f"{look.marker}-open", line={"width": 1.5}),
                "hovertemplate": f"{look.label} on %{{text}}: {what} %{{x:.3g}}<extra></extra>",
                **group,
            }
        )
        if mean.mean is not None:
            data.append(
                {
                    "mode": "markers",
                    "x": [mean.mean],
                    "y": [row],
                    "marker": marks(look, 14, line={"color": "@paper", "width": 1.5}),
                    "hovertemplate": f"{look.label}, mean {with_interval(mean)}<extra></extra>",
                    **group,
                }
            )
    figure = {
        "data": data,
        "layout": layout(
            70 + 56 * len(names), across, rows(names, [looks[name].label for name in names])
        ),
    }
    caption = (
        f"Small marks are tasks, from above in the order {listed(list(found.tasks))}; large ones "
        f"are means. {says}"
    )
    if any(means[name].low is not None for name in names):
        caption += " Bars are 95 % intervals over tasks"
        caption += f", cut at {ends[0]:g} and {ends[1]:g}." if cut else "."
    return Picture(figure, caption, title)


def profile_picture(found: Compatibility, looks: Mapping[str, Look]) -> Picture | None:
    """Return performance profiles, as steps; None where no task has a target."""
    profile = found.profile
    if profile is None:
        return None
    data: list[dict[str, Any]] = []
    for name, share in profile.shares.items():
        look = looks[name]
        data.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": list(profile.taus),
                "y": list(share),
                "line": {"color": look.colour, "width": 2.4, "dash": look.dash, "shape": "hv"},
                "hovertemplate": (
                    f"{look.label}, score {profile.scores[name]:.2f}; within %{{x:.2f}} times: "
                    "%{y:.0%} of tasks<extra></extra>"
                ),
                "legendgroup": f"o{look.index}",
            }
        )
    counted = sum(about.target is not None and about.judged for about in found.about.values())
    scores = sorted(profile.scores, key=lambda name: -profile.scores[name])
    figure = {
        "data": data,
        "layout": layout(
            360,
            axis("τ, times the steps of the fastest", range=[1, profile.taus[-1]]),
            axis("share of tasks", range=[-0.03, 1.05], tickformat=".0%"),
        ),
    }
    return Picture(
        figure,
        f"On what share of {many(counted, 'task')} each reached the target within τ times the "
        "steps of the fastest: further up and left is better. AlgoPerf scores, the mean heights: "
        f"{listed([f'{name} {profile.scores[name]:.2f}' for name in scores])}. Lines that lie on "
        "each other are told apart by hiding one above.",
    )
