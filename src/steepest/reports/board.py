"""The one table of a study as text: a row an optimizer, from what decides to how it stands."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from steepest.measures.defaults import Default, default
from steepest.measures.edges import in_other_words
from steepest.measures.today import against, todays
from steepest.measures.verdict import Standing, Status, Verdict, ahead_in_search
from steepest.records import Config, StudyRecord
from steepest.reports.config_text import label
from steepest.reports.numbers import (
    MISSING,
    as_times,
    difference,
    number,
    short_share,
    with_interval,
)
from steepest.reports.outcome_text import cell, lost, nothing_found
from steepest.reports.trivial import is_nothing
from steepest.reports.verdict_text import OTHER_WORDS, deciding
from steepest.statistics import Estimate, State

GAP = 2  # columns between two cells
WRAPPED = (32, 20)  # columns that a call may have, where it goes on in the next line
STATE = 15  # columns of the state, which goes on there too


@dataclass(frozen=True)
class Board:
    """The table: `titles` stand above the cells of `rows`; `names` are the rows' contestants."""

    titles: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    names: tuple[str, ...]
    left_out: tuple[str, ...] = ()  # metrics for which there was no room


Column = tuple[str, Callable[[Standing], str]]  # a title, and what to show of an optimizer


def board(study: StudyRecord, verdict: Verdict, width: int | None = None) -> Board:
    """Return the table, in so many columns where a width is given.

    Then intervals of metrics are left out first, then further metrics; the calls of optimizers go
    on in the next line.
    """
    standings = ordered(study, verdict)
    labels = [label(study, s.name, _config(study, s)) for s in standings]
    metrics = [m for m in ("loss", *study.task.metrics) if m != study.settings.decides]
    # Where a metric decides, the loss comes first of the others.
    longest = max(map(len, labels), default=0)
    shown: list[Column] = []
    for count, exact, room in _choices(len(metrics), longest):
        shown = list(_columns(study, verdict, metrics[:count], exact))
        if width is None or room + _width(shown, standings) <= width:
            break
    titles = ("optimizer", *(title for title, _ in shown))
    rows = [
        (text, *(of(one) for _, of in shown)) for text, one in zip(labels, standings, strict=True)
    ]
    names = tuple(one.name for one in standings)
    return Board(titles, tuple(rows), names, tuple(metrics[count:]))


def ordered(study: StudyRecord, verdict: Verdict) -> list[Standing]:
    """Return all as a table lists them: the recommended first, then as in the verdict.

    Where nobody has a confirmed seed, by the search so far.
    """
    standings = list(verdict.standings.values())
    if verdict.leader is None:
        ahead = {s.name: ahead_in_search(study, s.name) for s in standings}

        def place(one: Standing) -> tuple[int, float]:
            best = ahead[one.name]
            return (1, 0.0) if best is None else (-best.epochs, study.settings.score(best))

        return sorted(standings, key=place)
    return sorted(standings, key=lambda one: one.name != verdict.recommended)


def state_word(study: StudyRecord, verdict: Verdict, standing: Standing) -> str:
    """Return how an optimizer stands, in the words that all reports have."""
    if standing.name == verdict.winner and len(study.optimizers) > 1:
        return "best so far" if is_nothing(study, verdict) else "winner"
    if not standing.seeds:
        ahead = ahead_in_search(study) if verdict.leader is None else None
        if ahead is not None and ahead.optimizer == standing.name and not study.finished:
            return "best so far"
        return nothing_found(study, standing.name)
    if in_other_words(study, standing.name) and standing.name != verdict.leader:
        return OTHER_WORDS
    if standing.lost:
        return lost(standing.diverged, standing.failed, len(standing.seeds)) or "diverged"
    if standing.name == verdict.leader:
        best = verdict.status is Status.EQUAL or len(study.optimizers) == 1
        return "best" if best and study.finished else "best so far"
    words = {State.SAME: "as good", State.BEHIND: "behind", State.DIVERGED: "NaN"}
    return words.get(standing.state, "not decided")


