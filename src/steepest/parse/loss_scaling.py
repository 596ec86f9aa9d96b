"""The optimizer inside of one that scales the loss, as Keras has it under mixed_float16."""

from typing import Any

from steepest.calls import Call

SCALER = "LossScaleOptimizer"  # which Keras puts around an optimizer


def inside(optimizer: Any) -> Any:
    """Return the optimizer that scales no loss: float16 needs that scaling, and it is undone."""
    for _ in range(9):
        inner = getattr(optimizer, "inner_optimizer", None)
        if type(optimizer).__name__ != SCALER or inner is None:
            break
        optimizer = inner
    return optimizer


def inner_call(call: Call) -> Call:
    """Return the call of the optimizer that scales no loss, as `inside` does."""
    for _ in range(9):
        inner = call.keywords.get("inner_optimizer", *call.positional[:1] or (None,))
        if call.name.rpartition(".")[2] != SCALER or not isinstance(inner, Call):
            break
        call = inner
    return call
