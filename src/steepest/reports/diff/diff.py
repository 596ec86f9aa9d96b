"""The differences between two studies, and the recorded reason for them, if any.

What was asked, the task with its data, versions, hardware, and how the runs went are compared
field by field, old → new; `diff_results` compares the trials. Never counted: times, the directory,
whatever is computed from the rest (an optimizer's notes, ranges that grew), and the numbers that
Keras appends to names, which go by how many layers or metrics a process had made before.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from steepest.records import ContestantRecord, Parameter, StudyRecord, TaskFacts
from steepest.reports.diff.results import Change, Results, changes, results, under_names
from steepest.text import spans

# What a difference of results is put down to, in this order: the first of them that differs.
REASONS = ("question", "task", "versions", "hardware", "course", "clock", "resumed")
DERIVED = ("rungs", "survivors", "refined", "own_horizon", "race")  # from what else was asked
# Files of the first formats do not say the last; only a person's own rule has a digest of code.
ASKED = ("rule", "dialect", "schedule", "baseline", "given", "effective", "code")
NUMBERED = re.compile(r"_\d+(?![^/\s,;:)])")  # such as the _1 of dense_1/kernel


@dataclass(frozen=True)
class Differences:
    """All that differs, a section each, and what nobody recorded."""

    question: tuple[Change, ...]  # settings, epochs, batch size, optimizers
    task: tuple[Change, ...]  # facts, weights, fingerprints of model and data
    versions: tuple[Change, ...]
    hardware: tuple[Change, ...]
    course: tuple[Change, ...]  # finished, stopped
    resumed: tuple[tuple[str, ...], tuple[str, ...]]  # a sentence for each time one went on
    clock: float | None  # seconds that both were limited to
    results: Results
    unknown: tuple[str, ...] = ()  # sentences: what cannot be compared
    notes: tuple[str, ...] = ()  # of both tasks, where a reason may be

    @property
    def same(self) -> bool:
        """Whether nothing differs but times; a study that was resumed is still the same study."""
        sections = (self.question, self.task, self.versions, self.hardware, self.course)
        return self.results.same and not any(sections)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Whatever is recorded and could make the results differ, the likeliest first."""
        found = self.results
        there = {
            "question": self.question,
            "task": self.task,
            "versions": self.versions,
            "hardware": self.hardware,
            # Where a study stops changes no number that it has, and a limit of time changes which
            # configurations are tried, but no number of one.
            "course": self.course and not found.numbers,
            "clock": self.clock is not None and not (found.curves or found.initial),
            "resumed": any(self.resumed),
        }
        names = [name for name in REASONS if there[name]]
        if "course" in names and "question" not in names:
            names.sort(key=lambda name: name != "course")  # all that is to be explained is an end
        return tuple(names)


def differences(old: StudyRecord, new: StudyRecord) -> Differences:
    """Return what differs between two studies. Nothing is trained, and nothing is written."""
    new = under_names(new, _metric_names(new.task, old.task))
    return Differences(
        question=tuple(_question(old, new)),
        task=tuple(_task(old.task, new.task)),
        versions=tuple(_versions(old, new)),
        hardware=(*_hardware(old.hardware, new.hardware), *_kinds(old, new)),
        course=tuple(
            changes(
                {"finished": old.finished, "stopped": old.stopped},
                {"finished": new.finished, "stopped": new.stopped},
            )
        ),
        resumed=(old.resumed, new.resumed),
        clock=old.settings.seconds if old.settings.seconds == new.settings.seconds else None,
        results=results(old, new),
        unknown=tuple(_unknown(old, new)),
        notes=tuple(note for note in old.task.notes if note in new.task.notes),
    )


def _metric_names(new: TaskFacts, old: TaskFacts) -> dict[str, str]:
    """Return what the metrics of `new` are called in `old`, where only Keras' number differs."""
    if [*map(unnumbered, new.metrics)] != [*map(unnumbered, old.metrics)]:
        return {}
    return dict(zip(new.metrics, old.metrics, strict=True))


def unnumbered(name: str) -> str:
    """Return a name without the numbers that Keras appends to be unique in a process."""
    return NUMBERED.sub("", name)


def _question(old: StudyRecord, new: StudyRecord) -> Iterator[Change]:
    yield from changes(
        {"epochs": old.task.epochs, "batch size": old.task.batch_size},
        {"epochs": new.task.epochs, "batch size": new.task.batch_size},
    )
    a, b = old.optimizers, new.optimizers
    yield from (Change(f"optimizer {name}", "takes part", None) for name in a if name not in b)
    yield from (Change(f"optimizer {name}", None, "takes part") for name in b if name not in a)
    if set(a) == set(b) and list(a) != list(b):
        yield Change("order of optimizers", list(a), list(b))
    asked = [
        change
        for change in changes(asdict(old.settings), asdict(new.settings))
        if change.what not in DERIVED
    ]
    yield from asked
    for name in a:
        if name in b:
            yield from _optimizer(name, a[name], b[name])
    yield from (
        change
        for change in changes(asdict(old.settings), asdict(new.settings))
        if change.what in DERIVED
    )


