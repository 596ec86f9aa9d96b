"""The notes below the verdict: what would change it, and what to know about it."""

import statistics
from collections.abc import Iterator

from steepest.measures.advice import better_rate, length
from steepest.measures.defaults import default
from steepest.measures.edges import is_special_case
from steepest.measures.outcomes import blew_up, count_outcomes, never_changed
from steepest.measures.verdict import Standing, Verdict, ahead_in_search
from steepest.records import Outcome, Stage, StudyRecord
from steepest.reports.asking import option
from steepest.reports.config_text import spoken
from steepest.reports.examples_text import doubtful
from steepest.reports.numbers import difference, number, percent, share, with_interval
from steepest.reports.outcome_text import shortened, wrong
from steepest.reports.trivial import scale_note
from steepest.reports.verdict_text import deciding
from steepest.text import many, setting

NOISY = 0.3  # a deviation over seeds, as a share of the mean, from which on it is told; chosen
WRONG, SOME, MADE = 3, 0.25, 1.5  # times the median; share of the runs; times the median; chosen
FAST = 0.5  # of a value: what a line would gain in a fifth more epochs and is no longer told
EXAMPLES = 100  # of validation, below which it is said that seeds do not tell of others; chosen
RATES = 5  # learning rates below which a search is told to rest on too few, as in budget.py


def warnings(study: StudyRecord, verdict: Verdict) -> list[str]:
    """Return what would change the answer, or should be known before it is believed."""
    return [note for _, note in _notes(study, verdict)]


def loud(study: StudyRecord, verdict: Verdict) -> list[str]:
    """Return those of the warnings that nobody should miss: limits, and what went wrong."""
    return [note for needed, note in _notes(study, verdict) if needed]


def _notes(study: StudyRecord, verdict: Verdict) -> Iterator[tuple[bool, str]]:
    """Yield all notes, each with whether it is one that nobody should miss."""
    told: set[str] = set()
    of_all = [note for optimizer in study.optimizers.values() for note in optimizer.notes]
    for note in [study.stopped, *study.task.notes, *of_all]:
        if note and note not in told:
            told.add(note)
            yield True, note
    yield from ((True, note) for note in scale_note(study, verdict))
    yield from ((True, note) for note in _of_examples(study, verdict))
    for standing in verdict.standings.values():
        yield from ((True, note) for note in _failures(study, standing.name))
        yield from _of_one(study, standing, verdict) if standing.config else _edges(study, standing)


def _of_one(study: StudyRecord, standing: Standing, verdict: Verdict) -> Iterator[tuple[bool, str]]:
    name, best = spoken(study, standing.name), standing.name == verdict.recommended
    if len(standing.seeds) > 1 and len(set(standing.loss.values)) == 1 and not standing.lost:
        yield (
            False,
            f"all seeds gave {name} the same loss, so its interval says nothing: nothing in its "
            "training is random",
        )
    yield from ((False, note) for note in _special(study, standing))
    yield from _edges(study, standing)
    yield from ((True, note) for note in _few_rates(study, standing.name))
    yield from ((True, note) for note in _better_defaults(study, standing))
    noise, few = _noise(standing), _few_make_it(study, standing)
    yield from ((True, note) for note in few)
    if noise is not None and noise >= NOISY and not few:
        yield (
            best,
            f"{name}'s result changes by {number(noise * 100, 2)} % of its mean from seed to seed, "
            "which may be more than what optimizers differ by: average several trainings, or take "
            "more validation examples",
        )
    if standing.diverged:
        yield (
            True,
            f"{standing.diverged} of {name}'s {many(len(standing.seeds), 'seed')} diverged: its "
            "best learning rate is at the edge of stability; a warm-up or clipping would help",
        )
    yield from ((False, note) for note in _wrong_in_search(study, standing.name))
    yield from ((True, note) for note in _finite_but_wrong(study, standing))
    yield from ((best, note) for note in _rate(study, standing))
    advised = length(study, standing)
    what = deciding(study.settings)
    if advised.longer is not None:
        gain = f"a fifth more epochs would gain about {number(advised.longer * 100, 2)} % in {what}"
        if advised.longer > FAST:
            gain = f"its {what} changes too fast to tell how much"
        if standing.config is not None and standing.config.schedule != "constant":
            gain = "its rate would fall over all of them, so how much is gained, only that tells"
        yield best, f"{name} was still improving at the last epoch: train longer; {gain}"
    if advised.shorter is not None:
        yield (
            best,
            f"{name} over-fitted: its {what} was {number(advised.shorter * 100, 2)} % better at "
            f"epoch {advised.epoch} of {study.task.epochs}; train shorter, or stop early",
        )


