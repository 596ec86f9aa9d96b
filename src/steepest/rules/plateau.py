"""The schedule `plateau`: lower the learning rate where the validation loss stops improving.

    after an epoch, with the loss v and the lowest one b before it:
        v < b − min_delta       b ← v, and the count of bad epochs is 0
        else                    one more bad epoch; at `patience` of them in a row
                                η ← max(factor · η, final · η₀), and the next `cooldown` epochs
                                do not count

Keras' `ReduceLROnPlateau` (version 3.15), whose `min_lr` is `final · η₀` here: a share of the rate
that a training began with, as for other schedules, so that it can be searched beside it.

It follows from the curve, so no step of a training knows it: within an epoch the rate is constant,
and between epochs `engines/callbacks.py` sets it, as it does for the callback.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from steepest.records import CallbackRecord, Config, TaskFacts
from steepest.records.callbacks import PLATEAU as KIND

PLATEAU = "plateau"
FACTOR, MIN_DELTA = 0.1, 1e-4  # where no other is given: the defaults of Keras and PyTorch
# Of the epochs: their defaults of 10 epochs are for trainings of about a hundred.
PATIENCE = 0.1
LEAST = 2  # epochs of a training beside the patience, or no epoch would have another rate


def plateau_of(config: Config, facts: TaskFacts) -> tuple[CallbackRecord, ...]:
    """Return the callback that a configuration's schedule is; none where it is another schedule.

    In a training that is shorter than the task's (`decay_steps`), patience and cooldown are as much
    shorter.
    """
    if config.schedule != PLATEAU:
        return ()
    given: Mapping[str, Any] = config.hyperparameters
    share = float(given.get("decay_steps", facts.steps)) / facts.steps
    final, rate = float(given.get("final", 0.0)), float(given.get("learning_rate", 0.0))
    return (
        CallbackRecord(
            KIND,
            "loss",
            min_delta=float(given.get("min_delta", MIN_DELTA)),
            patience=_epochs(given.get("patience"), facts, share),
            factor=float(given.get("factor", FACTOR)),
            cooldown=round(share * float(given.get("cooldown", 0.0))),
            min_lr=final * rate,
        ),
    )


def _epochs(patience: Any, facts: TaskFacts, share: float) -> int:
    """Return the patience in a training of a share of the epochs, at least one epoch."""
    whole = PATIENCE * facts.epochs if patience is None else float(patience)
    return max(1, round(share * whole))


def least_patience(given: Iterable[Any], facts: TaskFacts) -> int:
    """Return the smallest patience, in epochs of a full training, of those that may be tried."""
    return min((_epochs(one, facts, 1.0) for one in given), default=_epochs(None, facts, 1.0))
