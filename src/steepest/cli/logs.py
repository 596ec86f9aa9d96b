"""What is told besides results: on standard error, warnings alone until somebody asks with -v.

Frameworks tell of themselves when they load. Their levels are lowered by environment variables,
logging and warnings, where the person has not set these. TensorFlow says a few lines in C++ before
it looks at any variable: those are caught while it is imported, logged for -v, and shown where the
import fails.
"""

import importlib.abc
import importlib.machinery
import logging
import os
import sys
import tempfile
import warnings
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import click

log = logging.getLogger(__name__)

# Errors remain: 2 of TensorFlow's levels are information and warnings.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "GLOG_minloglevel": "2", "GRPC_VERBOSITY": "ERROR"}
FRAMEWORKS = ("absl", "h5py", "jax", "keras", "matplotlib", "tensorflow", "torch")
_ours: set[str] = set()  # variables that were set here, and so may be taken back


class _Lines(logging.Handler):
    """Write records as the command line writes errors; to the standard error of the moment."""

    def emit(self, record: logging.LogRecord) -> None:
        click.echo(f"steepest: {self.format(record)}", err=True)


def begin() -> None:
    """Show warnings of Steepest, and nothing of the frameworks. For the command line alone."""
    for name, value in QUIET.items():
        if name not in os.environ:
            os.environ[name] = value
            _ours.add(name)
    for name in FRAMEWORKS:
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:  # neither -W nor PYTHONWARNINGS
        warnings.simplefilter("ignore")
    if not any(isinstance(finder, _TensorFlow) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TensorFlow())
    _show(logging.WARNING)


def tell_more(context: click.Context, _: click.Parameter, count: int) -> None:
    """Show information after one -v, before or after the command, and details after two."""
    if not count:
        return
    total = context.meta["steepest.verbose"] = context.meta.get("steepest.verbose", 0) + count
    _show(logging.INFO if total == 1 else logging.DEBUG)
    if not sys.warnoptions:
        warnings.simplefilter("default")
    for name in FRAMEWORKS:
        logging.getLogger(name).setLevel(logging.WARNING if total == 1 else logging.INFO)
    if total > 1:
        for name in _ours:
            os.environ.pop(name, None)
        _ours.clear()


def verbosity() -> int:
    """Return how many -v the command was given."""
    context = click.get_current_context(silent=True)
    return 0 if context is None else context.meta.get("steepest.verbose", 0)


def option() -> click.Option:
    """Return -v, which the group and each command have."""
    return click.Option(
        ["-v", "--verbose"],
        count=True,
        expose_value=False,
        callback=tell_more,
        help="Print all measures and notes of a study, and on standard error what is done; -vv for "
        "all details.",
    )


def _show(level: int) -> None:
    ours = logging.getLogger("steepest")
    if not any(isinstance(handler, _Lines) for handler in ours.handlers):
        ours.addHandler(_Lines())
    ours.propagate = False  # else a task file that calls basicConfig would show all twice
    ours.setLevel(level)


class _TensorFlow(importlib.abc.MetaPathFinder):
    """Finds TensorFlow where it is, and has its import done quietly."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name != "tensorflow":
            return None
        found = (f.find_spec(name, path, target) for f in sys.meta_path if f is not self)
        spec = next((one for one in found if one is not None), None)
        if spec is not None and spec.loader is not None:
            loader: Any = spec.loader
            execute = loader.exec_module
            loader.exec_module = lambda module: _quietly(execute, module)
        return spec


def _quietly(execute: Any, module: ModuleType) -> None:
    """Import `module` with what goes to file descriptor 2 kept; tell it if that fails."""
    try:
        sys.stderr.flush()
        before = os.dup(2)
        kept = tempfile.TemporaryFile()  # noqa: SIM115  # closed below
    except (OSError, AttributeError):  # no standard error, or no place to write: not quiet
        execute(module)
        return
    done = False
    try:
        os.dup2(kept.fileno(), 2)
        execute(module)
        done = True
    finally:
        sys.stderr.flush()
        os.dup2(before, 2)
        os.close(before)
        kept.seek(0)
        said = kept.read().decode(errors="replace")
        kept.close()
        for line in said.splitlines():
            if done:
                log.info("TensorFlow: %s", line)
            else:
                click.echo(line, err=True)
