"""The few things that can go wrong, drawn as a tree.

    SteepestError
    ├── InputError            what a person gave cannot be used; the command line exits with 2
    │   └── TaskError         a model or its data cannot be used
    └── StudyFileError        a study file cannot be read or written

A trial that diverges is no error but an `Outcome`. Every message says the value, the rule and the
way out, in one sentence or two.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SteepestError(Exception):
    """The root: whatever Steepest raises on purpose."""


class InputError(SteepestError, ValueError):
    """A value that a person gave breaks a rule."""


class TaskError(InputError):
    """A model or its data cannot be trained as they are."""


class StudyFileError(SteepestError):
    """A study file is missing, damaged, of a newer version, or cannot be written."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `names` as a hint for somebody who typed `name`: the nearest one, or all."""
    names = list(names)
    by_lower = {known.lower(): known for known in names}
    close = get_close_matches(name.lower(), by_lower, n=1)
    if close:
        return f"did you mean {by_lower[close[0]]}?"
    return f"known are {', '.join(names)}"
