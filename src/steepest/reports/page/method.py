"""How a study was done, as rows of plain text, and what each measure means."""

from steepest.records import Range, Stage, StudyRecord
from steepest.reports.callbacks_text import stopped
from steepest.reports.numbers import number
from steepest.reports.outcome_text import resumed
from steepest.reports.page.methods_text import counted, walked
from steepest.reports.verdict_text import deciding, matters
from steepest.rules.custom_schedules import shown
from steepest.text import listed, many, setting

# What a measure is, and where it comes from.
DEFINITIONS = (
    (
        "±",
        "A mean ± half its interval, to two significant digits of that; mean (low to high) where "
        "the interval is not symmetric, as it ends where the quantity itself does, such as at 0, "
        "or is one of a ratio. No ± where all seeds agree.",
    ),
    (
        "Verdict",
        "Differences to the leader, seed by seed, with Student's t; a winner has to beat each "
        "other at 2.5 % on one side, split over the looks of the race, at 3, 5, 8, ... seeds. "
        "Student 1908; Berger 1982; Gutmann and Maymin 1987.",
    ),
    (
        "Steps to target",
        "The first evaluation at which a confirmed run is as good as the target, by default "
        "what the reference's seeds end at in the median. Runs that never reach it are censored "
        "at the end of training; so are those that diverged or failed before, as if they "
        "had trained to the end in vain. Kaplan and Meier 1958; limits by Brookmeyer and Crowley "
        "1982.",
    ),
    (
        "Speed-up",
        "The geometric mean, over common seeds, of the reference's steps to the target divided by "
        "the optimizer's. Where a seed never reached it, a bound: at least, at most, or unknown.",
    ),
    (
        "Mean over the training",
        "The mean height of the learning curve of what decides, over epochs, by the trapezoidal "
        "rule from the first evaluation to the last.",
    ),
    (
        "Generalization gap",
        "Validation loss minus training loss at the checkpoint that decides, seed by seed; the "
        "training loss is measured on the training set where the study has that, and else the mean "
        "over the epoch. At equal training loss: where each run's epoch mean first fell to the "
        "lowest that every run reached.",
    ),
    (
        "Over-fitting",
        "How much higher the validation loss ended than at its lowest epoch. The lowest of noisy "
        "values is a little too low, so it is above 0 without over-fitting too. Prechelt 1998.",
    ),
    (
        "Learning-rate band",
        "The width, in decades, of the learning rates around the best whose result is within a "
        "share of the best's; of an accuracy, within that share of its errors.",
    ),
    (
        "Excess, a decade around",
        "How much worse what decides is, in the mean over rates evenly from a decade below the "
        "best to one above, than at the best of them, where none counts as worse than the "
        "untrained model; from a sweep alone. After Wortsman et al. 2023.",
    ),
    (
        "Expected best",
        "The mean of the best of n trials, over all choices of n from those that were explored, "
        "without those that a model placed. Diverged and failed ones count as the untrained "
        "model. Dodge et al. 2019; Sivaprasad et al. 2020; the estimator is Tang et al.'s, 2020.",
    ),
    (
        "Importance",
        "How differently the best quarter of the trials is spread along a hyperparameter from all "
        "of them (the Pearson divergence), as a share of all hyperparameters'; each by itself. "
        "Told only where the best differ by more than in 95 % of random orders of the results. "
        "Watanabe et al. 2023 (PED-ANOVA).",
    ),
    (
        "Cost",
        "State is what an optimizer remembers for the whole model between two steps. A step's time "
        "has the evaluation in it; it is told where optimizers differ by more than the timings do "
        "that should agree. Updates alone are timed in turns. Their share is of the mean step, an "
        "upper estimate, as within a step an update can be computed together with the gradient; "
        "it is not told where the update alone took as long as a step.",
    ),
)


