"""The measures as one short table: a row an optimizer, a column a measure."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steepest.measures.cost import Cost
from steepest.measures.measure import Measures
from steepest.measures.sensitivity import Sensitivity
from steepest.measures.speed import Speed
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.board import defaults_text
from steepest.reports.config_text import shown_name
from steepest.reports.numbers import MISSING, number, with_interval
from steepest.reports.verdict_text import deciding
from steepest.text import many


@dataclass(frozen=True)
class Summary:
    """A table of text: `titles` stand above the cells of `rows`, an optimizer's name is first."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]  # what the columns mean


def summary(study: StudyRecord, verdict: Verdict, measures: Measures) -> Summary:
    """Return the measures of all optimizers that were confirmed, best first."""
    columns: tuple[tuple[str, Mapping[str, Any], Callable[[Any], str]], ...] = (
        ("steps to target", measures.speed.optimizers, _speed),
        ("gap", measures.generalization, lambda one: with_interval(one.gap)),
        ("gap, equal training", measures.generalization, lambda one: with_interval(one.at_equal)),
        ("good rates", measures.sensitivity, _band),
        ("at defaults", measures.sensitivity, lambda one: _default(study, one)),
        ("state", measures.cost, _state),
    )
    cells = {
        title: {name: _cell(found, name, shown) for name in verdict.standings}
        for title, found, shown in columns
    }
    kept = [title for title, column in cells.items() if set(column.values()) != {MISSING}]
    names = [name for name, standing in verdict.standings.items() if standing.seeds]
    return Summary(
        ("optimizer", *kept),
        tuple((shown_name(study, n), *(cells[title][n] for title in kept)) for n in names),
        tuple(note for title, note in _notes(study, measures).items() if title in kept),
    )


def _cell(found: Mapping[str, Any], name: str, shown: Callable[[Any], str]) -> str:
    return shown(found[name]) if name in found else MISSING


def _notes(study: StudyRecord, measures: Measures) -> dict[str, str]:
    target, what = measures.speed.target, deciding(study.settings)
    notes = {}
    if target is not None:
        reference = target.reference and shown_name(study, target.reference)
        whose = f", where the seeds of {reference} end" if reference else ""
        notes["steps to target"] = (
            f"Target: {what} {number(target.value)}{whose}; × is how many times as fast"
        )
    notes["gap"] = "gap: validation loss minus training loss; at equal training loss beside it"
    sources = {one.rates.source for one in measures.sensitivity.values() if one.rates}
    epochs = {one.rates.epochs for one in measures.sensitivity.values() if one.rates}
    length = (
        f" at {_some(epochs)} of {many(study.task.epochs, 'epoch')}" if "search" in sources else ""
    )
    bands = [one.band for one in measures.sensitivity.values() if one.band]
    if bands:
        rough = ", rough: from the search's trials" if "search" in sources else ""
        notes["good rates"] = (
            f"good rates: decades of learning rates within {bands[0].within:.0%} of the best"
            f"{rough}{length}"
        )
    defaults = {one.default.epochs for one in measures.sensitivity.values() if one.default}
    after = "1 epoch" if defaults == {1} else f"{_some(defaults)} epochs"
    short = f", after {after}" if defaults - {study.task.epochs} else ""
    notes["at defaults"] = (
        f"at defaults: how much worse {what} is with the framework's defaults than with the best"
        f"{short}"
    )
    return notes


def _some(counts: set[int]) -> str:
    return " or ".join(str(count) for count in sorted(counts))


def _speed(one: Speed) -> str:
    times = one.steps
    missed = len(times.reached) - sum(times.reached)
    if missed == len(times.reached):
        return f"never, in {many(missed, 'seed')}"
    text = number(times.median)
    if one.ratio is not None and one.ratio.estimate.mean is not None:
        sign = {"at least": "≥ ", "at most": "≤ "}.get(one.ratio.bound, "")
        if one.ratio.bound != "unknown":
            text += f" ({sign}{number(one.ratio.estimate.mean, 2)}×)"
    return f"{text}, not in {missed} of {len(times.reached)}" if missed else text


def _band(one: Sensitivity) -> str:
    band = one.band
    if band is None or band.decades.mean is None:
        return MISSING
    sign = "≥ " if band.open_low or band.open_high else ""
    return f"{sign}{with_interval(band.decades)}"


def _default(study: StudyRecord, one: Sensitivity) -> str:
    return defaults_text(study, one.default)


def _state(one: Cost) -> str:
    if one.state is None or not one.weights:
        return MISSING
    return (
        f"{number(one.state / one.weights, 2)} × weights"
        if one.state >= one.weights / 100
        else "none"
    )
