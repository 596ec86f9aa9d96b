"""What a search asks of an engine, whichever way it trains."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from steepest.data.stream import Data
from steepest.engines.population import Population
from steepest.engines.state import Advance, State
from steepest.records import Config, TaskFacts

Key = TypeVar("Key")

# How members train, as study files and what is remembered of a machine say it (`lockstep`).
SIDE_BY_SIDE, IN_TURN = "side by side", "one after another"

# Gives members, by their places, with their state and what was measured of them so far.
SoFar = Callable[[], tuple[Sequence[int], State, Advance]]


class Interrupted(BaseException):
    """Raised by `tell` to end a call of `advance`.

    It is no `Exception`, so that whatever takes a model's errors for what they are lets it pass.
    """


class Tell(Protocol):
    """Called with epochs that were just trained, summed over members, or 0.

    Where training may stop without loss, it comes with what there is `so_far`. It may raise
    `Interrupted`, so it is called often: after steps that take a second or two, with 0.
    """

    def __call__(self, epochs: int, so_far: SoFar | None = None) -> None:
        """Hear of it."""


def silent(epochs: int, so_far: SoFar | None = None) -> None:
    """Tell nobody."""


def unheard() -> None:
    """Tell nobody that a program is ready."""


class Trains(Protocol):
    """What trains members: of one rule, or of several in one call (`compiled/together.py`)."""

    @property
    def capacity(self) -> int:
        """How many members a call of `advance` can take."""

    @property
    def whole(self) -> bool:
        """Whether a call should take all members that it can, as it reads data once for them."""

    def begin(self, population: Any) -> State:
        """Return the state of an untrained population: fresh weights from each member's seed."""

    def advance(
        self, population: Any, state: State, stop: int, tell: Tell = silent
    ) -> tuple[State, Advance]:
        """Train each member up to epoch `stop`; return its new state and what was measured.

        Takes at most `capacity` members. A member that diverged stays where it is. What takes
        longer than a second or so calls `tell` now and then, within an epoch too.

        Raises:
            Interrupted: `tell` raised it.
        """


class TrainsSeveral(Trains, Protocol):
    """What trains members of several programs in one call."""

    @property
    def programs(self) -> "Sequence[Program]":
        """The programs; a mixed population numbers its parts by their places here."""


class Program(Trains, Protocol):
    """The training of one rule on one task, ready to run for any numbers and seeds."""

    @property
    def together(self) -> TrainsSeveral | None:
        """What trains its members with those of other programs in one call, if anything does."""

    @property
    def places(self) -> int:
        """How many members train in the time of one, as they do side by side; else 1."""

    @property
    def compile_seconds(self) -> float:
        """What it took to make it."""

    def measure(self, population: Population, state: State, on: str) -> list[dict[str, float]]:
        """Return loss and metrics on one of the engine's sets, a dictionary a member."""

    def update_seconds(self, population: Population, state: State) -> tuple[float, ...]:
        """Return the seconds of the update alone, a repetition each; nothing if unknown."""


class Engine(Protocol):
    """How populations of one task train."""

    facts: TaskFacts
    memory: int  # bytes that trials in training and waiting may take
    device: str  # what it trains on, for the study file
    packages: tuple[str, ...]  # whose versions decide what comes out
    # Whether members train side by side or one after another, which decides the last bits; None
    # where it is not chosen yet. It may be set before programs are prepared.
    lockstep: bool | None

    @property
    def workers(self) -> int:
        """How many calls of `advance` may run at the same time: threads, or workers elsewhere."""

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on: "validation", and where they are there
        "training" and "test"."""

    def prepare(
        self, configs: Mapping[Key, Config], epochs: int = 0, ready: Callable[[], None] = unheard
    ) -> Mapping[Key, Program]:
        """Return for each key the program of the rule, choices and schedule of its config.

        `epochs` is how many are to be trained with them, summed over members, if that is known.
        `ready` is called for each program that is compiled, from any thread.
        """