def method(study: StudyRecord) -> list[tuple[str, list[str]]]:
    """Return topics with their lines: enough to repeat the study."""
    task, settings = study.task, study.settings
    data = [
        f"{task.training_examples:,} training, {task.validation_examples:,} validation and "
        f"{task.test_examples:,} test examples"
        if task.test_examples
        else f"{task.training_examples:,} training and {task.validation_examples:,} validation "
        "examples; no test set"
    ]
    direction = "higher is better" if settings.maximize else "lower is better"
    race = ", seeds added only where it was open" if settings.race else ""
    budget = [
        _search(study),
        f"up to {settings.seeds} fresh seeds to confirm each optimizer's best{race}",
    ]
    if any(settings.refined):
        budget.append(f"{sum(settings.refined)} more where a model expected the best")
    if study.allowed is not None:
        budget.append(f"at most {number(study.allowed)} full trainings in all")
    if settings.seconds is not None:
        budget.append(f"at most {number(settings.seconds)} seconds")
    if settings.sweep:
        budget.append(f"a sweep of {settings.sweep} learning rates either side of the best")
    spent = f"{len(study.trials):,} trials, {number(study.full_trainings)} full trainings, "
    spent += f"{number(study.seconds)} s by the clock"
    if study.compile_seconds:
        spent += f", of which {number(study.compile_seconds)} s compiling"
    ended = (
        "finished"
        if study.finished
        else f"not finished{f': {study.stopped}' * bool(study.stopped)}"
    )
    return [
        (
            "Task",
            [
                f"{task.name}: {task.parameters:,} weights to train, loss {task.loss}"
                + (f", metrics {', '.join(task.metrics)}" if task.metrics else ""),
                f"{many(task.epochs, 'epoch')} of {many(task.steps_per_epoch, 'step')}, batch size "
                f"{task.batch_size}",
            ],
        ),
        ("Data", data),
        (
            "What decides",
            [
                f"{deciding(settings)}, {direction}; differences below "
                f"{matters(settings)} do not matter"
            ],
        ),
        *([("Callbacks", [stopped(study)])] if study.settings.callbacks else []),
        ("Budget", budget),
        ("Seed", [f"{settings.seed}, of which all others are made"]),
        ("Schedule and arithmetic", [f"{_schedules(study)}, as {settings.dialect} has it"]),
        (
            "Spent",
            [spent, f"started {study.started}, {ended}", *_resumed(study)],
        ),
        ("Hardware", [", ".join(f"{k} {v}" for k, v in study.hardware.items()) or "not known"]),
        ("Versions", [", ".join(f"{k} {v}" for k, v in study.versions.items()) or "not known"]),
    ]


def _search(study: StudyRecord) -> str:
    """Return what each optimizer's search was given."""
    settings, epochs = study.settings, study.task.epochs
    trials = [t for t in study.trials if t.stage is Stage.SEARCH]
    if walked(study):
        count = counted(
            [n for o in study.optimizers if (n := sum(t.optimizer == o for t in trials))]
        )
        whole = [t for t in trials if not t.lost and not t.stopped_early(epochs)]
        ends = sorted({t.epochs for t in whole if t.epochs})
        length = f"{listed([str(e) for e in ends] or ['no'])} epoch{'' if ends == [1] else 's'}"
        return (
            f"{count} trainings for each optimizer to search, of {length}: a list to start from, "
            "then the best with its learning rate changed by factors of 10^0.4 and 10^0.2"
        )
    ends = [rung for rung in settings.rungs if rung < epochs]
    text = f"{settings.trials} configurations explored for each optimizer"
    return text + (
        f", of which the best went on after {listed([str(e) for e in ends])} of "
        f"{many(epochs, 'epoch')}"
        if ends
        else ""
    )


def _resumed(study: StudyRecord) -> list[str]:
    """Return that the study went on after stops, and what is kept of each."""
    told = resumed(study).rstrip(".")
    return [told[:1].lower() + told[1:], *study.resumed] if told else []


def searched(study: StudyRecord) -> list[tuple[str, list[str]]]:
    """Return each optimizer with its ranges, as they grew, and what was fixed."""
    found = []
    for name, about in study.optimizers.items():
        lines = []
        grown = about.expanded
        for key, space in about.space.items():
            line = f"{key}: {_range(space)}"
            if walked(study) and key not in (about.given or ()):  # no range is a bound then
                alone = key == "learning_rate"
                line = f"{key}: from a list of starts, walked without bounds"
                line = line if alone else f"{key}: as in the list of starts, else {_range(space)}"
            if key == "learning_rate" and about.effective:
                line += ", of rate / (1 − momentum)"
            if key in grown and grown[key] != space:
                line += f"; the search expanded it to {_range(grown[key])}"
            lines.append(line)
        if about.start:
            values = ", ".join(f"{k} {setting(v)}" for k, v in about.start.items())
            lines.append(f"the first of its starts is what you use today: {values}")
        if about.fixed:
            lines.append("fixed: " + ", ".join(f"{k} {setting(v)}" for k, v in about.fixed.items()))
        found.append((name, lines or ["nothing searched"]))
    return found


def _range(space: Range) -> str:
    if space.get("kind") == "Choice":
        return " or ".join(shown(str(one)) for one in space["values"])
    scale = (
        "log of 1 − value" if space.get("complement") else "log" if space.get("log") else "linear"
    )
    return f"{setting(space['low'])} to {setting(space['high'])}, {scale}"


def _schedules(study: StudyRecord) -> str:
    """Return the schedules of the optimizers that are tuned, those that are searched too."""
    tuned = [one for one in study.optimizers.values() if not one.baseline]
    found = dict.fromkeys(shown(name) for one in tuned for name in one.schedules)
    return listed(list(found)) or shown(study.settings.schedule)
