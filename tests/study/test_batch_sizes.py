"""Several batch sizes, from the command line and from Python."""

import json
import sys

import numpy as np
import processes
import pytest

import steepest
from steepest.errors import InputError
from steepest.options import Options
from steepest.study import Study
from steepest.study.study_set import StudySet

pytestmark = pytest.mark.usefixtures("compiled_quickly")
FEW = ["--trials", "2", "--seeds", "2", "--optimizers", "SGD", "--epochs", "2"]


def command(place, *arguments):
    environment = processes.environment(COLUMNS="100")
    return processes.run(
        *(sys.executable, "-m", "quick_command", *arguments), cwd=place, env=environment
    )


@pytest.mark.slow
def test_each_size_is_a_study_and_all_of_them_resume(tmp_path):
    sizes = ["--batch-size", "32,131", "--out", "sizes"]
    done = command(tmp_path, "compare", "diabetes", *FEW, *sizes)
    assert done.returncode == 0, done.stderr
    assert "Use batch_size=" in done.stdout
    for size in (32, 131):
        study = steepest.read(tmp_path / "sizes" / f"diabetes-batch-{size}")
        assert study.record.task.batch_size == size
        assert study.record.asked["batch_size"] == "32,131"
        assert (study.directory / "report.html").is_file()
    assert "diabetes-batch-131/report.html" in (tmp_path / "sizes" / "report.html").read_text()
    whole = done.stdout[done.stdout.index("Use batch_size=") :]

    again = command(tmp_path, "resume", "sizes")
    assert again.returncode == 0, again.stderr
    assert again.stdout.endswith(whole)
    one = command(tmp_path, "resume", "sizes/diabetes-batch-32", "--seeds", "9")
    assert one.returncode == 2
    assert "name the directory above" in one.stderr

    together = steepest.compatibility([tmp_path / "sizes"])
    assert str(together) == whole.rstrip("\n")
    assert list(together.studies) == ["diabetes, batch 32", "diabetes, batch 131"]
    assert together.to_dict()["batch_sizes"]["best"] in (32, 131)
    json.dumps(together.to_dict())


@pytest.fixture(scope="module")
def data():
    import keras

    random = np.random.default_rng(0)
    x = random.normal(size=(60, 3)).astype("float32")
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(loss="mse")
    return model, x, x.sum(1)


@pytest.mark.slow
def test_from_python_a_list_is_a_study_set_and_a_number_a_study(data, tmp_path):
    given = {"epochs": 1, "validation_split": 0.2, "trials": 1, "seeds": 1, "optimizers": "SGD"}
    found = steepest.compare(*data, batch_size=[8, 16], out=tmp_path / "a", **given)
    assert isinstance(found, StudySet)
    assert found.batch_sizes.sizes == (8, 16)
    assert (tmp_path / "a" / "batch-8" / "study.db").is_file()
    assert (tmp_path / "a" / "report.html").is_file()
    alone = steepest.compare(*data, 8, out=tmp_path / "b", **given)
    assert isinstance(alone, Study)
    same = found.comparisons[0].record
    assert [t.curves for t in alone.record.trials] == [t.curves for t in same.trials]


@pytest.mark.parametrize(
    ("size", "said"),
    [
        ([32, 32], "batch_size 32 is given twice"),
        ([], "batch_size is an empty list"),
        ("32,many", "batch_size is 'many', but must be a whole number from 1"),
        (0, "batch_size is 0, but must be a whole number from 1"),
        (2.5, "batch_size is 2.5, but must be"),
        (True, "batch_size is True, but must be"),
        ([32, None], "batch_size is None, but must be"),
    ],
)
def test_what_is_no_batch_size_is_refused(size, said):
    with pytest.raises(InputError, match=said.replace("(", r"\(")):
        Options(batch_size=size)


def test_a_stream_keeps_its_own(data):
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    from steepest.plan import make_plan
    from steepest.tasks.any_task import any_task

    model, x, y = data
    loader = DataLoader(TensorDataset(torch.tensor(x), torch.tensor(y[:, None])), batch_size=10)
    task = any_task(model, loader, validation_data=(x, y), epochs=1)
    with pytest.raises(InputError, match="comes in batches of 10 of its own; leave batch_size out"):
        make_plan(Options(batch_size=[8, 16]), task.facts)
    make_plan(Options(batch_size=10), task.facts)


def test_sizes_above_the_data_are_the_same_and_said_before_training(data, tmp_path):
    given = {"epochs": 1, "validation_split": 0.2, "out": tmp_path / "c", "progress": False}
    with pytest.raises(InputError, match="has 48 training examples, and sizes above that are the"):
        steepest.compare(*data, batch_size=[16, 50, 60], **given)
    assert not list(tmp_path.rglob("study.db"))


def test_options_are_stored_as_on_the_command_line():
    assert Options(batch_size=[32, 64]).stored()["batch_size"] == "32,64"
    assert Options(batch_size=np.int64(8)).stored()["batch_size"] == "8"
    assert Options.from_stored({"batch_size": "32,64"}).batch_sizes == (32, 64)
    assert Options().stored()["batch_size"] is None