def _of_examples(study: StudyRecord, verdict: Verdict) -> Iterator[str]:
    """Say that few examples, or those of the test set, may have another order of optimizers."""
    count = study.task.validation_examples
    several = len(study.optimizers) > 1 and verdict.leader is not None
    if several and 0 < count < EXAMPLES and not doubtful(verdict):  # of whom the advice tells
        yield (
            f"all seeds have the same {many(count, 'validation example')}, so ± says nothing of "
            "others, on which another optimizer may be ahead: give more of them"
        )
    best, name = verdict.standings.get(verdict.recommended or ""), study.settings.decides
    mine = best.test.get(name) if best else None
    if best is None or mine is None or mine.low is None or mine.high is None:
        return
    for other in verdict.standings.values():
        its = other.test.get(name)
        if its is None or its.low is None or its.high is None:
            continue
        up = study.settings.maximize
        if (its.low > mine.high) if up else (its.high < mine.low):
            yield (
                f"on the test set {spoken(study, other.name)} is better than "
                f"{spoken(study, best.name)}, {name} {with_interval(its)} for "
                f"{with_interval(mine)}: what is ahead in validation may be so by its examples"
            )


def _noise(standing: Standing) -> float | None:
    """Return the deviation over seeds as a share of the mean, of three seeds and more."""
    mean = standing.value.mean
    if len(standing.value.values) < 3 or not mean:
        return None
    return statistics.stdev(standing.value.values) / abs(mean)


def _few_make_it(study: StudyRecord, standing: Standing) -> list[str]:
    """Say so where a few runs that went wrong make an optimizer's mean, and not what is usual."""
    values, what = standing.value.values, deciding(study.settings)
    usual = statistics.median(values) if values else 0.0
    far = sum(value > WRONG * usual for value in values)
    mean = standing.value.mean
    if study.settings.maximize or usual <= 0 or mean is None or not 0 < far <= SOME * len(values):
        return []
    if mean < MADE * usual:
        return []
    return [
        f"{far} of {spoken(study, standing.name)}'s {many(len(values), 'run')} ended at more than "
        f"{WRONG} times their median {what} of {number(usual)}, which makes their mean: lower "
        "learning rates, a warm-up or clipping may spare you these"
    ]


def _few_rates(study: StudyRecord, name: str) -> list[str]:
    """Say so where a search tried fewer learning rates than tell anything."""
    if not study.settings.search or "learning_rate" not in study.optimizers[name].space:
        return []
    rates = {
        t.config.hyperparameters.get("learning_rate")
        for t in study.trials
        if t.optimizer == name and t.stage is Stage.SEARCH
    }
    if len(rates) >= RATES or "learning_rate" in (study.optimizers[name].given or ()):
        return []
    were = "was" if len(rates) == 1 else "were"
    return [
        f"of {spoken(study, name)} {many(len(rates), 'learning rate')} {were} tried, and {RATES} "
        "are the least that a choice can rest on: give a larger budget"
    ]


def _better_defaults(study: StudyRecord, standing: Standing) -> list[str]:
    """Say so where the framework's defaults did better on fresh seeds than what was found."""
    found = default(study, standing.name)
    if found is None or found.worse is None or found.worse.high is None or not found.best.mean:
        return []
    gain, best, sign = -found.worse, found.best.mean, -1.0 if study.settings.maximize else 1.0
    matters = study.settings.margin(sign * best)
    if found.worse.high >= 0 or (gain.mean or 0.0) < matters:
        return []
    usable = not study.settings.maximize and best > 0
    return [
        f"{spoken(study, standing.name)}'s defaults did better than what its search found, by "
        f"{share(gain / best) if usable else difference(gain)} on "
        f"{many(len(found.worse.values), 'seed')}: the search was too small; give a larger budget"
    ]


