"""Every trial as a row, for the page's table that sorts and filters; and what was spent where."""

from collections.abc import Iterable, Mapping
from typing import Any

from steepest.measures.outcomes import count_outcomes
from steepest.measures.spending import Spending, spent
from steepest.records import Outcome, Stage, StudyRecord, Trial
from steepest.reports.figures.style import Look, finite
from steepest.reports.hyperparameters_text import FIRST as RATE
from steepest.reports.hyperparameters_text import unusual
from steepest.reports.numbers import number
from steepest.reports.outcome_text import shortened
from steepest.reports.page.tables import Table, plain_table
from steepest.text import many, setting

MOST = 3  # reasons in the note below the table; each trial has its own
FIRST = 25  # rows that stand in the page itself, for readers without JavaScript
STAGES = {
    Stage.SEARCH: "search",
    Stage.REPEAT: "second seed",
    Stage.CONFIRM: "confirmed",
    Stage.SWEEP: "learning-rate sweep",
    Stage.DEFAULT: "defaults",
}
COLUMNS = (
    "trial",
    "optimizer",
    "stage",
    "learning rate",
    "other hyperparameters",
    "seed",
    "epochs",
    "result",
    "outcome",
    "seconds",
)


def rows(study: StudyRecord, looks: Mapping[str, Look]) -> dict[str, Any]:
    """Return all trials for the page: rows of values, and the words that they point into."""
    outcomes, stages = list(Outcome), list(Stage)
    return {
        "columns": list(COLUMNS),
        "outcomes": [{"name": o.name.lower(), "says": o.value} for o in outcomes],
        "stages": [STAGES[stage] for stage in stages],
        "first": FIRST,
        "rows": [
            [
                trial.number,
                looks[trial.optimizer].index,
                stages.index(trial.stage),
                _rate(trial),
                _others(study, trial),
                trial.config.seed,
                trial.epochs,
                finite(study.settings.value(trial)),
                outcomes.index(trial.outcome),
                round(trial.seconds, 3),
                trial.reason,  # no column of its own: it is told with the outcome
            ]
            for trial in study.trials
            if trial.optimizer in looks
        ],
    }


def _rate(trial: Trial) -> float | None:
    rate = trial.config.hyperparameters.get(RATE)
    return None if rate is None or isinstance(rate, bool | str) else finite(rate)


def _others(study: StudyRecord, trial: Trial) -> str:
    """Return what was searched beside the learning rate, and all that is no default."""
    found = unusual(study, trial.config, trial.optimizer)
    return ", ".join(f"{name} {setting(v)}" for name, v in found.items() if name != RATE)


def outcomes(study: StudyRecord) -> str:
    """Return what the words for outcomes mean, with how many there are, and why some failed."""
    found = count_outcomes(study, study.trials)
    counts = {**found.counts, Outcome.UNFINISHED: len(study.trials) - found.trials}
    there = [
        f"{one.name.lower()} ({count:,}): {one.value.rstrip('.')}"
        for one, count in counts.items()
        if count
    ]
    why = [
        f"“{shortened(reason)}” ({count:,})" for reason, count in list(found.reasons.items())[:MOST]
    ]
    more = len(found.reasons) - len(why)
    why += [f"{many(more, 'other reason')}"] if more > 0 else []
    text = "; ".join(there) + "."
    return f"{text} Failed with {', '.join(why)}." if why else text


def spent_table(study: StudyRecord) -> Table | None:
    """Return trials, epochs and seconds by stage and optimizer; None without trials."""
    if not study.trials:
        return None
    found = spent(study)
    kinds = [s for s in Stage if any(s in mine for mine in found.optimizers.values())]
    lines = []
    for name, mine in found.optimizers.items():
        cells = [_cell(study, [mine[s]] if s in mine else []) for s in kinds]
        lines.append([name, *cells, _cell(study, mine.values()), _seconds(mine.values())])
    if len(lines) > 1:
        every = found.optimizers.values()
        cells = [_cell(study, [mine[s] for mine in every if s in mine]) for s in kinds]
        lines.append(["all together", *cells, _cell(study, [found.total]), _seconds([found.total])])
    columns = [*(STAGES[s] for s in kinds), "in all", "seconds in training"]
    return plain_table("What was spent where", columns, lines)


def _cell(study: StudyRecord, parts: Iterable[Spending]) -> str:
    parts = list(parts)
    if not parts:
        return "–"
    full = sum(one.epochs for one in parts) / max(1, study.task.epochs)
    return f"{many(sum(one.trials for one in parts), 'trial')}, {full:.1f} full"


def _seconds(parts: Iterable[Spending]) -> str:
    return number(sum(one.seconds for one in parts))
