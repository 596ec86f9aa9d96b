"""What a careful colleague would add to the verdict: what would change it, what to know of it."""

from steepest.measures.advice import better_rate, length, seeds_to_decide
from steepest.measures.endings import blew_up, endings, never_changed
from steepest.measures.verdict import Standing, Verdict, is_special_case
from steepest.records import Outcome, Stage, Study
from steepest.reports.endings import shortened, wrong
from steepest.reports.sentence import deciding


def warnings(study: Study, verdict: Verdict) -> list[str]:
    """Return what would change the answer, or should be known before it is believed."""
    found = [study.stopped] if study.stopped else []
    found += study.task.notes
    for optimizer in study.optimizers.values():
        found += [note for note in optimizer.get("notes", []) if note not in found]
    for standing in verdict.standings.values():
        found += _failures(study, standing.name)
        if standing.config is not None:
            found += _of_one(study, standing)
    if study.finished and len(study.optimizers) > 1:
        found += _seeds(study, verdict)
    return found


def _of_one(study: Study, standing: Standing) -> list[str]:
    found = []
    name, config = standing.name, standing.config
    if len(standing.seeds) > 1 and len(set(standing.loss.values)) == 1 and not standing.lost:
        found.append(
            f"all seeds gave {name} the same loss, so its interval says nothing: nothing in its "
            "training is random"
        )
    found += _special(study, standing)
    given = study.optimizers[name].get("given", ())
    for key in standing.edges if config else ():
        value = float(config.hyperparameters[key]) if config else 0.0
        range_ = "that you gave" if key in given else "that was searched"
        found.append(
            f"{name}'s best {_plain(key)}, {value:.6g}, lies at the edge of the range "
            f"{range_}; a better one may lie beyond"
        )
    if standing.diverged:
        found.append(
            f"{standing.diverged} of {name}'s {len(standing.seeds)} seeds diverged: its best "
            "learning rate is at the edge of stability; a warm-up or clipping would help"
        )
    found += _wrong_in_search(study, name)
    found += _finite_but_wrong(study, standing)
    found += _rate(study, standing)
    advised = length(study, standing)
    what = deciding(study.settings)
    if advised.longer is not None:
        found.append(
            f"{name} was still improving at the last epoch: train longer; a fifth more epochs "
            f"would gain about {advised.longer * 100:.2g} % in {what}"
        )
    if advised.shorter is not None:
        found.append(
            f"{name} over-fitted: its {what} was {advised.shorter * 100:.2g} % better at epoch "
            f"{advised.epoch} of {study.task.epochs}; train shorter, or stop early"
        )
    return found


def _failures(study: Study, name: str) -> list[str]:
    """Say how many trials failed and with what, unless all did: then the verdict says so."""
    found = endings(study, [t for t in study.trials if t.optimizer == name])
    failed = found.of(Outcome.FAILED)
    if not failed or (wrong(found) == found.trials and study.finished):
        return []
    reason, count = next(iter(found.reasons.items()))
    most = "" if count == failed else f", {count} of them"
    return [f"{failed} of {name}'s {found.trials} trials failed{most} with: {shortened(reason)}"]


def _wrong_in_search(study: Study, name: str) -> list[str]:
    """Say so where more than half of a search diverged or exploded, or never changed the loss."""
    search = [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
    found = endings(study, search)
    told = []
    for words, count in (
        ("diverged", found.of(Outcome.DIVERGED)),
        ("exploded (a loss of more than a thousand times the first)", found.of(Outcome.EXPLODED)),
        ("never changed the loss", found.of(Outcome.CONSTANT)),
    ):
        if found.trials and count > found.trials / 2:
            told.append(f"{count} of {name}'s {found.trials} trials {words}")
    return told


def _finite_but_wrong(study: Study, standing: Standing) -> list[str]:
    """Say so where confirmed runs came to an end of which nothing can be learnt."""
    name, runs = standing.name, study.confirmed(standing.name)
    runs = tuple(t for t in runs if t.config.seed in standing.seeds)
    told, of = [], f"{len(runs)} confirmed run{'' if len(runs) == 1 else 's'}"
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
            f"with, {max(high):.2g} times at worst: give lower learning rates, or clip gradients"
        )
    return told


def _rate(study: Study, standing: Standing) -> list[str]:
    """Say so where the sweep found a better learning rate than the search."""
    better = better_rate(study, standing)
    if better is None:
        return []
    gain, unit = (better.relative / 0.01, " %") if better.relative else (better.gain, "")
    by = f"{gain.mean:.2g}{unit} ± {gain.half_width or 0.0:.2g}{unit}"
    return [
        f"in the sweep a learning rate of {better.rate:.3g} was {by} better than {standing.name}'s "
        "best: search more (--budget thorough), or take it"
    ]


def _special(study: Study, standing: Standing) -> list[str]:
    """Say so where an optimizer's best is another one in its terms: it was shown that one's."""
    config = standing.config
    if config is None or not is_special_case(study, standing.name, config):
        return []
    return [
        f"{standing.name}'s best is what SGD found, written as {standing.name}: an epsilon of "
        f"{config.hyperparameters['epsilon']:g} leaves nothing adaptive in it"
    ]


def _plain(key: str) -> str:
    return "learning rate" if key == "learning_rate" else key


def _seeds(study: Study, verdict: Verdict) -> list[str]:
    """Say how many seeds would decide a tie."""
    reached = max((len(s.seeds) for s in verdict.standings.values()), default=0)
    if reached < 2 and verdict.leader:
        return ["one seed says nothing of chance, so no winner can be named; use --seeds 5"]
    if not verdict.tied_with or verdict.leader is None:
        return []
    states = {verdict.standings[name].state.name for name in verdict.tied_with}
    if "OPEN" not in states:
        return []
    count = seeds_to_decide(study.settings, verdict)
    if count is None:
        return ["the tied optimizers differ by too little to matter, or to measure with 100 seeds"]
    return [f"about {count} seeds would tell the tied optimizers apart: --seeds {count}"]
