"""What goes on, and what to try next, when some trials are known.

Who goes on is who will be best after a whole training, as far as the model (`search/model.py`)
tells from shorter ones. Of new trials, one shows a general optimizer what its special case found,
if that is ahead: momentum SGD is RMSprop, and nearly Adam, with a large ε (Choi et al. 2019, "On
empirical comparisons of optimizers for deep learning"), and a search that never looks there may
not find it. The rest lie where the model expects the best. Where that is at the edge of a range,
the range grows first.
"""

from collections.abc import Callable, Mapping

from steepest.records import Settings, Stage, Study, Trial
from steepest.rules import find_rule
from steepest.search.ground import Ground, Values
from steepest.search.model import Model, fit
from steepest.spaces import Value


def modelled(study: Study, ground: Ground) -> Model | None:
    """Return the model of what was tried of an optimizer; its box grows if it is too small."""
    tried = searched(study, ground.contestant.name)
    model = fit(ground, study.settings, tried)
    if model is None:
        return None
    edges = ground.edges(model.best(study.settings.seed))
    for name, upper in edges.items():
        ground.expand(name, upper)
    return fit(ground, study.settings, tried) if edges else model


def searched(study: Study, name: str) -> list[Trial]:
    """Return an optimizer's trials of the search."""
    return [t for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]


def expectation(study: Study, models: Mapping[str, Model | None]) -> Callable[[Trial], float]:
    """Return what says of a trial which loss to expect after a whole training.

    It is on the scale of the optimizer's model, for comparing trials of one optimizer.
    """

    def expected(trial: Trial) -> float:
        model = models[trial.optimizer]
        if model is None:
            return study.settings.score(trial)
        return model.expected(trial, study.settings, searched(study, trial.optimizer))

    return expected


def later(
    study: Study, grounds: Mapping[str, Ground], models: Mapping[str, Model | None], count: int
) -> dict[str, list[Values]]:
    """Return `count` new configurations to try for each optimizer."""
    found = {}
    for name, model in models.items():
        values = _special(study, grounds, name)[:count]
        if model is not None:
            seed = study.settings.seed + len(searched(study, name))
            values += model.ask(count - len(values), seed)
        found[name] = values
    return found


def _special(study: Study, grounds: Mapping[str, Ground], name: str) -> list[Values]:
    """Return what the best of a special case is in terms of the optimizer, if that is ahead."""
    settings, contestant = study.settings, grounds[name].contestant
    rule, mine = find_rule(contestant.rule), _best(settings, searched(study, name))
    if "weight_decay" in {**contestant.fixed, **contestant.space}:
        return []  # it is scaled by the learning rate, which is another one then
    found = []
    for other, ground in grounds.items():
        theirs = _best(settings, searched(study, other))
        include = rule.includes.get(ground.contestant.rule)
        if mine is None or theirs is None or include is None or theirs.epochs < mine.epochs:
            continue
        if settings.score(theirs) < settings.score(mine):
            twists = rule.dialect(contestant.dialect).twists
            shown = include(theirs.config.hyperparameters, twists)
            values = {**contestant.defaults(), **(shown or {})}
            known = any(_same(t.config.hyperparameters, values) for t in searched(study, name))
            if shown and not known and not set(shown) & set(contestant.given):
                found.append(values)
    return found


def _same(tried: Mapping[str, Value], values: Mapping[str, Value]) -> bool:
    """Return whether a trial had these values, at whichever rung."""
    return {n: v for n, v in tried.items() if n in values} == values


def _best(settings: Settings, trials: list[Trial]) -> Trial | None:
    """Return the best of the trials that went furthest."""
    able = [t for t in trials if settings.score(t) < float("inf")]
    return min(able, key=lambda t: (-t.epochs, settings.score(t), t.number), default=None)
