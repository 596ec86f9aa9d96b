"""Which seeds are whose, so that nobody is judged on a seed that chose for them.

A study of Steepest with seed s uses 1000·s to 1000·s + 999; its s stays far below 10⁵ here.
"""

# On which all recommendations are measured, by the first of them where those are enough.
JUDGES = tuple(10**8 + i for i in range(192))
SETTLERS = tuple(10**8 + 1000 + i for i in range(40))  # which choose the oracle among the best
ORACLE = 2 * 10**8  # and upwards: the search for it
OTHERS = 3 * 10**8  # and upwards: a tool's trials, each of which has its own
REPLAYS = 4 * 10**8  # and upwards: of the searches that are replayed
CLOCK = 5 * 10**8  # and upwards: of trainings that are timed only
STUDIES = 1000  # and upwards: the seeds s of Steepest's studies
EACH = 10**5  # what a repetition of a tool can use up


def of_other(tool: int, repetition: int) -> int:
    """Return the first seed of a tool's repetition."""
    return OTHERS + (tool * 1000 + repetition) * EACH


def of_replay(repetition: int) -> int:
    """Return the first seed of a replay, which all that is tried there shares."""
    return REPLAYS + repetition * EACH
