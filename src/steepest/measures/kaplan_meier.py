"""The median time to an event where some were never seen to have it, with its limits."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ROUNDING = 1e-9  # a product of fractions that should be a half may lie this far above it
Z = 1.959963984540054  # the normal quantile of 97.5 %

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Median:
    """A median time with its 95 % limits, each None where the curve never falls to a half."""

    median: float | None
    low: float | None
    high: float | None


def median_time(times: Sequence[float], happened: Sequence[bool]) -> Median:
    """Return Kaplan and Meier's median of `times`, with Brookmeyer and Crowley's 95 % limits.

    Where `happened` is False, the event had not come by that time: the time is censored. The median
    is the first time at which the estimated share without the event, S(t), is a half or less
    (Kaplan and Meier 1958). The limits are the first times at which the lower and the upper limit
    of S(t) are (Brookmeyer and Crowley 1982), which are log(−log)-transformed, with Greenwood's
    variance. They are asymptotic; at a few seeds there often is no upper limit: with five that all
    have the event at times of their own, none.
    """
    if not any(happened):
        return Median(None, None, None)
    ends = np.array(times, np.float64)
    at = np.unique(ends)
    risk = (ends[None, :] >= at[:, None]).sum(axis=1)
    deaths = ((ends == at[:, None]) & np.array(happened, np.bool_)).sum(axis=1)
    survival = np.cumprod((risk - deaths) / risk)
    with np.errstate(divide="ignore", invalid="ignore"):  # no limits where S is 1 or 0: NaN there
        variance = np.cumsum(deaths / (risk * (risk - deaths)))  # Greenwood's, over S squared
        reach = np.exp(Z * np.sqrt(variance) / np.abs(np.log(survival)))
        low, high = survival**reach, survival ** (1 / reach)
    return Median(*(_first_at_half(at, s) for s in (survival, low, high)))


def _first_at_half(at: Array, survival: Array) -> float | None:
    """Return the first time at which a survival curve is a half or less; NaN is not."""
    reached = np.flatnonzero(survival <= 0.5 + ROUNDING)
    return float(at[reached[0]]) if len(reached) else None
