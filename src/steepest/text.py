r"""Text and numbers as people read them: one line without control characters, lists, short numbers.

A name, a note or the message of an error can hold what a terminal obeys (escape sequences, a
carriage return) and what turns the order of letters around (U+202E). Such a character is written as
Python writes it, `\x1b`; a line break becomes a space. Letters of all scripts stay.
"""

import math
import struct
from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Context, Decimal
from functools import lru_cache
from itertools import product
from unicodedata import category

BREAKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
JOINERS = "\u200c\u200d"  # Persian and emoji are written with them
ESCAPED = ("Cc", "Cf", "Cs")  # control, format (the bidirectional ones among them), surrogates


@lru_cache(maxsize=10_000)
def plain(text: str) -> str:
    """Return `text` as one line without control characters; what has none stays as it is."""
    return text if text.isprintable() else "".join(map(_letter, text))


def is_none(text: str) -> bool:
    """Return whether a person wrote "none"."""
    return text.strip().lower() == "none"


def listed(names: Sequence[str]) -> str:
    """Return names as prose: "A, B and C"."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def spans(numbers: Iterable[int]) -> str:
    """Return ascending whole numbers as text, as in "0 to 3, 7"."""
    found: list[list[int]] = []
    for number in numbers:
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return ", ".join(f"{a} to {b}" if b > a else str(a) for a, b in found)


def many(count: int | float, what: str) -> str:
    """Return a number of things in digits, such as "1 epoch" or "9 epochs"."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def shortest(value: float) -> str:
    """Return the shortest decimal that trains the same: in float32, value and 1 − value are equal.

    1 − value is what the formulas take of a beta or a momentum. So 0.0010000000474974513, which is
    1e-3 in single precision, becomes 0.001, and 0.9990000128746033 stays apart from 0.999.
    """
    exact = Decimal(value)
    for digits, rounding in product(range(1, 17), (ROUND_HALF_EVEN, ROUND_FLOOR, ROUND_CEILING)):
        found = float(Context(prec=digits, rounding=rounding).plus(exact))
        same = in_single(found) == in_single(value) and in_single(1 - found) == in_single(1 - value)
        if same and math.isfinite(found):
            return repr(found)
    return repr(value)


def setting(value: float | int | bool | str) -> str:
    """Return a hyperparameter as a person writes it: 1e-7, 0.999, ∞.

    In four digits; close to 1, in three of its distance from 1, which is what matters of a beta.
    """
    if isinstance(value, bool | str):
        return "∞" if value == "inf" else str(value)
    if isinstance(value, int):
        return str(value)
    if math.isinf(value):
        return "∞"
    if 0.99 < value < 1:
        return f"{value:.{2 - math.floor(math.log10(1 - value))}f}".rstrip("0")
    small = 0 < abs(value) < 1e-3
    mantissa, _, exponent = (f"{value:.3e}" if small else f"{value:.4g}").partition("e")
    if not exponent:
        return mantissa
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"


def in_single(value: float) -> float:
    """Return a number in single precision; as it is where that has no room for it."""
    try:
        found: float = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        return value
    return found if found or not value else value


def _letter(letter: str) -> str:
    if letter in BREAKS:
        return " "
    if letter in JOINERS or category(letter) not in ESCAPED:
        return letter
    code = ord(letter)
    return (
        f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
    )


def percent(share: float) -> str:
    """Return a share in per cent, to a tenth where it is below 10 %."""
    return f"{100 * share:.0f} %" if abs(share) >= 0.0995 else f"{100 * share:.1f} %"


def duration(seconds: float) -> str:
    """Return a time in the unit that people would say it in."""
    if seconds < 1:
        return f"{seconds:.1g} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
