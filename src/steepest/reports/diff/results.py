"""The first difference between the trials of two studies: configuration, curve or outcome.

Trials are matched by optimizer, stage and their order in it, as numbers shift where an optimizer
was added. Curves are compared where the configuration is the same to the last bit. NaN equals NaN.
"""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from steepest.measures.verdict import judge
from steepest.records import Config, Curves, StudyRecord, Trial
from steepest.reports.verdict_text import sentence

ADDRESS = r"0x[0-9a-fA-F]+"


@dataclass(frozen=True)
class Change:
    """A field, and what it was in the first and is in the second study; None where it is absent."""

    what: str
    old: Any
    new: Any
    relative: float | None = None  # |old − new| over the larger of them, of two numbers
    digest: bool = False  # whether the values mean nothing but that they are others


@dataclass(frozen=True)
class Place:
    """A trial where the studies part."""

    numbers: tuple[int, int]  # of the trial in each study
    optimizer: str
    stage: str
    change: Change
    epoch: int | None = None  # None where it is no matter of an epoch


@dataclass(frozen=True)
class Results:
    """How the trials compare. What is counted is pairs: the same trial in both studies."""

    trials: tuple[int, int]  # in each study
    pairs: int
    configs: int  # pairs of which the configuration differs
    curves: int  # pairs of the same configuration of which a number differs
    further: int  # pairs that are equal as far as both went, but did not end alike
    first_config: Place | None
    first_curve: Place | None
    largest: Place | None  # the largest relative difference of a number in a curve
    first_further: Place | None
    initial: tuple[Change, ...]  # loss and metrics before any training
    verdict: tuple[Change, ...]

    @property
    def numbers(self) -> bool:
        """Whether a number that both have differs: a configuration's or a curve's."""
        return bool(self.configs or self.curves or self.initial)

    @property
    def only(self) -> tuple[int, int]:
        """How many trials only the first and only the second study has."""
        return self.trials[0] - self.pairs, self.trials[1] - self.pairs

    @property
    def same(self) -> bool:
        """Whether all trials and the verdict are the same, but for times."""
        return not (self.numbers or self.further or any(self.only) or self.verdict)


def results(old: StudyRecord, new: StudyRecord) -> Results:
    """Return how the trials and verdicts of two studies compare."""
    pairs = list(_pairs(old, new))
    configs: list[Place] = []
    curves: list[list[Place]] = []
    further: list[Place] = []
    for a, b in pairs:
        place = Place((a.number, b.number), a.optimizer, a.stage.value, Change("", None, None))
        parted = next(changes(_of_config(a.config), _of_config(b.config)), None)
        if parted is not None:
            configs.append(replace(place, change=parted))
            continue
        apart = [replace(place, epoch=epoch, change=one) for epoch, one in _apart(a, b)]
        if apart:
            curves.append(apart)
            continue
        ended = next(changes(_end(a), _end(b)), None)
        if ended is not None:
            further.append(replace(place, change=ended))
    every = [place for apart in curves for place in apart if place.change.relative is not None]
    return Results(
        trials=(len(old.trials), len(new.trials)),
        pairs=len(pairs),
        configs=len(configs),
        curves=len(curves),
        further=len(further),
        first_config=_first(configs),
        first_curve=_first([apart[0] for apart in curves]),
        largest=max(every, key=lambda place: place.change.relative or 0.0, default=None),
        first_further=_first(further),
        initial=tuple(one for one in changes(old.initial, new.initial) if _both(one)),
        verdict=tuple(_verdict(old, new)),
    )


def changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Yield the keys whose values differ, in the order of `old`, then those that only `new` has."""
    for name in dict.fromkeys([*old, *new]):
        a, b = old.get(name), new.get(name)
        if not alike(a, b):
            yield Change(name, a, b, _relative(a, b))


def alike(a: Any, b: Any) -> bool:
    """Return whether two plain values are the same; NaN is, and a tuple is as good as a list."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return set(a) == set(b) and all(alike(a[key], b[key]) for key in a)
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(alike(one, other) for one, other in zip(a, b, strict=True))
    if isinstance(a, bool) != isinstance(b, bool):
        return False
    return bool(a == b or (a != a and b != b))


