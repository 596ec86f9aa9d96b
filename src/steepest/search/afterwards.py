"""After the verdict's trainings: what is measured for the report and decides nothing.

Where it was asked for, a sweep: the best configuration of each optimizer with higher and lower
learning rates, and the framework's defaults, trained in full on the seeds that confirmed it.
And the time of each optimizer's update alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from steepest.budget import OutOfTime
from steepest.records import Config, Outcome, Population, Settings, Stage
from steepest.search.ground import Ground
from steepest.search.session import Session
from steepest.search.trials import end_trials, program_key

SEEDS = 3  # of a sweep, at most
RATE = "learning_rate"


def most_swept(settings: Settings) -> int:
    """Return how many full trainings of each optimizer a sweep takes at most."""
    return (2 * settings.sweep + 1) * min(SEEDS, settings.seeds) if settings.sweep else 0


def afterwards(session: Session, grounds: Mapping[str, Ground]) -> None:
    """Sweep and time what was confirmed, as long as there is time."""
    try:
        if session.study.settings.sweep:
            _initial(session)
            _sweep(session, grounds)
        for name in grounds:
            session.budget.check()
            session.stop.check()
            _time(session, name)
    except OutOfTime:
        session.cut(
            f"the limit of {session.study.settings.seconds:g} s left no time for all measures"
        )
    session.go_live()  # what is left to say is said now
    session.tell((), complete=True)


def _sweep(session: Session, grounds: Mapping[str, Ground]) -> None:
    swept: dict[str, list[Config]] = {}
    defaults: dict[str, list[Config]] = {}
    for name, ground in grounds.items():
        seeds = [trial.config for trial in session.study.confirmed(name) if _ended(trial.outcome)][
            :SEEDS
        ]
        swept[name] = [one for config in seeds for one in rates(config, session.study.settings)]
        if ground.space:
            usual = ground.config(ground.contestant.defaults(), session.study.settings)
            defaults[name] = [replace(usual, seed=config.seed) for config in seeds]
    session.watch("sweeping learning rates", session.budget)
    for stage, configs in ((Stage.DEFAULT, defaults), (Stage.SWEEP, swept)):
        running = session.start(stage, configs)
        session.train(running, session.study.task.epochs)
        end_trials(running)
        for one in running:
            session.shelf.drop(one.trial.number)
        session.tell(running)


def rates(config: Config, settings: Settings) -> Sequence[Config]:
    """Return `config` with other learning rates, evenly in their logarithm, a decade each side."""
    rate = config.hyperparameters.get(RATE)
    if not isinstance(rate, float) or rate <= 0:
        return []
    places = [k / settings.sweep for k in range(-settings.sweep, settings.sweep + 1) if k]
    values = [{**config.hyperparameters, RATE: rate * 10**place} for place in places]
    return [replace(config, hyperparameters=each) for each in values]


def _initial(session: Session) -> None:
    """Note what untrained weights have on the validation set."""
    if session.study.initial:  # it is known from before
        return
    for trial in session.study.trials:
        if trial.stage is Stage.CONFIRM and trial.outcome is not Outcome.FAILED:
            population = Population.of([trial.config])
            program = session.programs[program_key(trial.config)]
            found = program.measure(population, program.begin(population), "validation")
            session.study = replace(session.study, initial=found[0])
            return


def _time(session: Session, name: str) -> None:
    """Note what the update of an optimizer takes, on one of its confirmed runs."""
    if name in session.study.update_seconds:
        return
    for trial in session.study.confirmed(name):
        if trial.outcome is Outcome.FINISHED:
            population = Population.of([trial.config])
            program = session.programs[program_key(trial.config)]
            seconds = program.update_seconds(population, program.begin(population))
            if seconds:
                known = {**session.study.update_seconds, name: seconds}
                session.study = replace(session.study, update_seconds=known)
            return


def _ended(outcome: Outcome) -> bool:
    return outcome in (Outcome.FINISHED, Outcome.DIVERGED)
