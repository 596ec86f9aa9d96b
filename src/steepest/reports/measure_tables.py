"""The page's tables of measures, a function each."""

import math
from collections.abc import Mapping

from steepest.measures.cost import Cost, steps_differ
from steepest.measures.generalization import Generalization
from steepest.measures.sensitivity import Sensitivity
from steepest.measures.speed import Speed, Speeds, Times
from steepest.records import StudyRecord
from steepest.reports.numbers import MISSING, number, with_interval
from steepest.reports.outcome_text import lost
from steepest.reports.page.tables import Table, trimmed
from steepest.statistics import Estimate, estimate
from steepest.text import listed


def speed_table(speeds: Speeds) -> Table:
    """Return steps, epochs and seconds to the target, with what never reached it."""
    rows = [(name, _speed(one, name, speeds)) for name, one in speeds.optimizers.items()]
    whose = speeds.target.reference if speeds.target else None
    note = (
        "Medians are Kaplan and Meier's with 95 % limits: a seed that never reached the target "
        "counts as not there yet, and is not dropped."
    )
    if whose:
        note += f" Speed-up is in steps, over {whose}; above 1 is faster."
    columns = ("reached", "steps", "epochs", "seconds", "speed-up", "mean over the training")
    return Table("Steps, epochs and seconds to the target", columns, tuple(rows), note, (0,))


def _speed(one: Speed, name: str, speeds: Speeds) -> tuple[str, ...]:
    count, of = sum(one.steps.reached), len(one.steps.reached)
    reached = f"{count} of {of}" if count == of else f"not in {of - count} of {of}"
    ratio = MISSING
    if speeds.target and speeds.target.reference == name:
        ratio = "1 (reference)"
    elif one.ratio is not None:
        mean = one.ratio.estimate.mean
        if one.ratio.bound == "unknown" or mean is None:
            ratio = "unknown"
        else:
            ratio = f"{one.ratio.bound} {with_interval(one.ratio.estimate)}".strip()
    times = (_times(t) for t in (one.steps, one.epochs, one.seconds))
    return (reached, *times, ratio, with_interval(one.area))


def _times(times: Times) -> str:
    if times.median is None:
        end = max(times.values, default=None)
        return f"over {number(end)}" if end is not None else MISSING
    if times.low is None and times.high is None:
        return number(times.median)
    low = number(times.low) if times.low is not None else "?"
    high = number(times.high) if times.high is not None else "∞"
    return f"{number(times.median)} ({low} to {high})"


def gap_table(measured: Mapping[str, Generalization]) -> Table:
    """Return training and validation loss, the gaps, and over-fitting."""
    tests = any(one.test_gap is not None for one in measured.values())
    level = next((one.level for one in measured.values() if one.level is not None), None)
    columns = ["training loss", "validation loss", "gap"]
    columns += ["test gap"] if tests else []
    if level is not None:
        columns.append(f"gap at training loss {number(level)}")
    columns += ["best epoch", "over-fitting after it"]
    rows = []
    for name, one in measured.items():
        cells = [with_interval(one.training), with_interval(one.validation), with_interval(one.gap)]
        cells += [with_interval(one.test_gap)] if tests else []
        cells += [with_interval(one.at_equal)] if level is not None else []
        rows.append((name, (*cells, with_interval(one.best_epoch), with_interval(one.overfit))))
    known = [name for name, one in measured.items() if one.gap.mean is not None]
    rough = [name for name in known if not measured[name].measured]
    note = (
        "A gap is validation minus training loss (of the test: test minus training). At equal "
        "training loss it is taken against means over an epoch, which lag, so it may be negative."
    )
    if rough:
        of = "" if rough == known else f"of {listed(rough)} "
        note += (
            f" Training loss {of}is the mean over the epoch, while the weights moved, as it was "
            "not measured at the checkpoint; so gaps are a little too small."
        )
    if any(one.at_equal is not None and one.at_equal.mean is not None for one in measured.values()):
        note += (
            " At equal training loss it is the mean over an epoch for all, whose weights were on "
            "average half an epoch older than those that are validated; so that gap is too small, "
            "and can be negative."
        )
    return trimmed(Table("Generalization", tuple(columns), tuple(rows), note))


