"""The advice: what to use, what it gains over today's, what is as good, what is still open."""

from collections.abc import Sequence
from pathlib import Path

from steepest.measures.advice import seeds_to_decide
from steepest.measures.edges import in_other_words
from steepest.measures.today import Today, today, todays
from steepest.measures.verdict import Standing, Status, Verdict
from steepest.records import Settings, Stage, StudyRecord
from steepest.reports.asking import again
from steepest.reports.config_text import brief, call, spoken
from steepest.reports.examples_text import on_others
from steepest.reports.numbers import as_times, difference, number, share, with_interval
from steepest.reports.outcome_text import failure, unchanged
from steepest.reports.trivial import is_nothing
from steepest.reports.verdict_text import OTHER_WORDS, deciding, matters, sentence
from steepest.statistics import LOOKS, Estimate, State
from steepest.text import duration, listed, many

FEW = 5  # seeds to ask for where there was one
APART = 3  # times the seeds that settle the first: who takes more is told apart
SURE = 10  # seeds below which what would settle is told as what may: a foresight of few is poor
SMALL = 12.0  # trainings of each search below which it may have missed what is behind; as budget.py
EACH = 3  # that are not decided yet, up to which each one's distance is said


def advice(study: StudyRecord, verdict: Verdict, where: str | Path | None = None) -> list[str]:
    """Return the advice in sentences, the first of which says what to use.

    Args:
        study: the study.
        verdict: on it.
        where: the study's directory, from which it goes on; where it is not known, words say how.
    """
    if verdict.leader is None or (study.finished and unchanged(study)):
        return [sentence(study, verdict)]
    found = [
        _use(study, verdict),
        _others(study, verdict),
        on_others(study, verdict, {name: _name(study, name) for name in verdict.standings}),
        _searched(study, verdict),
        _open(study, verdict, where),
    ]
    return [one for one in found if one]


def _use(study: StudyRecord, verdict: Verdict) -> str:
    """Say what to use, and what that gains over today's."""
    best = verdict.standings[verdict.recommended or ""]
    what = f"{deciding(study.settings)} {with_interval(best.value)}"
    if len(best.seeds) < LOOKS[0]:  # an interval of so few is easily passed by
        what += " on one seed" if len(best.seeds) == 1 else f" on {len(best.seeds)} seeds"
    mine = study.optimizers[best.name].baseline
    its = call(study, best.name, best.config, named=not mine)
    beside = today(study, verdict)
    gained = _gained(study, verdict, beside) if beside is not None else ""
    if not study.finished:
        ended = "Cut short by its limit of time" if study.stopped else "Not finished"
        return f"{ended}, after {duration(study.seconds)}. Best so far: {its}, {what}{gained}."
    if is_nothing(study, verdict):
        return f"Use none of these yet: the best, {its}, has {what}{gained}."
    if mine:
        return f"Keep your {its}{_kept(study, verdict, what)}."
    return f"Use {its}: {what}{gained}."


def _kept(study: StudyRecord, verdict: Verdict, what: str) -> str:
    """Say why what is used today should stay."""
    if verdict.winner is not None and len(study.optimizers) > 1:
        return f", which is the winner: {what}"
    if verdict.open or len(study.optimizers) == 1:
        least = "clearly better"
    else:
        least = f"better by more than {matters(study.settings)}"
    return f", {what}: nothing was found that is {least}"


def _gained(study: StudyRecord, verdict: Verdict, beside: Today) -> str:
    """Say what is gained over today's, or that it is not clear."""
    mine = verdict.standings[beside.name]
    its = call(study, beside.name, mine.config)
    whose = f"the {its} that your model was compiled with" if beside.compiled else f"your {its}"
    if beside.gain.mean is None:
        return f"; {failure(study, mine).replace(spoken(study, beside.name), whose, 1)}"
    amount, side = gain_text(study.settings, beside)
    if beside.clear:
        return f", {amount} {side} {whose}"
    return f", not clearly better than {whose}: {amount}"


def gain_text(settings: Settings, beside: Today) -> tuple[str, str]:
    """Return how far an optimizer's result is from today's, and on which side: above or below."""
    gain = beside.gain if beside.relative is None else beside.relative
    up = settings.maximize == ((gain.mean or 0.0) > 0)
    return _amount(gain, beside.relative is not None, beside.clear), "above" if up else "below"


def _amount(value: Estimate, relative: bool, unsigned: bool = True) -> str:
    """Return a difference with its interval, in per cent where it is a share."""
    if unsigned and value.mean is not None and value.mean < 0:
        value = -value
    return share(value) if relative else difference(value)


