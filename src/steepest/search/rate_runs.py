"""One optimizer at many learning rates: where it is best, and where it breaks.

Rates lie a quarter of a decade apart around the rate that a person has. First every second one
within three decades trains from one seed; then those around the best one train from all seeds,
until the best over all seeds has all of its neighbours.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from steepest import budget as budgets
from steepest.budget import Budget
from steepest.engines.callbacks import without_callbacks
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.range_test import range_test
from steepest.engines.population import Population
from steepest.engines.protocol import Engine, Program
from steepest.engines.state import Advance, State
from steepest.errors import InputError, TaskError
from steepest.parse.contestant import Contestant
from steepest.records import Config
from steepest.records.rate_runs import RateRuns
from steepest.rules import SCHEDULES, find_rule
from steepest.search.runner import Watch, program_key
from steepest.search.schedule_length import with_schedule_length
from steepest.search.search_space import RATE, SEEDS_APART, SearchSpace
from steepest.text import in_single
from steepest.workers.local import Job, train

PARTS = 4  # rates a decade
FIRST = tuple(range(-12, 13, 2))  # places of those that train from one seed
AROUND = (-4, -2, -1, 0, 1, 2, 4)  # the best, from all seeds
ROUNDS = 12  # in which the best may move
TRAININGS = len(FIRST) + 10  # and as many as seeds have around the best: what is counted on
SECONDS = 60.0  # that all may take where nobody gave a length: then it is shorter than in full
LENGTHS = (1, 2, 4)  # parts of a full training that a length may be
DIGITS = 3


@dataclass
class _Runs:
    """What is trained so far, and what trains it."""

    engine: Engine
    program: Program
    contestant: Contestant
    epochs: int
    centre: float
    budget: Budget
    watch: Watch
    losses: dict[int, dict[int, float]] = field(default_factory=dict)  # by place and seed
    reasons: list[str] = field(default_factory=list)  # of runs in which the model raised an error

    def rate(self, place: int) -> float:
        """Return the learning rate of a place, in three digits."""
        if not place:
            return self.centre
        return float(f"{self.centre * 10 ** (place / PARTS):.{DIGITS - 1}e}")

    def allowed(self, place: int) -> bool:
        """Return whether the optimizer may have the rate of a place."""
        low, high = find_rule(self.contestant.rule).bounds.get(RATE, (0.0, math.inf))
        rate = self.rate(place)
        return low <= rate <= high and 0 < in_single(rate) < math.inf

    def train(self, places: Sequence[int], seeds: Sequence[int]) -> bool:
        """Train what is not known of these places and seeds; return whether there was any."""
        new = [
            (place, seed)
            for place in places
            for seed in seeds
            if self.allowed(place) and seed not in self.losses.get(place, {})
        ]
        if not new:
            return False
        configs = [
            _config(self.engine, self.contestant, self.epochs, self.rate(place), seed)
            for place, seed in new
        ]
        population = Population.of(configs)
        self.budget.left = len(new) * self.epochs

        def begin(members: Sequence[int]) -> State:
            return self.program.begin(population.take(members))

        def end(members: Sequence[int], state: State, measured: Advance) -> None:
            for i, member in enumerate(members):
                place, seed = new[member]
                whole = bool(state.alive[i]) and int(state.epoch[i]) >= self.epochs
                last = float(measured.values["loss"][i, -1]) if whole else math.nan
                self.losses.setdefault(place, {})[seed] = last if math.isfinite(last) else math.nan

        def fail(member: int, reason: str) -> None:
            place, seed = new[member]
            self.losses.setdefault(place, {})[seed] = math.nan
            self.reasons.append(reason)

        def progress(planned: int, spent: int) -> None:
            self.budget.charge(planned, spent)
            self.watch("", self.budget)

        job = Job(self.program, population, begin, end, self.epochs, fail)
        train([job], self.engine.workers, progress)
        if len(self.reasons) >= sum(map(len, self.losses.values())):
            raise TaskError(f"no trial can be trained: {self.reasons[0]}")
        return True

    def best(self) -> int | None:
        """Return the place with the lowest mean so far; of equal ones the nearest to the middle."""
        able = {
            place: sum(found.values()) / len(found)
            for place, found in self.losses.items()
            if all(map(math.isfinite, found.values()))
        }
        return min(able, key=lambda place: (able[place], abs(place)), default=None)


def run_rates(
    engine: Engine, contestant: Contestant, length: int | None, seeds: int, seed: int, watch: Watch
) -> RateRuns:
    """Train one optimizer at many learning rates, `length` epochs each, from so many seeds.

    Without a length it is that of a full training, or half or a quarter of it where all of them
    would take over a minute, by the time of one epoch. Nothing is written; Ctrl-C ends it at once.

    Raises:
        InputError: the optimizer has no learning rate.
        TaskError: no run can be trained, or none ends with a finite loss.
    """
    started = budgets.clock()
    usual = find_rule(contestant.rule).settings(contestant.dialect).get(RATE)
    values = contestant.defaults()
    mine = values.get(RATE)
    if not isinstance(mine, float) or not isinstance(usual, float) or not mine > 0:
        raise InputError(
            f"{contestant.name} has no learning rate above 0 to start from; name one that has"
        )
    every = tuple(range(seed * SEEDS_APART, seed * SEEDS_APART + seeds))
    budget = Budget(len(FIRST) * (length or engine.facts.epochs))
    watch("compiling 1 program", budget)
    first = contestant.config(values, every[0])
    compiled = _config(engine, contestant, length or engine.facts.epochs, mine, every[0])
    program = engine.prepare({program_key(compiled): compiled}, 0)[program_key(compiled)]
    took = budgets.clock() - started
    one = Population.of([compiled])
    untrained = program.measure(one, program.begin(one), "validation")[0]["loss"]
    epochs = _length(engine, program, one, seeds) if length is None else length
    given = _Runs(engine, program, contestant, epochs, mine, budget, watch)
    _train(given, every)
    test = None
    inner = without_callbacks(engine)
    if isinstance(inner, CompiledEngine):
        watch("range test", budget)
        test = range_test(inner.shared, first)
    losses = {given.rate(place): found for place, found in sorted(given.losses.items())}
    seconds = budgets.clock() - started
    return RateRuns(
        engine.facts,
        contestant.name,
        replace(first, hyperparameters={**values, RATE: usual}),
        usual,
        None if mine == usual else mine,
        epochs,
        every,
        losses,
        float(untrained),
        test,
        engine.device,
        seconds,
        took,
    )


def _length(engine: Engine, program: Program, one: Population, seeds: int) -> int:
    """Return the epochs of each training, as the time of one epoch allows."""
    # The second of two: the first has what is done once in it, such as bringing data to a device.
    seconds = [program.advance(one, program.begin(one), 1)[1].seconds for _ in range(2)][1]
    all_of = seconds * (TRAININGS + len(AROUND) * seeds) / engine.workers
    full = engine.facts.epochs
    lengths = [max(1, full // part) for part in LENGTHS]
    return next((epochs for epochs in lengths if epochs * all_of <= SECONDS), lengths[-1])


def _train(given: _Runs, seeds: Sequence[int]) -> None:
    """Train the rates far apart, and then those around the best."""
    given.watch("rates far apart, one seed", given.budget)
    given.train(FIRST, seeds[:1])
    for _ in range(ROUNDS):
        best = given.best()
        if best is None:
            rates = sorted(given.rate(place) for place in given.losses)
            raise TaskError(
                f"no learning rate from {rates[0]:.3g} to {rates[-1]:.3g} trains: every loss was "
                "not finite; look at the data and the loss, or clip gradients"
            )
        given.watch(f"rates around {given.rate(best):.3g}", given.budget)
        if not given.train([best + aside for aside in AROUND], seeds):
            return


def _config(engine: Engine, contestant: Contestant, epochs: int, rate: float, seed: int) -> Config:
    """Return the configuration with a rate, its schedule drawn together to the length."""
    found = contestant.config({**contestant.defaults(), RATE: rate}, seed)
    moves = found.schedule != "constant" or "warmup" in found.hyperparameters
    if not moves or found.schedule not in SCHEDULES:
        return found
    return with_schedule_length(found, SearchSpace(contestant), engine.facts, epochs)
