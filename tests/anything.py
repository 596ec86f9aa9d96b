"""Odd values, and what must hold whatever a person gives: it works, or it is one clear sentence.

`STEEPEST_FUZZ=20` tries twenty times as many. With `STEEPEST_FUZZ_TABLE=FILE` each test adds a line
with what was tried and what came of it.
"""

import collections
import datetime
import decimal
import fractions
import functools
import json
import math
import os
import re
from pathlib import Path

import numpy as np
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from steepest.errors import SteepestError

TIMES = int(os.environ.get("STEEPEST_FUZZ", "1"))
COUNTS: dict[str, collections.Counter] = collections.defaultdict(collections.Counter)
CHECKS = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large]


def examples(count):
    """Return the settings of a test that tries `count` examples, or `STEEPEST_FUZZ` as many."""
    return settings(
        max_examples=count * TIMES,
        deadline=None,
        derandomize=TIMES == 1,
        database=None,
        suppress_health_check=CHECKS,
    )


def check_message(text):
    """Raise `AssertionError` unless `text` is a short sentence or two in one line."""
    assert text.strip(), "no message"
    assert len(text) < 500, text
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text), text
    assert not re.search(r" at 0x[0-9a-f]{6,}", text), text


def tried(kind, function):
    """Call `function`; return what it did, or None where it refused with a clear message."""
    COUNTS[kind]["tried"] += 1
    try:
        found = function()
    except SteepestError as error:
        check_message(str(error))
        COUNTS[kind]["refused"] += 1
    else:
        COUNTS[kind]["taken"] += 1
        told(kind)
        return found
    told(kind)
    return None


def told(kind):
    """Write the counts so far, if somebody asks for them."""
    if place := os.environ.get("STEEPEST_FUZZ_TABLE"):
        folder = Path(place)
        folder.mkdir(exist_ok=True, parents=True)
        name = re.sub(r"\W+", "-", kind)
        (folder / f"{name}.json").write_text(json.dumps({"kind": kind, **COUNTS[kind]}))


class Hostile:
    """Refuses to be shown, compared and converted."""

    def __repr__(self):
        raise RuntimeError("no\nrepr")

    def __str__(self):
        raise RuntimeError("no\nstr")

    def __eq__(self, other):
        raise RuntimeError("no\nequality")

    __hash__ = object.__hash__

    def __bool__(self):
        raise RuntimeError("no\ntruth")

    def __float__(self):
        raise RuntimeError("no\nfloat")

    def __len__(self):
        raise RuntimeError("no\nlength")


class Loud:
    """Is shown in ten thousand lines."""

    def __repr__(self):
        return "loud\n" * 10_000


def one_of_these(values):
    """Return `sampled_from(values)`, of which Hypothesis does not try to show every value."""
    return st.integers(0, len(values) - 1).map(lambda place: values[place])


WORDS = st.sampled_from(
    [
        "", " ", "\n", "\x00", "-", "--", "-1", "1e400", "nan", "inf", "-inf", "1_0", "٣", "½",
        "é\u0301",
        "\u202e", "\ud800", "😀" * 50, "a" * 5000, "'", '"', "\\", "${HOME}", "%s", "{0}", "{",
        "None", "True",
        "..", "/", "//", "~", "con", "a\nb\nc", "\x1b[31m", "Adam", "SGD", "Adam,SGD", "end",
        "quick",
        "1%", "101%", "-1%", "10m", "1h1h", "4GB", "4.4.4GB", "9" * 400 + "GB", "1e9", "0x10",
        "keras",
    ]
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-3, 100),
    one_of_these(
        [10**400, -(10**400), 10**5000, 2**31, 2**63, 2**64, 1e308, -1e308, 5e-324, -0.0, math.nan]
    ),
    st.sampled_from([math.inf, -math.inf, True, False, 1j, decimal.Decimal("0.1")]),
    st.sampled_from([fractions.Fraction(1, 3), decimal.Decimal("NaN"), np.float16(0.1)]),
    st.sampled_from([np.int8(3), np.uint64(2**64 - 1), np.float64("nan"), np.bool_(True)]),
    st.sampled_from([np.longdouble(1) / 3, np.array(3), np.datetime64("NaT"), np.str_("1%")]),
    st.floats(),
)
OBJECTS = one_of_these(
    [
        None, b"", b"\xff\x00", object(), Hostile(), Loud(), Hostile, len, lambda: 1, print,
        range(3), range(10**4),
        (), [], {}, set(), frozenset(), [None], [Hostile()], {"a": Hostile()}, {1: 2}, {None: None},
        np.zeros(0), np.zeros((2, 2)), np.array([1, 2, 3]), np.array("x"), np.array([object()],
        dtype=object),
        datetime.datetime(2020, 1, 1), datetime.timedelta(1), Path("x"), Path("a\x00b"), Ellipsis,
        NotImplemented, int, type, Exception("x"), memoryview(b"abc"), functools.partial(int), math,
        [[[[[]]]]], "Adam", ["Adam", "Adam"], ["Adam", 3],
    ]
)  # fmt: skip
TEXTS = st.one_of(
    WORDS, st.text(max_size=30), st.text("0123456789.,()=%hmskKMGB -+eE'\"", max_size=20)
)
ANYTHING = st.one_of(NUMBERS, TEXTS, OBJECTS)