def _others(study: StudyRecord, verdict: Verdict) -> str:
    """Say who is as good, who is behind and by how much, and who did not come through."""
    used, told = {verdict.recommended, todays(study)}, list[str]()
    rest = [s for s in verdict.standings.values() if s.name not in used]
    names = {s.name: _name(study, s.name) for s in rest}
    most = max((len(s.seeds) for s in verdict.standings.values()), default=0)
    equal = [s for s in rest if s.state is State.SAME or s.name == verdict.leader]
    if equal and study.finished:
        told.append(f"{_and(names, equal)} as good")
    for one in rest:
        if one.state is State.BEHIND and one.behind is not None:
            # On the seeds of both: the means of the table may stand the other way round.
            fewer = f" ({many(len(one.seeds), 'seed')})" if len(one.seeds) < most else ""
            told.append(f"{names[one.name]}{_is_behind(one)}{fewer}")
    near = [s for s in rest if s.behind is not None and s.state in (State.OPEN, State.SAME)]
    near = [s for s in near if s not in equal or not study.finished]
    if near:
        told.append(_undecided(names, near))
    told += [f"{names[s.name]} found {OTHER_WORDS}" for s in rest if in_other_words(study, s.name)]
    if study.finished:
        lost = [s for s in rest if s.state is State.DIVERGED or not s.seeds]
        told += [failure(study, s) for s in lost]
    elif waiting := [s for s in rest if not s.seeds]:
        have = "have" if len(waiting) > 1 else "has"
        told.append(f"{listed([names[s.name] for s in waiting])} {have} no seed yet")
    text = "; ".join(told)
    return f"{text[0].upper()}{text[1:]}." if text else ""


def _searched(study: StudyRecord, verdict: Verdict) -> str:
    """Say that small searches found what is compared, where an optimizer is said to be behind.

    Its seeds tell how sure the difference is of what was found, and not how good it could be.
    """
    trainings = (study.planned or study.settings).search
    behind = [s for s in verdict.standings.values() if s.state is State.BEHIND]
    tuned = [s for s in behind if study.optimizers[s.name].space]
    if not study.finished or not tuned or not 0 < trainings < SMALL:
        return ""
    what = "what it found" if len(tuned) == 1 else "what they found"
    return (
        f"Each search had {number(trainings, 2)} trainings: behind is {what}, and a larger budget "
        "may find better."
    )


def _undecided(names: dict[str, str], some: list[Standing]) -> str:
    """Say who is not decided yet, each with its own distance: one may be near and one far off."""
    if len(some) == 1:
        return f"{_and(names, some)} not decided yet ({_distance(some[0])})"
    if len(some) <= EACH:
        return f"{listed([f'{names[s.name]} ({_distance(s)})' for s in some])} are not decided yet"
    widest = max(some, key=lambda s: s.behind.mean or 0.0 if s.behind else 0.0)
    at_most = "" if _unknown(widest) else "at most "
    return f"{_and(names, some)} not decided yet ({at_most}{_distance(widest)})"


def _distance(one: Standing) -> str:
    """Return how far one is behind that is not decided, as far as its seeds tell."""
    if _unknown(one):
        return f"{many(len(one.seeds), 'seed')} cannot tell how far it is behind"
    return _behind(one)


def _unknown(one: Standing) -> bool:
    """Return whether the interval has room for twice as much and for nothing."""
    found = one.relative
    if found is None or found.half_width is None:
        return False
    return found.half_width > max(1.0, found.mean or 0.0)


def _and(names: dict[str, str], some: list[Standing]) -> str:
    """Return who is, or are, something."""
    return f"{listed([names[s.name] for s in some])} {'are' if len(some) > 1 else 'is'}"


def _is_behind(one: Standing) -> str:
    found = _behind(one)
    return f" is {found}" if found.endswith("behind") else f"'s is {found}"


def _behind(one: Standing) -> str:
    """Return how far one is behind; from the double on, how many times as much it has."""
    value = one.relative or one.behind
    if one.relative is not None and (one.relative.mean or 0.0) > 1:
        return f"{as_times(one.relative)} as high"
    amount = "an unknown amount" if value is None else _amount(value, one.relative is not None)
    return f"{amount} behind"


def _name(study: StudyRecord, name: str) -> str:
    """Return a contestant as a sentence names it."""
    baseline = study.optimizers[name].baseline
    return spoken(study, name) if baseline else brief(study, name)


