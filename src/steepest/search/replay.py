"""A replay of a study that is resumed: what its file knows is taken instead of trained again.

A search is a function of what is asked, so to go on is to run it once more, and wherever a trial is
to be trained, to take as much of it as is known. So a study that was killed comes out as if it had
not been, and each decision is checked on the way.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from steepest.codegen.callback_calls import call
from steepest.errors import InputError, StudyFileError
from steepest.options import Options, about
from steepest.records import ContestantRecord, Outcome, Settings, StudyRecord, Trial
from steepest.tasks.task_diff import what_differs
from steepest.text import listed

NO_LONGER_NOTED = ("scikit-learn",)  # packages that older files have versions of
LOST = (Outcome.DIVERGED, Outcome.FAILED)
FURTHER = ("seeds", "full_trainings")  # where seeds are asked for by number
# What contestants are, and not what the search found about them.
OWN = ("rule", "dialect", "schedule", "baseline", "fixed", "space", "given", "effective")


@dataclass
class Replay:
    """The trials of a study as they were last written; none of a new study.

    They are known by number, as the same trials start again in the same order. After another limit
    of time the study takes another course from where it was cut: then trials are known by what
    they are (`by_content`), and those that do not come again are left out.
    """

    study: StudyRecord | None = None
    by_content: bool = False
    trials: dict[int, Trial] = field(init=False)
    alike: dict[str, Trial] = field(init=False)  # by content, the one that was trained furthest

    def __post_init__(self) -> None:
        every = () if self.study is None else self.study.trials
        self.trials = {} if self.by_content else {trial.number: trial for trial in every}
        self.alike = {}
        if self.by_content:
            for trial in sorted(every, key=lambda trial: trial.epochs):
                self.alike[_content(trial)] = trial

    def find(self, trial: Trial) -> Trial | None:
        """Return what is known of a trial."""
        if self.by_content:
            return self.alike.get(_content(trial))
        return self.trials.get(trial.number)

    def trials_of(self, optimizer: str) -> list[Trial]:
        """Return the trials of an optimizer that the file knew when the study went on."""
        every = () if self.study is None else self.study.trials
        return [trial for trial in every if trial.optimizer == optimizer]

    def check(self, trial: Trial) -> None:
        """Raise `StudyFileError` if what starts now is not what was started then."""
        known = self.trials.get(trial.number)
        if known is None:
            return
        then = (known.optimizer, known.stage, _as_stored(known.config))
        if then != (trial.optimizer, trial.stage, _as_stored(trial.config)):
            raise StudyFileError(
                f"the study cannot go on: its trial {trial.number} was "
                f"{known.optimizer} with {dict(known.config.hyperparameters)}, and would now be "
                f"{trial.optimizer} with {dict(trial.config.hyperparameters)}; go on with the same "
                "versions of packages (steepest report --json tells them), or start anew"
            )

    def upto(self, trial: Trial, epochs: int) -> Trial:
        """Return the trial with what is known of it up to an epoch, as it was there."""
        known = self.find(trial)
        if known is None or known.epochs < trial.epochs:
            return trial
        at = min(epochs, known.epochs)
        lost = known.outcome in LOST and known.epochs <= epochs
        whole = self.study.task.epochs if self.study else 0
        ended = lost or (known.stopped_early(whole) and known.epochs <= epochs)
        return replace(
            known,
            number=trial.number,
            curves=known.curves.upto(at),
            outcome=known.outcome if ended else trial.outcome,
            seconds=known.seconds * at / known.epochs if known.epochs else known.seconds,
            reason=known.reason if lost else "",
        )

    def cut_before(self, number: int) -> bool:
        """Return whether time was over before this trial could start: later ones are known, or the
        study says so."""
        if self.study is None or self.by_content:
            return False
        return bool(self.study.stopped) or max(self.trials, default=-1) >= number


def check_same(before: StudyRecord, now: StudyRecord) -> None:
    """Raise `InputError` unless `now` asks the same of the same as `before` did.

    Another limit of time is no other question, nor is a number of seeds: they say how far to go.
    """
    found = list(what_differs(before.task, now.task))
    asked, asks = asdict(before.settings), asdict(now.settings)
    asks.pop("seconds")
    if now.settings.full_trainings in (None, before.settings.full_trainings):
        asks = {name: value for name, value in asks.items() if name not in FURTHER}
    planned = [
        f"{name}: {_shown(name, before.settings)} then, {_shown(name, now.settings)} now"
        for name, value in asks.items()
        if _as_stored(asked.get(name)) != _as_stored(value)
    ]
    # What a person typed says more than what was planned from it.
    found += (_other_options(before, now) or planned) if planned else []
    if list(before.optimizers) != list(now.optimizers):
        found.append(
            f"optimizers: {', '.join(before.optimizers)} then, {', '.join(now.optimizers)} now"
        )
    else:
        for name, one in now.optimizers.items():
            then = before.optimizers[name]
            found += [
                f"{key} of {name}: {asked} then, {asks} now"
                for key in OWN
                if _as_stored(asked := _own(then, key)) != _as_stored(asks := _own(one, key))
            ]
            if then.code is not None and then.code != one.code:
                found.append(f"the code of {name} is not the same")
    if found:
        found = list(dict.fromkeys(found))
        said = [one if len(one) < 160 else f"{one[:157]}..." for one in found[:3]]
        if len(found) > 3:
            said.append(f"and {len(found) - 3} more")
        raise InputError(
            "the study that is there cannot go on with what is asked now, as it is another "
            f"question; choose another directory with out. What differs: {'; '.join(said)}"
        )


def _shown(name: str, settings: Settings) -> Any:
    """Return what was planned, as it is shown."""
    if name != "callbacks":
        return asdict(settings).get(name)
    return listed([call(one) for one in settings.callbacks]) if settings.callbacks else "none"


def _own(one: ContestantRecord, key: str) -> Any:
    """Return what a contestant is, as it is shown."""
    value = getattr(one, key)
    return list(value) if isinstance(value, tuple) else value


def resumed_from(before: StudyRecord, now: StudyRecord, when: str) -> str:
    """Return a sentence about a study that goes on: from where, and what is not as it was."""
    changed = [
        f"{name} {now.versions.get(name, 'none')} instead of {version}"
        for name, version in before.versions.items()
        if now.versions.get(name) != version and name not in NO_LONGER_NOTED
    ]
    changed += [
        f"{name} {now.hardware.get(name, 'unknown')} instead of {value}"
        for name, value in before.hardware.items()
        if name != "members" and now.hardware.get(name) != value
    ]
    said = f"{when}: went on from {sum(t.epochs for t in before.trials)} epochs"
    return said + (f", with {', '.join(changed)}" if changed else "")


def _other_options(before: StudyRecord, now: StudyRecord) -> list[str]:
    """Return the options that differ between two studies, as far as both say what was asked."""
    bound = [one.name for one in fields(Options) if not about(one).free or one.name == "seeds"]
    pairs = [
        (name, before.asked[name], now.asked[name])
        for name in bound
        if name in before.asked and name in now.asked
    ]
    return [
        f"{name}: {'not given' if then is None else then} then, "
        f"{'not given' if one is None else one} now"
        for name, then, one in pairs
        if _as_stored(then) != _as_stored(one)
    ]


def _content(trial: Trial) -> str:
    return json.dumps([trial.optimizer, trial.stage.name, _as_stored(trial.config)], sort_keys=True)


def _as_stored(value: Any) -> Any:
    """Return a record as it comes out of JSON."""
    if hasattr(value, "hyperparameters"):
        value = {**vars(value), "hyperparameters": dict(value.hyperparameters)}
    return json.loads(json.dumps(value, default=_as_dict))


def _as_dict(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
