"""What a careful colleague would add to the verdict: what would change it, what to know of it."""

from steepest.measures.advice import better_rate, length, seeds_to_decide
from steepest.measures.verdict import Standing, Verdict, diverged_in_search, is_special_case
from steepest.records import Study
from steepest.reports.sentence import deciding


def warnings(study: Study, verdict: Verdict) -> list[str]:
    """Return what would change the answer, or should be known before it is believed."""
    found = [study.stopped] if study.stopped else []
    found += study.task.notes
    for optimizer in study.optimizers.values():
        found += [note for note in optimizer.get("notes", []) if note not in found]
    for standing in verdict.standings.values():
        if standing.config is not None:
            found += _of_one(study, standing)
    if study.finished and len(study.optimizers) > 1:
        found += _seeds(study, verdict)
    return found


def _of_one(study: Study, standing: Standing) -> list[str]:
    found = []
    name, config = standing.name, standing.config
    if len(standing.seeds) > 1 and len(set(standing.loss.values)) == 1 and not standing.diverged:
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
    lost, tried = diverged_in_search(study, name)
    if tried and lost > tried / 2:
        found.append(f"{lost} of {name}'s {tried} trials diverged")
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