def under_names(study: StudyRecord, names: Mapping[str, str]) -> StudyRecord:
    """Return `study` with metrics called as `names` says."""
    if all(old == new for old, new in names.items()):
        return study

    def renamed(values: Mapping[str, Any]) -> dict[str, Any]:
        return {names.get(name, name): value for name, value in values.items()}

    def trial(one: Trial) -> Trial:
        return replace(
            one,
            curves=replace(one.curves, metrics=renamed(one.curves.metrics)),
            test=None if one.test is None else renamed(one.test),
            training=None if one.training is None else renamed(one.training),
        )

    task, settings = study.task, study.settings
    return replace(
        study,
        task=replace(
            task,
            metrics=tuple(names.get(name, name) for name in task.metrics),
            directions=renamed(task.directions),
        ),
        settings=replace(settings, decides=names.get(settings.decides, settings.decides)),
        initial=renamed(study.initial),
        trials=tuple(trial(one) for one in study.trials),
    )


def _relative(a: Any, b: Any) -> float | None:
    """Return by which share two numbers differ, infinite where one alone is finite; of whole
    numbers, such as seeds, nobody wants to know."""
    if any(isinstance(one, bool) or not isinstance(one, int | float) for one in (a, b)):
        return None
    if isinstance(a, int) and isinstance(b, int):
        return None
    if not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    scale = float(max(abs(a), abs(b)))
    return float(abs(a / scale - b / scale))


def _both(change: Change) -> bool:
    return change.old is not None and change.new is not None


def _pairs(old: StudyRecord, new: StudyRecord) -> Iterator[tuple[Trial, Trial]]:
    """Yield the trials that both have, in order of their numbers in `old`."""
    there = _placed(new)
    for place, trial in _placed(old).items():
        if place in there:
            yield trial, there[place]


def _placed(study: StudyRecord) -> dict[tuple[str, str, int], Trial]:
    """Return trials by optimizer, stage and how many of these were before."""
    counts: dict[tuple[str, str], int] = {}
    found = {}
    for trial in sorted(study.trials, key=lambda t: t.number):
        key = (trial.optimizer, trial.stage.name)
        counts[key] = counts.get(key, 0) + 1
        found[(*key, counts[key])] = trial
    return found


def _of_config(config: Config) -> dict[str, Any]:
    own = {"rule": config.rule, "dialect": config.dialect, "schedule": config.schedule}
    return {**own, "seed": config.seed, **config.hyperparameters}


def _apart(a: Trial, b: Trial) -> Iterator[tuple[int | None, Change]]:
    """Yield each number that both trials have and that differs, in order of epochs."""
    where = {epoch: i for i, epoch in enumerate(b.curves.epoch)}
    for i, epoch in enumerate(a.curves.epoch):
        if epoch in where:
            ours, theirs = _at(a.curves, i), _at(b.curves, where[epoch])
            yield from ((epoch, one) for one in changes(ours, theirs) if _both(one))
    for word, before, after in (
        ("training set", a.training, b.training),
        ("test set", a.test, b.test),
    ):
        for one in changes(before or {}, after or {}):
            if _both(one):
                yield None, replace(one, what=f"{one.what} on the {word}")


def _at(curves: Curves, i: int) -> dict[str, float]:
    return {
        "step": curves.step[i],
        "training loss": curves.training_loss[i],
        "validation loss": curves.validation_loss[i],
        **{f"validation {name}": values[i] for name, values in curves.metrics.items()},
    }


def _end(trial: Trial) -> dict[str, Any]:
    """Return how a trial ended; addresses in an error's text are others in each process."""
    return {
        "epochs": trial.epochs,
        "outcome": trial.outcome.name.lower(),
        "reason": re.sub(ADDRESS, "0x…", trial.reason),
        "measured on the test set": trial.test is not None,
        "measured on the training set": trial.training is not None,
    }


def _first(places: Sequence[Place]) -> Place | None:
    return min(places, key=lambda place: place.numbers, default=None)


def _verdict(old: StudyRecord, new: StudyRecord) -> Iterator[Change]:
    """Yield how the verdict differs; the time a study took is in a sentence, but counts not."""
    a, b = (_judged(replace(study, seconds=0.0)) for study in (old, new))
    told = list(changes(a, b))
    if told:
        yield from (change for change in told if change.what != "in a sentence")
        yield Change("in a sentence", _said(old), _said(new))


def _judged(study: StudyRecord) -> dict[str, Any]:
    found = judge(study)
    return {
        "winner": found.winner,
        "leader": found.leader,
        "not told from it": sorted(found.tied_with),
        "recommended": found.recommended,
        "in a sentence": re.sub(ADDRESS, "0x…", sentence(study, found)),
    }


def _said(study: StudyRecord) -> str:
    return sentence(study, judge(study))