def _optimizer(name: str, old: ContestantRecord, new: ContestantRecord) -> Iterator[Change]:
    """Yield how what was asked of one optimizer differs: rule, what is fixed, what is searched."""
    a, b = (_asked(one) for one in (old, new))
    known = [key for key in ASKED if a[key] is not None and b[key] is not None]
    for change in changes({k: a[k] for k in known}, {k: b[k] for k in known}):
        what = f"{name}, {change.what}"
        yield replace(change, what=what, digest=change.what == "code")
    for was, now, word in ((old.fixed, new.fixed, ""), (old.space, new.space, "range of ")):
        for change in changes(was, now):
            yield Change(f"{name}, {word}{change.what}", change.old, change.new)


def _asked(one: ContestantRecord) -> dict[str, Any]:
    values = {key: getattr(one, key) for key in ASKED}
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def _task(old: TaskFacts, new: TaskFacts) -> Iterator[Change]:
    # The digests first: they say best what is another.
    yield from _digests(old.fingerprint, new.fingerprint)
    if unnumbered(old.name) != unnumbered(new.name):
        yield Change("name", old.name, new.name)
    names = ("loss", "parameters", "training_examples", "validation_examples", "test_examples")
    yield from changes(
        {name.replace("_", " "): getattr(old, name) for name in names},
        {name.replace("_", " "): getattr(new, name) for name in names},
    )
    if old.metrics != new.metrics:
        yield Change("metrics", list(old.metrics), list(new.metrics))
    known = [name for name in old.directions if name in new.directions]
    for name in known:
        if old.directions[name] != new.directions[name]:
            yield Change(f"direction of {name}", old.directions[name], new.directions[name])
    yield from _notes(old.notes, new.notes)
    if old.weights and new.weights:
        yield from _weights(old.weights, new.weights)


def _digests(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    """Yield the parts of model and data that differ. One that a single study has may be of another
    version of Steepest and does not count, but for the weights that trials started from.
    """
    for change in changes(old, new) if old and new else ():
        alone = change.old is None or change.new is None
        if change.what != "backend" and (not alone or change.what == "initial weights"):
            yield replace(change, digest=True)


def _versions(old: StudyRecord, new: StudyRecord) -> Iterator[Change]:
    a, b = (study.task.fingerprint.get("backend") for study in (old, new))
    if a and b and a != b:
        yield Change("backend", a, b)  # with the type of floats, such as "jax float32"
    yield from changes(old.versions, new.versions)


def _notes(old: Iterable[str], new: Iterable[str]) -> Iterator[Change]:
    a, b = {unnumbered(note): note for note in old}, {unnumbered(note): note for note in new}
    yield from (Change("note", note, None) for key, note in a.items() if key not in b)
    yield from (Change("note", None, note) for key, note in b.items() if key not in a)


def _weights(old: tuple[Parameter, ...], new: tuple[Parameter, ...]) -> Iterator[Change]:
    if len(old) != len(new):
        yield Change("trainable arrays", len(old), len(new))
        return
    for a, b in zip(old, new, strict=True):
        if (unnumbered(a.path), a.shape, a.role) != (unnumbered(b.path), b.shape, b.role):
            yield Change("a trainable array", _array(a), _array(b))


def _array(one: Parameter) -> str:
    return f"{one.path} {list(one.shape)}, {one.role}"


def _hardware(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for change in changes(old, new):
        # Files before format 5 do not say how members were trained.
        if change.what != "members" or None not in (change.old, change.new):
            yield change


def _kinds(old: StudyRecord, new: StudyRecord) -> Iterator[Change]:
    """Yield which kinds of workers trained which trials, if that differs."""
    if old.trained_on != new.trained_on:
        yield Change("trials by kind of worker", _by_kind(old), _by_kind(new))


def _by_kind(study: StudyRecord) -> str | None:
    some = [f"{kind}: {spans(numbers)}" for kind, numbers in sorted(study.trained_on.items())]
    return "; ".join(some) or None


def _twice(study: StudyRecord) -> set[int]:
    """Return the trials that workers of several kinds trained, an epoch here and another there."""
    found = Counter(number for some in study.trained_on.values() for number in some)
    return {number for number, count in found.items() if count > 1}


def _unknown(old: StudyRecord, new: StudyRecord) -> Iterator[str]:
    """Say what cannot be compared, as a file before format 5 does not have it."""
    if all(len(_twice(study)) for study in (old, new)):
        yield "neither study records which epochs of a trial each kind of worker trained"
    for what, has in (
        ("whether model and data are the same", [bool(s.task.fingerprint) for s in (old, new)]),
        ("how members were trained", ["members" in s.hardware for s in (old, new)]),
    ):
        if not any(has):
            yield f"neither study records {what}"
        elif not all(has):
            yield f"the {'second' if has[0] else 'first'} does not record {what}"
