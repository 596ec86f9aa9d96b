"""Outcomes in words: a line of counts, and why no optimizer could be confirmed."""

import math
from collections.abc import Mapping, Sequence

from steepest.measures.outcomes import OutcomeCounts, count_outcomes, is_undecided
from steepest.measures.verdict import Standing
from steepest.records import Outcome, Stage, StudyRecord, Trial
from steepest.reports.asking import option
from steepest.reports.config_text import spoken
from steepest.text import many, setting

SHORT = 160  # characters of an error that stand in a sentence; all of it is with its trial
NAMES = {Outcome.CONSTANT: "had a loss that never changed"}
WRONG = (Outcome.DIVERGED, Outcome.EXPLODED, Outcome.CONSTANT, Outcome.FAILED)
RATES = (
    "give a lower range of learning rates{like}, scale the inputs, clip gradients ({clip}), and "
    "check the labels and the loss"
)
NO_RATE = 1e-10  # what diverges at this learning rate would at any
NOT_THE_RATE = (
    "at such learning rates no weight moves, so it is not the rate: look for NaN, infinity or huge "
    "numbers in the data (arrays were looked through, what a stream reads was not), and in the "
    "model and its loss"
)
MODEL = "mend in the model what raises it, or leave out the hyperparameters that bring it about"
FLAT = (
    "see whether gradients reach the weights (nothing that rounds, takes an argmax or is cut off "
    "by a ReLU may lie between them and the loss), whether anything is trainable, whether labels "
    "and outputs have the form that the loss takes, and try higher learning rates"
)


def no_verdict(study: StudyRecord) -> str:
    """Return why nobody was confirmed though the study has ended, and what to do, in sentences."""
    found = count_outcomes(study, study.trials)
    if not found.trials:
        return "Nothing was trained, so there is no verdict; give more budget."
    confirmed = [t for t in study.trials if t.stage is Stage.CONFIRM]
    fresh = count_outcomes(study, confirmed)
    if wrong(found) == found.trials:
        told = f"{_all(found)}, so there is no verdict"
    elif fresh.trials and fresh.lost:
        found = fresh
        told = (
            f"No optimizer came through on its fresh seeds, so there is no verdict: of "
            f"{many(fresh.trials, 'confirmed run')} {_each(fresh)}"
        )
    else:
        if undecided := _undecided(study):
            return undecided
        told = "No optimizer is confirmed, so there is no verdict"
        if not wrong(found):
            return f"{told}; give more budget, or fewer optimizers."
        told += f": of {many(found.trials, 'trial')} {_each(found)}"
    return f"{told}. {_cures(study, found)}."


def _undecided(study: StudyRecord) -> str:
    """Return that what decides is NaN and of whom, where nobody has a number that counts."""
    lacking = [trial for trial in study.trials if is_undecided(study, trial)]
    confirmed = [trial for trial in study.trials if trial.stage is Stage.CONFIRM]
    if not lacking or any(
        math.isfinite(study.settings.score(t)) for t in confirmed or study.trials
    ):
        return ""
    name, count = study.settings.decides, len(lacking)
    whose = {n: sum(t.optimizer == n for t in lacking) for n in study.optimizers}
    of = ", ".join(f"{n} {some}" for n, some in whose.items() if some)
    return (
        f"Validation {name} decides and is NaN in {count:,} of {many(len(study.trials), 'trial')} "
        f"({of}), though their losses are finite, so there is no verdict. Let {name} return a "
        "number where it divides by zero or takes a logarithm of it, or decide by something else: "
        "leave out the metric, or name another."
    )


def unchanged(study: StudyRecord) -> str:
    """Return that no training changed the loss and what to look for; empty where one did."""
    trials = [t for t in study.trials if len(t.curves.epoch) > 1 or t.outcome is Outcome.CONSTANT]
    found = count_outcomes(study, trials)
    if not found.trials or found.unchanged < found.trials:
        return ""
    return (
        f"The loss never changed in {_whole(found.trials, 'trial')}, so there is no verdict. "
        f"{_capital(FLAT)}."
    )


