r"""Text from elsewhere as one line that a terminal, a page and an editor show as it is.

A name, a note or the message of an error can hold what a terminal obeys (escape sequences, a
carriage return) and what turns the order of letters around (U+202E). Such a character is written as
Python writes it, `\x1b`; a line break becomes a space. Letters of all scripts stay.
"""

from functools import lru_cache
from typing import Any
from unicodedata import category

QUOTED = 40  # characters of a value in a message
BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
JOINERS = "\u200c\u200d"  # Persian and emoji are written with them
ESCAPED = ("Cc", "Cf", "Cs")  # control, format (the bidirectional ones among them), surrogates


@lru_cache(maxsize=10_000)
def plain(text: str) -> str:
    """Return `text` as one line without control characters; what has none stays as it is."""
    return text if text.isprintable() else "".join(map(_shown, text))


def quoted(value: Any) -> str:
    """Return the first forty characters of a value, for a message."""
    try:
        text = value if isinstance(value, str) else repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits; lists in lists
        text = f"a {type(value).__name__}"
    return plain(text[:QUOTED])[:QUOTED]


def _shown(letter: str) -> str:
    if letter in BREAKS:
        return " "
    if letter in JOINERS or category(letter) not in ESCAPED:
        return letter
    code = ord(letter)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )
