"""A whole comparison as the study file keeps it, and the optimizers that take part."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.records.settings import Planned, Settings
from steepest.records.task import TaskFacts
from steepest.records.trials import Stage, Trial
from steepest.spaces import Value

FORMAT_VERSION = 7  # of the study file and of the JSON output; see docs/formats.md
Range = Mapping[str, Any]  # as spaces.to_dict writes it


@dataclass(frozen=True)
class ContestantRecord:
    """An optimizer that takes part: what was asked of it, and how far its ranges grew.

    None is what a file of an old format does not say.
    """

    rule: str
    fixed: Mapping[str, Value] = field(default_factory=dict)
    space: Mapping[str, Range] = field(default_factory=dict)  # as asked
    dialect: str = "keras"
    schedule: str = "constant"
    baseline: bool = False  # takes part as it stands, untuned
    compiled: bool = False  # a baseline that nobody named: what the model was compiled with
    notes: tuple[str, ...] = ()
    given: tuple[str, ...] | None = None  # what the person fixed or gave a range; since format 3
    # What a baseline of the same rule has of what is searched: where the search began.
    start: Mapping[str, Value] = field(default_factory=dict)
    effective: bool | None = None  # whether the learning rate's range is of η/(1 − μ); alike
    code: str | None = None  # a digest of a person's own rule
    expanded: Mapping[str, Range] = field(default_factory=dict)  # all ranges, where some grew

    @property
    def schedules(self) -> tuple[str, ...]:
        """The schedules that it may have: one, or those that are searched."""
        searched = self.space.get("schedule")
        return tuple(map(str, searched["values"])) if searched else (self.schedule,)

    @property
    def ranges(self) -> dict[str, Range]:
        """The ranges as far as they grew."""
        return {**self.space, **self.expanded}


@dataclass(frozen=True)
class StudyRecord:
    """A whole comparison: what was asked, what was done. What it means is for `measures` to say."""

    task: TaskFacts
    settings: Settings
    optimizers: Mapping[str, ContestantRecord]  # by name
    versions: Mapping[str, str]
    hardware: Mapping[str, str]
    started: str
    trials: tuple[Trial, ...] = ()
    seconds: float = 0.0  # wall time from start to end, compiling counted
    compile_seconds: float = 0.0
    finished: bool = False  # whether there is a verdict
    complete: bool = False  # whether nothing is left to do, measures beside the verdict too
    stopped: str = ""  # what cut the study short, if something did
    # Loss and metrics on the validation set before any training, of the search's seed.
    initial: Mapping[str, float] = field(default_factory=dict)
    # Of the update alone, a repetition each; for optimizers of which a run was confirmed.
    update_seconds: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    # All options (`Options.stored`), with the `tasks` that the command line named, from which
    # `steepest resume` asks again; empty in files before format 5.
    asked: Mapping[str, Any] = field(default_factory=dict)
    planned: Planned | None = None  # None in files before format 7, and until the clock was asked
    resumed: tuple[str, ...] = ()  # a sentence for each time that it went on after a stop
    judged: tuple[int, ...] = ()  # seeds at last looks, after which it went on with more seeds
    # The numbers of the trials that each kind of worker trained, where several kinds are allowed.
    trained_on: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    # What decides, of each contestant on equal parts of the validation set, a number a part: the
    # mean of its first confirmed runs. Empty where it is not known.
    parts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    part_examples: int = 0  # of each part

    def confirmed(self, optimizer: str) -> tuple[Trial, ...]:
        """Return the trials of `optimizer` on fresh seeds, in order of seed."""
        trials = (t for t in self.trials if t.optimizer == optimizer and t.stage is Stage.CONFIRM)
        return tuple(sorted(trials, key=lambda t: t.config.seed))

    def configured(self) -> dict[str, object]:
        """Return what each contestant's confirmed trainings are, but for their seeds.

        Contestants with equal ones train the same, by whatever names.
        """
        found = {name: self.confirmed(name)[:1] for name in self.optimizers}
        return {name: some[0].config.unseeded for name, some in found.items() if some}

    @property
    def allowed(self) -> float | None:
        """What all trials may cost, in the same unit; None: as much as the seeds take."""
        return (self.planned or self.settings).full_trainings

    @property
    def full_trainings(self) -> float:
        """What all trials cost, in trainings of the whole number of epochs."""
        return sum(trial.epochs for trial in self.trials) / self.task.epochs
