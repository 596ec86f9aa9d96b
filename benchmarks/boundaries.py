"""The levels of the looks at 3, 5, 8, ... seeds: the tables of `steepest/statistics/looks.py`.

    python benchmarks/boundaries.py            # prints them; half a minute of one core
    python benchmarks/boundaries.py --check    # and simulates studies of two equals with them

Paired differences of equal optimizers are normal with mean 0 and an unknown σ. With S the sum and
Q the sum of squares of the first n, u = S / √(nQ) is the cosine between them and (1, ..., 1), and
t = u √(n − 1) / √(1 − u²) is Student's. Of σ alone Q is the complete sufficient statistic, and the
cosines so far are free of σ, so Q is independent of them (Basu 1955). So the cosines are a Markov
chain, free of σ: with m more seeds,

    u' = (u √(nB) + v √(m (1 − B))) / √(n + m),

where B ~ Beta(n/2, m/2) is the share of the squares that is old, and v the cosine of the new ones.
The chain is integrated on a grid, so that the tables have no error of simulation. A level is
p = P(T > t), the probability beyond a t.
"""

from functools import cache

import click
import numpy as np
from scipy.special import betainc, stdtrit

LOOKS = (3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 190, 280)
BEYOND = (560, 2800)  # numbers of seeds at which a last look may be, and no other
LEVELS = (0.025, 0.0125, 0.005, 0.0025, 0.00025)  # of a pair, on one side
# Of the level, at looks that are not the last. Beyond 90 seeds little, so that the last has more.
SPENT = [(i + 1 if i < 9 else 2) / 72 for i in range(len(LOOKS))]
KEPT = 0.1  # of the level, for going on after a last look
ANGLES = 120  # nodes of the integral over B
HALF = 80  # cells of levels above ½
# The edges of cells, as levels from 1 to 0: fine where boundaries are.
EDGES = np.concatenate([np.linspace(1, 0.5, HALF + 1)[:-1], np.geomspace(0.5, 1e-8, 440), [0.0]])
HIGH, LOW = EDGES[:-1], EDGES[1:]
MIDDLES = np.concatenate([(HIGH + LOW)[:HALF] / 2, np.sqrt(HIGH[HALF:-1] * LOW[HALF:-1]), [5e-9]])
INSIDE = slice(HALF, -1)


def cosines(levels: np.ndarray, n: int) -> np.ndarray:
    """Return the cosines of n data that are exceeded with these probabilities."""
    t = -stdtrit(n - 1, levels)
    with np.errstate(invalid="ignore"):
        u = t / np.sqrt(t**2 + n - 1)
    return np.where(np.isinf(t), np.sign(t), u)


@cache
def transition(n: int, later: int) -> np.ndarray:
    """Return P(p' < edge | p = middle) [middles, edges], from n to `later` seeds."""
    m = later - n
    nodes, weights = np.polynomial.legendre.leggauss(ANGLES)
    angle = (nodes + 1) * np.pi / 4  # B = sin²
    log = (n - 1) * np.log(np.sin(angle)) + (m - 1) * np.log(np.cos(angle)) + np.log(weights)
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    keep = weights > 1e-12
    old, new = np.sqrt(n) * np.sin(angle[keep]), np.sqrt(m) * np.cos(angle[keep])
    u, x = cosines(MIDDLES, n)[:, None], cosines(EDGES, later) * np.sqrt(later)
    found = np.zeros((len(MIDDLES), len(EDGES)))
    for a, b, weight in zip(old, new, weights[keep], strict=True):
        v = np.clip((x - a * u) / b, -1, 1)
        found += weight * betainc((m - 1) / 2, (m - 1) / 2, (1 - v) / 2)
    return found


def level_of(beyond: np.ndarray, amount: float) -> float:
    """Return the level that spends `amount`, where P(still in, p < edge) is known at the edges."""
    x, y = np.log(np.maximum(beyond[INSIDE][::-1], 1e-300)), np.log(EDGES[INSIDE][::-1])
    return float(np.exp(np.interp(np.log(amount), x, y))) if amount > 0 else 0.0


def spent_by(beyond: np.ndarray, level: float) -> float:
    """Return what is spent at a level."""
    x, y = np.log(EDGES[INSIDE][::-1]), np.log(np.maximum(beyond[INSIDE][::-1], 1e-300))
    return float(np.exp(np.interp(np.log(level), x, y)))


def below(beyond: np.ndarray, level: float) -> np.ndarray:
    """Return the mass [cells] that does not pass a level, a part of that of the cell it is in."""
    inside = np.clip((HIGH - level) / (HIGH - LOW), 0, 1)
    return np.maximum(beyond[:-1] - beyond[1:], 0) * inside


