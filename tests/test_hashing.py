"""What is the same has the same digest, and what is not has another."""

import functools

import numpy as np
import pytest

from steepest.hashing import Reader, digest, digest_array, without_addresses


def of(value):
    return digest(Reader().read(value))


def compiled(source, name="f", **names):
    space = {"__name__": "mine", **names}
    exec(compile(source, "somewhere", "exec"), space)
    return space[name]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"x", "y", "z"}, {"z", "y", "x"}),
        (np.float32(0.5), 0.5),
        ([1, 2], (1, 2)),
        (compiled("def f(x): return x + 1"), compiled("\n\ndef f(x):\n  'Says.'\n  return x + 1")),
        (compiled("f = lambda x: x in {'a', 'b'}"), compiled("f = lambda x: x in {'b', 'a'}")),
        (compiled("def f(): return n", n=[1]), compiled("def f(): return n", n=[1, 2])),
        (np.arange(6).reshape(2, 3).T, np.arange(6).reshape(2, 3).T.copy()),
    ],
)
def test_the_same(one, other):
    assert of(one) == of(other)


class Thing:
    def __init__(self, rate):
        self.rate = rate

    def __call__(self):
        return self.rate


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        ("1", 1),
        ({"a": 1}, {"a": 2}),
        (compiled("def f(x): return x + 1"), compiled("def f(x): return x + 2")),
        (compiled("def f(x): return x + 1"), compiled("def f(x): return x - 1")),
        (compiled("def f(x=1): return x"), compiled("def f(x=2): return x")),
        (compiled("def f(*, x=1): return x"), compiled("def f(*, x=2): return x")),
        (compiled("def f(): return n", n=1), compiled("def f(): return n", n=2)),
        (
            compiled("def f(): return g()\ndef g(): return 1"),
            compiled("def f(): return g()\ndef g(): return 2"),
        ),
        (
            compiled("def h(n):\n  def f(): return n\n  return f\nf = h(1)"),
            compiled("def h(n):\n  def f(): return n\n  return f\nf = h(2)"),
        ),
        (
            compiled("class f:\n  def g(self): return 1"),
            compiled("class f:\n  def g(self): return 2"),
        ),
        (compiled("class f:\n  a = 1"), compiled("class f:\n  a = 2")),
        (functools.partial(len, 1), functools.partial(len, 2)),
        (Thing(1.0), Thing(2.0)),
        (np.maximum, np.minimum),
        (len, min),
    ],
)
def test_not_the_same(one, other):
    assert of(one) != of(other)


def test_arrays_differ_by_shape_type_and_values():
    a = np.arange(6, dtype=np.float32)
    found = {
        digest_array(one)
        for one in (a, a.reshape(2, 3), a.reshape(3, 2), a.view(np.int32), a + 1, a[:0], a[0])
    }
    assert len(found) == 7
    assert digest_array(a[::2]) == digest_array(a[::2].copy())


def test_what_goes_in_circles_ends():
    ring = {}
    ring["ring"] = ring
    assert of(ring)
    assert of(compiled("def f(): return f()"))


def test_addresses_are_left_out():
    said = without_addresses("<function f at 0x7f1947c0e340> and 0x7ffe12345678")
    assert said == "<function f> and "
