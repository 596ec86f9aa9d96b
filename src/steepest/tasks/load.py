"""A task from what a person names on the command line: a built-in one, a file, or a function.

A task file is a script in which the names mean what they mean to `fit`: `model` is a compiled Keras
model, `x` and `y` the data, and there may be `validation_data` or `validation_split`, `test_data`,
`epochs`, `batch_size`, `steps_per_epoch`, `validation_steps`, `class_weight`, `sample_weight` and
`initial_weights`. A function, as `package.module:function` or `file.py:function`, returns a
dictionary of the same names.
"""

import contextlib
import importlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from steepest.errors import InputError, TaskError, nearest, quoted
from steepest.tasks.fitted import FitTask
from steepest.tasks.keras import keras_task, load_keras
from steepest.tasks.samples import SAMPLES
from steepest.tasks.sources import is_stream
from steepest.tasks.task import Task

_PARAMETERS = inspect.signature(keras_task).parameters
NAMES = tuple(name for name in _PARAMETERS if name != "name")


def load_task(name: str, epochs: int | None = None) -> Task | FitTask:
    """Return the task that `name` names; `epochs`, where given, is how long to train it.

    Raises:
        InputError: there is no such task, file, module or function.
        TaskError: the file fails, or defines nothing that can be trained.
    """
    if name in SAMPLES:
        return SAMPLES[name].build() if epochs is None else SAMPLES[name].build(epochs)
    place, colon, function = name.partition(":")
    is_file = place.endswith(".py")
    if not is_file and not colon:
        raise InputError(
            f"there is no task {quoted(name)}; {nearest(name, SAMPLES)} (a task of your own is a "
            "file such as my_task.py, or package.module:function)"
        )
    load_keras()
    given = _from_file(Path(place), function) if is_file else _from_module(place, function)
    if epochs is not None:
        given["epochs"] = epochs
    short = function or Path(place).stem
    return keras_task(**{"name": short, **given})


def forget() -> None:
    """Let Keras forget the models that were made, so that it names a next one as the first."""
    keras = load_keras()
    keras.utils.clear_session()


def _from_file(path: Path, function: str) -> dict[str, Any]:
    try:
        found = path.is_file()
    except OSError:  # no file can have such a name
        found = False
    if not found:
        raise InputError(f"there is no file {path}; give a Python file that defines model, x and y")
    specification = importlib.util.spec_from_file_location(path.stem, path)
    if specification is None or specification.loader is None:
        raise InputError(f"{path} cannot be read as Python; give a file whose name ends in .py")
    module = importlib.util.module_from_spec(specification)
    with _importable(path.absolute().parent), _blame(str(path)):
        specification.loader.exec_module(module)
        if function:
            return _call(module, function, str(path))
    given = {key: getattr(module, key) for key in NAMES if hasattr(module, key)}
    _check_names(given, f"{path}")
    return given


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
    for key in given:
        if key not in NAMES:
            raise TaskError(
                f"{where}:{function} returned {quoted(key)}; {nearest(str(key), NAMES)}"
            )
    _check_names(given, f"what {where}:{function} returned")
    return dict(given)


def _check_names(given: dict[str, Any], where: str) -> None:
    # The batches of a stream bring y, and a model whose layers bring its loss needs none.
    without_y = is_stream(given.get("x")) or getattr(given.get("model"), "loss", "?") is None
    needed = ("model", "x") if without_y else ("model", "x", "y")
    missing = [key for key in needed if key not in given]
    if missing:
        raise TaskError(
            f"{where} does not define {' and '.join(missing)}; a task needs model, x, y and "
            "validation_data or validation_split, by these names"
        )


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
        raise TaskError(
            f"{where}{line}: {type(error).__name__}{f': {said[0]}' if said else ''}"
        ) from error
