"""What to call the task of a model that has no name of its own."""

import os
import re
import sys
from pathlib import Path
from typing import Any

LONGEST = 60  # characters
OTHERWISE = "study"
# What Keras calls a model that nobody named; a class of the person's own gives it a name that says
# something.
_AUTOMATIC = re.compile(r"(sequential|functional|model)(_\d+)?")


def task_name(model_name: str) -> str:
    """Return the model's name, or that of the script or notebook where Keras gave it the name."""
    if not _AUTOMATIC.fullmatch(model_name):
        return model_name
    return _script(vars(sys.modules["__main__"]))[:LONGEST] or OTHERWISE


def _script(names: dict[str, Any]) -> str:
    """Return the name of the script that runs in `names`, or of the notebook, or nothing."""
    file = names.get("__file__")
    if not file and "get_ipython" in names:  # a notebook, where its program says which
        file = names.get("__vsc_ipynb_file__") or os.environ.get("JPY_SESSION_NAME")
    if not isinstance(file, str) or not file:
        return ""
    path = Path(file)
    return path.parent.name if path.stem == "__main__" else path.stem
