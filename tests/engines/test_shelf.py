"""States wait in memory as far as there is room, then on disk, and come back as they were."""

from pathlib import Path

import jax
import ml_dtypes
import numpy as np
import pytest

from steepest.engines.shelf import Shelf
from steepest.engines.state import State
from steepest.errors import SteepestError


def state(seed):
    random = np.random.default_rng(seed)
    return State(
        weights=[random.normal(size=(1, 4, 3)).astype("float32")],
        memory=((random.normal(size=(1, 4, 3)).astype(ml_dtypes.bfloat16),), ()),
        variables=[np.array([[seed, 7]], np.uint32)],
        step=np.array([seed], np.int32),
        epoch=np.array([1], np.int32),
        alive=np.array([seed % 2 == 0]),
    )


def same(a, b):
    assert jax.tree.structure(a.tree()) == jax.tree.structure(b.tree())
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        assert x.dtype == y.dtype
        np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("room", [0, 200, 10**9])
def test_what_is_put_there_comes_back(room):
    shelf = Shelf(room)
    for number in range(5):
        shelf.put(number, state(number))
    shelf.put(2, state(9))  # takes the place of what was
    for number in range(5):
        assert number in shelf
        same(shelf.get(number), state(9 if number == 2 else number))
    assert shelf.held <= room
    same(State.join([shelf.get(0), shelf.get(3)]), State.join([state(0), state(3)]))


def test_what_is_dropped_makes_room_and_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    shelf = Shelf(state(0).nbytes)
    shelf.put(0, state(0))
    shelf.put(1, state(1))
    assert len([path for path in tmp_path.rglob("*") if path.is_file()]) == 1
    shelf.drop(0)
    assert 0 not in shelf
    assert shelf.held == 0
    shelf.drop(1)
    shelf.drop(1)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
    shelf.put(3, state(3))
    assert shelf.held == state(3).nbytes
    shelf.clear()
    assert shelf.held == 0
    assert not list(tmp_path.iterdir())


def test_a_full_disk_is_said(monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(SteepestError, match="No space left on device"):
        Shelf(0).put(0, state(0))
