"""The oracle: the best configuration of each optimizer that is known.

Searched for without Steepest's search, on a lattice: learning rates in steps of 10^.2 over five
decades (every second one first) and further where the best is at the edge, times values of momentum
or β₁. The best are narrowed down on more and more seeds; forty that ranked nothing before choose.
A common-sense grid of seven stands beside it, and whatever a study or a tool recommends: who proves
better on the forty seeds becomes the oracle.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import ttest_rel

from benchmarks.verdicts import seeds
from benchmarks.verdicts.spaces import OPTIMIZERS, make_config, to_key
from benchmarks.verdicts.training import Trainer
from benchmarks.verdicts.truth import Truth, load, save

Values = dict[str, Any]
Point = tuple[int, int]  # which of the variants, and the exponent of the rate in tenths

SECOND, MOMENTUM = "beta_1", "momentum"
# What is combined with each rate; SGD's and RMSprop's are effective rates, η/(1 − μ).
VARIANTS: dict[str, tuple[Values, ...]] = {
    "SGD": tuple({MOMENTUM: mu} for mu in (0.0, 0.8, 0.9, 0.95)),
    "Adam": (
        *({SECOND: beta} for beta in (0.5, 0.8, 0.9, 0.95)),
        {SECOND: 0.9, "epsilon": 1e-3},
        {SECOND: 0.9, "epsilon": 1e-1},
    ),
    "RMSprop": (
        *({MOMENTUM: mu} for mu in (0.0, 0.5, 0.9, 0.95)),
        {MOMENTUM: 0.0, "epsilon": 1e-3},
    ),
}
FIRST = {"SGD": -37, "Adam": -46, "RMSprop": -46}  # tenths of a decade
DECADES = 50  # tenths
STEP = 2  # tenths: 10^.2
FURTHER = 60  # tenths beyond the five decades, where the best is at the edge
# How many go on, by their mean over so many seeds; the neighbours of the best three come in before.
NARROWING = ((10, 2), (8, 4), (4, 12))
NEIGHBOURS = 3
NEAR = 1.1  # times the best on a few seeds: what others recommend and is further off is left out
FEW, NEARBY = 8, 4  # seeds; and how many are measured on more
CLOSE = 0.01  # a relative difference that is none

GRID = (  # what somebody tries who knows the field
    *(("Adam", {"learning_rate": rate}) for rate in (3e-4, 1e-3, 3e-3, 1e-2)),
    *(("SGD", {"learning_rate": rate, "momentum": 0.9}) for rate in (1e-2, 1e-1)),
    ("RMSprop", {"learning_rate": 1e-3}),
)


def values_at(optimizer: str, tenths: float, variant: Values) -> Values:
    """Return hyperparameters with the rate 10^(tenths/10), effective where there is momentum."""
    rate = 10 ** (tenths / 10) * (1 - variant.get(MOMENTUM, 0.0))
    return {"learning_rate": float(f"{rate:.6g}"), **variant}


def key_of(optimizer: str, values: Values) -> str:
    """Return the key of an optimizer with these values, and Keras' defaults for the rest."""
    return to_key(make_config(optimizer, values, 0))


def grid_keys() -> list[str]:
    """Return the common-sense grid of seven."""
    return [key_of(optimizer, values) for optimizer, values in GRID]


@dataclass
class _Lattice:
    """The means of an optimizer's points over so many seeds."""

    optimizer: str
    truth: Truth

    def key(self, point: Point) -> str:
        variant = VARIANTS[self.optimizer][point[0]]
        return key_of(self.optimizer, values_at(self.optimizer, point[1], variant))

    def best(self, points: Iterable[Point], count: int, of: int) -> list[Point]:
        """Return the `of` best by the mean over `count` seeds."""
        some = range(seeds.ORACLE, seeds.ORACLE + count)
        points = list(dict.fromkeys(points))
        self.truth.measure([self.key(point) for point in points], some)
        return sorted(points, key=lambda point: (self.truth.mean(self.key(point), some), point))[
            :of
        ]


