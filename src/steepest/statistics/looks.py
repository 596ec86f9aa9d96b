"""Looks: the numbers of seeds at which contestants are judged, and the level of each.

A pair may be called worse wrongly with its level at most (2.5 % on one side, for two contestants),
at all looks together. Each look is a Student's t test at a level of its own, a share of the pair's:

- **a look that is not the last**: the i-th spends i/72 of the level, whatever the last will be, so
  that more seeds can be asked for. Early looks spend little, as a few seeds find clear cases only.
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

LOOKS = (3, 5, 8, 12, 18, 27, 40, 60, 90)  # seeds at which contestants are judged
KEPT = 0.1  # the share of a level that is kept for going on after a last look
ENDS = (*LOOKS, 180)  # the shares of a last look: of the next of these, or beyond them all

# Shares of the levels at which they hold; see `benchmarks/boundaries.py`.
# fmt: off
LEVELS = (0.025, 0.0125, 0.005, 0.0025, 0.00025, 0.0)
BEFORE = (
    (0.0138, 0.0285, 0.0455, 0.0669, 0.0905, 0.1162, 0.1447, 0.1725, 0.2018),
    (0.0138, 0.0283, 0.0446, 0.0646, 0.0864, 0.1101, 0.1362, 0.1614, 0.1879),
    (0.0138, 0.0280, 0.0436, 0.0622, 0.0823, 0.1039, 0.1277, 0.1505, 0.1743),
    (0.0138, 0.0280, 0.0431, 0.0609, 0.0799, 0.1003, 0.1227, 0.1442, 0.1666),
    (0.0138, 0.0278, 0.0422, 0.0580, 0.0747, 0.0926, 0.1119, 0.1305, 0.1499),
    (0.0139, 0.0278, 0.0417, 0.0556, 0.0694, 0.0833, 0.0972, 0.1111, 0.1250),
)
LAST = (
    (0.9000, 0.8900, 0.8725, 0.8499, 0.8174, 0.7726, 0.7141, 0.6346, 0.5335, 0.3611, 0.2935),
    (0.9000, 0.8889, 0.8691, 0.8433, 0.8070, 0.7584, 0.6961, 0.6133, 0.5101, 0.3417, 0.2864),
    (0.9000, 0.8878, 0.8657, 0.8364, 0.7962, 0.7436, 0.6776, 0.5918, 0.4869, 0.3238, 0.2811),
    (0.8999, 0.8875, 0.8639, 0.8324, 0.7897, 0.7347, 0.6666, 0.5792, 0.4735, 0.3141, 0.2788),
    (0.8999, 0.8861, 0.8603, 0.8239, 0.7756, 0.7150, 0.6420, 0.5512, 0.4441, 0.2947, 0.2757),
    (0.9000, 0.8861, 0.8583, 0.8167, 0.7611, 0.6917, 0.6083, 0.5111, 0.4000, 0.2750, 0.2750),
)
GOING_ON = (
    (0.1412, 0.1237, 0.1073, 0.0951, 0.0837, 0.0736, 0.0646, 0.0553, 0.0460, 0.0413),
    (0.1303, 0.1102, 0.0987, 0.0874, 0.0765, 0.0669, 0.0583, 0.0493, 0.0410, 0.0373),
    (0.1202, 0.1004, 0.0914, 0.0803, 0.0700, 0.0609, 0.0526, 0.0443, 0.0371, 0.0344),
    (0.1147, 0.0963, 0.0872, 0.0765, 0.0665, 0.0577, 0.0497, 0.0418, 0.0354, 0.0332),
    (0.0987, 0.0898, 0.0786, 0.0686, 0.0592, 0.0511, 0.0441, 0.0369, 0.0316, 0.0305),
    (0.0900, 0.0775, 0.0664, 0.0567, 0.0483, 0.0414, 0.0358, 0.0317, 0.0289, 0.0289),
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