def against_text(study: StudyRecord, verdict: Verdict, name: str) -> str:
    """Return how much better or worse than today's an optimizer is, in a cell."""
    beside = against(study, verdict, name)
    if beside is None or beside.gain.mean is None:
        return MISSING
    return _sided(beside.gain, beside.relative, "better", "worse")


def defaults_text(study: StudyRecord, found: Default | None) -> str:
    """Return how much worse the framework's defaults are than the best, in a cell."""
    if found is None:
        return MISSING
    if found.diverged or found.failed:
        return "diverged" if found.diverged else "failed"
    worse, best = found.worse, found.best.mean
    if worse is None or worse.mean is None or best is None:
        return MISSING
    usable = not study.settings.maximize and best > 0
    said = _sided(worse, worse / best if usable else None, "worse", "better")
    full = found.epochs == study.task.epochs
    return f"{said} (1 seed)" if full and len(worse.values) == 1 else said


def _sided(value: Estimate, relative: Estimate | None, up: str, down: str) -> str:
    """Return a difference without its sign, and the word for that; from the double on, how many
    times as much it is."""
    one = value if relative is None else relative
    if not one.mean:
        return "the same"
    if one.mean < 0:
        one, up = -one, down
    if relative is not None and up == "worse" and (one.mean or 0.0) >= 1:
        return as_times(one)
    return f"{short_share(one) if relative is not None else difference(one)} {up}"


def _config(study: StudyRecord, standing: Standing) -> Config | None:
    """Return the best configuration: confirmed, or ahead in the search."""
    if standing.config is not None:
        return standing.config
    ahead = ahead_in_search(study, standing.name)
    return ahead.config if ahead is not None and not study.finished else None


def _choices(metrics: int, longest: int) -> Iterator[tuple[int, bool, int]]:
    """Yield how many metrics, whether with intervals, and the room that a call has."""
    one = min(1, metrics)
    if metrics > 1:
        yield metrics, True, longest
        yield metrics, False, longest
    for room in (longest, *(min(longest, room) for room in WRAPPED)):
        yield one, True, room
        yield one, False, room
    yield 0, False, min(longest, WRAPPED[-1])


def _columns(
    study: StudyRecord, verdict: Verdict, metrics: Sequence[str], exact: bool
) -> Iterator[Column]:
    def shown(value: Estimate | None) -> str:
        mean = None if value is None else value.mean
        return with_interval(value) if exact or mean is None else number(mean, 3)

    title = deciding(study.settings).replace(" at its best epoch", ", best")
    yield (
        title if exact else title.removeprefix("validation "),
        lambda s: cell(s) or with_interval(s.value),
    )
    if todays(study) is not None:
        yield "against yours", lambda s: against_text(study, verdict, s.name)
    elif any(default(study, name) is not None for name in study.optimizers):
        yield "at defaults", lambda s: defaults_text(study, default(study, s.name))
    for name in metrics:
        if name == "loss":
            yield "validation loss", lambda s: shown(s.loss if s.seeds else None)
        else:
            yield name, lambda s, m=name: shown(s.metrics.get(m))  # type: ignore[misc]
    if any(s.test for s in verdict.standings.values()):
        tested = test_name(study)
        yield f"test {tested}" if exact else "test", lambda s: shown(s.test.get(tested))
    yield "seeds", lambda s: str(len(s.seeds))
    yield "state", lambda s: state_word(study, verdict, s)


def test_name(study: StudyRecord) -> str:
    """Return what is shown of the test set: the first metric, or the loss."""
    return next(iter(study.task.metrics), "loss")


def _width(shown: Sequence[Column], standings: Sequence[Standing]) -> int:
    """Return the room that the columns take, with the gap before each."""
    cells = (max(len(title), *(len(of(s)) for s in standings)) for title, of in shown[:-1])
    states = max(len(shown[-1][1](s)) for s in standings)
    return sum(cell + GAP for cell in cells) + min(states, STATE) + GAP
