"""Results against the learning rate alone: the best configuration with other rates, trained in full
and half as long, beside the framework's defaults, and where training starts to diverge."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from steepest.measures.edges import is_special_case
from steepest.measures.search_trials import at_length, number, result_at, searched, setting
from steepest.measures.verdict import ahead_in_search
from steepest.records import Config, Outcome, Stage, StudyRecord, Trial

RATE = "learning_rate"
PLACES = 9  # digits of a rate by which two are the same


@dataclass(frozen=True)
class At:
    """The trainings at one learning rate, in order of their numbers."""

    rate: float
    results: tuple[float, ...]  # of what decides, in its own unit; a training each, all finite
    trials: tuple[int, ...]
    seeds: tuple[int, ...]
    lost: int = 0  # trainings at this rate that diverged or failed

    @property
    def mean(self) -> float:
        """The mean over the trainings."""
        return math.fsum(self.results) / len(self.results)


@dataclass(frozen=True)
class RateCurve:
    """One optimizer's. `full`, `half` and `lost` have the other hyperparameters of its best."""

    best: At | None  # the confirmed runs; None without one that has a result
    default: At | None  # the framework's defaults, trained in full
    full: tuple[At, ...]  # in order of the rate
    half: tuple[At, ...]
    half_epochs: int
    others: tuple[At, ...]  # trained in full with other hyperparameters, one training each
    lost: tuple[tuple[float, int], ...]  # rates and trials that diverged or failed, at any length
    edge: float | None  # the lowest rate above the best at which a training diverged


def rate_curve(study: StudyRecord, name: str) -> RateCurve | None:
    """Return an optimizer's results against the learning rate.

    The curve is of one configuration with other learning rates: the confirmed one, or before there
    is one, that which is ahead in the search. `full` are all trainings of the whole length: of the
    search, on fresh seeds, of a sweep. Where there was a sweep, they are those on fresh seeds
    alone, as one training of the search between means over seeds says more of its seed than of its
    rate; the search's are then among `others`. `half` are the search's after half the epochs, those
    that went on among them, unless each length has a schedule of its own.

    None for an optimizer without a learning rate, and for SGD in another optimizer's terms.
    """
    confirmed = study.confirmed(name)
    ahead = ahead_in_search(study, name)
    best = confirmed[0] if confirmed else ahead
    if best is None or number(best, RATE) is None or is_special_case(study, name, best.config):
        return None
    epochs, half = study.task.epochs, -(-study.task.epochs // 2)
    mine = [t for t in study.trials if t.optimizer == name and (number(t, RATE) or 0) > 0]
    own = _others_of(study, best)
    family = [t for t in mine if _others_of(study, t) == own]
    ended = [t for t in mine if t.outcome is Outcome.FINISHED or t.lost]
    fresh = [(t, result_at(study.settings, t, epochs)) for t in ended if t.stage in FRESH]
    search = at_length(study, searched(study, name), epochs)
    fresh_family = [(t, r) for t, r in fresh if _others_of(study, t) == own]
    search_family = [(t, r) for t, r in search if _others_of(study, t) == own]
    swept = any(t.stage is Stage.SWEEP for t, _ in fresh_family)
    full = fresh_family if swept else [*search_family, *fresh_family]
    taken = {t.number for t, _ in full}
    short = at_length(study, searched(study, name), half) if half < epochs else []
    lost = tuple((number(t, RATE) or 0.0, t.number) for t in family if _blew_up(t) or t.lost)
    return RateCurve(
        best=_first(_grouped([(t, r) for t, r in fresh if t.stage is Stage.CONFIRM])),
        default=_first(_grouped([(t, r) for t, r in fresh if t.stage is Stage.DEFAULT])),
        full=_grouped(full),
        half=_grouped([(t, r) for t, r in short if _others_of(study, t) == own]),
        half_epochs=half,
        others=tuple(
            at for t, r in search if t.number not in taken for at in _grouped([(t, r)]) if at.trials
        ),
        lost=tuple(sorted(lost)),
        edge=_edge(best.config, family),
    )


FRESH = (Stage.CONFIRM, Stage.SWEEP, Stage.DEFAULT)


def _others_of(study: StudyRecord, trial: Trial) -> dict[str, object]:
    """Return all that a training depends on but the learning rate, the seed and the length."""
    values = {k: v for k, v in setting(study, trial).items() if k != RATE}
    return {**values, "schedule": trial.config.schedule}


def _grouped(results: Iterable[tuple[Trial, float]]) -> tuple[At, ...]:
    """Return trainings by rate, in order of the rate; a rate at which all were lost has none."""
    at: dict[float, list[tuple[Trial, float]]] = {}
    for trial, result in results:
        at.setdefault(float(f"{number(trial, RATE):.{PLACES}g}"), []).append((trial, result))
    found = []
    for rate, some in sorted(at.items()):
        good = sorted(
            ((t.number, t.config.seed, r) for t, r in some if math.isfinite(r)), key=lambda g: g[0]
        )
        numbers, seeds = tuple(n for n, _, _ in good), tuple(s for _, s, _ in good)
        values = tuple(r for _, _, r in good)
        found.append(At(rate, values, numbers, seeds, len(some) - len(good)))
    return tuple(found)


def _first(found: Sequence[At]) -> At | None:
    return next((at for at in found if at.results), None)


def _blew_up(trial: Trial) -> bool:
    return trial.outcome in (Outcome.DIVERGED, Outcome.EXPLODED)


def _edge(best: Config, family: Sequence[Trial]) -> float | None:
    middle = float(best.hyperparameters[RATE])
    rates = [number(t, RATE) or 0.0 for t in family if _blew_up(t)]
    return min((rate for rate in rates if rate > middle), default=None)
