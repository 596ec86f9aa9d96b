"""What cannot be trained is said in one sentence, before anything is compiled."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch_made import Mlp, classes, dataset, numbers  # noqa: E402

from steepest.errors import TaskError  # noqa: E402
from steepest.tasks.torch import task as tasks  # noqa: E402
from steepest.tasks.torch.task import torch_task  # noqa: E402

X, Y = classes(20)
CROSS, MSE, BCE = nn.CrossEntropyLoss(), nn.MSELoss(), nn.BCEWithLogitsLoss()


@pytest.fixture(autouse=True)
def without_lowering(monkeypatch):
    """Leave the lowering out, whose first export takes seconds."""
    monkeypatch.setattr(tasks, "proved_graphs", lambda *_: "it is not lowered")


def refused(module=Mlp, data=(X, Y), **more):
    """Return what is said of a task that cannot be."""
    given = {"loss": CROSS, "validation_data": data, "batch_size": 8, **more}
    given = {key: value for key, value in given.items() if value is not None}
    with pytest.raises(TaskError) as error:
        torch_task(module, data, **given)
    said = str(error.value)
    assert "\n" not in said
    return said


def one(loss, y, outputs=1):
    return refused(lambda: Mlp(classes=outputs), (X, y), loss=loss)


class Returns(nn.Module):
    """A layer, and a function of its output."""

    def __init__(self, change):
        super().__init__()
        self.layer, self.change = nn.Linear(4, 3), change

    def forward(self, x):
        return self.change(self.layer(x))


def test_the_loss():
    assert "there is no loss; give loss=nn.CrossEntropyLoss()" in refused(loss=None)
    assert "is the class CrossEntropyLoss; make one: CrossEntropyLoss()" in refused(
        loss=nn.CrossEntropyLoss
    )
    assert "loss is 'mse', but must be a function" in refused(loss="mse")
    assert "both given" in refused(step=lambda m, b: m(b[0]).mean())
    sums = nn.CrossEntropyLoss(reduction="none")
    assert "returned a tensor of shape (8,), but must return one number" in refused(loss=sums)
    assert "does not depend on any trainable parameter" in refused(
        loss=lambda output, y: CROSS(output.detach(), y)
    )
    assert "returned a float, but must return the loss as a tensor" in refused(
        loss=lambda output, y: 1.0
    )
    assert "the loss of the first batch is nan" in refused(
        loss=lambda output, y: CROSS(output, y) * float("nan")
    )
    assert (
        "cannot take the module's output, float32 of shape (8, 3), and y, int64 of shape (8,): "
        in (refused(loss=lambda output, y: CROSS(output, y[:3])))
    )


def test_the_step():
    def step(module, batch):
        return CROSS(module(batch[0]), batch[1]), {"accuracy": torch.zeros(2)}

    assert "accuracy: a metric has shape (2,), but must be one number" in refused(
        loss=None, step=step
    )
    assert (
        "step cannot take a batch of x[0] of shape (8, 4) and float32, x[1] of shape (8,) and "
        in (refused(loss=None, step=lambda module, batch: module(**batch)))
    )
    assert "step returned 3 values, but must return the loss, or" in refused(
        loss=None, step=lambda module, batch: (1, 2, 3)
    )
    assert "a metric is called loss, as the loss is" in refused(
        loss=None, step=lambda m, b: (m(b[0]).mean(), {"loss": 1.0})
    )
    outside = Mlp()
    assert "does not depend on the module that it is given; use that one" in refused(
        loss=None, step=lambda m, b: outside(b[0]).mean()
    )
    assert "the gradient of hidden.weight is not finite at the first batch" in refused(
        loss=None, step=lambda m, b: (m(b[0]) - m(b[0])).abs().sum().sqrt()
    )
    assert "step returned no metric one" in refused(
        loss=None, step=lambda m, b: (m(b[0]).mean(), {"one": 1.0} if m.training else {})
    )


def test_the_metrics():
    assert "metrics is a list, but must be a dictionary" in refused(metrics=[F.mse_loss])
    assert "metrics['a'] is 3, but must be a function" in refused(metrics={"a": 3})
    assert "a metric is called training_loss" in refused(metrics={"training_loss": F.mse_loss})
    assert "a metric is called 3, but names must be words" in refused(metrics={3: F.mse_loss})
    assert "the metric a cannot take the module's output, float32" in refused(
        metrics={"a": lambda output, y: output @ output}
    )
    assert "which step= does not tell" in refused(
        loss=None, step=lambda m, b: m(b[0]).mean(), metrics={"a": F.mse_loss}
    )


def test_the_module():
    assert (
        "the module cannot take a batch of x of shape (8, 4) and float32: mat1 and mat2"
        in refused(lambda: Mlp(5))
    )
    assert "Identity has no parameters, so there is nothing to train" in refused(nn.Identity)
    assert "are frozen (requires_grad=False)" in refused(lambda: Mlp().requires_grad_(False))
    assert "out.weight is float64, but trials train in float32 or bfloat16" in refused(
        lambda: nn.ModuleDict({"out": nn.Linear(4, 3).double()})
    )
    assert "float16, but trials train in float32 or bfloat16" in refused(lambda: Mlp().half())
    assert "the module returns a tuple, but CrossEntropyLoss takes one tensor" in refused(
        lambda: Returns(lambda output: (output, output))
    )


def test_what_classes_are():
    assert "holds float32, but CrossEntropyLoss needs the numbers of classes" in refused(
        data=(X, Y.float())
    )
    assert "holds int32, but CrossEntropyLoss needs int64; give y.long()" in refused(
        data=(X, Y.int())
    )
    assert "y holds the label 5, but the module has 3 outputs, so labels must be 0 to 2" in refused(
        data=(X, torch.where(Y == 2, 5, Y))
    )
    assert "y has shape (20, 1), but CrossEntropyLoss needs the number of a class" in refused(
        data=(X, Y[:, None])
    )
    assert "(y.squeeze(1) makes them of y)" in refused(data=(X, Y[:, None]), loss=F.cross_entropy)
    assert "of which CrossEntropyLoss is always 0" in one(CROSS, Y * 0)
    assert "the module's output has shape (n,)" in refused(lambda: Returns(lambda h: h[:, 0]))
    assert "probabilities must not be negative" in refused(data=(X, X[:, :3] - 9))
    said = refused(validation_data=(X, Y + 1))
    assert said.startswith("validation_data: y holds the label 3")


def test_labels_that_are_ignored_are_allowed():
    ignoring = nn.CrossEntropyLoss(ignore_index=5)
    y = torch.where(Y == 2, 5, Y)
    torch_task(Mlp, (X, y), loss=ignoring, validation_data=(X, y))
    torch_task(Mlp, (X, X[:, :3].softmax(1)), loss=CROSS, validation_split=0.2)


def test_what_numbers_are():
    x, y = numbers(20)
    said = one(MSE, y[:, 0])
    assert "y has shape (20,), but the module's output is ('n', 1) and MSELoss needs" in said
    assert "PyTorch would compare each with all others; give y.unsqueeze(1)" in said
    assert "give y.squeeze(1)" in refused(
        lambda: Returns(lambda h: h[:, 0]), (x, y), loss=F.l1_loss
    )
    assert "change one of them" in one(MSE, X)
    assert "y holds int64, but MSELoss needs floats like the output; give y.float()" in one(
        MSE, Y[:, None]
    )
    assert "y holds int64, but BCEWithLogitsLoss needs floats" in one(BCE, Y[:, None] % 2)
    assert "y holds the label 2, but BCEWithLogitsLoss needs labels from 0 to 1" in one(
        BCE, Y[:, None].float()
    )
    assert "y holds 20 values that are NaN" in one(MSE, y * float("nan"))


def test_the_last_batch():
    said = refused(lambda: Mlp(norm=True), (X[:17], Y[:17]))
    assert "the last batch of an epoch has 1 of 8 examples, and the module cannot take" in said
    assert "choose another batch_size, or give a DataLoader with drop_last=True" in said


def test_the_sets_have_to_be_alike():
    assert (
        "validation_data: it holds x of shape (8, 4) and float32, y of shape (8,) and float32"
        in (refused(validation_data=(X, Y.float())))
    )
    assert "validation_data: the module cannot take a batch of x of shape (8, 3)" in refused(
        validation_data=(X[:, :3], Y)
    )
    assert "there is no validation data" in refused(validation_data=None)


def test_words():
    assert "initial_weights is 'own', but must be 'fresh' or 'given'" in refused(
        initial_weights="own"
    )
    assert "shuffle is 3, but must be True" in refused(shuffle=3)
    assert "epochs is 0, but must be a whole number" in refused(epochs=0)
    assert "validation_split is 'a', but must be a number" in refused(validation_split="a")


def notes(module=Mlp, data=(X, Y), loss=CROSS, **more):
    found = torch_task(
        module, data, loss=loss, **{"validation_data": data, "batch_size": 10, **more}
    )
    assert found.facts.notes[-1].startswith("it is not lowered, so trials train one at a time")
    return found.facts.notes[:-1]


def test_common_mistakes_are_notes():
    assert notes() == ()
    assert "each epoch is one batch of 20" in notes(batch_size=99)[0]
    assert "ends in a softmax" in notes(lambda: Returns(lambda h: h.softmax(1)))[0]
    sigmoid = notes(lambda: Returns(torch.sigmoid), (X, X[:, :3] * 0), BCE)
    assert "as of a sigmoid" in sigmoid[0]
    chance = nn.Linear(4, 1)  # raw outputs that are between 0 and 1 as it happens
    nn.init.constant_(chance.weight, 1e-3)
    nn.init.constant_(chance.bias, 0.4)
    assert notes(lambda: copy.deepcopy(chance), (X, X[:, :1] * 0), BCE) == ()
    order = np.argsort(Y.numpy(), kind="stable")
    many, labels = X[order].repeat(9, 1), Y[order].repeat_interleave(9)
    said = notes(Mlp, dataset((many, labels)), validation_data=None, validation_split=0.2)
    assert "validation holds" in said[0]
