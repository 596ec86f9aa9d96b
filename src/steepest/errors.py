"""The errors that Steepest raises on purpose, as one class hierarchy.

    SteepestError
    ├── InputError            what a person gave cannot be used; the command line exits with 2
    │   └── TaskError         a model or its data cannot be used
    ├── TrialError            one configuration cannot be trained; the study goes on without it
    └── StudyFileError        a study file cannot be read or written

A trial that diverges is no error but an `Outcome`. Every message says the value, the rule and the
way out, in one sentence or two.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches
from reprlib import Repr
from typing import Any

LONGEST = 480  # characters of a message
_ADDRESS = re.compile(r"\s+at 0x[0-9a-fA-F]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_REPR = Repr()
_REPR.maxstring = _REPR.maxother = _REPR.maxlong = 100
_REPR.maxlist = _REPR.maxtuple = _REPR.maxset = _REPR.maxdict = 12


def quoted(value: Any) -> str:
    """Return `value` as Python would write it: short, in one line, and without an address.

    It may be anything, even something whose own `__repr__` fails.
    """
    try:
        text = _REPR.repr(value)
    except Exception:  # a person's own class
        text = f"<{type(value).__name__}>"
    text = in_one_line(text)
    return text if len(text) <= 160 else f"{text[:110]}...{text[-40:]}"


def in_one_line(text: str) -> str:
    """Return a message without line breaks and memory addresses, and cut where it is very long."""
    text = text.encode("utf-8", "backslashreplace").decode()  # a name that is no text
    text = _CONTROL.sub(" ", _ADDRESS.sub("", text)).strip()
    return text if len(text) <= LONGEST else f"{text[:300]} … {text[-170:]}"


class SteepestError(Exception):
    """The root: whatever Steepest raises on purpose, as a message in one line."""

    def __init__(self, message: str = "") -> None:
        super().__init__(in_one_line(message))


class InputError(SteepestError, ValueError):
    """A value that a person gave breaks a rule."""


class TaskError(InputError):
    """A model or its data cannot be trained as they are."""


class TrialError(SteepestError):
    """One configuration cannot be trained: an `Outcome` of its trial, with this as its reason."""


class StudyFileError(SteepestError):
    """A study file is missing, damaged, of a newer version, or cannot be written."""


def nearest(name: str, names: Iterable[str]) -> str:
    """Return `names` as a hint for somebody who typed `name`: the nearest one, or all.

    What begins as it does is nearer than what is as long: acc is accuracy, and not auc.
    """
    names = list(names)
    by_lower = {known.lower(): known for known in names}
    begun = sorted((n for n in by_lower if name and n.startswith(name.lower())), key=len)
    close = begun or get_close_matches(name.lower(), by_lower, n=1)
    if close:
        return f"did you mean {by_lower[close[0]]}?"
    return f"known are {', '.join(names)}"


def absent(what: str, error: ImportError, extra: str) -> InputError:
    """Return the error that says how to install what `what` needs."""
    return InputError(
        f"{what} needs {error.name}, which is not installed; "
        f'pip install "steepest[{extra}]" brings it'
    )
