"""The oracle: the best configuration of each optimizer that anybody has found.

Searched for without Steepest's own search: 256 points of a Sobol sequence over all of an
optimizer's hyperparameters, halved; the best repeated on further seeds; then three rounds of normal
steps around the best four. That is more than 300 full trainings for each optimizer, where
`standard` spends 4. Whatever anybody recommends later is measured on the same seeds and becomes the
oracle where it proves better (`Truth.settle`).
"""

from pathlib import Path

import numpy as np
from scipy.stats import qmc, ttest_rel

from benchmarks.verdicts import seeds
from benchmarks.verdicts.spaces import OPTIMIZERS, at, ranges, to_key, version
from benchmarks.verdicts.training import Run, Trainer
from benchmarks.verdicts.truth import Truth, load, save

POINTS, HALVED, REPEATED, KEPT = 256, 64, 16, 4
STEPS = (0.12, 0.07, 0.04)  # of the refinement, in the unit cube
AROUND = 32  # points a round
CANDIDATES = 16  # that the judges' seeds measure
CLOSE = 0.01  # a relative difference that is none


def place(folder: Path) -> Path:
    """Return the file that keeps what the search found."""
    return folder / f"oracle-{version()}.json"


def find(folder: Path, trainer: Trainer, truth: Truth) -> None:
    """Search for each optimizer's best configuration, once, and measure the candidates."""
    file = place(folder)
    found = load(file)
    for name in OPTIMIZERS:
        if name not in found:
            before = trainer.trained
            keys = _search(name, trainer)
            spent = (trainer.trained - before) / trainer.epochs
            found[name] = {"keys": keys, "full_trainings": spent}
            save(file, found)
        truth.measure(found[name]["keys"])
        truth.settle(name)


def _search(name: str, trainer: Trainer) -> list[str]:
    size, first = len(ranges(name)), seeds.ORACLE
    points = qmc.Sobol(size, scramble=True, rng=1).random(POINTS)
    runs = [Run(at(name, point, first), -(-trainer.epochs // 4)) for point in points]
    trainer.advance(runs)
    order = sorted(range(POINTS), key=lambda i: (runs[i].value, i))[:HALVED]
    for i in order:
        runs[i].stop = trainer.epochs
    trainer.advance([runs[i] for i in order])
    order = sorted(order, key=lambda i: (runs[i].value, i))[:REPEATED]
    pool = [(points[i], runs[i].value) for i in order]
    again = _means(name, trainer, [point for point, _ in pool], (first + 1, first + 2))
    pool = [(p, (one + 2 * two) / 3) for (p, one), two in zip(pool, again, strict=True)]

    random = np.random.default_rng(1)
    for turn, step in enumerate(STEPS):
        pool.sort(key=lambda pair: pair[1])
        near = np.array([pool[i % KEPT][0] for i in range(AROUND)])
        near = np.clip(near + step * random.standard_normal(near.shape), 0, 1)
        mine = (first + 10 * (turn + 1), first + 10 * (turn + 1) + 1)
        pool += list(zip(near, _means(name, trainer, near, mine), strict=True))
    pool.sort(key=lambda pair: pair[1])
    return [to_key(at(name, point, 0)) for point, _ in pool[:CANDIDATES]]


def _means(name: str, trainer: Trainer, points: object, some: tuple[int, ...]) -> list[float]:
    """Return the mean final loss of each point over some seeds."""
    configs = [at(name, point, seed) for point in points for seed in some]  # type: ignore[attr-defined]
    return np.array(trainer.finals(configs)).reshape(-1, len(some)).mean(axis=1).tolist()


def standings(truth: Truth) -> dict[str, object]:
    """Return the oracle: each optimizer's best, the best of all, and who is tied with it.

    Tied is whose mean over the settlers' seeds is within 1 %, or whose paired difference a t test
    cannot tell from zero at 5 %.
    """
    best = {name: truth.settle(name) for name in OPTIMIZERS}
    losses = {name: truth.losses(key, seeds.SETTLERS) for name, key in best.items()}
    winner = min(best, key=lambda name: losses[name].mean())
    tied = []
    for name in OPTIMIZERS:
        behind = losses[name] - losses[winner]
        close = behind.mean() <= CLOSE * losses[winner].mean()
        if name != winner and (close or ttest_rel(losses[name], losses[winner]).pvalue > 0.05):
            tied.append(name)
    return {
        "winner": winner,
        "tied": tied,
        "keys": best,
        "loss": {name: float(values.mean()) for name, values in losses.items()},
        "reference": truth.mean(best[winner]),  # on the judges' seeds, as all are measured
        "noise": {name: float(v.std(ddof=1) / v.mean()) for name, v in losses.items()},
        "paired noise": {
            name: float((v - losses[winner]).std(ddof=1) / losses[winner].mean())
            for name, v in losses.items()
            if name != winner
        },
    }
