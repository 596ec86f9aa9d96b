"""Is a winner named where there is none, and is one found where there is one? Simulated studies.

    python benchmarks/calibration.py [--studies 1000] [--only power,savings]

Each study is a race as a search runs it: contestants get one more seed as long as `race` says, up
to the most, and the last call is the verdict. Losses are 1 (or 1.05 for those that are 5 % behind)
plus noise, and as much noise again, on average, that is the seed's and common to all. Beside each
race, the same verdict on fixed seeds for all.
"""

from collections.abc import Callable, Sequence

import click
import numpy as np
from scipy.special import stdtrit

from steepest.statistics import Race, State, estimate, race, reached

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw noise of mean 0 and deviation 1."""
    return random.standard_normal(shape)


def skewed(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the same from a lognormal distribution with sigma ½."""
    values = random.lognormal(sigma=0.5, size=shape)
    return (values - np.exp(0.125)) / np.sqrt((np.exp(0.25) - 1) * np.exp(0.25))


def heavy(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Draw the same from Student's distribution with 3 degrees of freedom."""
    return random.standard_t(3, shape) / np.sqrt(3)


NOISE: dict[str, Draw] = {"normal": normal, "skewed": skewed, "heavy tails": heavy}


def losses(
    random: np.random.Generator,
    studies: int,
    most: int,
    means: Sequence[float],
    sds: Sequence[float],
    noise: Draw = normal,
    shared: float = 0.5,
) -> np.ndarray:
    """Return losses [studies, contestants, seeds]; `sds` are of a contestant's own noise."""
    own = noise(random, (studies, len(means), most))
    common = random.standard_normal((studies, 1, most)) * np.sqrt(shared / (1 - shared))
    return np.array(means)[:, None] + np.array(sds)[:, None] * own + np.mean(sds) * common


def run(values: np.ndarray, most: int, practical: float, racing: bool = True) -> tuple[Race, int]:
    """Return the verdict on one study [contestants, seeds], and how many trainings it took."""
    names = [chr(ord("A") + i) for i in range(len(values))]
    rows = dict(zip(names, values.tolist(), strict=True))
    if not racing:
        return race(rows, practical, most, first=most), most * len(names)
    seeds = dict.fromkeys(names, 2)
    while True:
        scores = {name: rows[name][: seeds[name]] for name in names}
        found = race(scores, practical, most)
        if not found.more:
            # The verdict knows what was reached, not what was asked.
            return race(scores, practical, reached(scores)), sum(seeds.values())
        for name in found.more:
            seeds[name] += 1


def share(values: np.ndarray, most: int, practical: float = 0.0, racing: bool = True) -> np.ndarray:
    """Return shares of studies [any winner, the first wins, the first called behind], and cost."""
    rows = []
    for study in values:
        found, cost = run(study, most, practical, racing)
        rows.append(
            (
                found.winner is not None,
                found.winner == "A",
                found.states["A"] is State.BEHIND,
                cost / len(study),
            )
        )
    return np.mean(np.array(rows, float), axis=0)


PLATEAU = "2 equal and noisy, 6 on a plateau"
QUIETER = "2 equal and noisy, 3 a third as noisy"
FAR = 90.0  # a loss that is out of the question
SAME: dict[
    str, tuple[list[float], list[float]]
] = {  # means and deviations; the equal ones are the best
    "2 equal": ([1, 1], [0.05, 0.05]),
    "3 equal": ([1] * 3, [0.05] * 3),
    "5 equal": ([1] * 5, [0.05] * 5),
    "2 equal, one 3 × as noisy": ([1, 1], [0.05, 0.15]),
    "3 equal, noise 1 : 2 : 3": ([1] * 3, [0.05, 0.1, 0.15]),
    "5 equal, one 3 × as noisy": ([1] * 5, [0.05] * 4 + [0.15]),
    PLATEAU: ([1] * 2 + [FAR] * 6, [0.15] * 2 + [0.001] * 6),
    QUIETER: ([1] * 2 + [FAR] * 3, [0.15] * 2 + [0.05] * 3),
}


def false_winners(studies: int) -> None:
    """Print how often a winner is named among equals."""
    print(
        "| false winners, % of studies | noise | 2 seeds | 3 | 5 | 10 | race to 3 | to 5 | to 10 |"
    )
    print("| --- " * 9 + "|")
    for name, (means, sds) in SAME.items():
        for kind, noise in NOISE.items():
            random = np.random.default_rng(1)
            cells = []
            for racing, budgets in ((False, (2, 3, 5, 10)), (True, (3, 5, 10))):
                for most in budgets:
                    values = losses(random, studies, most, means, sds, noise)
                    cells.append(f"{100 * share(values, most, racing=racing)[0]:.1f}")
            print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)


def coverage(studies: int) -> None:
    """Print how often intervals hold the truth: of a mean, and of a difference to the leader."""
    print("\n| intervals that hold, % | noise | 3 seeds | 4 | 5 | 7 | 10 |")
    print("| --- " * 7 + "|")
    counts = (3, 4, 5, 7, 10)
    for kind, noise in NOISE.items():
        random = np.random.default_rng(2)
        cells = []
        for seeds in counts:
            held = [
                (e.low or 0) <= 0 <= (e.high or 0)
                for e in map(estimate, noise(random, (studies, seeds)).tolist())
            ]
            cells.append(f"{100 * np.mean(held):.1f}")
        print(f"| a mean | {kind} | {' | '.join(cells)} |")
    for title, k, racing in (
        ("2 contestants, fixed seeds", 2, False),
        ("2 contestants, race", 2, True),
        ("3 contestants, fixed seeds", 3, False),
        ("3 contestants, race", 3, True),
    ):
        for kind, noise in NOISE.items():
            random = np.random.default_rng(3)
            cells = []
            means = [1.0, 1.03, 1.06][:k]
            for seeds in counts:
                held = []
                for study in losses(random, studies, seeds, means, [0.05] * k, noise):
                    found, _ = run(study, seeds, 0.0, racing)
                    mine = means[ord(found.leader or "A") - 65]
                    for name, e in found.behind.items():
                        truth = means[ord(name) - 65] - mine
                        held.append(e.low is None or e.low <= truth <= (e.high or 0))
                cells.append(f"{100 * np.mean(held):.1f}")
            print(f"| a difference, {title} | {kind} | {' | '.join(cells)} |", flush=True)


def power(studies: int) -> None:
    """Print how often the best is found when it is 5 % ahead, and what that cost."""
    print(
        "\n| ahead by 5 %; found, % of studies (seeds a contestant) | noise of a difference |",
        end="",
    )
    print(" 2 seeds at most | 3 | 4 | 5 | 10 |")
    print("| --- " * 7 + "|")
    for k in (2, 3, 5):
        for noise in (0.01, 0.03, 0.1):
            for racing in (False, True):
                random = np.random.default_rng(4)
                cells = []
                for most in (2, 3, 4, 5, 10):
                    means, sds = [1.0] + [1.05] * (k - 1), [noise / np.sqrt(2)] * k
                    found = share(losses(random, studies, most, means, sds), most, 0.01, racing)
                    cells.append(f"{100 * found[1]:.0f} ({found[3]:.1f})")
                how = "race" if racing else "fixed"
                print(f"| {k} contestants, {how} | {noise:.0%} | {' | '.join(cells)} |", flush=True)


def savings(studies: int) -> None:
    """Print what a race costs and finds where contestants differ as they commonly do."""
    print(
        "\n| 3 contestants, the others behind by | noise of a difference | seeds a contestant |",
        end="",
    )
    print(" trainings: fixed | race | best found, %: fixed | race |")
    print("| --- " * 7 + "|")
    for gaps in ((0.05, 0.4), (0.2, 0.4), (0.0, 0.4), (0.0, 0.0)):
        for noise in (0.03, 0.1):
            for most in (5, 10):
                random = np.random.default_rng(5)
                means, sds = [1.0, *(1 + gap for gap in gaps)], [noise / np.sqrt(2)] * 3
                values = losses(random, studies, most, means, sds)
                fixed, raced = (share(values, most, 0.01, how) for how in (False, True))
                shown = " and ".join(f"{gap:.0%}" for gap in gaps)
                won = [f"{100 * found[1]:.0f}" for found in (fixed, raced)]
                print(
                    f"| {shown} | {noise:.0%} | {most} | {3 * fixed[3]:.0f} | {3 * raced[3]:.1f} "
                    f"| {won[0]} | {won[1]} |",
                    flush=True,
                )


def considered(studies: int) -> None:
    """Print false winners of other estimates of a pair's noise, at fixed seeds and one look.

    Pooled: the residual of seeds × contestants. Moderated: the pair's own and the pooled one, with
    as many degrees of freedom from each at most (Smyth 2004 would estimate how many). Careful: the
    larger of the pair's own and the moderated one.
    """
    print("\n| false winners, %, by the noise estimate | method | 2 seeds | 3 | 5 | 10 |")
    print("| --- " * 6 + "|")
    for name in ("2 equal", "2 equal, one 3 × as noisy", PLATEAU, QUIETER):
        means, sds = SAME[name]
        cells: dict[str, list[str]] = {}
        for n in (2, 3, 5, 10):
            y = losses(np.random.default_rng(6), 10 * studies, n, means, sds, shared=0.0)
            for method, wins in _methods(y).items():
                cells.setdefault(method, []).append(f"{100 * wins.mean():.1f}")
        for method, row in cells.items():
            print(f"| {name} | {method} | {' | '.join(row)} |", flush=True)


def _methods(y: np.ndarray) -> dict[str, np.ndarray]:
    """Return whether the leader beats all others, by each method; `y` is as from `losses`."""
    studies, k, n = y.shape
    leader = y.mean(axis=2).argmin(axis=1)
    rows = np.arange(studies)
    best = y[rows, leader]
    differences = y - best[:, None]
    mean, own = differences.mean(axis=2), differences.var(axis=2, ddof=1)
    apart = y.var(axis=2, ddof=1)
    both = apart + best.var(axis=1, ddof=1)[:, None]
    welch = (n - 1) * both**2 / (apart**2 + (both - apart) ** 2)
    residual = y - y.mean(axis=1, keepdims=True) - y.mean(axis=2, keepdims=True)
    residual += y.mean(axis=(1, 2), keepdims=True)
    freedom = (k - 1) * (n - 1)
    pooled = 2 * (residual**2).sum(axis=(1, 2))[:, None] / freedom * np.ones_like(own)
    borrowed = min((k - 2) * (n - 1), n - 1)
    moderated = ((n - 1) * own + borrowed * pooled) / (n - 1 + borrowed)
    methods = {
        "paired": (own, n - 1.0),
        "Welch": (both, welch),
        "pooled": (pooled, float(freedom)),
        "moderated": (moderated, n - 1.0 + borrowed),
        "careful": (np.maximum(own, moderated), n - 1.0 + borrowed),
    }
    found = {}
    for name, (variance, df) in methods.items():
        beaten = mean > stdtrit(df, 0.975) * np.sqrt(variance / n)
        beaten[rows, leader] = True
        found[name] = beaten.all(axis=1)
    return found


TABLES = {f.__name__: f for f in (false_winners, considered, coverage, power, savings)}


@click.command()
@click.option("--studies", default=4000, show_default=True, help="Simulated studies for each cell.")
@click.option("--only", default=",".join(TABLES), show_default=True, help="Which tables.")
def main(studies: int, only: str) -> None:
    """Print the tables."""
    for name in only.split(","):
        TABLES[name](studies)


if __name__ == "__main__":
    main()
