"""The learning rate as a pure function of the step.

A schedule is a factor on the learning rate. It takes the steps done so far (0 at the first
update, as Keras' `iterations`) and the steps of the whole training.
"""

import math
from collections.abc import Callable, Mapping

from steepest.rules.arrays import Array, cos


def constant(step: Array, total: int) -> float:
    """Return 1: the learning rate stays as it is."""
    return 1.0


def cosine(step: Array, total: int) -> Array:
    """Return half a cosine, from 1 at the first step to 0 at the end of training.

    Loshchilov & Hutter 2017, without restarts; `keras.optimizers.schedules.CosineDecay` with
    `decay_steps` = the steps of the whole training.
    """
    return 0.5 * (1.0 + cos(step * (math.pi / total)))


SCHEDULES: Mapping[str, Callable[[Array, int], Array]] = {"constant": constant, "cosine": cosine}
