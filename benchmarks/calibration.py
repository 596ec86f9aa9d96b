"""Is a winner named where there is none, and is one found where there is one? Simulated studies.

    python benchmarks/calibration.py [--studies 4000] [--only false_winners,decided]

Each study is a race as a search runs it: contestants are trained up to the next look as long as the
race says, up to the most seeds, until a clock stops it, or further after it had ended. Losses are 1
(or 1.03 for those that are 3 % behind) plus noise, and as much noise again, on average, that is the
seed's and common to all. The race here is that of `steepest.statistics.race` for all studies at
once; some studies are judged by both, and have to agree.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import click
import numpy as np
from scipy.special import stdtr, stdtrit

from steepest.statistics import ALPHA, LOOKS, State, look_level, next_look, race
from steepest.statistics.race import HOPE

MATTERS = 0.03  # of the leader's mean
PARTS = 4  # as many times --studies for each share of false winners
OPEN, BEHIND, SAME, LEADER = range(4)
STATES = {State.OPEN: OPEN, State.BEHIND: BEHIND, State.SAME: SAME, State.LEADER: LEADER}

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


@dataclass(frozen=True)
class Found:
    """How many studies stand, all at once."""

    leader: np.ndarray  # [studies]
    won: np.ndarray  # [studies]
    states: np.ndarray  # [studies, contestants]
    more: np.ndarray  # [studies, contestants]
    low: np.ndarray  # [studies, contestants], of the difference to the leader
    high: np.ndarray


class Races:
    """Races of studies [studies, contestants, seeds], all at once."""

    def __init__(self, values: np.ndarray) -> None:
        self.studies, self.k, _ = values.shape
        self.center = values.mean(axis=(0, 2))
        y = values - self.center[:, None]
        self.sums = np.cumsum(y, axis=2)
        self.products = np.cumsum(y[:, :, None] * y[:, None], axis=3)
        self.rows = np.arange(self.studies)[:, None]

    def mean(self, who: np.ndarray, seeds: np.ndarray) -> np.ndarray:
        """Return the means of contestants [studies, any] over their first seeds."""
        return self.center[who] + self.sums[self.rows, who, seeds - 1] / seeds

    def judge(
        self, seeds: np.ndarray, most: np.ndarray, judged: tuple[int, ...], practical: float
    ) -> Found:
        """Return how all stand with `seeds` [studies, contestants], if `most` [studies] is last."""
        every = np.arange(self.k)[None].repeat(self.studies, 0)
        longest = seeds.max(axis=1, keepdims=True)
        able = seeds >= longest - 1
        common = np.where(able, seeds, 10_000).min(axis=1, keepdims=True)
        means = self.mean(every, np.minimum(seeds, common))
        leader = np.where(able, means, np.inf).argmin(axis=1)[:, None]
        n = np.minimum(seeds, np.take_along_axis(seeds, leader, 1))
        scale = np.abs(self.mean(np.broadcast_to(leader, n.shape), n))
        mean = self.mean(every, n) - self.mean(np.broadcast_to(leader, n.shape), n)

        def square(i: np.ndarray, j: np.ndarray) -> np.ndarray:
            return self.products[self.rows, i, j, n - 1] - (
                self.sums[self.rows, i, n - 1] * self.sums[self.rows, j, n - 1] / n
            )

        with np.errstate(divide="ignore", invalid="ignore"):
            own, best = square(every, every) / (n - 1), square(leader, leader) / (n - 1)
            both = own + best - 2 * square(every, np.broadcast_to(leader, n.shape)) / (n - 1)
            freedom = np.where(n == 2, (own + best) ** 2 / (own**2 + best**2), n - 1)
            error = np.sqrt(np.maximum(np.where(n == 2, own + best, both), 0) / n)
        margin = practical * scale
        is_leader = every == leader

        def reach(level: float) -> np.ndarray:
            at = self.levels(n, most[:, None], level, judged)
            with np.errstate(invalid="ignore"):
                found = stdtrit(freedom, 1 - at) * error
            return np.where((at > 0) & (n > 1), found, np.inf)

        wide = reach(ALPHA / 2)
        won = (is_leader | ((mean >= margin) & (mean > wide))).all(axis=1)
        level = ALPHA / max(2, self.k - 1)
        wide = np.where(won[:, None], wide, reach(level))
        states = np.where(np.abs(mean) + wide <= margin, SAME, OPEN)
        states = np.where((mean > 0) & (mean >= margin) & (mean > wide), BEHIND, states)
        states = np.where(is_leader, LEADER, states)
        last = self.levels(most, most, level, judged)
        hope = self.chance(n, mean, error, freedom, most[:, None], last[:, None], margin) >= HOPE
        more = (states == OPEN) & (seeds < most[:, None]) & ((n < LOOKS[0]) | hope)
        at_front = (more & (seeds >= np.take_along_axis(seeds, leader, 1))).any(axis=1)
        going = (at_front & (np.take_along_axis(seeds, leader, 1)[:, 0] < most))[:, None]
        return Found(
            leader[:, 0],
            won & (longest[:, 0] > 1),
            states,
            more | (is_leader & going),
            mean - wide,
            mean + wide,
        )

    @staticmethod
    def levels(
        n: np.ndarray, most: np.ndarray, level: float, judged: tuple[int, ...]
    ) -> np.ndarray:
        """Return `look_level` of each."""
        pairs, where = np.unique(
            np.stack(np.broadcast_arrays(n, most)).reshape(2, -1), axis=1, return_inverse=True
        )
        found = [look_level(int(a), level, int(b), judged=judged) for a, b in pairs.T]
        return np.array(found)[where.ravel()].reshape(np.broadcast_shapes(n.shape, most.shape))

    @staticmethod
    def chance(
        n: np.ndarray,
        mean: np.ndarray,
        error: np.ndarray,
        freedom: np.ndarray,
        most: np.ndarray,
        last: np.ndarray,
        margin: np.ndarray,
    ) -> np.ndarray:
        """Return `Pair.chance` of each."""
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = stdtrit(most - 1, 1 - last) * error * np.sqrt(n / most)
            spread = error * np.sqrt(np.maximum(1 - n / most, 1e-30))

            def within(limit: np.ndarray) -> np.ndarray:
                inside = stdtr(freedom, (limit - mean) / spread)
                return np.where(limit < 0, 0, inside - stdtr(freedom, (-limit - mean) / spread))

            return 1 - within(np.maximum(margin, reach)) + within(margin - reach)

    def run(
        self,
        most: int,
        practical: float,
        stop: np.ndarray | None = None,
        before: tuple[np.ndarray, tuple[int, ...]] | None = None,
    ) -> tuple[Found, np.ndarray]:
        """Return how all stand at the end, and the seeds that each contestant got.

        Args:
            most: seeds at the last look of the plan.
            practical: the share of the leader's mean that would matter.
            stop: seeds at which the clock stops each study [studies].
            before: the seeds that each contestant had when the study went on, and its last looks.
        """
        limit = np.full(self.studies, most) if stop is None else np.minimum(stop, most)
        plan = np.full(self.studies, most)
        following = np.array([next_look(n, most) for n in range(most + 1)])
        start = np.minimum(next_look(0, most), limit)[:, None].repeat(self.k, 1)
        seeds, judged = (start, ()) if before is None else before
        while True:
            found = self.judge(seeds, plan, judged, practical)
            more = found.more & (seeds < limit[:, None])
            if not more.any():
                break
            onward = np.minimum(following[np.minimum(seeds, most)], limit[:, None])
            seeds = np.where(more, onward, seeds)
        if stop is not None:  # what the clock stopped has its last look
            ended = found.more.any(axis=1)
            reached = np.sort(seeds, axis=1)[:, -2]
            found = self.judge(seeds, np.where(ended, reached, plan), judged, practical)
        return found, seeds


def agrees(values: np.ndarray, most: int, practical: float) -> None:
    """Check some studies against `steepest.statistics.race`."""
    found, seeds = Races(values).run(most, practical)
    for i, study in enumerate(values[:200]):
        rows = {str(j): study[j, : seeds[i, j]].tolist() for j in range(len(study))}
        one = race(rows, practical, most)
        assert not one.more
        assert one.leader == str(found.leader[i]), i
        assert (one.winner is not None) == found.won[i], i
        assert [STATES[state] for state in one.states.values()] == found.states[i].tolist(), i


def modes(values: np.ndarray, practical: float) -> Iterable[tuple[str, Found, np.ndarray]]:
    """Run the same studies in all ways: to a number of seeds, to a time, and further."""
    races = Races(values)
    for most in (2, 3, 5, 12, 90, 280):
        yield f"to {most}", *races.run(most, practical)
    stops = np.random.default_rng(7).integers(2, 281, len(values))
    yield "by time", *races.run(280, practical, stop=stops)
    for most in (5, 12, 140):
        first, seeds = races.run(most, practical)
        second, more = races.run(2 * most, practical, before=(seeds, (most,)))
        done = first.won | ~(first.states == OPEN).any(axis=1)  # nobody goes on with these
        again = [getattr(second, name) for name in Found.__annotations__]
        kept = [getattr(first, name) for name in Found.__annotations__]
        mixed = [
            np.where(done if a.ndim == 1 else done[:, None], a, b)
            for a, b in zip(kept, again, strict=True)
        ]
        yield f"{most}, on to {2 * most}", Found(*mixed), np.where(done[:, None], seeds, more)


MODES = (
    "to 2",
    "to 3",
    "to 5",
    "to 12",
    "to 90",
    "to 280",
    "by time",
    "5, on to 10",
    "12, on to 24",
    "140, on to 280",
)


PLATEAU = "2 equal and noisy, 6 on a plateau"
QUIETER = "2 equal and noisy, 3 a third as noisy"
FAR = 90.0  # a loss that is out of the question
AMONG: dict[
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
    """Print how often a winner is named among equals, if nothing is too small to matter."""
    print(f"| false winners, % of studies | noise | {' | '.join(MODES)} |")
    print("| --- " * (2 + len(MODES)) + "|")
    for name, (means, sds) in AMONG.items():
        for kind, noise in NOISE.items():
            won = []
            for part in range(PARTS):
                random = np.random.default_rng((1, part))
                values = losses(random, studies, 280, means, sds, noise)
                agrees(values[:50], 12, 0.0)
                won.append([found.won.mean() for _, found, _ in modes(values, 0.0)])
            cells = [f"{100 * one:.1f}" for one in np.mean(won, axis=0)]
            print(f"| {name} | {kind} | {' | '.join(cells)} |", flush=True)


CASES: dict[str, list[float]] = {
    "2, one better by 1 %": [1, 1.01],
    "2, one better by 3 %": [1, 1.03],
    "2, one better by 10 %": [1, 1.1],
    "3 equal": [1, 1, 1],
    "3, two equal, one 10 % behind": [1, 1, 1.1],
    "3, one better by 1 %": [1, 1.01, 1.01],
    "3, one better by 3 %": [1, 1.03, 1.03],
    "3, one better by 10 %": [1, 1.1, 1.1],
    "5, one better by 3 %": [1, 1.03, 1.03, 1.03, 1.03],
}


def decided(studies: int) -> None:
    """Print what is said where 3 % matter: rightly, wrongly, and for how many seeds."""
    print("\n| what is true | noise of a run | wrong winner, % | wrongly as good, % | ", end="")
    print(
        "best called behind, % | intervals that fail, % | decided, % (seeds of each): to 5 | ",
        end="",
    )
    print("to 12 | to 90 | to 280 |")
    print("| --- " * 10 + "|")
    for name, means in CASES.items():
        for kind, noise, sd in (
            ("3 %, normal", normal, 0.03),
            ("10 %, normal", normal, 0.1),
            ("10 %, skewed", skewed, 0.1),
            ("10 %, heavy tails", heavy, 0.1),
        ):
            random = np.random.default_rng(4)
            values = losses(random, studies, 280, means, [sd] * len(means), noise)
            agrees(values[:200], 12, MATTERS)
            truth = np.array(means)
            wrong: list[list[float]] = []
            cells = []
            for mode, found, seeds in modes(values, MATTERS):
                best = truth == 1
                winner = best[found.leader] & (best.sum() == 1)
                apart = truth[None] - truth[found.leader][:, None]
                far = np.abs(apart) >= MATTERS * truth[found.leader][:, None] - 1e-9
                missed = (apart < found.low) | (apart > found.high)
                others = found.states != LEADER
                wrong.append(
                    [
                        (found.won & ~winner).mean(),
                        ((found.states == SAME) & far).any(axis=1).mean(),
                        (found.states[:, 0] == BEHIND).mean(),
                        missed[others].mean(),
                    ]
                )
                if mode in ("to 5", "to 12", "to 90", "to 280"):
                    settled = ~(found.states == OPEN).any(axis=1)
                    cells.append(f"{100 * settled.mean():.0f} ({seeds.mean():.1f})")
            most = [f"{100 * one:.1f}" for one in np.max(wrong, axis=0)]
            print(f"| {name} | {kind} | {' | '.join(most)} | {' | '.join(cells)} |", flush=True)


def considered(studies: int) -> None:
    """Print false winners of other estimates of a pair's noise, at fixed seeds and one look.

    Pooled: the residual of seeds × contestants. Moderated: the pair's own and the pooled one, with
    as many degrees of freedom from each at most (Smyth 2004 would estimate how many). Careful: the
    larger of the pair's own and the moderated one.
    """
    print("\n| false winners, %, by the noise estimate | method | 2 seeds | 3 | 5 | 10 |")
    print("| --- " * 6 + "|")
    for name in ("2 equal", "2 equal, one 3 × as noisy", PLATEAU, QUIETER):
        means, sds = AMONG[name]
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


TABLES = {f.__name__: f for f in (false_winners, considered, decided)}


@click.command()
@click.option("--studies", default=4000, show_default=True, help="Simulated studies for each cell.")
@click.option("--only", default=",".join(TABLES), show_default=True, help="Which tables.")
def main(studies: int, only: str) -> None:
    """Print the tables."""
    for name in only.split(","):
        TABLES[name](studies)


if __name__ == "__main__":
    main()