def _edges(study: StudyRecord, standing: Standing) -> Iterator[tuple[bool, str]]:
    """Say which of an optimizer's best values lie at an edge, confirmed or not."""
    ahead = ahead_in_search(study, standing.name)
    best = standing.config or (ahead.config if ahead else None)
    given = study.optimizers[standing.name].given or ()
    for key in standing.edges if best else ():
        value = float(best.hyperparameters[key]) if best else 0.0
        where = "of the range that you gave" if key in given else "of what was tried"
        yield (
            key in given,
            f"{spoken(study, standing.name)}'s best {_in_words(key)}, {setting(value)}, lies at "
            f"the edge {where}; a better one may lie beyond",
        )


def _failures(study: StudyRecord, name: str) -> list[str]:
    """Say how many trials failed and with what, unless all did: then the verdict says so."""
    found = count_outcomes(study, [t for t in study.trials if t.optimizer == name])
    failed = found.of(Outcome.FAILED)
    if not failed or (wrong(found) == found.trials and study.finished):
        return []
    reason, count = next(iter(found.reasons.items()))
    most = "" if count == failed else f", {count} of them"
    return [
        f"{failed} of {spoken(study, name)}'s {many(found.trials, 'trial')} failed{most} with: "
        f"{shortened(reason)}"
    ]


def _wrong_in_search(study: StudyRecord, name: str) -> list[str]:
    """Say so where more than half of a search diverged or exploded, or never changed the loss."""
    search = [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
    found = count_outcomes(study, search)
    told = []
    for words, count in (
        ("diverged", found.of(Outcome.DIVERGED)),
        ("exploded (a loss of more than a thousand times the first)", found.of(Outcome.EXPLODED)),
        ("never changed the loss", found.of(Outcome.CONSTANT)),
    ):
        if found.trials and count > found.trials / 2:
            told.append(f"{count} of {name}'s {many(found.trials, 'trial')} {words}")
    return told


def _finite_but_wrong(study: StudyRecord, standing: Standing) -> list[str]:
    """Say so where confirmed runs came to an end of which nothing can be learnt."""
    name, runs = spoken(study, standing.name), study.confirmed(standing.name)
    runs = tuple(t for t in runs if t.config.seed in standing.seeds)
    told, of = [], f"{many(len(runs), 'confirmed run')}"
    flat = sum(never_changed(study, t) for t in runs)
    if flat:
        told.append(
            f"the validation loss never changed in {flat} of {name}'s {of}: see whether gradients "
            "reach the weights, and try higher learning rates"
        )
    high = [times for t in runs if (times := blew_up(study, t)) is not None]
    if high:
        told.append(
            f"{len(high)} of {name}'s {of} ended at more than a thousand times the loss they began "
            f"with, {number(max(high), 2)} times at worst: give lower learning rates, or clip "
            "gradients"
        )
    return told


def _rate(study: StudyRecord, standing: Standing) -> list[str]:
    """Say so where the sweep found a better learning rate than the search."""
    better = better_rate(study, standing)
    if better is None:
        return []
    wider = option(study, "budget", "thorough")
    by = percent(better.relative) if better.relative else with_interval(better.gain)
    return [
        f"in the sweep a learning rate of {setting(better.rate)} was {by} better than "
        f"{spoken(study, standing.name)}'s best: search more ({wider}), or take it"
    ]


def _special(study: StudyRecord, standing: Standing) -> list[str]:
    """Say so where an optimizer's best is another one in its terms: it was shown that one's."""
    config = standing.config
    if config is None or not is_special_case(study, standing.name, config):
        return []
    return [
        f"{standing.name}'s best is what SGD found, written as {standing.name}: an epsilon of "
        f"{setting(config.hyperparameters['epsilon'])} leaves nothing adaptive in it"
    ]


def _in_words(key: str) -> str:
    return "learning rate" if key == "learning_rate" else key
