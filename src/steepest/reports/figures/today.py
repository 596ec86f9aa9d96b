"""The picture of the advice: what a person uses today beside what is recommended, seed by seed."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from steepest.measures.today import today
from steepest.measures.verdict import Verdict
from steepest.records import Outcome, Stage, StudyRecord, Trial
from steepest.reports.figures.style import (
    FEWEST,
    Look,
    Picture,
    axis,
    interval,
    layout,
    limits,
    rows,
)
from steepest.reports.figures.verdict import better_side, row_of, span_of
from steepest.reports.hyperparameters_text import told
from steepest.reports.outcome_text import died
from steepest.reports.verdict_text import deciding
from steepest.statistics import estimate


@dataclass(frozen=True)
class Side:
    """One of the two: what stands beside its row, and its trainings in order of seed."""

    title: str
    name: str
    trials: Sequence[Trial]


def today_picture(
    study: StudyRecord, verdict: Verdict, looks: Mapping[str, Look]
) -> Picture | None:
    """Return today's optimizer above the recommended one: seeds, lines that join the same seed,
    means with intervals.

    Without a baseline, the framework's defaults of the recommended optimizer stand for today's.
    None where neither was trained beside it, and where today's is what is recommended.
    """
    pair = _pair(study, verdict)
    if pair is None:
        return None
    value = study.settings.value
    known = [v for one in pair for t in one.trials if math.isfinite(v := value(t))]
    if not known:
        return None
    ends = limits(study.settings, known)
    means = [estimate([value(t) for t in one.trials]) for one in pair]
    shown = [interval(mean, ends) for mean in means]
    low, high = span_of([*known, *(end for one in shown if one for end in one)], ends)
    worst = low if study.settings.maximize else high  # where a lost training is drawn
    data = [_joined(study, pair, worst)]
    lost = False
    for row, (one, mean, span) in enumerate(zip(pair, means, shown, strict=True)):
        seeds = [f"seed {t.config.seed}" for t in one.trials]
        data += row_of(looks[one.name], mean, row, seeds, span)
        gone = [t for t in one.trials if not math.isfinite(value(t))]
        if gone:
            lost = True
            data.append(_lost(looks[one.name], gone, row, worst, died(gone)))
    labels = [
        f"<b>{one.title}</b><br><span style='font-size:12px'>{looks[one.name].label}</span>"
        for one in pair
    ]
    figure = {
        "data": data,
        "layout": layout(
            190,
            axis(deciding(study.settings), range=[low, high], tickangle=0),
            rows([one.name for one in pair], labels),
        ),
    }
    return Picture(figure, _caption(study, pair, any(shown), lost))


def _pair(study: StudyRecord, verdict: Verdict) -> tuple[Side, Side] | None:
    """Return today's and the recommended one, with the trainings on the seeds that both have."""
    best = verdict.recommended
    if best is None:
        return None
    theirs = {t.config.seed: t for t in study.confirmed(best) if _ended(t)}
    found = today(study, verdict)
    if found is not None:
        title, name = "yours today", found.name
        mine = {t.config.seed: t for t in study.confirmed(name) if _ended(t)}
    elif any(one.baseline for one in study.optimizers.values()):
        return None  # today's is what is recommended, or has no seed
    else:
        title, name = "at defaults", best
        of = [t for t in study.trials if t.optimizer == best and t.stage is Stage.DEFAULT]
        mine = {t.config.seed: t for t in of if _ended(t)}
    both = sorted(seed for seed in mine if seed in theirs)
    if not both:
        return None
    return (
        Side(title, name, [mine[seed] for seed in both]),
        Side("recommended", best, [theirs[seed] for seed in both]),
    )


def _ended(trial: Trial) -> bool:
    return trial.outcome is not Outcome.UNFINISHED


def _joined(study: StudyRecord, pair: tuple[Side, Side], worst: float) -> dict[str, Any]:
    """Join the two trainings of each seed by a line."""
    x: list[float | None] = []
    y: list[float | None] = []
    for one, other in zip(pair[0].trials, pair[1].trials, strict=True):
        for row, trial in enumerate((one, other)):
            value = study.settings.value(trial)
            x.append(value if math.isfinite(value) else worst)
            y.append(float(row))
        x.append(None)
        y.append(None)
    return {
        "type": "scatter",
        "mode": "lines",
        "x": x,
        "y": y,
        "line": {"color": "@dim/60", "width": 1},
        "hoverinfo": "skip",
    }


def _lost(look: Look, gone: Sequence[Trial], row: int, worst: float, died: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [worst] * len(gone),
        "y": [row] * len(gone),
        "text": [f"seed {t.config.seed}" for t in gone],
        "marker": {"symbol": "x", "size": 10, "color": look.colour},
        "hovertemplate": f"{look.label}, %{{text}}: {died}<extra></extra>",
        "legendgroup": f"o{look.index}",
        "cliponaxis": False,
    }


def _caption(study: StudyRecord, pair: tuple[Side, Side], bars: bool, lost: bool) -> str:
    first, second = pair
    compiled = study.optimizers[first.name].compiled
    what = "what the model was compiled with" if compiled else first.name
    if first.name == second.name:
        what = f"{first.name} with the framework's defaults"
    values = told(study, second.trials[0].config, second.name)
    count = len(first.trials)
    seeds = "fresh seed" if count == 1 else f"{count} fresh seeds"
    text = f"From {what} to {second.name} ({values}), on the same {seeds}"
    text += f"; {better_side(study)}. Lines join the two trainings of a seed"
    text += ", large marks are means, bars their 95 % intervals." if bars else "."
    if not bars:
        text += f" Below {FEWEST} seeds no interval is drawn." if not lost else ""
    if lost:
        text += f" × {died([*first.trials, *second.trials])}."
    return text