def so_far(study: StudyRecord) -> str:
    """Return that all that ended so far went wrong; empty if it did not."""
    found = count_outcomes(study, study.trials)
    if undecided := _undecided(study):
        return f" {undecided}"
    if not found.trials or wrong(found) < found.trials:
        return ""
    return f" {_all(found, ' so far')}: {_cures(study, found)}."


def failure(study: StudyRecord, standing: Standing) -> str:
    """Return a clause on an optimizer that did not come through."""
    name, count = standing.name, len(standing.seeds)
    who = spoken(study, name)
    if standing.seeds:
        told = []
        if standing.diverged:
            told.append(f"diverged on {standing.diverged}")
        if standing.failed:
            told.append(f"failed on {standing.failed}")
        if not told:
            lacking = sum(is_undecided(study, trial) for trial in study.confirmed(name))
            told.append(f"has NaN for validation {study.settings.decides} on {lacking}")
        reasons = count_outcomes(study, study.confirmed(name)).reasons
        said = f" ({_reason(reasons)})" if reasons else ""
        return f"{who} {' and '.join(told)} of {many(count, 'seed')}{said}"
    mine = _of(study, name)
    found = count_outcomes(study, mine)
    if mine and all(is_undecided(study, trial) for trial in mine):
        return f"validation {study.settings.decides} of {who} is NaN in every trial"
    if not found.trials or wrong(found) < found.trials:
        return f"{who} was not confirmed"
    if len(_kinds(found)) == 1:
        outcome = _kinds(found)[0]
        if outcome is Outcome.CONSTANT:
            return f"the loss of {who} never changed in any trial"
        return f"every trial of {who} {_word(outcome)}{_more(found)}"
    return f"of {who}'s {many(found.trials, 'trial')} {_each(found)}"


def nothing_found(study: StudyRecord, name: str) -> str:
    """Return in a cell's words why an optimizer has no best configuration."""
    if not study.finished:
        return "not confirmed yet"
    found = count_outcomes(study, _of(study, name))
    kinds = _kinds(found)
    if found.trials and all(is_undecided(study, trial) for trial in _of(study, name)):
        return f"{study.settings.decides} is NaN"
    if not found.trials or wrong(found) < found.trials:
        return "not confirmed"
    if len(kinds) > 1:
        return "every trial went wrong"
    constant = kinds[0] is Outcome.CONSTANT
    return "the loss never changed" if constant else f"every trial {_word(kinds[0])}"


def cell(standing: Standing, apart: str = "/") -> str | None:
    """Return what stands where a value would, of an optimizer that lost a run; None without one."""
    if not standing.seeds:
        return "none finished"
    if not standing.lost and standing.value.mean is None:
        return "NaN"
    return lost(standing.diverged, standing.failed, len(standing.seeds), apart)


def lost(diverged: int, failed: int, of: int, apart: str = "/") -> str | None:
    """Return how many of some runs were lost, such as "diverged 1/3"; None if none was."""
    parts = [("diverged", diverged), ("failed", failed)]
    return ", ".join(f"{word} {count}{apart}{of}" for word, count in parts if count) or None


def died(trials: Sequence[Trial]) -> str:
    """Return what became of those of `trials` that were lost: "diverged", "failed", or either."""
    kinds = {t.outcome for t in trials if t.lost}
    if len(kinds) > 1:
        return "diverged or failed"
    return "failed" if Outcome.FAILED in kinds else "diverged"


