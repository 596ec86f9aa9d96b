"""The backend that Keras runs on where nobody chose one, and how JAX takes a GPU's memory.

Keras takes `KERAS_BACKEND`, then the "backend" of its keras.json, then TensorFlow, installed or
not. As it writes that file itself, with "tensorflow" in it, the file's "tensorflow" is nobody's
choice.
"""

import importlib.util
import json
import logging
import os
import sys
from pathlib import Path

log = logging.getLogger(__name__)

VARIABLE = "KERAS_BACKEND"
PREALLOCATE = "XLA_PYTHON_CLIENT_PREALLOCATE"
INSTALLED = "KERAS_BACKEND is not set and TensorFlow is not installed, so Keras is to run on JAX"
chosen = False  # by us, for want of TensorFlow: the command line tells it once it has read -v


def choose() -> str:
    """Return the backend that Keras is to be imported on: what the person set, else JAX."""
    return os.environ.setdefault(VARIABLE, _in_file() or "jax")


def choose_early() -> None:
    """Choose JAX where `import keras` would die: TensorFlow is not there, and is not asked for."""
    global chosen
    if "keras" in sys.modules or VARIABLE in os.environ or _in_file():
        return
    if importlib.util.find_spec("tensorflow") is None:
        os.environ[VARIABLE], chosen = "jax", True
        log.info(INSTALLED)


def share_gpu() -> None:
    """Let JAX take a GPU's memory as it is needed, and not three quarters of it at once.

    For who said how much Steepest may take. It has to come before JAX is used.
    """
    os.environ.setdefault(PREALLOCATE, "false")


def _in_file() -> str:
    """Return the backend that keras.json names and Keras did not write by itself, or nothing."""
    home = os.environ.get("KERAS_HOME") or str(Path("~").expanduser() / ".keras")
    try:
        found = json.loads(Path(home, "keras.json").read_text(encoding="utf-8"))["backend"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return ""
    return found if isinstance(found, str) and found != "tensorflow" else ""