def _search(optimizer: str, truth: Truth) -> list[str]:
    """Return an optimizer's best configurations, as many as the last narrowing leaves."""
    lattice = _Lattice(optimizer, truth)
    first, last = FIRST[optimizer], FIRST[optimizer] + DECADES
    lowest, highest = first - FURTHER, last + FURTHER
    while True:
        rates = range(first, last + 1, 2 * STEP)
        points = [(v, rate) for v in range(len(VARIANTS[optimizer])) for rate in rates]
        found = lattice.best(points, 1, NARROWING[0][0])
        if found[0][1] <= first + 2 * STEP and first > lowest:
            first -= 5 * STEP * 2
        elif found[0][1] >= last - 2 * STEP and last < highest:
            last += 5 * STEP * 2
        else:
            break
    for of, count in NARROWING:
        near = [(v, t + d) for v, t in found[:NEIGHBOURS] for d in (-STEP, STEP)]
        found = lattice.best([*found, *near], count, of)
    return [lattice.key(point) for point in found]


def place(folder: Path) -> Path:
    """Return the file that keeps what the search found."""
    return folder / "oracle.json"


def find(folder: Path, trainer: Trainer, truth: Truth) -> None:
    """Search for each optimizer's best configuration, once, and settle it with the grid."""
    file = place(folder)
    found = load(file)
    for name in OPTIMIZERS:
        if name not in found:
            before = trainer.trained
            keys = _search(name, truth)
            spent = (trainer.trained - before) / trainer.epochs
            found[name] = {"keys": keys, "full_trainings": spent}
            save(file, found)
    settle(folder, truth, grid_keys())


def settle(folder: Path, truth: Truth, others: Sequence[str] = ()) -> None:
    """Choose each optimizer's best among the oracle's and what others recommended, and keep it.

    The settlers' seeds choose. Of what others recommended, the best few on the first of them are
    measured on all.
    """
    file = place(folder)
    found = load(file)
    few = seeds.SETTLERS[:FEW]
    truth.measure([*others, *(one["keys"][0] for one in found.values())], few)
    for name in OPTIMIZERS:
        limit = NEAR * truth.mean(found[name]["keys"][0], few)
        mine = [key for key in dict.fromkeys(others) if f'["{name}"' in key]
        mine.sort(key=lambda key: (truth.mean(key, few), key))
        near = [key for key in mine[:NEARBY] if truth.mean(key, few) <= limit]
        keys = list(dict.fromkeys([*found[name]["keys"], *near]))
        truth.measure(keys, seeds.SETTLERS)
        keys.sort(key=lambda key: (truth.mean(key, seeds.SETTLERS), key))
        found[name]["keys"] = keys[: NARROWING[-1][0]]
    save(file, found)


def standings(folder: Path, truth: Truth) -> dict[str, Any]:
    """Return each optimizer's best, the best of all, and who is as good on the settlers' seeds.

    *Tied* is whose paired difference a t test cannot tell from zero at 5 %, or that is within 1 %.
    """
    best = {name: one["keys"][0] for name, one in load(place(folder)).items()}
    losses = {name: truth.losses(key, seeds.SETTLERS) for name, key in best.items()}
    winner = min(best, key=lambda name: losses[name].mean())
    tied = []
    for name in OPTIMIZERS:
        more = losses[name] - losses[winner]
        close = more.mean() <= CLOSE * losses[winner].mean()
        if name != winner and (close or ttest_rel(losses[name], losses[winner]).pvalue > 0.05):
            tied.append(name)
    behind = truth.excesses(best.values(), best[winner])
    return {
        "winner": winner,
        "tied": tied,
        "keys": best,
        "loss": {name: float(values.mean()) for name, values in losses.items()},
        "noise": {name: float(v.std(ddof=1) / v.mean()) for name, v in losses.items()},
        "behind": {name: behind[key] for name, key in best.items()},
        "paired noise": {
            name: float((v - losses[winner]).std(ddof=1) / losses[winner].mean())
            for name, v in losses.items()
            if name != winner
        },
    }
