"""The plan of a study: options and facts of a task become contestants and settings, checked."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from steepest.amounts import make_number, make_seconds, make_share, make_whole
from steepest.budget import (
    BUDGETS,
    SEEDS,
    full_trainings,
    least_search,
    offered,
    search_share,
)
from steepest.errors import InputError, nearest, quoted
from steepest.options import Options
from steepest.parse.contestant import Contestant
from steepest.parse.contestants import make_contestants
from steepest.parse.groups import read_groups
from steepest.parse.own_schedules import read_schedules
from steepest.priors import start_lists
from steepest.records import CallbackRecord, Settings, TaskFacts
from steepest.records.callbacks import SCHEDULER, best_by, changes_rate
from steepest.rules import find_rule
from steepest.rules.custom_schedules import factors, is_factor, shown, stretches
from steepest.rules.groups import check_parts
from steepest.rules.plateau import LEAST, PLATEAU, least_patience
from steepest.rules.schedules import SCHEDULES
from steepest.spaces import Choice
from steepest.text import listed, many

# Configurations that a search tries for each full training that it may spend: most are tried for
# half the epochs.
TRIALS_PER_TRAINING = 1.5
# What matters by default. On the median of nine small tasks, telling the two best optimizers apart
# takes 16 seeds at 3 % of the loss, and 122 at 1 %.
PRACTICAL = 0.03
PRACTICAL_ERRORS = 0.1  # of what an accuracy is missing to 1


def make_plan(
    options: Options,
    facts: TaskFacts,
    compiled: Contestant | None = None,
    callbacks: Sequence[CallbackRecord] = (),
    wanted: Mapping[str, Any] | None = None,
) -> tuple[list[Contestant], Settings]:
    """Return who takes part, and how.

    `compiled` is what the model was compiled with, `callbacks` and `wanted` are the task's.

    Raises:
        InputError: an option cannot be used, or not with this task.
    """
    options = with_wanted(options, wanted or {})
    contestants, settings = _planned(settled(options, facts), facts.epochs, compiled)
    if options.batch_size is not None:
        _check_batch_size(options, facts)
    if callbacks:
        contestants, settings = _under_callbacks(contestants, settings, callbacks)
    check_parts(facts.weights, read_groups(options.groups))
    # What a task file has, every worker has, as each runs it.
    travels = options.workers is None or "schedule" in (wanted or {})
    for one in contestants:
        check_parts(facts.weights, one.fixed)
        _check_schedules(one, travels, facts)
    return contestants, _decided_by(settings, facts, options.metric, options.direction)


def _under_callbacks(
    contestants: Sequence[Contestant], settings: Settings, callbacks: Sequence[CallbackRecord]
) -> tuple[list[Contestant], Settings]:
    """Return who takes part, and how, where callbacks stop trials or set their learning rates.

    A scheduler that sets the rate whatever it was gives its shape to the searched ones, whose value
    takes the place of its peak; the baseline has the rates themselves, as it has in `fit`.
    """
    found = list(contestants)
    if changes_rate(callbacks):
        for one in found:
            names = {**one.fixed, **one.space}
            if one.schedule != "constant" or "schedule" in names or "warmup" in names:
                raise InputError(
                    f"{one.name} has a schedule or a warm-up, whose learning rate no callback can "
                    "set, in Keras neither; leave out one of the two"
                )
    scheduler = next((c for c in reversed(callbacks) if c.kind == SCHEDULER), None)
    if scheduler is not None and not scheduler.relative:
        peak = {"learning_rate": scheduler.peak}
        found = [
            replace(one, fixed={**one.fixed, **peak})
            if one.baseline and "learning_rate" in one.fixed
            else one
            for one in found
        ]
    at = "best" if best_by(callbacks) is not None else settings.at
    # After half of a scheduler's epochs its rates are not what they end with.
    rungs = settings.rungs[-1:] if scheduler is not None else settings.rungs
    return found, replace(settings, callbacks=tuple(callbacks), at=at, rungs=rungs)


def _check_schedules(one: Contestant, travels: bool, facts: TaskFacts) -> None:
    """Raise `InputError` for an own schedule that has no rate for each step, or cannot travel, and
    for a plateau that could never lower one."""
    if PLATEAU in one.schedules:
        asked = one.space.get("patience")
        given = asked.values if isinstance(asked, Choice) else (one.fixed.get("patience"),)
        patience = least_patience(given, facts)
        if patience + LEAST > facts.epochs:
            raise InputError(
                f"{one.name} has the schedule plateau with a patience of {many(patience, 'epoch')},"
                f" which lowers no rate in a training of {many(facts.epochs, 'epoch')}; give at "
                f"least {LEAST} epochs more than the patience, or a lower patience"
            )
    for schedule in filter(is_factor, one.schedules):
        rates = factors(schedule, facts.steps, facts.steps)
        if not rates.any():
            raise InputError(
                f"the schedule {shown(schedule)} is never above 0 in a training of {facts.steps} "
                "steps; give one that is"
            )
        if find_rule(one.rule).divides_by_rate and not rates.all():
            raise InputError(
                f"{one.name} divides by the learning rate, which the schedule {shown(schedule)} "
                f"has at zero in a training of {facts.steps} steps; leave {one.name} out"
            )
        if not travels:
            raise InputError(
                f"the schedule {shown(schedule)} is of your own, and workers in other processes do "
                "not know it; put it into a task file, as schedule = ..., or run without workers"
            )


def _check_batch_size(options: Options, facts: TaskFacts) -> None:
    # One above the data is cut to all of it, as in `fit`.
    cut = [min(size, facts.training_examples) for size in options.batch_sizes]
    asked = listed([f"{size}" for size in options.batch_sizes])
    if len(set(cut)) < len(cut):
        raise InputError(
            f"batch_size is {asked}, but {facts.name} has {facts.training_examples} training "
            "examples, and sizes above that are the same; give one of them"
        )
    if facts.batch_size not in cut:
        raise InputError(
            f"batch_size is {asked}, but the data of {facts.name} comes in batches of "
            f"{facts.batch_size} of its own; leave batch_size out, or give arrays, or a Dataset in "
            "the place of a DataLoader"
        )


def with_wanted(options: Options, wanted: Mapping[str, Any]) -> Options:
    """Return options with what a task file says of them.

    Raises:
        InputError: it is asked for beside the file too.
    """
    for name in wanted:
        if getattr(options, name) != getattr(Options, name):
            raise InputError(
                f"the task file has {name}, and {name} is asked for beside it too; leave out one "
                "of the two"
            )
    return replace(options, **wanted) if wanted else options


def settled(options: Options, facts: TaskFacts) -> Options:
    """Return options in which a dialect that nobody named is that of the model's framework."""
    return options if options.dialect else replace(options, dialect=facts.framework)