def looks(level: float) -> tuple[list[float], list[float]]:
    """Return the levels of each look, where it is not the last, and where it is."""
    before, last, mass, spent = [], [], np.zeros(0), 0.0
    every = (*LOOKS, *BEYOND)
    for i, seeds in enumerate(every):
        beyond = mass @ transition(every[i - 1], seeds) if i else EDGES
        last.append(level_of(beyond, (1 - KEPT) * level - spent))
        if i < len(LOOKS):
            before.append(level_of(beyond, SPENT[i] * level))
            spent += SPENT[i] * level
            mass = below(beyond, before[-1])
        else:  # there is no other look between the end of LOOKS and this
            mass = below(beyond, 0.0)
    return before, last


def going_on(level: float) -> list[float]:
    """Return the level of the last look of a study that goes on, by how many looks it goes on.

    It had a last look before, at any number of seeds, and looks between the two that are not the
    last have their levels of a tenth of `level`. Together, these and the last look spend 9 % of
    `level` in studies that did not pass the earlier last look. Of all numbers of seeds at which
    that may have been, the lowest.
    """
    _, last = looks(level)
    between, _ = looks(KEPT * level)
    every = (*LOOKS, *BEYOND)
    found = np.full(len(every) - 1, np.inf)  # the last entry: to more than BEYOND[0]
    for i in range(len(every) - 1):
        mass, left = below(EDGES, last[i + 1]), KEPT * (1 - KEPT) * level
        for j in range(i + 1, len(every)):
            beyond = mass @ transition(every[j - 1], every[j])
            steps = j - i if every[j] <= BEYOND[0] else len(found)
            found[steps - 1] = min(found[steps - 1], level_of(beyond, left))
            if j < len(LOOKS):
                left -= spent_by(beyond, between[j])
            mass = below(beyond, between[j] if j < len(LOOKS) else 0.0)
    return [float(one) for one in np.minimum.accumulate(found)]


def check(level: float, studies: int) -> None:
    """Simulate differences of two equals, and print what is spent in shares of the level."""
    random = np.random.default_rng(0)
    before, last = looks(level)
    on = going_on(level)
    tenth, _ = looks(KEPT * level)
    counts: dict[str, float] = {}
    for _ in range(studies // 500_000):
        s, q = np.zeros(500_000), np.zeros(500_000)
        t, n = [], 0
        for seeds in LOOKS:
            m = seeds - n
            add = np.sqrt(m) * random.standard_normal(len(s))
            q += add**2 / m + random.chisquare(m - 1, len(s))
            s, n = s + add, seeds
            t.append(s / np.sqrt(n) / np.sqrt((q - s**2 / n) / (n - 1)))
        passed = [one > -stdtrit(n - 1, p) for one, n, p in zip(t, LOOKS, before, strict=True)]
        ends = [one > -stdtrit(n - 1, p) for one, n, p in zip(t, LOOKS, last[:9], strict=True)]
        for i, seeds in enumerate(LOOKS):
            through = np.any([*passed[:i], ends[i]], axis=0)
            counts[f"to {seeds}"] = counts.get(f"to {seeds}", 0) + through.sum()
            for j in range(i + 1, len(LOOKS)):
                more = [t[k] > -stdtrit(LOOKS[k] - 1, tenth[k]) for k in range(i + 1, j)]
                more.append(t[j] > -stdtrit(LOOKS[j] - 1, on[j - i - 1]))
                name = f"to {seeds}, on to {LOOKS[j]}"
                counts[name] = counts.get(name, 0) + (through | np.any(more, axis=0)).sum()
    for name, count in counts.items():
        error = np.sqrt(count) / studies / level
        print(f"{name}: {count / studies / level:.3f} ± {error:.3f}")


@click.command()
@click.option("--check", "checked", is_flag=True, help="Simulate with the levels, too.")
def main(checked: bool) -> None:
    """Print the tables."""
    rows: dict[str, list[np.ndarray]] = {"BEFORE": [], "LAST": [], "GOING_ON": []}
    for level in LEVELS:
        before, last = looks(level)
        for name, found in zip(rows, (before, last, going_on(level)), strict=True):
            rows[name].append(np.floor(1e4 * np.array(found) / level) / 1e4)
    # At levels near 0, nobody passes two looks (Bonferroni).
    left = np.concatenate([1 - KEPT - np.cumsum([0.0, *SPENT]), [1 - KEPT - sum(SPENT)]])
    rows["BEFORE"].append(np.round(SPENT, 4))
    rows["LAST"].append(np.round(left, 4))
    steps = KEPT * (1 - KEPT) - KEPT * np.concatenate(
        [np.cumsum([0.0, *SPENT[:0:-1]]), [sum(SPENT[1:])]]
    )
    rows["GOING_ON"].append(np.round(steps, 4))
    print(f"LEVELS = {(*LEVELS, 0.0)}")
    for name, found in rows.items():
        print(f"{name} = (")
        for row in found:
            print(f"    ({', '.join(f'{one:.4f}' for one in row)}),")
        print(")")
    if checked:
        check(0.025, 4_000_000)


if __name__ == "__main__":
    main()
