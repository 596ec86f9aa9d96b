"""The measures in short: a row an optimizer, a column a measure, in words that stand in a cell."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from steepest.measures.cost import Cost
from steepest.measures.measured import Measures
from steepest.measures.sensitivity import Sensitivity
from steepest.measures.speed import Speed
from steepest.measures.verdict import Verdict
from steepest.records import Study
from steepest.reports.sentence import deciding
from steepest.statistics import Estimate

NOTHING = "-"


@dataclass(frozen=True)
class Summary:
    """A table of text: `titles` stand above the cells of `rows`, an optimizer's name is first."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]  # what the columns mean


def summary(study: Study, verdict: Verdict, measures: Measures) -> Summary:
    """Return the measures of all optimizers that were confirmed, best first."""
    columns: tuple[tuple[str, Mapping[str, Any], Callable[[Any], str]], ...] = (
        ("steps to target", measures.speed.optimizers, _speed),
        ("gap", measures.generalization, lambda one: interval(one.gap)),
        ("gap, equal training", measures.generalization, lambda one: interval(one.at_equal)),
        ("good rates", measures.sensitivity, _band),
        ("at defaults", measures.sensitivity, lambda one: _default(study, one)),
        ("state", measures.cost, _state),
    )
    cells = {
        title: {name: _cell(found, name, shown) for name in verdict.standings}
        for title, found, shown in columns
    }
    kept = [title for title, column in cells.items() if set(column.values()) != {NOTHING}]
    names = [name for name, standing in verdict.standings.items() if standing.seeds]
    return Summary(
        ("optimizer", *kept),
        tuple((name, *(cells[title][name] for title in kept)) for name in names),
        tuple(note for title, note in _notes(study, measures).items() if title in kept),
    )


def _cell(found: Mapping[str, Any], name: str, shown: Callable[[Any], str]) -> str:
    return shown(found[name]) if name in found else NOTHING


def _notes(study: Study, measures: Measures) -> dict[str, str]:
    target, what = measures.speed.target, deciding(study.settings)
    notes = {}
    if target is not None:
        whose = f", where {target.reference}'s seeds end" if target.reference else ""
        notes["steps to target"] = (
            f"Target: {what} {target.value:.4g}{whose}; × is how many times as fast"
        )
    notes["gap"] = "gap: validation loss less training loss; at equal training loss beside it"
    sources = {one.rates.source for one in measures.sensitivity.values() if one.rates}
    epochs = {one.rates.epochs for one in measures.sensitivity.values() if one.rates}
    length = f" at {_some(epochs)} of {study.task.epochs} epochs" if "search" in sources else ""
    bands = [one.band for one in measures.sensitivity.values() if one.band]
    if bands:
        rough = ", rough: from the search's trials" if "search" in sources else ""
        notes["good rates"] = (
            f"good rates: decades of learning rates within {bands[0].within:.0%} of the best"
            f"{rough}{length}"
        )
    defaults = {one.default.epochs for one in measures.sensitivity.values() if one.default}
    short = f", after {_some(defaults)} epochs" if defaults - {study.task.epochs} else ""
    notes["at defaults"] = f"at defaults: {what} of the framework's defaults less the best's{short}"
    return notes


def _some(counts: set[int]) -> str:
    return " or ".join(str(count) for count in sorted(counts))


def _speed(one: Speed) -> str:
    times = one.steps
    missed = len(times.reached) - sum(times.reached)
    if missed == len(times.reached):
        return f"never, in {missed} {'seed' if missed == 1 else 'seeds'}"
    text = NOTHING if times.median is None else f"{times.median:,.0f}"
    if one.ratio is not None and one.ratio.estimate.mean is not None:
        sign = {"at least": "≥ ", "at most": "≤ "}.get(one.ratio.bound, "")
        if one.ratio.bound != "unknown":
            text += f" ({sign}{one.ratio.estimate.mean:.2g}×)"
    return f"{text}, not in {missed} of {len(times.reached)}" if missed else text


def interval(value: Estimate | None) -> str:
    """Return a mean with its interval's half, as many digits as its size asks for."""
    if value is None or value.mean is None:
        return NOTHING
    if value.half_width is None:
        return f"{value.mean:.3g}"
    digits = max(
        0, min(6, 1 - math.floor(math.log10(max(value.half_width, abs(value.mean) / 100, 1e-9))))
    )
    return f"{value.mean:.{digits}f} ± {value.half_width:.{digits}f}"


def _band(one: Sensitivity) -> str:
    band = one.band
    if band is None or band.decades.mean is None:
        return NOTHING
    sign = "≥ " if band.open_low or band.open_high else ""
    return f"{sign}{interval(band.decades)}"


def _default(study: Study, one: Sensitivity) -> str:
    found = one.default
    if found is None:
        return NOTHING
    if found.diverged or found.failed:
        return "diverged" if found.diverged else "failed"
    worse = found.worse
    if worse is None or worse.mean is None or found.best.mean is None:
        return NOTHING
    if study.settings.maximize or found.best.mean <= 0:
        return interval(worse)
    share = worse / (found.best.mean / 100)
    return f"{interval(share)} %" if share.half_width is not None else f"{share.mean:+.0f} %"


def _state(one: Cost) -> str:
    if one.state is None or not one.weights:
        return NOTHING
    return f"{one.state / one.weights:.2g} × weights" if one.state >= one.weights / 100 else "none"
