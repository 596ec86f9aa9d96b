"""What is known of a study that went on before: taken from its file instead of trained again.

A search is a function of what is asked, so to go on is to run it once more, and wherever a trial is
to be trained, to take as much of it as is known. So a study that was killed comes out as if it had
not been, and each decision is checked on the way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from steepest.differences import what_differs
from steepest.errors import InputError, StudyFileError
from steepest.records import Curves, Outcome, Study, Trial, facts_to_dict

LOST = (Outcome.DIVERGED, Outcome.FAILED)
# What contestants are, and not what the search found about them.
OWN = ("rule", "dialect", "schedule", "baseline", "fixed", "space", "given", "effective")


@dataclass
class Past:
    """The trials of a study as they were last written, by number; none of a new study."""

    study: Study | None = None
    trials: dict[int, Trial] = field(init=False)

    def __post_init__(self) -> None:
        self.trials = {} if self.study is None else {t.number: t for t in self.study.trials}

    def check(self, trial: Trial) -> None:
        """Raise `StudyFileError` if what starts now is not what was started then."""
        known = self.trials.get(trial.number)
        if known is None:
            return
        then = (known.optimizer, known.stage, _plain(known.config))
        if then != (trial.optimizer, trial.stage, _plain(trial.config)):
            raise StudyFileError(
                f"the study cannot go on: its trial {trial.number} was "
                f"{known.optimizer} with {dict(known.config.hyperparameters)}, and would now be "
                f"{trial.optimizer} with {dict(trial.config.hyperparameters)}; go on with the same "
                "versions of packages (steepest report --json tells them), or start anew"
            )

    def upto(self, trial: Trial, epochs: int) -> Trial:
        """Return the trial with what is known of it up to an epoch, as it was there."""
        known = self.trials.get(trial.number)
        if known is None or known.epochs < trial.epochs:
            return trial
        at = min(epochs, known.epochs)
        lost = known.outcome in LOST and known.epochs <= epochs
        return replace(
            known,
            curves=_cut(known.curves, at),
            outcome=known.outcome if lost else trial.outcome,
            seconds=known.seconds * at / known.epochs if known.epochs else known.seconds,
            reason=known.reason if lost else "",
        )

    def cut_before(self, number: int) -> bool:
        """Return whether time was over before this trial could start: later ones are known, or the
        study says so."""
        if self.study is None:
            return False
        return bool(self.study.stopped) or max(self.trials, default=-1) >= number


def check_same(before: Study, now: Study) -> None:
    """Raise `InputError` unless `now` asks the same of the same as `before` did."""
    found = list(what_differs(before.task, now.task))
    asked, asks = facts_to_dict(before.settings), facts_to_dict(now.settings)
    found += [
        f"{name}: {asked.get(name)} then, {value} now"
        for name, value in asks.items()
        if _plain(asked.get(name)) != _plain(value)
    ]
    if list(before.optimizers) != list(now.optimizers):
        found.append(
            f"optimizers: {', '.join(before.optimizers)} then, {', '.join(now.optimizers)} now"
        )
    else:
        for name, one in now.optimizers.items():
            then = before.optimizers[name]
            keys = [key for key in OWN if _plain(then.get(key)) != _plain(one.get(key))]
            found += [f"{key} of {name}: {then.get(key)} then, {one.get(key)} now" for key in keys]
            if "code" in then and then["code"] != one.get("code"):
                found.append(f"the code of {name} is not the same")
    if found:
        said = [one if len(one) < 160 else f"{one[:157]}..." for one in found[:3]]
        if len(found) > 3:
            said.append(f"and {len(found) - 3} more")
        raise InputError(
            "the study that is there cannot go on with what is asked now, as it is another "
            f"question; choose another directory with out. What differs: {'; '.join(said)}"
        )


def went_on(before: Study, now: Study, when: str) -> str:
    """Return a sentence about a study that goes on: from where, and what is not as it was."""
    changed = [
        f"{name} {now.versions.get(name, 'none')} instead of {version}"
        for name, version in before.versions.items()
        if now.versions.get(name) != version
    ]
    changed += [
        f"{name} {now.hardware.get(name, 'unknown')} instead of {value}"
        for name, value in before.hardware.items()
        if name != "members" and now.hardware.get(name) != value
    ]
    said = f"{when}: went on from {sum(t.epochs for t in before.trials)} epochs"
    return said + (f", with {', '.join(changed)}" if changed else "")


def _cut(curves: Curves, epochs: int) -> Curves:
    return Curves(
        curves.epoch[:epochs],
        curves.step[:epochs],
        curves.training_loss[:epochs],
        curves.validation_loss[:epochs],
        {name: values[:epochs] for name, values in curves.metrics.items()},
    )


def _plain(value: Any) -> Any:
    """Return a record as it comes out of JSON."""
    if hasattr(value, "hyperparameters"):
        value = {**vars(value), "hyperparameters": dict(value.hyperparameters)}
    return json.loads(json.dumps(value, default=_as_dict))


def _as_dict(value: Any) -> Any:
    return dict(value) if isinstance(value, Mapping) else str(value)
