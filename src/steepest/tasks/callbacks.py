"""The callbacks that a person gives, as `fit` takes them: which are meant, and what they mean here.

Those that only look at the curve become records (`records/callbacks.py`), which every engine
follows. Those that watch or write files are left out, and a note says so. All others are somebody's
own: they need the model, so trials go through Keras' `fit`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.calls import Call, read_calls
from steepest.errors import InputError, quoted
from steepest.hashing import Reader, digest
from steepest.records.callbacks import CHECKPOINT, PLATEAU, SCHEDULER, STOP
from steepest.text import listed

NAN = "TerminateOnNaN"
# Keras' arguments in their order, with their defaults, of what is given as text.
ARGUMENTS: Mapping[str, Mapping[str, Any]] = {
    STOP: {
        "monitor": "val_loss",
        "min_delta": 0,
        "patience": 0,
        "verbose": 0,
        "mode": "auto",
        "baseline": None,
        "restore_best_weights": False,
        "start_from_epoch": 0,
    },
    PLATEAU: {
        "monitor": "val_loss",
        "factor": 0.1,
        "patience": 10,
        "verbose": 0,
        "mode": "auto",
        "min_delta": 1e-4,
        "cooldown": 0,
        "min_lr": 0.0,
    },
    CHECKPOINT: {
        "filepath": "",
        "monitor": "val_loss",
        "verbose": 0,
        "save_best_only": False,
        "save_weights_only": False,
        "mode": "auto",
        "save_freq": "epoch",
        "initial_value_threshold": None,
    },
    NAN: {},
}
# Keras' callbacks that change nothing of a training, with what they do.
WATCH = {
    "TensorBoard": "writes logs (steepest logs writes those of the trials)",
    "CSVLogger": "writes a file (the study file has the curves)",
    "ProgbarLogger": "prints progress",
    "History": "keeps the curves, as the study file does",
    "RemoteMonitor": "sends events elsewhere",
    "BackupAndRestore": "is for going on after a kill, which a study does by itself",
    "OrbaxCheckpoint": "writes files",
}
# Lightning's, alike.
SHOW = {
    *("LearningRateMonitor", "DeviceStatsMonitor", "ModelSummary", "RichModelSummary"),
    *("ProgressBar", "TQDMProgressBar", "RichProgressBar"),
}
OF_KERAS, OF_LIGHTNING = ("keras",), ("lightning", "pytorch_lightning")


@dataclass(frozen=True)
class Given:
    """What was given: those that are known, by kind with their arguments; own ones; notes."""

    known: tuple[tuple[str, Mapping[str, Any]], ...] = ()
    own: tuple[Any, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def why(self) -> str:
        """Why trials go through `fit`, where some are the person's own."""
        names = list(dict.fromkeys(type(one).__name__ for one in self.own))
        callbacks, are, them = (
            ("callbacks", "are", "them") if names[1:] else ("callback", "is", "it")
        )
        return (
            f"the {callbacks} {listed(names)} {are} called by Keras' fit alone, so trials train "
            f"one at a time through it, each with copies; without {them} they would train in one "
            "compiled program, which is faster"
        )

    @property
    def fingerprint(self) -> dict[str, str]:
        """A digest of the person's own, so that a study goes on with the same."""
        if not self.own:
            return {}
        return {"callbacks": digest([Reader().read(type(one)) for one in self.own])}


def sort_callbacks(callbacks: Any, fit: bool = True) -> Given:
    """Return which callbacks were given; without `fit` nobody can call the person's own.

    Raises:
        InputError: something is none, or cannot be called.
    """
    if callbacks is None or isinstance(callbacks, Given):
        return callbacks or Given()
    every = getattr(callbacks, "callbacks", callbacks)  # Keras' CallbackList has them
    every = every if isinstance(every, list | tuple) else [every]
    known: list[tuple[str, Mapping[str, Any]]] = []
    own: list[Any] = []
    notes: list[str] = []
    for one in every:
        kind, arguments = _read(one)
        if kind in {*WATCH, *SHOW} or (kind == CHECKPOINT and not arguments["save_best_only"]):
            told = "shows what goes on" if kind in SHOW else "writes a file after each epoch"
            does = WATCH.get(kind, told)
            notes.append(f"the callback {kind} {does}, so trials train without it")
        elif kind == "" and not fit:
            raise InputError(
                f"callbacks has {type(one).__name__}, which only Keras' fit can call, and no "
                "PyTorch module has it; leave it out, or put what it does into step="
            )
        elif kind == "":
            own.append(one)
        elif kind != NAN:  # diverged trials are stopped anyway
            known.append((kind, arguments))
    return Given(tuple(known), tuple(own), tuple(notes))


