"""The verdict as one sentence: who is best, by how much, on how many seeds, and no more."""

from steepest.measures.verdict import Standing, Verdict, ahead_in_search
from steepest.records import Settings, Study
from steepest.reports.endings import failure, no_verdict, so_far, unchanged
from steepest.statistics import Estimate, State


def sentence(study: Study, verdict: Verdict) -> str:
    """Return the verdict in words: who wins by how much, or that it is a tie."""
    if verdict.leader is None:
        if not study.finished:
            start = "No optimizer is confirmed yet, so there is no verdict."
            return start + (_so_far(study) or so_far(study))
        return no_verdict(study)
    if study.finished and (flat := unchanged(study)):
        return flat
    settings = study.settings
    lead = verdict.standings[verdict.leader]
    others = [s for s in verdict.standings.values() if s.behind is not None]
    tied = [s for s in others if s.name in verdict.tied_with]
    if not study.finished:
        start = f"Not finished, after {_time(study.seconds)}; best so far: "
        start += _by(settings, lead, others) if others else f"{lead.name}, {_at(settings, lead)}"
        others = others[1:]
    elif verdict.winner and others:
        start = _by(settings, lead, others)
        others = others[1:]
    elif len(study.optimizers) == 1:
        start = f"{lead.name} was the only optimizer asked about: {_at(settings, lead)}"
    elif verdict.winner:
        start = f"{lead.name}, which alone came through on its seeds: {_at(settings, lead)}"
    elif not tied:
        start = f"{lead.name} alone came through on its seeds, but {_seeds(lead)} decides nothing"
    else:
        start = _tie(settings, lead, tied)
        others = [s for s in others if s not in tied]
    start += "".join(f"; {_behind(lead, other)}" for other in others)
    failed = [s for s in verdict.standings.values() if s.state is State.DIVERGED or not s.seeds]
    start += "".join(f"; {failure(study, s)}" for s in failed if study.finished)
    return start + "." + _on_test(lead)


def _so_far(study: Study) -> str:
    """Say who was ahead in the search."""
    ahead = ahead_in_search(study)
    if ahead is None:
        return ""
    values = ", ".join(
        f"{key} {ahead.config.hyperparameters[key]:.3g}"
        for key in study.optimizers[ahead.optimizer]["space"]
        if isinstance(ahead.config.hyperparameters.get(key), float)
    )
    return (
        f" Ahead so far, on one seed and after {ahead.epochs} of {study.task.epochs} epochs: "
        f"{ahead.optimizer} ({values}), {deciding(study.settings)} "
        f"{study.settings.value(ahead):.4g}."
    )


def deciding(settings: Settings) -> str:
    """Return what decides, in words."""
    return f"validation {settings.decides}" + (
        " at its best epoch" if settings.at == "best" else ""
    )


def show(value: Estimate | None) -> str:
    """Return a mean ± half its interval, with digits to suit."""
    if value is None or value.mean is None:
        return "unknown"
    reach = value.half_width
    return f"{value.mean:.4g}" + (f" ± {reach:.2g}" if reach is not None else "")


def _by(settings: Settings, lead: Standing, others: list[Standing]) -> str:
    nearest = others[0]
    seeds = f"({_common(lead, nearest)})"
    if nearest.state is State.OPEN and nearest.behind and nearest.behind.low is None:
        return (
            f"{lead.name}, by {_amount(nearest)} in {deciding(settings)} over {nearest.name} "
            + (f"{seeds}, which decides nothing")
        )
    undecided = nearest.state in (State.OPEN, State.SAME)
    text = f"{lead.name}, by {_amount(nearest)} in {deciding(settings)} over {nearest.name} {seeds}"
    return text + (", which is undecided" if undecided else "")


def _tie(settings: Settings, lead: Standing, tied: list[Standing]) -> str:
    names = listed([lead.name, *(s.name for s in tied)])
    what = f"in {deciding(settings)}, "
    if len(tied) == 1:
        one, seeds = tied[0], _common(lead, tied[0])
        start = f"A tie between {names}: the difference {what}{_amount(one)}, is "
        if one.state is State.SAME:
            return start + _smaller(settings) + f" ({seeds})"
        return start + f"undecided after {seeds}"
    widest = max(tied, key=lambda s: s.behind.mean or 0.0 if s.behind else 0.0)
    few = min(len(s.seeds) for s in (lead, *tied))
    seeds = f"{few} seed{'s' if few > 1 else ''}"
    if all(s.state is State.SAME for s in tied):
        start = f"A tie between {names}: the differences {what}at most {_amount(widest)}, are "
        return start + _smaller(settings) + f" ({seeds})"
    return (
        f"A tie between {names}: the differences {what}at most {_amount(widest)}, are undecided "
        f"after {seeds}"
    )


def _smaller(settings: Settings) -> str:
    if not settings.practical:
        return "nothing but rounding"
    return f"smaller than the {settings.practical * 100:.3g} % that would matter"


def _behind(lead: Standing, other: Standing) -> str:
    """Return how far `other` is behind; how many seeds it had, if fewer."""
    value = other.relative or other.behind
    if value is None or value.mean is None:
        return f"{other.name} is behind"
    if other.relative is not None:
        amount = f"{value.mean * 100:.2g} %" if value.mean < 1 else f"{value.mean * 100:,.0f} %"
    else:
        amount = f"{value.mean:.2g}"
    fewer = f" ({_seeds(other)})" if len(other.seeds) < len(lead.seeds) else ""
    unsure = ", undecided" if other.state in (State.OPEN, State.SAME) else ""
    return f"{other.name} is {amount} behind{unsure}{fewer}"


def _amount(standing: Standing) -> str:
    """Return the difference to the leader with half its interval, in per cent where that means
    something and in its own unit where not.
    """
    value, per_cent = standing.behind, False
    if standing.relative is not None:
        value, per_cent = standing.relative / 0.01, True
    if value is None or value.mean is None:
        return "an unknown amount"
    reach = value.half_width
    size = max(abs(value.mean), reach or 0.0)
    if per_cent:
        digits = 0 if size >= 100 else 1 if size >= 0.95 else 3
        unit = " %"
    else:
        digits, unit = min(_digits(reach or size), _digits(size) + 3), ""
    text = f"{value.mean:.{digits}f}{unit}"
    return text + (f" ± {reach:.{digits}f}{unit}" if reach is not None else "")


def _digits(size: float) -> int:
    """Return decimals that show two digits of `size`."""
    return 0 if size >= 10 else next((d for d in range(1, 9) if size >= 10.0 ** (1 - d)), 9)


def _at(settings: Settings, standing: Standing) -> str:
    return f"{deciding(settings)} {show(standing.value)} ({_seeds(standing)})"


def _seeds(standing: Standing) -> str:
    count = len(standing.seeds)
    return f"{count} seed{'s' if count != 1 else ''}"


def _common(a: Standing, b: Standing) -> str:
    return _seeds(min(a, b, key=lambda s: len(s.seeds)))


def _on_test(lead: Standing) -> str:
    if lead.test_metric is not None:
        return f" On test: {lead.first_metric} {show(lead.test_metric)}."
    if lead.test_loss is not None:
        return f" On test: loss {show(lead.test_loss)}."
    return ""


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def listed(names: list[str]) -> str:
    """Return names as prose."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def many(count: int | float, what: str) -> str:
    """Return a number of things in digits, such as "1 epoch" or "9 epochs"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"
