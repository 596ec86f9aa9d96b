"""A study among the tasks of the atlas: which are like it, and whether its optimizers do as there.

Losses are of validation at the end of training, an optimizer's that of its best configuration.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.measures.verdict import Verdict
from steepest.priors.atlas import Atlas, Measured
from steepest.priors.likeness import Shape, shape_of
from steepest.priors.suggestion import alike
from steepest.records import StudyRecord
from steepest.statistics import State

TIED = 0.03  # by which losses have to differ, as in the ranks of the atlas
USUAL = (0.1, 0.9)  # quantiles of the best rates on like tasks: what lies between is usual
FEWEST = 5  # like tasks from which on that range says something


@dataclass(frozen=True)
class Rate:
    """A study's learning rate of an optimizer beside the best ones on like tasks.

    All of them are effective, η/(1 − μ), where the optimizer has momentum.
    """

    own: float
    low: float
    high: float

    @property
    def inside(self) -> bool:
        return self.low <= self.own <= self.high


@dataclass(frozen=True)
class Pair:
    """Two optimizers: the difference here, and on how many like tasks which one was lower.

    `ahead` is the one with the lower loss here; the other's is higher by the share `by` of it.
    """

    ahead: str
    behind: str
    by: float
    as_here: int  # like tasks on which `ahead` is lower by more than 3 %
    other_way: int
    tasks: int  # like tasks on which both were trained
    decided: bool  # whether the study has established the difference


@dataclass(frozen=True)
class Among:
    """What the atlas says beside a study."""

    task: str
    shape: Shape
    like: tuple[int, ...]  # the tasks of the atlas that are like it, by their places
    excess: Mapping[str, float]  # over the lowest loss here, by optimizer of the atlas
    pairs: tuple[Pair, ...]  # the first with each of the others
    rates: Mapping[str, Rate]


def among(study: StudyRecord, verdict: Verdict, atlas: Atlas) -> Among:
    """Return how a study stands among the tasks of the atlas.

    Baselines, which are not tuned, are left out, as are optimizers that the atlas has not; of two
    contestants of one optimizer the better one counts.
    """
    shape = shape_of(study.task)
    like, best = alike(atlas, shape), _best(study, verdict, atlas)
    losses = {rule: loss for rule, (loss, _) in best.items()}
    names = {rule: name for rule, (_, name) in best.items()}
    first = min(losses, key=lambda rule: losses[rule], default="")
    low = losses.get(first, 0.0)
    return Among(
        study.task.name,
        shape,
        tuple(like),
        {rule: loss / low - 1 for rule, loss in losses.items()} if low > 0 else {},
        tuple(_pairs(atlas, verdict, losses, names, like)) if low > 0 else (),
        dict(_rates(verdict, atlas, names, like)),
    )


def _best(study: StudyRecord, verdict: Verdict, atlas: Atlas) -> dict[str, tuple[float, str]]:
    """Return the loss and the name of each optimizer's best contestant."""
    found: dict[str, tuple[float, str]] = {}
    for name, one in study.optimizers.items():
        standing = verdict.standings.get(name)
        loss = None if standing is None else standing.loss.mean
        if one.baseline or loss is None or one.rule not in atlas.optimizers:
            continue
        found[one.rule] = min(found.get(one.rule, (np.inf, "")), (loss, name))
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _lowest(measured: Measured, like: Sequence[int]) -> Any:
    """Return the excess of the optimizer's best on each of some tasks; NaN where not trained."""
    some = measured.excess[:, list(like)]
    found = np.where(np.isnan(some), np.inf, some).min(axis=0)
    return np.where(np.isfinite(found), found, np.nan)


def _pairs(
    atlas: Atlas,
    verdict: Verdict,
    losses: Mapping[str, float],
    names: Mapping[str, str],
    like: Sequence[int],
) -> Iterator[Pair]:
    """Yield the optimizer with the lowest loss with each of the others."""
    first, *others = losses
    ours = 1 + _lowest(atlas.optimizers[first], like)
    for rule in others:
        loss, state = losses[rule], verdict.standings[names[rule]].state
        theirs = 1 + _lowest(atlas.optimizers[rule], like)
        yield Pair(
            first,
            rule,
            loss / losses[first] - 1,
            int((ours * (1 + TIED) < theirs).sum()),
            int((theirs * (1 + TIED) < ours).sum()),
            int((~np.isnan(ours + theirs)).sum()),
            names[first] == verdict.leader and state is State.BEHIND,
        )


def _rates(
    verdict: Verdict, atlas: Atlas, names: Mapping[str, str], like: Sequence[int]
) -> Iterator[tuple[str, Rate]]:
    """Yield each optimizer's rate; not of one that changes, as those of the atlas do not."""
    for rule, name in names.items():
        config = verdict.standings[name].config
        if config is None or config.schedule != "constant" or "warmup" in config.hyperparameters:
            continue
        measured = atlas.optimizers[rule]
        known = [at for at in like if not np.isnan(measured.excess[0, at])]
        if len(known) < FEWEST or "learning_rate" not in config.hyperparameters:
            continue
        at = np.nan_to_num(measured.excess[:, known], nan=np.inf).argmin(axis=0)
        rates = [effective(measured.configs[i]) for i in at]
        low, high = (float(np.quantile(rates, q, method="nearest")) for q in USUAL)
        yield rule, Rate(effective(config.hyperparameters), low, high)


def effective(values: Mapping[str, Any]) -> float:
    """Return the learning rate, with momentum μ as η/(1 − μ): the length of steps that add up."""
    rate = float(values["learning_rate"]) / (1 - float(values.get("momentum", 0.0)))
    return float(f"{rate:.4g}")
