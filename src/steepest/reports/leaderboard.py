"""The leaderboard of a study as rows: how each optimizer stands, in numbers.

Columns, in this order; what was not measured is None:

    optimizer, configuration    the contestant, and its best configuration as a call
    state                       how it stands, in the words of the reports' table
    seeds                       that confirmed it
    value, value_low, value_high
                                what decides, in its own unit
    gain, gain_low, gain_high   over what is used today, on the seeds that both have, in the same
                                unit; positive is better
    chance                      of being best, from 0 to 1
    test_loss, …                each with _low and _high: loss and metrics of the test set
    seconds_to_target           the median over seeds; None where fewer than half reached it
    seconds                     of a training with its evaluations, the mean over seeds
    at_defaults                 what decides, at the framework's defaults
    pareto                      whether no other optimizer has both a better value and fewer
                                seconds; None where either is not known

Intervals have 95 %. The Pareto front is of means: what lies off it may lie there by chance.
"""

from collections.abc import Mapping

from steepest.measures.defaults import default
from steepest.measures.measure import Measures
from steepest.measures.today import against
from steepest.measures.verdict import Standing, Verdict
from steepest.records import StudyRecord
from steepest.reports.board import ordered, state_word
from steepest.reports.config_text import label
from steepest.reports.rows import Row
from steepest.statistics import Estimate, estimate


def leaderboard_rows(study: StudyRecord, verdict: Verdict, measured: Measures) -> list[Row]:
    """Return a row for each optimizer, the recommended one first, then the best."""
    standings = ordered(study, verdict)
    seconds = {one.name: _seconds(study, one) for one in standings}
    sign = -1.0 if study.settings.maximize else 1.0
    places = {
        one.name: (sign * one.value.mean, took)
        for one in standings
        if one.value.mean is not None and (took := seconds[one.name]) is not None
    }
    metrics = [m for m in ("loss", *study.task.metrics) if any(m in s.test for s in standings)]
    rows = []
    for one in standings:
        beside = against(study, verdict, one.name)
        usual = default(study, one.name)
        speed = measured.speed.optimizers.get(one.name)
        row: Row = {
            "optimizer": one.name,
            "configuration": None if one.config is None else label(study, one.name, one.config),
            "state": state_word(study, verdict, one),
            "seeds": len(one.seeds),
            **_three("value", one.value),
            **_three("gain", beside.gain if beside else None),
            "chance": one.probability if one.seeds else None,
        }
        for metric in metrics:
            row |= _three(f"test_{metric}", one.test.get(metric))
        row |= {
            "seconds_to_target": speed.seconds.median if speed else None,
            "seconds": seconds[one.name],
            "at_defaults": usual.result.mean if usual else None,
            "pareto": on_front(places, one.name),
        }
        rows.append(row)
    return rows


def on_front(places: Mapping[str, tuple[float, float]], name: str) -> bool | None:
    """Return whether no other has a lower value and fewer seconds, or one as low and the other
    lower; None of a name without both."""
    if name not in places:
        return None
    value, took = places[name]
    return not any(v <= value and s <= took and (v, s) != (value, took) for v, s in places.values())


def _seconds(study: StudyRecord, standing: Standing) -> float | None:
    """Return the mean seconds of the confirmed trainings that came to their end."""
    runs = [t for t in study.confirmed(standing.name) if t.config.seed in standing.seeds]
    return estimate([t.seconds for t in runs if not t.lost]).mean


def _three(name: str, value: Estimate | None) -> Row:
    if value is None:
        return {name: None, f"{name}_low": None, f"{name}_high": None}
    return {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