def check_plan(options: Options) -> None:
    """Check all that can be known to be wrong before there is a task.

    Raises:
        InputError: an option cannot be used.
    """
    _planned(options, 1 if options.epochs is None else options.epochs)


def _planned(
    options: Options, epochs: int, compiled: Contestant | None = None
) -> tuple[list[Contestant], Settings]:
    make_whole("epochs", epochs, 1, 1_000_000)  # a task file may say them too
    schedules = read_schedules(options.schedule)
    dialect = options.dialect or "keras"  # where there is no task yet, it decides nothing

    def ask(count: int) -> list[Contestant]:
        return make_contestants(
            options.optimizers,
            count,
            options.schedule,
            dialect,
            options.recipe,
            options.baseline,
            compiled,
            options.groups,
        )

    offer, found = BUDGETS[options.budget], ask(1)
    own = any(_rate_changes(one) for one in found)
    tuned = sum(bool(one.space) for one in found)
    untuned = len(found) - tuned
    least, most = least_search(own), offer.searched
    total = offered(offer, tuned, untuned)
    buys = offer.seconds
    if options.full_trainings is not None:
        total = make_number("full_trainings", options.full_trainings, 0.0, 1e9)
        if total < 1:
            raise InputError(f"full_trainings is {total:g}, but must be 1 at the least")
        buys = None
        most = max(BUDGETS["thorough"].searched, least)
    search = search_share(total, tuned, untuned, most, own)
    if options.trials is not None:
        buys = None
        search = max(1.0 if not own else 1.5, int(options.trials) / TRIALS_PER_TRAINING)
        total, most = full_trainings(search, tuned, untuned), search
    # Who asks for seeds gets them.
    seeds_alone = options.seeds is not None and options.full_trainings is None
    found = ask(round(search * TRIALS_PER_TRAINING)) if tuned else found
    matters = None if options.practical is None else make_share("practical", options.practical)
    settings = Settings(
        trials=0 if options.trials is None else int(options.trials),
        seeds=SEEDS if options.seeds is None else int(options.seeds),
        seed=int(options.seed),
        schedule=schedules[0] if len(schedules) == 1 else "constant",
        rungs=tuple(sorted({-(-int(epochs) // 2), int(epochs)})),
        dialect=dialect,
        own_horizon=own,
        race=True,
        full_trainings=None if seeds_alone else total,
        search=search,
        searched=most,
        buys=buys,
        seconds=None if options.time is None else make_seconds(options.time),
        at=options.at,
        practical=PRACTICAL if matters is None else matters,
        practical_errors=PRACTICAL_ERRORS if matters is None else matters,
        sweep=int(options.sweep),
        start_lists=start_lists.VERSION,
    )
    return found, settings


def _decided_by(
    settings: Settings, facts: TaskFacts, metric: str | None, direction: str | None
) -> Settings:
    """Return `settings` with what decides: the validation loss, or a metric of the task.

    `direction` is "up" or "down" where the metric does not say itself what is better.

    Raises:
        InputError: the task has no such metric, or nobody says which direction is better.
    """
    if metric in (None, "loss"):
        if direction == "up":
            raise InputError("a loss is minimized; name the metric that is to go up")
        return settings
    if metric not in facts.metrics:
        raise InputError(
            f"the model has no metric {quoted(metric)}; {nearest(metric, ['loss', *facts.metrics])}"
        )
    found = direction or facts.directions.get(metric)
    if found is None:
        raise InputError(f"whether {metric} is better up or down is not known; give a direction")
    return replace(settings, decides=str(metric), maximize=found == "up")


def _rate_changes(one: Contestant) -> bool:
    """Return whether the learning rate changes in a training, by a length that is not given."""
    names = {**one.fixed, **one.space}
    return (
        "decay_steps" not in names
        and not one.baseline
        and ("warmup" in names or any(map(_stretches, one.schedules)))
    )


def _stretches(schedule: str) -> bool:
    """Return whether a schedule is drawn together to the length of a training.

    A plateau is not, as half of its training is what the whole begins with, and says more of it.
    """
    steady = ("constant", PLATEAU)
    return schedule not in steady if schedule in SCHEDULES else stretches(schedule)