def _open(study: StudyRecord, verdict: Verdict, where: str | Path | None) -> str:
    """Say how many seeds would decide what is open, what they take, and how to have them."""
    if not study.finished or len(study.optimizers) < 2 or verdict.leader is None:
        return ""
    reached = max(len(s.seeds) for s in verdict.standings.values())
    if reached < 2:
        took = _took(FEW - reached, study, verdict, verdict.open)
        return (
            "One seed says nothing of chance, so nothing is decided yet; for "
            f"{many(FEW - reached, 'more seed')} (about {took} of training): "
            f"{again(study, where, 'seeds', FEW)}"
        )
    if verdict.status is not Status.OPEN or not verdict.open:
        return ""
    # A limit on seeds that somebody has not come to is not what stopped it.
    least = min(len(verdict.standings[name].seeds) for name in verdict.open)
    ended = _limit(study, least)
    counts = {n: count for n, count in seeds_to_decide(study, verdict).items() if count is not None}
    few = [name for name in verdict.open if len(verdict.standings[name].seeds) == 1]
    alone = [_name(study, name) for name in few]
    never = [_name(study, n) for n in verdict.open if n not in counts and n not in few]
    against = f"against {_name(study, verdict.leader)}"
    if not counts and alone and not never:
        have = "has" if len(alone) == 1 else "have"
        return (
            f"{ended}{listed(alone)} {have} one seed, which says nothing of chance: "
            f"{again(study, where, 'seeds', max(FEW, reached))}"
        )
    if not counts:
        begun = f"{ended}to" if ended else "To"
        whom = f"{begun} settle {listed(never)} {against}"
        return f"{whom} would take more than {LOOKS[-1]} seeds, as far as {reached} can tell."
    more = {n: max(1, c - len(verdict.standings[n].seeds)) for n, c in counts.items()}
    soon = [name for name in more if more[name] <= APART * min(more.values())]
    told, asked = list[str](), list[int]()
    for names in filter(None, (soon, [name for name in more if name not in soon])):
        seeds = max(more[name] for name in names)
        took = _took(seeds, study, verdict, names)
        whom = listed([_name(study, name) for name in names])
        if told:
            told.append(f"{seeds} more (about {took}) {whom}")
        else:
            sure = "would" if len(verdict.standings[names[0]].seeds) >= SURE else "may"
            begun = f"{many(seeds, 'more seed')} (about {took} of training) {sure} settle"
            told.append(f"{begun} {whom} {against}")
        asked.append(max(reached, *(counts[name] for name in names)))
    text = ", ".join(told)
    if alone:
        text += f"; {listed(alone)} {'has' if len(alone) == 1 else 'have'} one seed alone"
    if never:
        text += f"; {listed(never)} would take more than {LOOKS[-1]} in all"
    first = again(study, where, "seeds", asked[0])
    how = "--seeds " if "--seeds" in first else "seeds="
    others = [f"{how}{count}" for count in asked[1:] if count != asked[0]]
    return f"{ended}{text}: {' or '.join([first, *others])}"


def _limit(study: StudyRecord, reached: int) -> str:
    """Return which limit stopped the seeds, to begin a sentence with; empty where none did."""
    settings = study.settings
    full = study.allowed
    if reached >= settings.seeds:
        return f"The limit of {many(settings.seeds, 'seed')} is reached: "
    mine = [t.epochs for t in study.trials if t.stage not in (Stage.SWEEP, Stage.DEFAULT)]
    if full is not None and full - sum(mine) / study.task.epochs < 2:
        if settings.seconds is not None:
            return f"The {many(int(full), 'full training')} that the limit of time left are used: "
        return f"The budget of {number(full)} full trainings is used: "
    return ""


def _took(seeds: int, study: StudyRecord, verdict: Verdict, names: Sequence[str]) -> str:
    """Return what so many more seeds of these and of the best take, in words."""
    return duration(max(1.0, seeds * _seconds_a_seed(study, (verdict.leader or "", *names))))


def _seconds_a_seed(study: StudyRecord, names: Sequence[str]) -> float:
    """Return what one more seed of each takes, by the clock.

    Trials train side by side, so their own seconds are more than the clock's.
    """
    mean = 0.0
    for name in names:
        took = [t.seconds for t in study.confirmed(name)]
        mean += sum(took) / max(1, len(took))
    every = sum(trial.seconds for trial in study.trials)
    clock = max(0.0, study.seconds - study.compile_seconds)
    return mean * min(1.0, clock / every) if every > 0 else mean