def _read(one: Any) -> tuple[str, Mapping[str, Any]]:
    """Return the kind of a callback, "" for one of somebody's own, and its arguments."""
    if isinstance(one, str):
        return _from_text(one)
    house = type(one).__module__.split(".")[0]
    kind = type(one).__name__
    if house in OF_LIGHTNING:
        return _from_lightning(one, kind)
    if house in OF_KERAS and (kind in ARGUMENTS or kind in WATCH):
        found = {name: getattr(one, name, None) for name in ARGUMENTS.get(kind, ())}
        if kind == CHECKPOINT:  # where Keras keeps it
            found["initial_value_threshold"] = one.best
        return kind, found
    if house in OF_KERAS and kind == SCHEDULER:
        return kind, {"schedule": one.schedule}
    if not any(base.__name__ == "Callback" and _is_keras(base) for base in type(one).__mro__):
        raise InputError(
            f"callbacks has {quoted(one)}, but must hold callbacks of Keras, as objects or as "
            "texts such as 'EarlyStopping(patience=5)'"
        )
    return "", {}


def _is_keras(kind: type) -> bool:
    return kind.__module__.split(".")[0] in OF_KERAS


def _from_text(text: str) -> tuple[str, Mapping[str, Any]]:
    call = read_calls(text)[0]
    kind = call.name.rpartition(".")[2]
    names = list(ARGUMENTS.get(kind, ()))
    unknown = sorted({*call.keywords} - {*names})
    if kind not in ARGUMENTS or unknown or len(call.positional) > len(names):
        what = f"the argument {unknown[0]}" if unknown else quoted(text)
        raise InputError(
            f"callbacks has {what}, which is not known as text; write {', '.join(ARGUMENTS)} with "
            "Keras' arguments, as in 'EarlyStopping(patience=5)', or give Keras' object"
        )
    given = {**dict(zip(names, call.positional, strict=False)), **call.keywords}
    if any(isinstance(value, Call) for value in given.values()):
        raise InputError(f"cannot read {quoted(text)}; write plain values, or give Keras' object")
    found = {**ARGUMENTS[kind], **given}
    if kind == CHECKPOINT and "save_best_only" not in given:
        raise InputError(
            f"callbacks has {quoted(text)}, which would only write files; write "
            "'ModelCheckpoint(save_best_only=True)' to take each trial at its best epoch"
        )
    return kind, found


def as_text(kind: str, arguments: Mapping[str, Any]) -> str:
    """Return a known callback as the text that is read as it."""
    usual = ARGUMENTS[kind]
    given = [f"{name}={_plain(value)!r}" for name, value in arguments.items() if name in usual]
    return f"{kind}({', '.join(given)})"


def _plain(value: Any) -> Any:
    """Return a scalar of NumPy as Python's."""
    value = value.item() if isinstance(value, np.generic) else value
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)


def _from_lightning(one: Any, kind: str) -> tuple[str, Mapping[str, Any]]:
    """Return a callback of Lightning that means what Keras' of the same name means."""
    if kind in SHOW:
        return kind, {}
    if kind == STOP and one.stopping_threshold is None and one.divergence_threshold is None:
        same = {name: getattr(one, name) for name in ("monitor", "min_delta", "patience", "mode")}
        return kind, {**ARGUMENTS[kind], **same}
    if kind == CHECKPOINT and one.monitor is not None and one.save_top_k == 1:
        more = {"monitor": one.monitor, "mode": one.mode, "save_best_only": True}
        return kind, {**ARGUMENTS[kind], **more}
    raise InputError(
        f"callbacks has Lightning's {kind}, of which EarlyStopping without thresholds and "
        "ModelCheckpoint(monitor=..., save_top_k=1) are known here; leave it out"
    )
