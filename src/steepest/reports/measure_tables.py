"""The page's tables of measures, a function each."""

from collections.abc import Mapping

from steepest.measures.cost import Cost
from steepest.measures.generalization import Generalization
from steepest.measures.sensitivity import Sensitivity
from steepest.measures.speed import Speed, Speeds, Times
from steepest.reports.endings import lost
from steepest.reports.figures.style import digits
from steepest.reports.page_tables import Table, pm, trimmed
from steepest.reports.sentence import listed
from steepest.statistics import Estimate


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
    ratio = "–"
    if speeds.target and speeds.target.reference == name:
        ratio = "1 (reference)"
    elif one.ratio is not None:
        mean = one.ratio.estimate.mean
        if one.ratio.bound == "unknown" or mean is None:
            ratio = "unknown"
        elif one.ratio.bound:
            ratio = f"{one.ratio.bound} {mean:.3g}"
        else:
            low, high = one.ratio.estimate.low, one.ratio.estimate.high
            limits = "" if low is None or high is None else f" ({low:.2g} to {high:.3g})"
            ratio = f"{mean:.3g}{limits}"
    times = (_times(t) for t in (one.steps, one.epochs, one.seconds))
    return (reached, *times, ratio, pm(one.area))


def _times(times: Times) -> str:
    if times.median is None:
        end = max(times.values, default=None)
        return f"over {digits(end)}" if end is not None else "–"
    if times.low is None and times.high is None:
        return digits(times.median)
    low = digits(times.low) if times.low is not None else "?"
    high = digits(times.high) if times.high is not None else "∞"
    return f"{digits(times.median)} ({low} to {high})"


def gap_table(measured: Mapping[str, Generalization]) -> Table:
    """Return training and validation loss, the gaps, and over-fitting."""
    tests = any(one.test_gap is not None for one in measured.values())
    level = next((one.level for one in measured.values() if one.level is not None), None)
    columns = ["training loss", "validation loss", "gap"]
    columns += ["test gap"] if tests else []
    if level is not None:
        columns.append(f"gap at training loss {digits(level)}")
    columns += ["best epoch", "over-fitting after it"]
    rows = []
    for name, one in measured.items():
        cells = [pm(one.training), pm(one.validation), pm(one.gap)]
        cells += [pm(one.test_gap)] if tests else []
        cells += [pm(one.at_equal)] if level is not None else []
        rows.append((name, (*cells, _epoch(one.best_epoch), pm(one.overfit))))
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


def _epoch(value: Estimate) -> str:
    if value.mean is None or value.half_width is None:
        return pm(value)
    return f"{value.mean:.1f} ± {value.half_width:.1f}"


def sensitivity_table(measured: Mapping[str, Sensitivity]) -> Table:
    """Return the width of the band, the mean excess a decade around the best, and the defaults."""
    bands = [one.band for one in measured.values() if one.band]
    share = f"{bands[0].within * 100:.3g} %" if bands else "a share"
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
        range_, decades, at, best, worse = "–", "–", "–", "–", "–"
        if band:
            low, high = digits(band.low), digits(band.high)
            range_ = (
                f"{'≤ ' if band.open_low else ''}{low} to {'≥ ' if band.open_high else ''}{high}"
            )
            decades = ("≥ " if band.open_low or band.open_high else "") + pm(band.decades)
        if default:
            at, best, worse = pm(default.result), pm(default.best), pm(default.worse)
            at = lost(default.diverged, default.failed, len(default.result.values)) or at
        rows.append((name, (range_, decades, pm(one.decade), at, best, worse)))
    ends = sorted({one.default.epochs for one in measured.values() if one.default})
    note = (
        "≤ and ≥ mark a band that may go on beyond what was tried. Excess is the mean of what "
        "decides one decade either side of the best learning rate, less the best."
    )
    if not bands:
        note = "Too few learning rates were tried to say how wide the band of good ones is."
    if ends:
        note += f" Defaults are the framework's, after {' or '.join(map(str, ends))} epoch"
        note += "." if ends == [1] else "s."
    return trimmed(Table("Sensitivity", columns, tuple(rows), note, (0,)))


def cost_table(measured: Mapping[str, Cost]) -> Table:
    """Return memory and time of each optimizer's update."""
    rows = []
    for name, one in measured.items():
        times = "–" if one.state is None or not one.weights else f"{one.state / one.weights:.2g} ×"
        rows.append(
            (
                name,
                (
                    _bytes(one.state),
                    times,
                    _milli(one.step),
                    _milli(one.update),
                    _percent(one.share),
                ),
            )
        )
    weights = _bytes(next((one.weights for one in measured.values()), None))
    note = (
        f"The trainable weights take {weights}. A step's time is a confirmed run's, evaluation "
        "included, divided by its steps; runs that trained beside others share the machine."
    )
    if all(one.update is None for one in measured.values()):
        note += " The update alone was not timed in this study."
    columns = ("state", "of the weights", "a step, ms", "update alone, ms", "update's share")
    return trimmed(Table("Cost", columns, tuple(rows), note))


def _bytes(count: int | None) -> str:
    if count is None:
        return "–"
    size, units = float(count), ("B", "KiB", "MiB", "GiB", "TiB")
    power = 0
    while size >= 1024 and power < len(units) - 1:
        size, power = size / 1024, power + 1
    return f"{size:.3g} {units[power]}" if size < 1000 else f"{size:.0f} {units[power]}"


def _milli(value: Estimate | None) -> str:
    return "–" if value is None or value.mean is None else pm(value / 1e-3)


def _percent(value: Estimate | None) -> str:
    if value is None or value.mean is None:
        return "–"
    percent = value / 0.01
    reach = percent.half_width
    return f"{percent.mean:.2g} %" + ("" if reach is None else f" ± {reach:.1g} %")
