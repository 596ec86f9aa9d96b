"""States wait in memory as far as there is room, then on disk, and outlive the process if kept."""

import jax
import ml_dtypes
import numpy as np
import pytest

from steepest.checkpoints import Checkpoints, checkpoint_seconds
from steepest.engines.state import State
from steepest.errors import InputError, SteepestError
from steepest.records import Config

CONFIG = Config("SGD", "keras", {"learning_rate": 0.1, "nesterov": False}, "constant", 1)


def state(seed):
    random = np.random.default_rng(seed)
    return State(
        weights=[random.normal(size=(1, 4, 3)).astype("float32")],
        memory={"rule": ((random.normal(size=(1, 4, 3)).astype(ml_dtypes.bfloat16),), ())},
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


def files(directory):
    return sorted(path.name for path in directory.rglob("*") if path.is_file())


@pytest.mark.parametrize("room", [0, 200, 10**9])
@pytest.mark.parametrize("kept", [False, True])
def test_what_is_put_there_comes_back(tmp_path, room, kept):
    checkpoints = Checkpoints(room, tmp_path / "states")
    for number in range(5):
        checkpoints.put(number, CONFIG, state(number))
    if kept:
        checkpoints.keep()
    checkpoints.put(2, CONFIG, state(9))  # takes the place of what was
    for number in range(5):
        assert number in checkpoints
        same(checkpoints.get(number), state(9 if number == 2 else number))
    assert checkpoints.held <= room
    same(State.join([checkpoints.get(0), checkpoints.get(3)]), State.join([state(0), state(3)]))


@pytest.mark.parametrize("room", [0, 200, 10**9])
def test_what_is_kept_outlives_the_process(tmp_path, room):
    checkpoints = Checkpoints(room, tmp_path / "states")
    checkpoints.put(0, CONFIG, state(0))
    checkpoints.put(1, CONFIG, state(1))
    checkpoints.keep()
    checkpoints.put(1, CONFIG, state(5))  # not kept: the one before is what is found
    later = Checkpoints(10**9, tmp_path / "states")
    same(later.find(0, CONFIG, state(9)), state(0))
    same(later.find(1, CONFIG, state(9)), state(1))
    assert later.find(2, CONFIG, state(9)) is None
    checkpoints.keep()
    same(later.find(1, CONFIG, state(9)), state(5))
    assert files(tmp_path) == ["0.state", "1.state"]
    later.clear()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("at", [0, 3, 40, 150, -40, -1])
def test_a_changed_byte_is_seen(tmp_path, at):
    checkpoints = Checkpoints(10**9, tmp_path)
    checkpoints.put(0, CONFIG, state(0))
    checkpoints.keep()
    content = bytearray((tmp_path / "0.state").read_bytes())
    content[at] ^= 1
    (tmp_path / "0.state").write_bytes(content)
    assert checkpoints.find(0, CONFIG, state(0)) is None


def test_what_is_of_another_trial_is_not_used(tmp_path):
    checkpoints = Checkpoints(10**9, tmp_path)
    checkpoints.put(0, CONFIG, state(0))
    checkpoints.keep()
    (tmp_path / "0.state").rename(tmp_path / "1.state")
    assert checkpoints.find(1, CONFIG, state(0)) is None
    (tmp_path / "1.state").rename(tmp_path / "0.state")
    other = Config("SGD", "keras", {"learning_rate": 0.2, "nesterov": False}, "constant", 1)
    assert checkpoints.find(0, other, state(0)) is None
    (tmp_path / "0.state").write_bytes((tmp_path / "0.state").read_bytes()[:-3])
    assert checkpoints.find(0, CONFIG, state(0)) is None


def test_what_is_dropped_makes_room_and_leaves_no_file(tmp_path):
    checkpoints = Checkpoints(state(0).nbytes, tmp_path / "states")
    checkpoints.put(0, CONFIG, state(0))
    checkpoints.put(1, CONFIG, state(1))
    assert len(files(tmp_path)) == 1
    checkpoints.keep()
    assert len(files(tmp_path)) == 2
    checkpoints.drop(0)
    assert 0 not in checkpoints
    assert checkpoints.held == 0
    checkpoints.drop(1)
    checkpoints.drop(1)
    assert not files(tmp_path)
    checkpoints.put(3, CONFIG, state(3))
    assert checkpoints.held == state(3).nbytes
    checkpoints.clear()
    assert checkpoints.held == 0
    assert not list(tmp_path.iterdir())


def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "states").write_text("a file")
    with pytest.raises(SteepestError, match="cannot be kept in"):
        Checkpoints(0, tmp_path / "states").put(0, CONFIG, state(0))


def test_how_often_is_seconds(monkeypatch):
    for given, seconds in (("", 15.0), ("0", 0.0), ("2.5", 2.5)):
        monkeypatch.setenv("STEEPEST_CHECKPOINT", given)
        assert checkpoint_seconds() == seconds
    for given in ("often", "-1", "nan"):
        monkeypatch.setenv("STEEPEST_CHECKPOINT", given)
        with pytest.raises(InputError, match="must be seconds"):
            checkpoint_seconds()
