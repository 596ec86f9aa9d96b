"""What is sent comes as it was, and nothing else is sent."""

import ml_dtypes
import numpy as np
import pytest

from steepest.workers.wire import pack, unpack


def test_values_come_as_they_were():
    value = {
        "plain": [None, True, 3, 0.1, float("inf"), "é"],
        7: ({"b": np.arange(6, dtype=">i4").reshape(2, 3)}, []),
        "arrays": [
            np.float32(1.5),
            np.zeros((0, 3), np.float16),
            np.array(2, ml_dtypes.bfloat16),
            np.array(["a", "bc"]),
            np.broadcast_to(np.arange(3), (2, 3)),
            np.array([True, False]),
        ],
    }
    found = unpack(pack(value))
    assert list(found) == ["plain", 7, "arrays"]
    assert found["plain"] == value["plain"]
    assert type(found[7]) is tuple
    sent_arrays = [*value["arrays"], value[7][0]["b"]]
    for sent, came in zip(sent_arrays, [*found["arrays"], found[7][0]["b"]], strict=True):
        assert came.dtype == sent.dtype
        assert came.shape == sent.shape
        np.testing.assert_array_equal(came, sent)
        assert came.flags.writeable


def test_arrays_can_be_read_where_they_lie():
    data = pack(["text", np.arange(5.0)])
    _, array = unpack(data, copy=False)
    assert not array.flags.writeable
    assert array.ctypes.data % 8 == 0


@pytest.mark.parametrize("value", [object(), lambda: 0, {1, 2}, np.array([object()])])
def test_code_is_not_sent(value):
    with pytest.raises(TypeError, match="neither a plain value nor an array of numbers"):
        pack([value])
