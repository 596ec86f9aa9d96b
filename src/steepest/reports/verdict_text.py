"""The verdict as one sentence: which optimizer is best, by how much, on how many seeds."""

from dataclasses import replace

from steepest.measures.edges import in_other_words
from steepest.measures.verdict import Standing, Verdict, ahead_in_search
from steepest.records import Settings, StudyRecord
from steepest.reports.config_text import call, spoken
from steepest.reports.numbers import number, percent, with_interval
from steepest.reports.outcome_text import failure, no_verdict, so_far, unchanged
from steepest.statistics import State
from steepest.text import duration, listed, many

OTHER_WORDS = "nothing better than SGD in other words"


def sentence(study: StudyRecord, verdict: Verdict) -> str:
    """Return the verdict in words: who wins by how much, who is as good, or what is open."""
    if verdict.leader is None:
        if not study.finished:
            start = "No optimizer is confirmed yet, so there is no verdict."
            if study.stopped and study.settings.seconds is None:
                start = "A pilot, in which nothing was confirmed: there is no verdict."
            elif study.stopped:
                start = "Time was over before optimizers could be compared: there is no verdict."
            return start + (_so_far(study) or so_far(study))
        return no_verdict(study)
    if study.finished and (flat := unchanged(study)):
        return flat
    settings = study.settings
    said = {n: replace(s, name=spoken(study, n)) for n, s in verdict.standings.items()}
    lead = said[verdict.leader]
    others = [s for s in said.values() if s.behind is not None and s is not lead]
    near = [said[name] for name in verdict.tied_with]
    if not study.finished:
        ended = "Cut short by its limit of time" if study.stopped else "Not finished"
        start = f"{ended}, after {duration(study.seconds)}; best so far: "
        start += _by(settings, lead, others) if others else f"{lead.name}, {_at(settings, lead)}"
        others = others[1:]
    elif verdict.winner and others:
        start = f"The winner is {_by(settings, lead, others)}"
        others = others[1:]
    elif len(study.optimizers) == 1:
        start = f"{lead.name} was the only optimizer asked about: {_at(settings, lead)}"
    elif verdict.winner:
        start = f"The winner is {lead.name}, which alone came through on its seeds: "
        start += _at(settings, lead)
    elif not near:
        start = f"{lead.name} alone came through on its seeds, but {_seeds(lead)} decides nothing"
    else:
        start = _near(settings, lead, near)
        others = [s for s in others if s not in near]
    start += "".join(f"; {_behind(lead, other)}" for other in others)
    if not study.finished:
        waiting = [s.name for s in said.values() if not s.seeds]
        have = "have" if len(waiting) > 1 else "has"
        start += f"; {listed(waiting)} {have} no seed yet" if waiting else ""
    failed = [s for s in verdict.standings.values() if s.state is State.DIVERGED or not s.seeds]
    start += "".join(f"; {failure(study, s)}" for s in failed if study.finished)
    disguised = [n for n in said if n != verdict.leader and in_other_words(study, n)]
    start += "".join(f"; {name} found {OTHER_WORDS}" for name in disguised)
    start = start.replace("your", "Your", 1) if start.startswith("your ") else start
    return start + "." + _on_test(lead)


def _so_far(study: StudyRecord) -> str:
    """Say who was ahead in the search."""
    ahead = ahead_in_search(study)
    if ahead is None:
        return ""
    return (
        f" Best so far, on one seed and after {ahead.epochs} of "
        f"{many(study.task.epochs, 'epoch')}: {call(study, ahead.optimizer, ahead.config)}, "
        f"{deciding(study.settings)} {number(study.settings.value(ahead))}."
    )


def deciding(settings: Settings) -> str:
    """Return what decides, in words."""
    return f"validation {settings.decides}" + (
        " at its best epoch" if settings.at == "best" else ""
    )


def matters(settings: Settings) -> str:
    """Return the difference that would matter, in words."""
    if settings.maximize and settings.practical_errors is not None:
        return f"{number(settings.practical_errors * 100, 3)} % of the errors"
    return f"{number(settings.practical * 100, 3)} %"


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
    return text + (", not decided yet" if undecided else "")


def _near(settings: Settings, lead: Standing, near: list[Standing]) -> str:
    """Say who is as good as the leader, and between whom it is not decided yet."""
    equal = [s for s in near if s.state is State.SAME]
    undecided = [s for s in near if s.state is not State.SAME]
    what = f"in {deciding(settings)}"
    told = []
    if undecided:
        names = listed([lead.name, *(s.name for s in undecided)])
        differences = f"the difference {what} is {_amount(undecided[0])}"
        if len(undecided) > 1:
            differences = f"differences {what} are at most {_amount(_widest(undecided))}"
        told.append(f"Not decided yet between {names}: {differences} ({_fewest(lead, undecided)})")
    if equal and undecided:
        verb = "are" if len(equal) > 1 else "is"
        told.append(f"{listed([s.name for s in equal])} {verb} as good as {lead.name}")
    elif equal:
        names = listed([lead.name, *(s.name for s in equal)])
        amount = f"the difference {what}, {_amount(equal[0])}, is"
        if len(equal) > 1:
            amount = f"differences {what}, at most {_amount(_widest(equal))}, are"
        told.append(
            f"{names} are as good as each other: {amount} {_smaller(settings)} "
            f"({_fewest(lead, equal)})"
        )
    return "; ".join(told)


def _widest(some: list[Standing]) -> Standing:
    return max(some, key=lambda s: s.behind.mean or 0.0 if s.behind else 0.0)


def _fewest(lead: Standing, others: list[Standing]) -> str:
    return _seeds(min((lead, *others), key=lambda s: len(s.seeds)))


def _smaller(settings: Settings) -> str:
    if not settings.practical and not settings.practical_errors:
        return "nothing but rounding"
    return f"smaller than the {matters(settings)} that would matter"


def _behind(lead: Standing, other: Standing) -> str:
    """Return how far `other` is behind; how many seeds it had, if fewer."""
    value = other.relative or other.behind
    if value is None or value.mean is None:
        return f"{other.name} is behind"
    share = other.relative is not None
    amount = f"{number(value.mean * 100, 2)} %" if share else number(value.mean, 2)
    fewer = f" ({_seeds(other)})" if len(other.seeds) < len(lead.seeds) else ""
    unsure = ", not decided yet" if other.state in (State.OPEN, State.SAME) else ""
    return f"{other.name} is {amount} behind{unsure}{fewer}"


def _amount(standing: Standing) -> str:
    """Return the difference to the leader with half its interval, in per cent where that means
    something and in its own unit where not.
    """
    if standing.relative is not None and standing.relative.mean is not None:
        return percent(standing.relative)
    return with_interval(standing.behind, missing="an unknown amount")


def _at(settings: Settings, standing: Standing) -> str:
    return f"{deciding(settings)} {with_interval(standing.value)} ({_seeds(standing)})"


def _seeds(standing: Standing) -> str:
    count = len(standing.seeds)
    return many(count, "seed")


def _common(a: Standing, b: Standing) -> str:
    return _seeds(min(a, b, key=lambda s: len(s.seeds)))


def _on_test(lead: Standing) -> str:
    if lead.test_metric is not None:
        return f" On test: {lead.first_metric} {with_interval(lead.test_metric)}."
    if lead.test_loss is not None:
        return f" On test: loss {with_interval(lead.test_loss)}."
    return ""
