"""Data frames and sparse matrices are arrays, or it is said which part of them is not."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from small import BATCH, classes_data, make_model

from steepest.data import frames
from steepest.data.arrays import as_arrays, as_batch
from steepest.errors import TaskError
from steepest.tasks.keras.task import keras_task

FRAME = pd.DataFrame({"a": [0.5, -1.5, 2.0], "n": [1, 2, 3]})
MIXED = FRAME.assign(
    b=FRAME.a > 0,
    whole=pd.array([4, 5, 6], dtype="Int64"),
    maybe=pd.array([True, False, True], dtype="boolean"),
    single=pd.array([0.5, 0.25, 1], dtype="Float32"),
    objects=pd.Series([1, 2.5, True], dtype=object),
)


def test_columns_of_numbers_and_bools_become_one_array():
    array = as_arrays(MIXED, "x")
    assert array.dtype == np.float32
    expected = [[0.5, 1, 1, 4, 1, 0.5, 1], [-1.5, 2, 0, 5, 0, 0.25, 2.5], [2, 3, 1, 6, 1, 1, 1]]
    np.testing.assert_array_equal(array, expected)


def test_whole_numbers_stay_whole():
    array = as_arrays(MIXED[["n", "whole", "b"]].astype({"b": object}), "x")
    assert array.dtype == np.int32
    np.testing.assert_array_equal(array, [[1, 4, 1], [2, 5, 0], [3, 6, 1]])


def test_one_column_and_objects_that_are_numbers():
    np.testing.assert_array_equal(as_arrays(MIXED.whole, "y"), [4, 5, 6])
    np.testing.assert_array_equal(as_arrays(MIXED.maybe, "y"), [True, False, True])
    np.testing.assert_array_equal(as_arrays(np.array([[1, 2.5]], dtype=object), "x"), [[1, 2.5]])


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (["Rome", "Oslo", "Bern"], "columns that hold no numbers, 'c'; .*get_dummies"),
        (pd.Categorical(["u", "v", "u"]), "no numbers, 'c'"),
        (pd.to_datetime(["2024-01-01"] * 3), "no numbers, 'c'"),
        (pd.array([1, None, 3], dtype="Int64"), r"1 values that are NaN.* first at \[1, 2\]"),
        (pd.array([True, None, False], dtype="boolean"), r"1 values that are NaN"),
        ([1, None, "u"], "no numbers, 'c'"),
    ],
)
def test_the_column_that_holds_no_numbers_is_named(column, said):
    with pytest.raises(TaskError, match=said):
        as_batch((FRAME.assign(c=column), [0, 1, 0]), "training data")


def test_a_frame_trains_as_its_array():
    x, y = classes_data()
    frame = pd.DataFrame(x).assign(b=x[:, 0] > 0)
    task = keras_task(make_model_of(7), frame, pd.Series(y), validation_split=0.2, batch_size=BATCH)
    np.testing.assert_array_equal(
        np.concatenate([task.training[0], task.validation[0]]), np.c_[x, x[:, 0] > 0]
    )


def make_model_of(features):
    import keras

    model = keras.Sequential([keras.Input((features,)), keras.layers.Dense(3, "softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    return model


@pytest.mark.parametrize("kind", ["csr_matrix", "coo_matrix", "csr_array", "csc_array"])
def test_a_sparse_matrix_becomes_an_array(kind):
    x, y = classes_data()
    x = np.where(x > 1, x, 0)
    task = keras_task(
        make_model(), getattr(scipy.sparse, kind)(x), y, validation_split=0.2, batch_size=BATCH
    )
    np.testing.assert_array_equal(task.training[0], x[:80])


def test_batches_may_be_sparse():
    x, y = classes_data()

    def batches():
        for i in range(0, 96, 16):
            yield scipy.sparse.csr_matrix(x[i : i + 16]), y[i : i + 16]

    task = keras_task(
        make_model(), batches, validation_data=(x, y), steps_per_epoch=6, batch_size=BATCH
    )
    np.testing.assert_array_equal(task.training.first[0], x[:16])


def test_what_would_take_too_much_memory_says_how_much(monkeypatch):
    large = scipy.sparse.csr_matrix((2, 10**10), dtype="f4")
    with pytest.raises(TaskError, match=r"80,000,000,000 bytes as an array; .*\.toarray\(\)"):
        as_arrays(large, "x")
    monkeypatch.setattr(frames, "DENSE_BYTES", 100)
    with pytest.raises(TaskError, match="120 bytes"):
        as_arrays(scipy.sparse.csr_matrix((3, 10), dtype="f4"), "x")
