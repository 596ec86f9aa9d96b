"""One callback as source: Keras' own, and PyTorch's `ReduceLROnPlateau`.

PyTorch's counts otherwise than Keras': it acts on the first bad epoch after `patience` of them, and
an epoch of cooldown is one more than in Keras, so its numbers are one less.
"""

from collections.abc import Iterable, Iterator

from steepest.codegen.spelling import literal
from steepest.records import CallbackRecord, Config
from steepest.records.callbacks import CHECKPOINT, PLATEAU, SCHEDULER


def call(one: CallbackRecord, config: Config | None = None) -> str:
    """Return the call of Keras' callback, with what is not Keras' default.

    A scheduler's function is the person's own, called `schedule`; where it sets rates, its shape
    has the rate of `config` in the place of its peak.
    """
    if one.kind == SCHEDULER:
        rate = None if config is None else config.numbers.get("learning_rate")
        scaled = None if one.relative or rate is None else literal(rate / one.peak)
        what = "schedule" if scaled is None else f"lambda epoch: {scaled} * schedule(epoch)"
        return f"{SCHEDULER}({what})"
    curves = {"loss": "val_loss", "training_loss": "loss"}
    monitor = curves.get(one.monitor, f"val_{one.monitor}")
    given: list[str] = [] if monitor == "val_loss" else [f"monitor={monitor!r}"]
    if one.up or one.monitor not in curves:
        given.append(f"mode={'max' if one.up else 'min'!r}")
    if one.kind == CHECKPOINT:
        given = ["'best.keras'", *given, "save_best_only=True"]
        given += [f"initial_value_threshold={one.baseline!r}"] * (one.baseline is not None)
    elif one.kind == PLATEAU:
        given += [f"factor={literal(one.factor)}", f"patience={one.patience}"]
        given += [f"min_delta={literal(one.min_delta)}"] * (one.min_delta != 1e-4)
        given += [f"cooldown={one.cooldown}"] * bool(one.cooldown)
        given += [f"min_lr={literal(one.min_lr)}"] * bool(one.min_lr)
    else:
        given += [f"min_delta={literal(one.min_delta)}"] * bool(one.min_delta)
        given += [f"patience={one.patience}"]
        given += [f"baseline={one.baseline!r}"] * (one.baseline is not None)
        given += ["restore_best_weights=True"] * one.restore
        given += [f"start_from_epoch={one.start_from_epoch}"] * bool(one.start_from_epoch)
    return f"{one.kind}({', '.join(given)})"


def torch_plateaus(callbacks: Iterable[CallbackRecord], parts: bool = False) -> Iterator[str]:
    """Yield lines that make PyTorch's `ReduceLROnPlateau` of each one of Keras'.

    Where `parts` of the model have learning rates of their own, each has its share of the lowest.
    """
    for one in callbacks:
        if one.kind != PLATEAU:
            continue
        named = {"loss": "validation loss", "training_loss": "training loss"}
        value = named.get(one.monitor, f"validation {one.monitor!r}")
        least = literal(one.min_lr)
        if parts and one.min_lr:
            least = f'[group["lr"] * {literal(one.min_lr)} for group in optimizer.param_groups]'
        yield "plateau = torch.optim.lr_scheduler.ReduceLROnPlateau("
        yield f"    optimizer, {'max' if one.up else 'min'!r}, factor={literal(one.factor)},"
        yield f"    patience={max(one.patience, 1) - 1}, threshold={literal(one.min_delta)},"
        yield f"    threshold_mode='abs', cooldown={max(one.cooldown, 1) - 1},"
        yield f"    min_lr={least}, eps=0.0,"
        yield ")"
        yield f"# After each epoch: plateau.step(...) with the {value}."
