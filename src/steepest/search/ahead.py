"""Trainings ahead: what the search may ask for next, by workers that have nothing else to do.

Nothing of it is in the study until it is asked for: then the trial has what was trained already,
and is charged for it as if it had been trained then. So the study is the same, and is done sooner;
what is never asked for was trained for nothing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from steepest.checkpoints import Checkpoints
from steepest.engines.protocol import Engine
from steepest.records import Config, Outcome, Stage, Trial
from steepest.search.runner import ALIVE, Running, Training, job_of
from steepest.workers.local import Job
from steepest.workers.remote import RemoteEngine

FIRST = 10**9  # the number of the first such trial: no study has as many


def room(engine: Engine, taken: int) -> int:
    """Return how many trainings workers have room for beside those that are taken."""
    if isinstance(engine, RemoteEngine) and engine.ahead:
        return max(0, engine.workers - taken)
    return 0


@dataclass(frozen=True)
class Guess:
    """What may be asked for: a configuration of an optimizer from its start, or a trial further."""

    optimizer: str
    config: Config
    until: int
    goes_on: int | None = None  # the trial's number

    def is_of(self, one: Running) -> bool:
        """Return whether it is what a trial is to be trained for."""
        begun = one.trial.number if one.trial.epochs else None
        return (self.config, self.until, self.goes_on) == (one.trial.config, one.until, begun)


@dataclass
class Ahead:
    """Trials that nobody has asked for yet; their states are on the checkpoints, too."""

    checkpoints: Checkpoints
    trials: list[tuple[Guess, Running]] = field(default_factory=list)
    begun: int = 0

    def expect(
        self, guesses: Sequence[Guess], known: Mapping[int, Running], asked: Sequence[Running]
    ) -> None:
        """Train these from now on, as far as workers are idle, and forget all others.

        Args:
            guesses: what may be asked for, the likeliest first.
            known: the study's own trials by number, of which some may go on.
            asked: what is asked for now, and may be there.
        """
        before = self.trials
        self.trials = [(g, one) for g, one in before if any(map(g.is_of, asked))]
        for guess in guesses:
            mine = next((one for old, one in before if old == guess), None)
            self.trials.append((guess, mine or self._begun(guess, known)))
        kept = {one.trial.number for one in self.running}
        for _, one in before:
            if one.trial.number not in kept:
                self.checkpoints.drop(one.trial.number)

    def _begun(self, guess: Guess, known: Mapping[int, Running]) -> Running:
        number = FIRST + self.begun
        self.begun += 1
        trial = Trial(number, guess.optimizer, Stage.SEARCH, guess.config)
        if guess.goes_on is not None:
            trial = replace(known[guess.goes_on].trial, number=number)
            self.checkpoints.put(number, trial.config, self.checkpoints.get(guess.goes_on))
        return Running(trial, until=guess.until)

    @property
    def running(self) -> list[Running]:
        """The trials themselves."""
        return [one for _, one in self.trials]

    def jobs(self, training: Training) -> list[Job]:
        """Return what is left to train, as jobs that nobody waits for."""
        quiet = replace(training, noted=lambda _: None)
        found = []
        for one in self.running:
            if one.trial.outcome is Outcome.UNFINISHED and one.trial.epochs < one.until:
                job = job_of(quiet, [one], one.until)
                found.append(replace(job, ahead=True, fail=self._forget(one)))
        return found

    def _forget(self, one: Running) -> Callable[[int, str], None]:
        def fail(member: int, reason: str) -> None:  # noqa: ARG001  # told where it is asked for
            one.trial = replace(one.trial, outcome=Outcome.FAILED)
            self.checkpoints.drop(one.trial.number)

        return fail

    def give(self, one: Running) -> None:
        """Have a trial take over what was trained of it ahead."""
        trial = one.trial
        for place, (guess, mine) in enumerate(self.trials):
            if not guess.is_of(one):
                continue
            number, further = mine.trial.number, mine.trial.epochs > trial.epochs
            if further and mine.trial.outcome in (*ALIVE, Outcome.DIVERGED):
                one.trial = replace(
                    mine.trial,
                    number=trial.number,
                    stage=trial.stage,
                    optimizer=trial.optimizer,
                )
                one.kinds |= mine.kinds
                self.checkpoints.drop(trial.number)
                if mine.trial.outcome in ALIVE:
                    state = self.checkpoints.get(number)
                    self.checkpoints.put(trial.number, trial.config, state)
            self.checkpoints.drop(number)
            del self.trials[place]
            return
