"""Looks: the numbers of seeds at which contestants are judged, and the level of each.

A pair may be called worse wrongly with its level at most (2.5 % on one side, for two contestants),
at all looks together. Each look is a Student's t test at a level of its own, a share of the pair's:

- **a look that is not the last**: the i-th spends i/72 of the level up to 90 seeds, and 2/72 from
  there, whatever the last will be, so that more seeds can be asked for. Early looks spend little,
  as a few seeds find clear cases only, and late ones, so that the last has something left.
- **the last**: what is left, less a tenth. It is at the most seeds that were asked for, or at what
  a budget or a limit of time bought. They do not know who is ahead, so no level is lost by that.
- **a study that goes on** after its last look, with more seeds: the tenth that was kept. Looks on
  the way have the levels of a tenth. A tenth of it is kept again.

What a look spends counts studies that did not pass an earlier one, which overlap: the law of t over
looks does not depend on σ, and `benchmarks/boundaries.py` integrates it. Its tables are here, for
some levels; between two, the shares of the lower one are taken, which are smaller. Shares at level
0 are those of Bonferroni, and hold whatever depends on what. Between two looks, the last has the
share of the next.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence

# Seeds at which contestants are judged.
LOOKS = (3, 5, 8, 12, 18, 27, 40, 60, 90, 130, 190, 280)
KEPT = 0.1  # the share of a level that is kept for going on after a last look
ENDS = (*LOOKS, 560)  # the shares of a last look: of the next of these, or beyond them all

# Shares of the levels at which they hold; see `benchmarks/boundaries.py`.
# fmt: off
LEVELS = (0.025, 0.0125, 0.005, 0.0025, 0.00025, 0.0)
BEFORE = (
    (0.0138, 0.0285, 0.0455, 0.0669, 0.0905, 0.1162, 0.1447, 0.1725, 0.2018,
     0.0714, 0.0561, 0.0506),
    (0.0138, 0.0283, 0.0446, 0.0646, 0.0864, 0.1101, 0.1362, 0.1614, 0.1879,
     0.0631, 0.0502, 0.0458),
    (0.0138, 0.0280, 0.0436, 0.0622, 0.0823, 0.1039, 0.1277, 0.1505, 0.1743,
     0.0554, 0.0448, 0.0414),
    (0.0138, 0.0280, 0.0431, 0.0609, 0.0799, 0.1003, 0.1227, 0.1442, 0.1666,
     0.0511, 0.0418, 0.0391),
    (0.0138, 0.0278, 0.0422, 0.0580, 0.0747, 0.0926, 0.1119, 0.1305, 0.1499,
     0.0421, 0.0358, 0.0344),
    (0.0139, 0.0278, 0.0417, 0.0556, 0.0694, 0.0833, 0.0972, 0.1111, 0.1250,
     0.0278, 0.0278, 0.0278),
)
LAST = (
    (0.9000, 0.8900, 0.8725, 0.8499, 0.8174, 0.7726, 0.7141, 0.6346, 0.5335,
     0.4138, 0.3426, 0.2926, 0.2324, 0.2021),
    (0.9000, 0.8889, 0.8691, 0.8433, 0.8070, 0.7584, 0.6961, 0.6133, 0.5101,
     0.3896, 0.3229, 0.2766, 0.2217, 0.1978),
    (0.9000, 0.8878, 0.8657, 0.8364, 0.7962, 0.7436, 0.6776, 0.5918, 0.4869,
     0.3661, 0.3046, 0.2622, 0.2124, 0.1947),
    (0.8999, 0.8875, 0.8639, 0.8324, 0.7897, 0.7347, 0.6666, 0.5792, 0.4735,
     0.3527, 0.2945, 0.2545, 0.2077, 0.1934),
    (0.8999, 0.8861, 0.8603, 0.8239, 0.7756, 0.7150, 0.6420, 0.5512, 0.4441,
     0.3234, 0.2739, 0.2392, 0.1992, 0.1919),
    (0.9000, 0.8861, 0.8583, 0.8167, 0.7611, 0.6917, 0.6083, 0.5111, 0.4000,
     0.2750, 0.2472, 0.2194, 0.1917, 0.1917),
)
GOING_ON = (
    (0.1282, 0.1139, 0.1052, 0.0980, 0.0902, 0.0800, 0.0703, 0.0603, 0.0506,
     0.0443, 0.0399, 0.0348, 0.0327),
    (0.1207, 0.1078, 0.0987, 0.0912, 0.0829, 0.0724, 0.0631, 0.0537, 0.0450,
     0.0391, 0.0351, 0.0304, 0.0288),
    (0.1136, 0.1004, 0.0924, 0.0862, 0.0753, 0.0655, 0.0567, 0.0480, 0.0406,
     0.0352, 0.0315, 0.0271, 0.0260),
    (0.1097, 0.0963, 0.0898, 0.0820, 0.0711, 0.0617, 0.0534, 0.0452, 0.0385,
     0.0334, 0.0298, 0.0257, 0.0248),
    (0.0987, 0.0898, 0.0834, 0.0722, 0.0623, 0.0539, 0.0467, 0.0393, 0.0338,
     0.0294, 0.0262, 0.0225, 0.0221),
    (0.0900, 0.0872, 0.0844, 0.0817, 0.0692, 0.0581, 0.0483, 0.0400, 0.0331,
     0.0275, 0.0233, 0.0206, 0.0206),
)
# fmt: on


def next_look(seeds: int, most: int) -> int:
    """Return the number of seeds at the next look, or `most` where that is fewer."""
    later = LOOKS[bisect_right(LOOKS, seeds) :]
    return min(later[0], most) if later else most


def look_level(
    seeds: int, level: float, most: int, first: int = LOOKS[0], judged: Sequence[int] = ()
) -> float:
    """Return the level of the test at one look.

    Args:
        seeds: that the pair has in common.
        level: of the pair on one side, which all looks share.
        most: seeds at the last look.
        first: seeds at the first look.
        judged: seeds at earlier last looks, after which the study went on. Those of one seed had
            no test.

    Returns:
        0 where there is no look.
    """
    ends = sorted({one for one in judged if 2 <= one < min(most, seeds)})
    last = seeds >= most or seeds in judged
    if seeds < min(first, most) and not last:
        return 0.0
    kept = KEPT ** len(ends) * level
    if not last:
        return kept * _shares(BEFORE, kept)[LOOKS.index(seeds)] if seeds in LOOKS else 0.0
    end = bisect_left(ENDS, seeds)
    # At two seeds the test is another one, of which the law over looks knows nothing.
    if not ends or ends[-1] < LOOKS[0]:
        return kept * _shares(LAST, kept)[end]
    before = KEPT ** (len(ends) - 1) * level
    steps = max(1, end - (bisect_right(ENDS, ends[-1]) - 1)) if end < len(ENDS) else len(ENDS)
    return before * _shares(GOING_ON, before)[steps - 1]


def _shares(table: Sequence[Sequence[float]], level: float) -> Sequence[float]:
    """Return the row of the next lower level."""
    return next(row for row, of in zip(table, LEVELS, strict=True) if of <= level * (1 + 1e-9))
