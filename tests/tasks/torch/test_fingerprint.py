"""A task is known again in another process, and one that is another is told from it."""

import sys
import textwrap

import processes
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch_made import Mlp, classes, dataset  # noqa: E402

from steepest.tasks.task_diff import what_differs  # noqa: E402
from steepest.tasks.torch import task as tasks  # noqa: E402
from steepest.tasks.torch.task import torch_task  # noqa: E402

X, Y = classes(20)
CROSS = nn.CrossEntropyLoss()


@pytest.fixture(autouse=True)
def without_lowering(monkeypatch):
    """Leave the lowering out, whose first export takes seconds."""
    monkeypatch.setattr(tasks, "proved_graphs", lambda *_: "it is not lowered")


def facts(module=Mlp, data=(X, Y), **more):
    given = {"loss": CROSS, "validation_data": (X, Y), "batch_size": 8, **more}
    return torch_task(module, data, **given).facts


def changed(before, after):
    """Return the parts that two tasks do not have in common."""
    parts = {*before.fingerprint, *after.fingerprint}
    return {p for p in parts if before.fingerprint.get(p) != after.fingerprint.get(p)}


def test_the_same_is_the_same():
    one = facts()
    assert changed(one, facts()) == set()
    assert one.fingerprint["backend"] == "torch float32"
    assert set(one.fingerprint) == {
        "model",
        "compile",
        "backend",
        "training data",
        "validation data",
    }
    assert changed(one, facts(data=dataset((X, Y)))) == set()
    assert changed(facts(Mlp()), facts(Mlp())) == set()  # drawn anew, so what they have is nothing


def test_what_is_another_is_told():
    one = facts()
    assert changed(one, facts(lambda: Mlp(dropout=0.5))) == {"model"}
    assert changed(facts(lambda: Mlp(dropout=0.5)), facts(lambda: Mlp(dropout=0.4))) == {"model"}
    assert changed(one, facts(loss=nn.CrossEntropyLoss(label_smoothing=0.1))) == {"compile"}
    assert changed(one, facts(metrics={"a": lambda o, y: o.mean()})) == {"compile"}
    assert changed(one, facts(data=(X + 1, Y))) == {"training data"}
    assert changed(one, facts(test_data=(X, Y))) == {"test data"}
    step = lambda module, batch: CROSS(module(batch[0]), batch[1])  # noqa: E731
    assert "compile" in changed(one, facts(loss=None, step=step))
    same = lambda module, batch: CROSS(module(batch[0]), batch[1])  # noqa: E731
    assert changed(facts(loss=None, step=step), facts(loss=None, step=same)) == set()


def test_code_of_ones_own_is_told():
    def made(change):
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.out = nn.Linear(4, 3)

            def forward(self, x):
                return change(self.out(x))

        return Net

    assert changed(facts(made(lambda h: h * 2)), facts(made(lambda h: h * 2))) == set()
    assert changed(facts(made(lambda h: h * 2)), facts(made(lambda h: h * 3))) == {"model"}


def test_weights_that_no_seed_draws_are_told():
    module, other = Mlp(), Mlp()
    assert changed(facts(module), facts(other)) == set()
    given = [facts(one, initial_weights="given") for one in (module, module, other)]
    assert changed(given[0], given[1]) == set()
    assert changed(given[0], given[2]) == {"initial weights"}
    assert what_differs(facts(module), given[0])
    for one in (module, other):
        one.hidden.requires_grad_(False)
    assert changed(facts(module), facts(other)) == {"kept weights"}
    assert "torch.manual_seed(0)" in what_differs(facts(module), facts(other))[0]


def test_weights_of_the_loss_are_told():
    ours, theirs = (nn.CrossEntropyLoss(weight=torch.tensor([1.0, 1.0, w])) for w in (1.0, 2.0))
    assert changed(facts(loss=ours), facts(loss=theirs)) == {"kept weights"}


@pytest.mark.slow
def test_another_process_knows_it(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(
            """
            from torch import nn
            from torch_made import Mlp, classes
            from steepest.tasks.torch import task
            task.proved_graphs = lambda *_: "it is not lowered"
            X, Y = classes(20)
            found = task.torch_task(
                Mlp, (X, Y), loss=nn.CrossEntropyLoss(), validation_data=(X, Y), batch_size=8
            )
            print(dict(found.facts.fingerprint))
            """
        )
    )
    found = processes.run(sys.executable, script, env=processes.environment(), torch=True)
    assert found.returncode == 0, found.stderr[-3000:]
    assert eval(found.stdout) == dict(facts().fingerprint)
