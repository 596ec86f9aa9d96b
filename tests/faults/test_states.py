"""States of trials that are damaged, missing, old or another's: trained again, and the same."""

import os
import shutil

import pytest
from fake_engine import bowl, searched
from faults.remembering import RememberingEngine
from faults.same import differences

from steepest import storage
from steepest.search import session

STOP = 50  # epochs, in the search


def train(out, stop=None, seed=0):
    usual, trained = bowl(noise=0.05), 0

    def surface(config, epoch):
        nonlocal trained
        trained += 1
        if trained == stop:
            raise KeyboardInterrupt
        return usual(config, epoch)

    engine = RememberingEngine(surface=surface)
    searched(engine, out, full_trainings=14, seeds=2, seed=seed)
    return engine.count


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A study, the same one stopped on the way, and another one stopped there."""
    place = tmp_path_factory.mktemp("states")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STEEPEST_CHECKPOINT", "0")
        patch.setattr(session, "SHARE", 1e9)
        train(place / "whole")
        for name, seed in (("stopped", 0), ("other", 1)):
            with pytest.raises(KeyboardInterrupt):
                train(place / name, STOP, seed)
            assert len(list((place / name / "states").iterdir())) > 1
    return place


def flip(place, at):
    for path in sorted((place / "states").iterdir()):
        content = bytearray(path.read_bytes())
        content[at(len(content))] ^= 0x10
        path.write_bytes(content)


def cut(place, size):
    for path in (place / "states").iterdir():
        os.truncate(path, size)


def swap(place):
    paths = sorted((place / "states").iterdir())
    contents = [path.read_bytes() for path in paths]
    for path, content in zip(paths, contents[1:] + contents[:1], strict=True):
        path.write_bytes(content)


def foreign(place):
    shutil.rmtree(place / "states")
    shutil.copytree(place.parent / "other" / "states", place / "states")


def directories(place):
    for path in (place / "states").iterdir():
        path.unlink()
        path.mkdir()


def dangling(place):
    for path in (place / "states").iterdir():
        path.unlink()
        path.symlink_to("nowhere")


def no_directory(place):
    shutil.rmtree(place / "states")
    (place / "states").write_text("a file")


def leftovers(place):
    for name in ("99.state", "3.state.part", "4.waiting"):
        (place / "states" / name).write_bytes(b"left by a process that died")


def longer(place):
    for path in (place / "states").iterdir():
        with path.open("ab") as file:
            file.write(b"\0" * 100)


DAMAGES = {
    "none": lambda place: None,
    "a bit of the first line": lambda place: flip(place, lambda size: 20),
    "a bit of the arrays": lambda place: flip(place, lambda size: size // 2),
    "a bit of the checksum": lambda place: flip(place, lambda size: size - 1),
    "cut short": lambda place: cut(place, 5000),
    "empty": lambda place: cut(place, 0),
    "longer": longer,
    "swapped": swap,
    "of another study": foreign,
    "missing": lambda place: shutil.rmtree(place / "states"),
    "directories": directories,
    "links to nowhere": dangling,
    "a file instead of the directory": no_directory,
    "leftovers": leftovers,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_state_is_trained_again(damage, stopped, tmp_path_factory):
    place = stopped / damage.replace(" ", "-")
    shutil.copytree(stopped / "stopped", place)
    DAMAGES[damage](place)
    train(place)
    assert not differences(storage.read(stopped / "whole"), storage.read(place))


def test_what_was_kept_is_not_trained_again(stopped):
    again = {}
    for name in ("kept", "lost"):
        place = stopped / name
        shutil.copytree(stopped / "stopped", place)
        if name == "lost":
            shutil.rmtree(place / "states")
        again[name] = train(place)
    whole = sum(trial.epochs for trial in storage.read(stopped / "whole").trials)
    assert again["kept"] <= whole - (STOP - 1) + 1  # but for the epoch in which it stopped
    assert again["kept"] < again["lost"] < whole
