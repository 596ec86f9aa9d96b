"""A task from its name on the command line: a built-in one, a file, or a function.

A task file is a script in which names have a meaning (`task_names.py`): `model`, `x` and `y` are a
compiled Keras model and its data, `Net`, `train` and `loss` a PyTorch module, its data and its
loss. A function, as `package.module:function` or `file.py:function`, returns a dictionary of the
same names.
"""

import contextlib
import importlib
import importlib.util
import inspect
import re
import sys
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from steepest import backend
from steepest.errors import InputError, TaskError, nearest, quoted
from steepest.tasks import task_names
from steepest.tasks.any_task import MISSING, any_task
from steepest.tasks.keras.task import load_keras
from steepest.tasks.samples import SAMPLES
from steepest.text import plain

_TORCH_ALONE = re.compile(r"^\s*(?:import|from)\s+(?:torch|lightning|transformers)\b", re.MULTILINE)
_KERAS = re.compile(r"^\s*(?:import|from)\s+(?:keras|tensorflow)\b", re.MULTILINE)


def load_task(name: str, epochs: int | None = None, batch_size: int | None = None) -> Any:
    """Return the task that `name` names.

    Args:
        name: as on the command line.
        epochs: how long to train it, where that is not the task's own number.
        batch_size: examples a step, alike; a stream keeps its own.

    Raises:
        InputError: there is no such task, file, module or function.
        TaskError: the file fails, or defines nothing that can be trained.
    """
    asked = {"epochs": epochs, "batch_size": batch_size}
    asked = {key: value for key, value in asked.items() if value is not None}
    if name in SAMPLES:
        return SAMPLES[name].build(**asked)
    place, colon, function = name.partition(":")
    is_file = place.endswith(".py")
    if not is_file and not colon:
        raise InputError(
            f"there is no task {quoted(name)}; {nearest(name, SAMPLES)} (a task of your own is a "
            "file such as my_task.py, or package.module:function)"
        )
    given = _from_file(Path(place), function) if is_file else _from_module(place, function)
    where = f"what {name} returned" if function else place
    of_torch = task_names.is_torch_task(given)
    arguments = task_names.torch_arguments if of_torch else task_names.keras_arguments
    found = {**arguments(given, where), **asked}
    task, wanted = any_task(name=function or Path(place).stem, **found), task_names.wanted(given)
    if not wanted:
        return task
    said = f"{where} has {' and '.join(wanted)}, which hold for all optimizers that are tuned"
    return replace(
        task, wanted=wanted, facts=replace(task.facts, notes=(*task.facts.notes, plain(said)))
    )


def forget() -> None:
    """Let Keras forget the models that were made, so that it names a next one as the first."""
    if "keras" in sys.modules:
        load_keras().utils.clear_session()


def _from_file(path: Path, function: str) -> dict[str, Any]:
    try:
        found = path.is_file()
    except OSError:  # no file can have such a name
        found = False
    if not found:
        raise InputError(
            f"there is no file {path}; give a Python file that defines model, x and y, or for "
            "PyTorch Net, train, validation and loss"
        )
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise InputError(f"{path} cannot be read as Python; give a file whose name ends in .py")
    module = importlib.util.module_from_spec(specification)
    _choose_framework(path)
    with _importable(path.absolute().parent), _blame(str(path)):
        specification.loader.exec_module(module)
        if function:
            return _call(module, function, str(path))
    given = {key: getattr(module, key) for key in task_names.NAMES if hasattr(module, key)}
    if callable(given.get("shuffle")):  # sklearn.utils.shuffle, say
        del given["shuffle"]
    return given


def _choose_framework(path: Path) -> None:
    """Load Keras before code that may use it, on the backend that was chosen; not for PyTorch."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    backend.choose()  # for what it imports from elsewhere
    if _KERAS.search(text) or not _TORCH_ALONE.search(text):
        load_keras()


def _from_module(name: str, function: str) -> dict[str, Any]:
    if not name or not function:
        raise InputError(f"cannot read {name}:{function}; write package.module:function")
    with _importable(Path.cwd()):
        try:
            found = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            found = None
        if found is None:
            raise InputError(
                f"there is no module {name}; run from the directory it is in, or install it"
            )
        _choose_framework(Path(found.origin or ""))
        with _blame(name):
            return _call(importlib.import_module(name), function, name)


def _call(module: Any, function: str, where: str) -> dict[str, Any]:
    target = getattr(module, function, None)
    if not callable(target):
        known = [key for key, value in vars(module).items() if inspect.isfunction(value)]
        hint = nearest(function, known) if known else "it defines no function"
        raise InputError(f"{where} has no function {quoted(function)}; {hint}")
    given = target()
    if not isinstance(given, dict):
        raise TaskError(
            f"{where}:{function} returned a {type(given).__name__}, but must return a dictionary "
            "such as {'model': model, 'x': x, 'y': y, 'validation_split': 0.2}"
        )
    names = task_names.TORCH if task_names.is_torch_task(given) else task_names.KERAS
    names = (*names, *task_names.WANTED)
    for key in given:
        if key not in names:
            raise TaskError(
                f"{where}:{function} returned {quoted(key)}; {nearest(str(key), names)}"
            )
    return dict(given)


@contextlib.contextmanager
def _importable(directory: Path) -> Iterator[None]:
    """Let code import what lies in `directory`, as Python lets a script."""
    sys.path.insert(0, str(directory))
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(directory))


@contextlib.contextmanager
def _blame(where: str) -> Iterator[None]:
    """Turn an exception in a person's own code into one sentence that says where."""
    try:
        yield
    except InputError:
        raise
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # SystemExit too, and what a person derived from its root
        frames = traceback.extract_tb(error.__traceback__)
        own = [f for f in frames if "importlib" not in f.filename and f.filename != __file__]
        line = f", line {own[0].lineno}" if own else ""
        if isinstance(error, SyntaxError) and error.lineno:
            line = f", line {error.lineno}"
        try:
            said = str(error).strip().splitlines()
        except Exception:  # an exception of a person's own that cannot be told
            said = []
        cure = ""
        if isinstance(error, ModuleNotFoundError) and error.name == "torch":
            cure = f"; {MISSING}"
        raise TaskError(
            f"{where}{line}: {type(error).__name__}{f': {said[0]}' if said else ''}{cure}"
        ) from error
