"""After the verdict's trainings: what is measured for the report and decides nothing.

Where it was asked for, a sweep: the best configuration of each optimizer with higher and lower
learning rates, and the framework's defaults, trained in full on the seeds that confirmed it.
And the time of each optimizer's update alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from steepest.budget import OutOfTime
from steepest.engines.population import Population
from steepest.records import Config, Outcome, Settings, Stage, Trial
from steepest.search.confirm import usual_configs
from steepest.search.outcomes import end_trials
from steepest.search.search_space import SearchSpace
from steepest.search.session import Session

SEEDS = 3  # of a sweep, at most
TURNS = 5  # in which the optimizers' updates are timed
RATE = "learning_rate"


def most_swept(settings: Settings) -> int:
    """Return how many full trainings of each optimizer a sweep takes at most."""
    return (2 * settings.sweep + 1) * min(SEEDS, settings.seeds) if settings.sweep else 0


def sweep_and_time(session: Session, spaces: Mapping[str, SearchSpace]) -> None:
    """Sweep and time what was confirmed, as long as there is time."""
    if not session.study.finished:  # time was over before
        session.go_live()
        session.write((), complete=True)
        return
    try:
        if session.study.settings.sweep:
            _sweep(session, spaces)
        for name in spaces:
            session.budget.check()
            session.stop.check()
            _time(session, name)
    except OutOfTime:
        session.cut(
            f"the limit of {session.study.settings.seconds:g} s left no time for all measures"
        )
    session.go_live()  # what is left to say is said now
    session.write((), complete=True)


def _sweep(session: Session, spaces: Mapping[str, SearchSpace]) -> None:
    swept: dict[str, list[Config]] = {}
    defaults: dict[str, list[Config]] = {}
    confirmed = {name: some[0].config for name in spaces if (some := session.study.confirmed(name))}
    usual = usual_configs(session, spaces, confirmed)
    for name in spaces:
        seeds = [trial.config for trial in session.study.confirmed(name) if _ended(trial.outcome)][
            :SEEDS
        ]
        swept[name] = [one for config in seeds for one in rates(config, session.study.settings)]
        mine = [t for t in session.study.trials if t.optimizer == name]
        known = {t.config.seed for t in mine if t.stage is Stage.DEFAULT}
        left = [config.seed for config in seeds if config.seed not in known]
        if name in usual:
            defaults[name] = [replace(usual[name], seed=seed) for seed in left]
    session.watch("sweeping learning rates", session.budget)
    for stage, configs in ((Stage.DEFAULT, defaults), (Stage.SWEEP, swept)):
        running = session.start(stage, configs)
        try:
            session.train(running, session.study.task.epochs)
        finally:
            end_trials(running, session.study.task.epochs)
        for one in running:
            session.checkpoints.drop(one.trial.number)
        session.write(running)


def rates(config: Config, settings: Settings) -> Sequence[Config]:
    """Return `config` with other learning rates, evenly in their logarithm, a decade each side."""
    rate = config.hyperparameters.get(RATE)
    if not isinstance(rate, float) or rate <= 0:
        return []
    places = [k / settings.sweep for k in range(-settings.sweep, settings.sweep + 1) if k]
    values = [{**config.hyperparameters, RATE: rate * 10**place} for place in places]
    return [replace(config, hyperparameters=each) for each in values]


def _time(session: Session, name: str) -> None:
    """Note what the update of an optimizer takes, on one of its confirmed runs.

    The first call times all optimizers, a repetition each in turns: where the machine has other
    things to do for a while, that falls on all of them.
    """

    def once(trial: Trial) -> tuple[float, ...]:
        session.budget.check()
        session.stop.check()
        population = Population.of([trial.config])
        program = session.program(trial.config)
        return program.update_seconds(population, program.begin(population))

    known = session.study.update_seconds
    whole = {
        n: next((t for t in session.study.confirmed(n) if t.outcome is Outcome.FINISHED), None)
        for n in session.study.optimizers
        if n not in known
    }
    mine = whole.pop(name, None)
    if mine is None or not (first := once(mine)):
        return  # nothing to time, or an engine whose update is no piece of its own
    waiting = {name: mine, **{n: trial for n, trial in whole.items() if trial is not None}}
    found: dict[str, tuple[float, ...]] = {name: first}
    for turn in range(TURNS):
        for n, trial in waiting.items():
            if not (turn == 0 and n == name):
                found[n] = (*found.get(n, ()), *once(trial))
    for n, seconds in found.items():
        if seconds:
            session.note(update_seconds={**session.study.update_seconds, n: seconds})


def _ended(outcome: Outcome) -> bool:
    return outcome in (Outcome.FINISHED, Outcome.DIVERGED)
