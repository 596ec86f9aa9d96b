"""Training against validation: both losses of each optimizer, and the way there."""

from collections.abc import Mapping
from typing import Any

from steepest.measures.generalization import Generalization
from steepest.records import Outcome, StudyRecord
from steepest.reports.figures.curves import curve_of
from steepest.reports.figures.style import (
    FEWEST,
    Look,
    Picture,
    axis,
    finite,
    layout,
    log_axis,
    marks,
    plotly_text,
    rows,
    thinned,
)
from steepest.reports.numbers import number, span, with_interval


def paths_picture(
    study: StudyRecord, measured: Mapping[str, Generalization], looks: Mapping[str, Look]
) -> Picture | None:
    """Return training loss against validation loss, epoch by epoch, in the mean over seeds."""
    data: list[dict[str, Any]] = []
    every: list[float] = []
    for name in measured:
        trials = [t for t in study.confirmed(name) if t.outcome is Outcome.FINISHED]
        if not trials:
            continue
        kept = thinned(min(len(t.curves.epoch) for t in trials))
        x, y = (curve_of(trials, q, kept).mean for q in ("training_loss", "validation_loss"))
        count = min(len(x), len(y))
        if not count:
            continue
        look = looks[name]
        every += [*x[:count], *y[:count]]
        data.append(
            {
                "type": "scatter",
                "mode": "lines+markers",
                "x": x[:count],
                "y": y[:count],
                "text": [f"epoch {trials[0].curves.epoch[i]}" for i in kept[:count]],
                "line": {"color": look.colour, "width": 1.8, "dash": look.dash},
                "marker": marks(look, [3] * (count - 1) + [12]),  # type: ignore[arg-type]
                "hovertemplate": (
                    f"{look.label}, %{{text}}: training %{{x:.4g}}, validation %{{y:.4g}}"
                    "<extra></extra>"
                ),
                "legendgroup": f"o{look.index}",
            }
        )
    if not data:
        return None
    low, high = min(every), max(every)
    data.insert(
        0,
        {
            "type": "scatter",
            "mode": "lines",
            "x": [low, high],
            "y": [low, high],
            "line": {"color": "@dim", "width": 1, "dash": "dot"},
            "hoverinfo": "skip",
        },
    )
    kind = log_axis if low > 0 else lambda title, _: axis(title)
    figure = {
        "data": data,
        "layout": layout(400, kind("training loss", every), kind("validation loss", every)),
    }
    return Picture(figure, _path_caption(measured), "The way there")


def _path_caption(measured: Mapping[str, Generalization]) -> str:
    text = (
        "Each point is an epoch, the large mark the end; on the dotted diagonal, validation is as "
        "good as training. A line that goes left and up learns its training data by heart."
    )
    rose = {
        name: one.overfit.mean
        for name, one in measured.items()
        if one.overfit.mean and one.overfit.low is not None and one.overfit.low > 0
    }
    if rose:
        worst = max(rose, key=lambda name: rose[name] or 0.0)
        best = measured[worst].best_epoch.mean
        text = (
            f"{worst} over-fitted, clear of chance: after epoch {number(best, 3)} (mean) its "
            f"validation loss rose by {number(rose[worst])}. {text}"
        )
    return text


def gaps_picture(
    measured: Mapping[str, Generalization], looks: Mapping[str, Look]
) -> Picture | None:
    """Return the generalization gap, and the gap at equal training loss, a row an optimizer."""
    names = [n for n, one in measured.items() if one.gap.mean is not None]
    if not names:
        return None
    data: list[dict[str, Any]] = []
    for row, name in enumerate(names):
        look, one = looks[name], measured[name]
        for estimate, symbol, what, place in (
            (one.gap, look.marker, "gap", row - 0.12),
            (one.at_equal, f"{look.marker}-open", "gap at equal training loss", row + 0.18),
        ):
            if estimate is None or estimate.mean is None:
                continue
            reach = finite(estimate.half_width) if len(estimate.values) >= FEWEST else None
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "x": [estimate.mean],
                    "y": [place],
                    "marker": marks(look, 11, symbol=symbol),
                    "error_x": {
                        "type": "data",
                        "array": [reach or 0.0],
                        "visible": reach is not None,
                        "color": look.colour,
                        "thickness": 2,
                        "width": 0,
                    },
                    "hovertemplate": f"{look.label}, {what}: {with_interval(estimate)}"
                    "<extra></extra>",
                    "legendgroup": f"o{look.index}",
                }
            )
    horizontal = axis("validation loss − training loss", zeroline=True, zerolinecolor="@dim")
    figure = {
        "data": data,
        "layout": layout(
            80 + 46 * len(names), horizontal, rows(names, [plotly_text(n) for n in names])
        ),
    }
    return Picture(figure, _gap_caption(measured, names), "The gap")


def _gap_caption(measured: Mapping[str, Generalization], names: list[str]) -> str:
    text = f"The mean gap {span({name: measured[name].gap for name in names})}."
    levels = [one.level for one in measured.values() if one.level is not None]
    if levels:
        text += (
            f" Open marks: the gap where the training loss first was {number(levels[0])}, which "
            "all reached, so that a slower optimizer is not credited for being unfinished; as "
            "training means lag half an epoch behind, it can be negative."
        )
    if all(len(measured[name].gap.values) < FEWEST for name in names):
        return text
    return text + f" Bars are 95 % intervals over seeds, from {FEWEST} on."
