"""The command line with a file of a PyTorch module: compare, resume, code, export; and kills."""

import functools
import json
import random
import sys

import pytest
from faults.running import check_end, check_finished, check_refused, kill_and_resume, study_of
from faults.running import run as run_plain
from faults.same import differences

pytest.importorskip("torch")
pytestmark = pytest.mark.slow

run = functools.partial(run_plain, torch=True)
COMMAND = (sys.executable, "-m", "steepest")
TASK = """
import torch
from torch import nn

print("a task file may print")
torch.manual_seed(0)
x = torch.randn(100, 6)
y = (x[:, 0] * x[:, 1] + 0.3 * torch.randn(100) > 0).long()
train, validation = (x[:80], y[:80]), (x[80:], y[80:])
loss = nn.CrossEntropyLoss()
batch_size, epochs = 16, 200


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 2)
        )

    def forward(self, x):
        return self.layers(x)
"""
# What no exported graph has: a branch on a value.
LOOP = TASK.replace(
    "        return self.layers(x)",
    "        return self.layers(x) if x.sum() < 1e9 else self.layers(-x)",
).replace("epochs = 16, 200", "epochs = 16, 40")
FEW = ("--full-trainings", "8", "--seeds", "2", "--optimizers", "SGD,AdamW")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("torch")
    (path / "lowered.py").write_text(TASK)
    (path / "loop.py").write_text(LOOP)
    return path


@pytest.fixture(scope="module", params=["lowered", "loop"])
def whole(request, place):
    """A study that nobody stopped, by how its trials train."""
    out = place / f"whole-{request.param}"
    done = run(*COMMAND, "compare", place / f"{request.param}.py", *FEW, "--json", "--out", out)
    check_end(done)
    check_finished(out)
    return request.param, out, json.loads(done.stdout)


def test_a_file_is_compared_and_told_again(place, whole):
    how, out, told = whole
    study = study_of(out)
    assert study.task.framework == told["task_facts"]["framework"] == "torch"
    assert study.settings.dialect == "torch"
    assert ("jax" in study.versions) == (how == "lowered")
    assert any("plain PyTorch loop" in note for note in study.task.notes) == (how == "loop")
    code = run(*COMMAND, "code", out)
    check_end(code)
    assert "import torch\n" in code.stdout
    again = run(*COMMAND, "resume", out, place / f"{how}.py")
    check_end(again)
    assert "AdamW" in again.stdout
    check_refused(run(*COMMAND, "resume", out, "--seeds", "9"), "name it, if it is yours")
    other = run(*COMMAND, "compare", place / f"{how}.py", *FEW, "--dialect", "keras", "--out", out)
    check_refused(other, "--dialect was torch and is keras")
    table = place / f"{how}.csv"
    check_end(run(*COMMAND, "export", out, "--csv", table))
    assert len(table.read_text().splitlines()) == 1 + len(study.trials)


def test_a_module_and_a_model_of_keras_are_not_compared_by_two_arithmetics(place):
    """It is said before either is trained."""
    both = (place / "lowered.py", "digits")
    done = run(*COMMAND, "compare", *both, *FEW, "--out", place / "both")
    check_refused(done, "give --dialect keras or --dialect torch")
    assert not (place / "both").exists()


def test_a_killed_study_goes_on_as_if_nothing_had_been(place, whole):
    how, finished, _ = whole
    study = study_of(finished)
    out, task = place / f"killed-{how}", place / f"{how}.py"
    chance = random.Random(7)
    moments = sorted((chance.randint(0, len(study.trials) // 2), 0.05) for _ in range(2))
    first = (*COMMAND, "compare", task, *FEW, "--out", out)
    story = kill_and_resume(first, (*COMMAND, "resume", out, task), out, moments, torch=True)
    check_end(story.last)
    check_finished(out)
    assert story.phases.count("it had ended") < len(moments), "it was too fast to be killed"
    assert differences(study, study_of(out)) == []
