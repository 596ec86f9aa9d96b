"""What known callbacks mean for a task: records, whose curves and numbers are checked.

A scheduler's function becomes the rates that it gives. One that reads the learning rate is asked
again in each trial, as its rates depend on the trial's own.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from steepest.amounts import make_number
from steepest.errors import InputError, quoted
from steepest.records import CallbackRecord, TaskFacts
from steepest.records.callbacks import CHECKPOINT, FUNCTIONS, PLATEAU, PROBED, SCHEDULER
from steepest.tasks.callbacks import Given


def make_callbacks(given: Given, facts: TaskFacts) -> tuple[CallbackRecord, ...]:
    """Return the records of known callbacks, for a task.

    Raises:
        InputError: one looks at what is not measured, or has a value that it cannot have.
    """
    return tuple(_record(kind, arguments, facts) for kind, arguments in given.known)


def _record(kind: str, arguments: Mapping[str, Any], facts: TaskFacts) -> CallbackRecord:
    if kind == SCHEDULER:
        return _scheduler(arguments["schedule"], facts.epochs)

    def number(name: str, low: float, high: float = 1e38) -> float:
        return float(make_number(f"{kind}'s {name}", arguments[name], low, high))

    monitor, up = _monitor(kind, arguments, facts)
    if kind == CHECKPOINT:
        if arguments["save_freq"] != "epoch":
            raise InputError(
                f"{kind}'s save_freq is {quoted(arguments['save_freq'])}, but trials are evaluated "
                "after each epoch; give save_freq='epoch'"
            )
        least = arguments["initial_value_threshold"]
        found = None if least is None else number("initial_value_threshold", -1e38)
        return CallbackRecord(kind, monitor, up, baseline=found, restore=True)
    # Keras turns the sign of min_delta in the object, where smaller is better.
    delta = abs(number("min_delta", -1e38))
    patience = max(0, math.ceil(number("patience", -1e9, 1e9)))
    if kind == PLATEAU:
        factor = number("factor", 0.0)
        if factor >= 1:
            raise InputError(
                f"{kind}'s factor is {factor:g}, but must be below 1, as it multiplies the "
                "learning rate; give a number such as 0.1"
            )
        cooldown, least = max(0, int(number("cooldown", -1e9, 1e9))), number("min_lr", 0.0)
        return CallbackRecord(
            kind, monitor, up, delta, patience, factor=factor, cooldown=cooldown, min_lr=least
        )
    baseline = arguments["baseline"]
    return CallbackRecord(
        kind,
        monitor,
        up,
        delta,
        patience,
        baseline=None if baseline is None else number("baseline", -1e38),
        restore=bool(arguments["restore_best_weights"]),
        start_from_epoch=max(0, math.ceil(number("start_from_epoch", -1e9, 1e9))),
    )


def _monitor(kind: str, arguments: Mapping[str, Any], facts: TaskFacts) -> tuple[str, bool]:
    """Return the curve that a callback looks at, and whether larger is better."""
    name, mode = str(arguments["monitor"]), arguments["mode"]
    curves = {"val_loss": "loss", "loss": "training_loss"}
    curves |= {f"val_{metric}": metric for metric in facts.metrics}
    if name not in curves:
        raise InputError(
            f"{kind} monitors {quoted(name)}, which is not measured; monitor "
            f"{' or '.join(curves)}, or add the metric to the model"
        )
    if mode in ("min", "max"):
        return curves[name], mode == "max"
    if name in ("val_loss", "loss"):
        return curves[name], False
    if curves[name] not in facts.directions:
        raise InputError(
            f"{kind} monitors {name}, of which nobody knows whether larger is better; give it "
            "mode='max' or mode='min'"
        )
    return curves[name], facts.directions[curves[name]] == "up"


def _scheduler(function: Callable[..., Any], epochs: int) -> CallbackRecord:
    """Return the record of a function of the epoch, or of the epoch and the learning rate."""

    def rate(epoch: int, before: float) -> float:
        try:
            found = function(epoch, before)
        except TypeError:  # as Keras finds out how it is called
            found = function(epoch)
        if not isinstance(found, float | np.floating) or not 0 <= found < 1e38:
            raise InputError(
                f"the function of {SCHEDULER} gives {quoted(found)} for epoch {epoch}, but must "
                "give a float from 0 on; let it return one"
            )
        return float(found)

    def asked(before: Iterable[float]) -> list[float]:
        found = []
        for epoch, one in zip(range(epochs), before, strict=False):
            try:
                found.append(rate(epoch, one))
            except InputError:
                raise
            except Exception as error:  # the person's own code
                raise InputError(
                    f"the function of {SCHEDULER} fails for epoch {epoch}: "
                    f"{type(error).__name__}: {error}"
                ) from error
        return found

    rates = asked([PROBED] * epochs)
    relative = rates != asked([2 * PROBED] * epochs)
    if relative:
        rates, before = [], PROBED
        for epoch in range(epochs):
            before = float(np.float32(rate(epoch, before)))
            rates.append(before)
    if not max(rates) > 0:
        raise InputError(f"the function of {SCHEDULER} never gives a rate above 0; give another")
    record = CallbackRecord(SCHEDULER, rates=tuple(rates), relative=relative)
    if relative:
        FUNCTIONS[record] = rate
    return record