def sensitivity_table(measured: Mapping[str, Sensitivity]) -> Table:
    """Return the width of the band, the mean excess a decade around the best, and the defaults."""
    bands = [one.band for one in measured.values() if one.band]
    share = f"{number(bands[0].within * 100, 3)} %" if bands else "a share"
    columns = (
        f"learning rates within {share} of the best",
        "decades",
        "excess, a decade around",
        "at defaults",
        "best there",
        "defaults worse by",
    )
    rows = []
    for name, one in measured.items():
        band, default = one.band, one.default
        range_, decades, at, best, worse = MISSING, MISSING, MISSING, MISSING, MISSING
        if band:
            low, high = number(band.low), number(band.high)
            range_ = (
                f"{'≤ ' if band.open_low else ''}{low} to {'≥ ' if band.open_high else ''}{high}"
            )
            decades = ("≥ " if band.open_low or band.open_high else "") + with_interval(
                band.decades
            )
        if default:
            at, best, worse = (
                with_interval(default.result),
                with_interval(default.best),
                with_interval(default.worse),
            )
            at = lost(default.diverged, default.failed, len(default.result.values)) or at
        rows.append((name, (range_, decades, with_interval(one.decade), at, best, worse)))
    ends = sorted({one.default.epochs for one in measured.values() if one.default})
    note = (
        "≤ and ≥ mark a band that may go on beyond what was tried. Excess is how much "
        "worse what decides is, in the mean over a decade either side of the best learning rate, "
        "than at the best."
    )
    if not bands:
        note = "Too few learning rates were tried to say how wide the band of good ones is."
    if ends:
        note += f" Defaults are the framework's, after {' or '.join(map(str, ends))} epoch"
        note += "." if ends == [1] else "s."
    return trimmed(Table("Sensitivity", columns, tuple(rows), note, (0,)))


def cost_table(study: StudyRecord, measured: Mapping[str, Cost]) -> Table:
    """Return memory and time of each optimizer's update; of times, what stands out from noise."""
    apart = steps_differ(study, measured)
    rows = []
    for name, one in measured.items():
        times = (
            MISSING
            if one.state is None or not one.weights
            else f"{number(one.state / one.weights, 2)} ×"
        )
        step = _milli(one.step) if apart else MISSING
        share = one_digit(
            None if one.share is None or _noisy(one.share) else one.share / 0.01, " %"
        )
        rows.append((name, (_bytes(one.state), times, step, _milli(one.update), share)))
    weights = _bytes(next((one.weights for one in measured.values()), None))
    note = f"The trainable weights take {weights}."
    middle = estimate([m for one in measured.values() if (m := one.step.mean)]).mean
    if apart:
        note += (
            " A step's time is a confirmed run's, evaluation included, divided by its steps; runs "
            "that trained beside others share the machine."
        )
    elif middle is not None:
        note += (
            f" A step took about {number(1000 * middle, 1)} ms, evaluation included"
            + ("; " if len(measured) > 1 else ".")
            + "optimizers differ in it by no more than its timing does." * (len(measured) > 1)
        )
    if all(one.update is None for one in measured.values()):
        note += " The update alone was not timed in this study."
    columns = ("state", "of the weights", "a step, ms", "update alone, ms", "update's share")
    return trimmed(Table("Cost", columns, tuple(rows), note))


def _noisy(value: Estimate) -> bool:
    """Return whether the noise of a number is as large as the number."""
    return value.mean is None or (value.high is not None and value.high >= 2 * value.mean)


def one_digit(value: Estimate | None, unit: str = "") -> str:
    """Return a time or a share to one digit of its uncertainty, or of itself without one."""
    if value is None or value.mean is None:
        return MISSING
    reach = value.half_width
    if reach is None or reach >= value.mean or reach <= 0:
        return f"{number(value.mean, 1)}{unit}"
    places = -math.floor(math.log10(reach))
    mean, reach = round(value.mean, places), round(reach, places)
    digits = max(0, places)
    return f"{mean:.{digits}f}{unit} ± {reach:.{digits}f}{unit}"


def _bytes(count: int | None) -> str:
    if count is None:
        return MISSING
    size, units = float(count), ("B", "KiB", "MiB", "GiB", "TiB")
    power = 0
    while size >= 1024 and power < len(units) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.3g} {units[power]}" if size < 1000 else f"{size:.0f} {units[power]}"


def _milli(value: Estimate | None) -> str:
    return one_digit(None if value is None else value / 1e-3)
