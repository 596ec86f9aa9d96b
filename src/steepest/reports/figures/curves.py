"""Learning curves of the confirmed runs: a mean line over seeds, and a band from lowest to highest.

What the page's toggles show instead (another quantity, another horizontal axis) goes along as
variants, which replace the x and y of each trace.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steepest.measures.speed import Speeds, Target, Times
from steepest.measures.verdict import Verdict
from steepest.records import Outcome, StudyRecord, Trial
from steepest.reports.figures.style import (
    Look,
    Picture,
    axis,
    finite,
    layout,
    log_axis,
    log_ticks,
    plotly_text,
    thinned,
    whole,
)
from steepest.reports.numbers import number
from steepest.reports.outcome_text import died
from steepest.text import listed

SEE = " Whether that is clear of chance, the intervals of the speed-ups say."
UNITS = {"epochs": "epoch", "steps": "training step", "seconds": "seconds of training"}


@dataclass(frozen=True)
class Curve:
    """A quantity over the seeds of one optimizer, as far as all of them go."""

    mean: list[float]
    low: list[float]
    high: list[float]


def curves_picture(
    study: StudyRecord, verdict: Verdict, looks: Mapping[str, Look], speeds: Speeds | None
) -> Picture | None:
    """Return the learning curves with their variants; None without a confirmed run."""
    runs = {name: _runs(study, name) for name in verdict.standings}
    runs = {name: trials for name, trials in runs.items() if trials}
    if not runs:
        return None
    decides = "validation_loss" if study.settings.decides == "loss" else study.settings.decides
    quantities = {"validation_loss": "validation loss", "training_loss": "training loss"}
    quantities |= {metric: f"validation {metric}" for metric in study.task.metrics}
    quantities = {decides: quantities[decides], **quantities}
    target = speeds.target if speeds else None
    xs: dict[str, list[Any]] = {unit: [] for unit in UNITS}
    ys: dict[str, list[Any]] = {quantity: [] for quantity in quantities}
    data: list[dict[str, Any]] = []
    for name, trials in runs.items():
        kept = thinned(min(len(t.curves.epoch) for t in trials))
        curves = {q: curve_of(trials, q, kept) for q in quantities}
        # All quantities end where the first of them does, as they share the horizontal axis.
        length = min((len(c.mean) for c in curves.values() if c.mean), default=0)
        for unit in UNITS:
            line = _along(trials, unit, kept[:length])
            xs[unit] += [[*line, *reversed(line)], line, line[-1:]]
        for quantity, curve in curves.items():
            ys[quantity] += _shape(curve, length, _died(trials))
        data += _traces(looks[name])
    # A line for the target, the last trace, in the picture of what decides alone.
    for unit in UNITS:
        ends = [v for x in xs[unit] for v in x if v is not None]
        xs[unit].append([min(ends, default=0), max(ends, default=1)])
    for quantity in quantities:
        level = target.value if target and quantity == decides else None
        ys[quantity].append([level, level])
    data.append(_target_line(target))
    for i, trace in enumerate(data):
        trace |= {"x": xs["epochs"][i], "y": ys[decides][i]}
    known = [v for y in ys[decides] for v in y]
    log = decides.endswith("loss") and all(v is None or v > 0 for v in known)
    vertical = (log_axis if log else lambda t, _: axis(t))(quantities[decides], known)
    longest = max((v for x in xs["epochs"] for v in x if v is not None), default=1)
    ticks = {"epochs": whole(longest)}
    figure = {
        "data": data,
        "layout": layout(350, axis(UNITS["epochs"], **ticks["epochs"]), vertical),
    }
    variants = {
        "x": {
            unit: {"title": title, "data": xs[unit], "ticks": ticks.get(unit, {})}
            for unit, title in UNITS.items()
        },
        "y": {
            quantity: {
                "title": plotly_text(title),
                "label": title,
                "data": ys[quantity],
                "log": all(v is None or v > 0 for y in ys[quantity] for v in y),
                "ticks": log_ticks([v for y in ys[quantity] for v in y]),
            }
            for quantity, title in quantities.items()
        },
    }
    return Picture(figure, _caption(runs, speeds), variants=variants)


def curve_of(trials: Sequence[Trial], quantity: str, kept: Sequence[int]) -> Curve:
    """Return mean, lowest and highest over seeds at the points `kept`, until one is not finite."""
    lines = [curve_values(trial, quantity) for trial in trials]
    found = Curve([], [], [])
    for i in kept:
        values = [line[i] for line in lines if i < len(line)]
        if len(values) < len(lines) or not all(map(math.isfinite, values)):
            break
        found.mean.append(math.fsum(values) / len(values))
        found.low.append(min(values))
        found.high.append(max(values))
    return found


def _shape(curve: Curve, length: int, died: bool) -> list[list[Any]]:
    """Return the vertical values of an optimizer's three traces: band, mean, and where it ended."""
    if len(curve.mean) < length or not length:  # a quantity that is not there
        return [[None] * (2 * length), [None] * length, [None] * min(length, 1)]
    mean, low, high = (part[:length] for part in (curve.mean, curve.low, curve.high))
    return [[*high, *reversed(low)], mean, [mean[-1] if died else None]]


