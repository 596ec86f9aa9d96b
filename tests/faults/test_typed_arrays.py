"""Arrays and ranges of any kind: each is used, or refused in a sentence."""

import functools
import math
import types

import numpy as np
from anything import ANYTHING, NUMBERS, Hostile, Loud, examples, one_of_these, tried
from hypothesis import given
from hypothesis import strategies as st
from planned import planned

from steepest.data.arrays import as_batch
from steepest.spaces import Choice, Float
from steepest.tasks.keras.task import keras_task

DTYPES = st.sampled_from(
    [
        "f2", "f4", "f8", "g", "i1", "i8", "u1", "u4", "u8", "?", "c8", "c16", "O", "U3", "S3",
        "M8[s]", "m8[s]",
        ">f4", ">i8", "V4", [("a", "f4"), ("b", "i4")],
    ]
)  # fmt: skip
SHAPES = st.sampled_from(
    [(), (0,), (1,), (16,), (16, 3), (16, 1), (15, 3), (16, 4), (16, 3, 1), (0, 3), (16, 0),
    (1, 3), (3, 16)]
)  # fmt: skip
FILLS = st.sampled_from(
    [
        0,
        1,
        2,
        -1,
        255,
        2**31,
        2**63,
        1e39,
        1e300,
        math.nan,
        math.inf,
        -math.inf,
        0.5,
        "a",
        None,
        "NaT",
    ]
)
VIEWS = st.sampled_from(
    ["plain", "reversed", "strided", "fortran", "broadcast", "masked", "matrix", "readonly",
    "list", "frame",
     "tuple", "nested", "dict", "memory", "duck", "huge"]
)  # fmt: skip


class Duck:
    """Looks like an array, and is none."""

    shape, dtype, ndim = (16, 3), "float32", 2

    def __array__(self, *_, **__):
        raise RuntimeError("no\narray")


@st.composite
def given_arrays(draw, usual=(16, 3)):
    """Return what a person may take for an array."""
    if draw(st.integers(0, 9)) == 0:
        return draw(ANYTHING)
    shape = draw(st.one_of(st.just(usual), SHAPES))
    dtype = np.dtype(draw(st.one_of(st.just("f4"), DTYPES)))
    array = np.zeros(shape, dtype)
    try:
        with np.errstate(all="ignore"):
            if array.size and draw(st.booleans()):
                array.flat[draw(st.integers(0, array.size - 1))] = draw(FILLS)
            elif draw(st.booleans()):
                array = np.full(shape, draw(FILLS), dtype)
    except (TypeError, ValueError, OverflowError):
        pass
    view = draw(st.one_of(st.just("plain"), VIEWS))
    made = {
        "plain": lambda: array,
        "reversed": lambda: array[::-1],
        "strided": lambda: np.repeat(array, 3, axis=0)[::3],
        "fortran": lambda: np.asfortranarray(array),
        "broadcast": lambda: np.broadcast_to(array[:1], (16, *array.shape[1:])),
        "masked": lambda: np.ma.masked_array(array, mask=array == array),
        "matrix": lambda: np.asmatrix(array),
        "readonly": lambda: np.frombuffer(array.tobytes(), dtype).reshape(shape),
        "list": array.tolist,
        "frame": lambda: __import__("pandas").DataFrame(array),
        "tuple": lambda: tuple(array.tolist()),
        "nested": lambda: [array, [array]],
        "dict": lambda: {"a": array, 3: array},
        "memory": lambda: memoryview(array),
        "duck": Duck,
        "huge": lambda: np.broadcast_to(np.zeros((), "f4"), (2**50, 3)),
    }[view]
    try:
        return made()
    except Exception:
        return array


SPARSE = "sparse_categorical_crossentropy"
LOSSES = ("mse", "binary_crossentropy", SPARSE, "categorical_crossentropy")


@functools.cache
def model_of(loss):
    import keras

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(4, activation="softmax")])
    model.compile(loss=loss)
    return model


@given(given_arrays(), given_arrays((16,)), st.one_of(st.none(), given_arrays((16,))))
@examples(250)
def test_any_arrays(x, y, weight):
    if getattr(x, "size", 0) > 10**6 or getattr(y, "size", 0) > 10**6:
        return  # these are for a machine with a petabyte
    if getattr(weight, "size", 0) > 10**6:
        return
    tried("arrays", lambda: as_batch((x, y, weight), "training data"))


@given(st.sampled_from(LOSSES), given_arrays(), given_arrays((16,)), st.sampled_from([0.25, None]))
@examples(15)
def test_any_arrays_with_a_model(loss, x, y, share):
    if getattr(x, "size", 0) > 10**6 or getattr(y, "size", 0) > 10**6:
        return
    rest = {"validation_split": share} if share else {"validation_data": (x, y)}
    tried("arrays with a model", lambda: keras_task(model_of(loss), x, y, **rest))


ARGUMENTS = (
    "validation_data", "validation_split", "test_data", "epochs", "batch_size", "steps_per_epoch",
    "validation_steps", "class_weight", "sample_weight", "initial_weights", "model",
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(ARGUMENTS), ANYTHING, min_size=1, max_size=2))
@examples(80)
def test_any_arguments_of_fit(given):
    model = given.pop("model", model_of(SPARSE))
    x, y = np.zeros((16, 3), "f4"), np.zeros(16, int)
    rest = {"validation_split": 0.25, **given}
    tried("arguments of fit", lambda: keras_task(model, x, y, **rest))


@given(NUMBERS, NUMBERS, st.booleans(), st.booleans(), st.floats(0, 1))
@examples(300)
def test_any_range(low, high, log, complement, unit):
    def use():
        one = Float(low, high, log=log, complement=complement)
        assert one.low <= one.at(unit) <= one.high
        position = one.position(one.at(unit))
        assert not math.isnan(position)
        return one

    tried("ranges", use)


@given(ANYTHING, ANYTHING, ANYTHING, ANYTHING)
@examples(150)
def test_any_range_of_anything(low, high, log, complement):
    tried("ranges", lambda: Float(low, high, log, complement))
    tried("choices", lambda: Choice(low))
    tried("choices", lambda: Choice((high, log)).at(0.7))


RANGES = st.one_of(
    st.tuples(st.floats(1e-6, 1), st.floats(2, 1e3)).map(lambda ends: Float(*ends, log=True)),
    st.lists(ANYTHING, min_size=1, max_size=3).map(lambda parts: Choice(tuple(parts))),
    one_of_these([Float, Choice, Hostile(), Loud(), types.SimpleNamespace(low=1, high=2)]),
    ANYTHING,
)


@given(
    st.dictionaries(
        st.sampled_from(
            ["learning_rate", "momentum", "beta_1", "nesterov", "epsilon", "warmup",
            "schedule", "x", 3, None,
             "decay", "weight_decay", "ema", "clip_norm", "clip_each", "accumulation", "final",
             "routing"]
        ),
        RANGES,
        max_size=3,
    ),
    st.sampled_from(["SGD", "Adam", "Muon", "Adafactor", "Lion"]),
    st.sampled_from(["keras", "torch", "optax"]),
)  # fmt: skip
@examples(200)
def test_any_dictionary_of_ranges(given, name, dialect):
    kind = "dictionaries of ranges"
    tried(kind, lambda: planned({name: given}, 3, dialect=dialect))
    tried(kind, lambda: planned(name, 3, dialect=dialect, recipe=given))
