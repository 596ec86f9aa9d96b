"""Whether two studies are the same bit for bit, but for what a clock said."""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import replace
from enum import Enum

from steepest.measures.verdict import judge
from steepest.records import StudyRecord


def scrub(study: StudyRecord) -> StudyRecord:
    """Return the study without times, without how often it went on, and without what asked."""
    trials = tuple(replace(trial, seconds=0.0) for trial in study.trials)
    planned = study.planned and replace(study.planned, training_seconds=0.0)
    return replace(
        study,
        trials=trials,
        planned=planned,
        seconds=0.0,
        compile_seconds=0.0,
        started="",
        update_seconds=dict.fromkeys(study.update_seconds, ()),
        resumed=(),
    )


def plain(value) -> object:
    """Return a value as nested tuples of text: each bit of a float, NaN as NaN."""
    if isinstance(value, float):
        return "nan" if math.isnan(value) else value.hex()
    if dataclasses.is_dataclass(value):
        names = [field.name for field in dataclasses.fields(value)]
        return (type(value).__name__, *((name, plain(getattr(value, name))) for name in names))
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Mapping):
        return ("{}", *((str(key), plain(value[key])) for key in sorted(value, key=str)))
    if isinstance(value, list | tuple):
        return ("[]", *(plain(one) for one in value))
    return repr(value)


def differences(one: StudyRecord, other: StudyRecord) -> list[str]:
    """Return what differs between two studies and their verdicts, a line each; nothing if equal."""
    found: list[str] = []
    _differ(plain(scrub(one)), plain(scrub(other)), "study", found)
    if not found and plain(judge(one)) != plain(judge(other)):
        found.append("the verdicts differ, though the studies do not")
    return found


def _differ(one, other, where, found) -> None:
    if one == other:
        return
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        for i, (a, b) in enumerate(zip(one, other, strict=True)):
            named = isinstance(a, tuple) and len(a) == 2 and isinstance(a[0], str)
            _differ(a, b, f"{where}.{a[0]}" if named else f"{where}[{i}]", found)
    else:
        found.append(f"{where}: {str(one)[:80]} ≠ {str(other)[:80]}")