def curve_values(trial: Trial, quantity: str) -> Sequence[float]:
    """Return a curve of a trial: a loss, or a metric of validation; empty if there is none."""
    curves = trial.curves
    if quantity in ("validation_loss", "training_loss"):
        return curves.validation_loss if quantity[0] == "v" else curves.training_loss
    return curves.metrics.get(quantity, ())


def _runs(study: StudyRecord, name: str) -> list[Trial]:
    """Return the confirmed trials that have curves, those that ended if any did."""
    trials = [t for t in study.confirmed(name) if t.curves.epoch]
    return [t for t in trials if t.outcome is not Outcome.UNFINISHED] or trials


def _died(trials: Sequence[Trial]) -> bool:
    return any(trial.lost for trial in trials)


def _along(trials: Sequence[Trial], unit: str, kept: Sequence[int]) -> list[float]:
    """Return the horizontal axis: of seconds, the mean over seeds, spread evenly over steps."""
    first = trials[0].curves
    if unit == "epochs":
        return [first.epoch[i] for i in kept]
    steps = [first.step[i] for i in kept]
    if unit == "steps":
        return [float(step) for step in steps]
    rate = math.fsum(t.seconds / max(1, t.curves.step[-1]) for t in trials) / len(trials)
    return [round(step * rate, 6) for step in steps]


def _traces(look: Look) -> list[dict[str, Any]]:
    group = {"type": "scatter", "legendgroup": f"o{look.index}", "showlegend": False}
    clear = {"color": "@clear", "width": 0}
    return [
        {
            "mode": "lines",
            "fill": "toself",
            "fillcolor": f"{look.colour}/16",
            "line": clear,
            "hoverinfo": "skip",
            **group,
        },
        {
            "mode": "lines",
            "name": look.label,
            "line": {"color": look.colour, "width": 2.2, "dash": look.dash},
            "hovertemplate": f"{look.label}, at %{{x:.5g}}: %{{y:.4g}}<extra></extra>",
            **group,
        },
        {
            "mode": "markers",
            "marker": {"symbol": "x", "color": look.colour, "size": 12},
            "hovertemplate": f"{look.label}: a seed was lost here<extra></extra>",
            **group,
        },
    ]


def _target_line(target: Target | None) -> dict[str, Any]:
    level = number(target.value) if target else ""
    return {
        "type": "scatter",
        "mode": "lines",
        "line": {"color": "@ink", "width": 1.2, "dash": "dot"},
        "hovertemplate": f"target {level}<extra></extra>",
        "showlegend": False,
    }


def _caption(runs: Mapping[str, Sequence[Trial]], speeds: Speeds | None) -> str:
    """Say how soon the target was reached, and how to read the picture."""
    text = ""
    if speeds and speeds.target:
        text = f"{_soonest(speeds)} "
    many = max(len(trials) for trials in runs.values()) > 1
    text += (
        "Lines are means over seeds, bands go from the lowest seed to the highest"
        if many
        else ("One seed each, so there are no bands")
    )
    if speeds and speeds.target:
        whose = f", where {speeds.target.reference} ends" if speeds.target.reference else ""
        text += f"; the dotted line is the target {number(speeds.target.value)}{whose}"
    dead = [name for name, trials in runs.items() if _died(trials)]
    if dead:
        text += f"; × is where a seed of {listed(dead)} {died([t for n in dead for t in runs[n]])}"
    if max(len(t.curves.epoch) for trials in runs.values() for t in trials) > 400:
        text += "; 400 points of each curve are drawn"
    return text + "."


def _soonest(speeds: Speeds) -> str:
    medians = {
        name: finite(one.epochs.median)
        for name, one in speeds.optimizers.items()
        if one.epochs.median is not None
    }
    known = {name: value for name, value in medians.items() if value is not None}
    if not known:
        return "No optimizer reached the target in half of its seeds."
    soonest = min(known.values())
    best = [name for name, value in known.items() if value == soonest]
    shares = [_share(speeds.optimizers[name].steps) for name in best]
    names = listed([f"{name}'s, {share}" for name, share in zip(best, shares, strict=True)])
    first = len(known) > 1 and len(best) < len(known)
    time = f"{number(soonest)} epoch{'' if soonest == 1 else 's'}"
    after = f"The {'lowest ' if first else ''}median time to the target is {time}"
    return f"{after}: {names}." + (SEE if first else "")


def _share(times: Times) -> str:
    count, of = sum(times.reached), len(times.reached)
    return "in every seed" if count == of else f"in {count} of {of} seeds"
