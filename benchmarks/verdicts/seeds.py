"""Which seeds are whose, so that nobody is judged on a seed that chose for them.

A study of Steepest with seed s uses 1000·s to 1000·s + 999; its s stays far below 10⁵ here.
"""

JUDGES = tuple(10**8 + i for i in range(30))  # on which every recommendation is measured
SETTLERS = tuple(10**8 + 1000 + i for i in range(40))  # which choose the oracle among the best
ORACLE = 2 * 10**8  # and upwards: the search for it
OTHERS = 3 * 10**8  # and upwards: a tool's trials, each of which has its own
STUDIES = 1000  # and upwards: the seeds s of Steepest's studies
EACH = 10**5  # what a repetition of a tool can use up


def of_other(tool: int, repetition: int) -> int:
    """Return the first seed of a tool's repetition."""
    return OTHERS + (tool * 1000 + repetition) * EACH