def outcomes_line(study: StudyRecord) -> str:
    """Return all trials by how they ended, and of what went wrong, whose they were."""
    found = count_outcomes(study, study.trials)
    parts = []
    for outcome, count in found.counts.items():
        text = f"{count:,} {outcome.name.lower()}"
        if outcome in WRONG and len(study.optimizers) > 1:
            mine = {n: count_outcomes(study, _of(study, n)).of(outcome) for n in study.optimizers}
            text += f" ({', '.join(f'{n} {some}' for n, some in mine.items() if some)})"
        parts.append(text)
    left = len(study.trials) - found.trials
    parts += [f"{left:,} unfinished"] if left else []
    return f"Trials: {', '.join(parts)}." if parts else "Trials: none."


def resumed(study: StudyRecord) -> str:
    """Return that the study went on after a stop; empty if it never did."""
    count = len(study.resumed)
    times = "once" if count == 1 else "twice" if count == 2 else f"{count} times"
    return f"It was stopped and resumed {times}." if count else ""


def wrong(found: OutcomeCounts) -> int:
    """Return how many went wrong."""
    return found.of(*WRONG)


def shortened(reason: str) -> str:
    """Return an error as it can stand in a sentence."""
    reason = " ".join(reason.split()).rstrip(".")
    return reason if len(reason) <= SHORT else f"{reason[: SHORT - 1].rstrip()}…"


def _all(found: OutcomeCounts, so_far: str = "") -> str:
    """Return what all trials did, who all went wrong."""
    kinds = _kinds(found)
    if len(kinds) > 1:
        return f"Every trial{so_far} went wrong: of {many(found.trials, 'trial')} {_each(found)}"
    of = _whole(found.trials, "trial")
    if kinds[0] is Outcome.CONSTANT:
        return f"The loss never changed in {of}{so_far}"
    return f"{_capital(of)}{so_far} {_word(kinds[0])}{_more(found)}"


def _each(found: OutcomeCounts) -> str:
    """Return what became of those that went wrong, kind by kind."""
    rates, said = _rates(found), _reason(found.reasons) if found.reasons else ""
    parts = []
    for kind in _kinds(found):
        text = f"{found.of(kind):,} {_word(kind)}"
        if kind in (Outcome.DIVERGED, Outcome.EXPLODED) and rates:
            text, rates = text + rates, ""
        if kind is Outcome.FAILED and said:
            text += f" ({said})"
        parts.append(text)
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _more(found: OutcomeCounts) -> str:
    return f": {_reason(found.reasons)}" if found.reasons else _rates(found)


def _rates(found: OutcomeCounts) -> str:
    """Return how low a learning rate went wrong."""
    rate = found.lowest_rate
    return "" if rate is None else f", with learning rates down to {setting(rate)}"


def _reason(reasons: Mapping[str, int]) -> str:
    """Return the most common error, and in how many if there are others."""
    first, count = next(iter(reasons.items()))
    return shortened(first) + (f", in {count:,} of them" if len(reasons) > 1 else "")


def _cures(study: StudyRecord, found: OutcomeCounts) -> str:
    """Return what to do, of each kind that there is; starts with a capital."""
    parts = []
    if found.of(Outcome.DIVERGED, Outcome.EXPLODED):
        rate = found.lowest_rate
        like = "" if rate is None else f", such as Float({rate / 1e3:.0e}, {rate:.0e}, log=True)"
        lower = RATES.format(like=like, clip=option(study, "recipe", "clip_norm=1"))
        parts.append(lower if rate is None or rate > NO_RATE else NOT_THE_RATE)
    if found.of(Outcome.FAILED):
        parts.append(MODEL)
    if found.of(Outcome.CONSTANT):
        parts.append(FLAT)
    return ". ".join(map(_capital, parts))


def _kinds(found: OutcomeCounts) -> list[Outcome]:
    return [kind for kind in WRONG if found.of(kind)]


def _word(kind: Outcome) -> str:
    return NAMES.get(kind, kind.name.lower())


def _of(study: StudyRecord, name: str) -> list[Trial]:
    return [t for t in study.trials if t.optimizer == name]


def _whole(count: int, what: str) -> str:
    return f"the one {what}" if count == 1 else f"all {count:,} {what}s"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
