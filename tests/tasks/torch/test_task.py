"""What torch_task makes of a module: functions that JAX trains, or a loop with the reason why."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import jax  # noqa: E402
from torch import nn  # noqa: E402
from torch_made import Mlp, classes, dataset, numbers  # noqa: E402

from steepest.errors import TaskError  # noqa: E402
from steepest.tasks.keras.trivial import with_trivial  # noqa: E402
from steepest.tasks.task import Task  # noqa: E402
from steepest.tasks.torch import proof  # noqa: E402
from steepest.tasks.torch.loop_task import RANDOM, LoopTask  # noqa: E402
from steepest.tasks.torch.lowering.verify import NotProvedError  # noqa: E402
from steepest.tasks.torch.task import torch_task  # noqa: E402
from steepest.tasks.torch_kinds import is_torch  # noqa: E402

X, Y = classes(20)
EVEN = X[:16], Y[:16]  # two batches of 8: graphs of one size, where the smaller batch says nothing
CROSS = nn.CrossEntropyLoss()


class Cut(nn.Module):
    """A module with a loop over what it finds, which no graph has."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        while float(x.max()) > 1:
            x = x / 2
        return self.out(x)


class Rounded(torch.autograd.Function):
    """A step function whose gradient is passed straight through: the export sees the forward."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


class Sly(nn.Module):
    """A module that does with a smaller batch what the graph does not keep."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        found = self.out(x)
        return found if len(x) == 8 else Rounded.apply(found)


class Picky(nn.Module):
    """A module that has no graph for one size of a batch, which is only evaluated."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(4, 3)

    def forward(self, x):
        return self.out(x / 2 if len(x) == 5 and float(x.max()) > 1 else x)


class Tells(nn.Module):
    """A module as those of Hugging Face are: of named inputs, it returns loss and outputs."""

    def __init__(self):
        super().__init__()
        self.inner = Mlp()

    def forward(self, features, labels=None):
        output = self.inner(features)
        return {"loss": CROSS(output, labels), "logits": output}


def made(module=Mlp, data=(X, Y), **more):
    given = {"loss": CROSS, "validation_data": data, "batch_size": 8, **more}
    return torch_task(module, data, **given)


def measured(task, seed=0):
    """Return loss and metrics of the initial weights on the validation set."""
    weights, state = task.initialize(seed)
    totals = task.totals
    for first in range(0, jax.tree.leaves(task.validation)[0].shape[0], 8):
        batch = jax.tree.map(lambda a, f=first: a[f : f + 8], task.validation)
        state, totals = task.measure(weights, state, totals, batch)
    return {name: float(value) for name, value in task.summarize(totals).items()}


def by_torch(seed=0):
    """Return the module as a script of one's own makes it from a seed, in evaluation."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = Mlp()
    return module.eval()


@pytest.fixture(scope="module")
def task():
    return made()


def test_it_is_what_a_population_trains(task):
    assert isinstance(task, Task)
    facts = task.facts
    assert (facts.name, facts.loss, facts.metrics) == ("Mlp", "CrossEntropyLoss", ("accuracy",))
    assert facts.directions == {"accuracy": "up"}
    assert [one.path for one in facts.weights] == [
        *("hidden.weight", "hidden.bias", "out.weight", "out.bias"),
    ]
    assert [one.role for one in facts.weights] == ["kernel", "bias", "head", "bias"]
    assert (facts.parameters, facts.framework, facts.notes) == (4 * 8 + 8 + 8 * 3 + 3, "torch", ())
    assert (facts.training_examples, facts.batch_size, facts.steps_per_epoch) == (20, 8, 3)


@pytest.mark.slow
def test_it_measures_what_pytorch_does(task):
    module = by_torch()
    with torch.no_grad():
        output = module(X)
    found = measured(task)
    assert found["loss"] == pytest.approx(float(CROSS(output, Y)), rel=1e-5)
    assert found["accuracy"] == pytest.approx(float((output.argmax(1) == Y).float().mean()))


@pytest.mark.slow
def test_its_gradient_is_that_of_pytorch(task):
    weights, state = task.initialize(0)
    batch = (X[:8].numpy(), Y[:8].numpy().astype(np.int32), None)
    (loss, _), gradients = jax.value_and_grad(task.loss, has_aux=True)(weights, state, batch)
    module = by_torch()
    value = CROSS(module(X[:8]), Y[:8])
    value.backward()
    assert float(loss) == pytest.approx(value.item(), rel=1e-6)
    for ours, theirs in zip(gradients, module.parameters(), strict=True):
        np.testing.assert_allclose(ours, theirs.grad, rtol=1e-4, atol=1e-7)


def test_the_trivial_predictor_of_classes(task):
    found = with_trivial(task).facts.trivial
    share = torch.bincount(Y, minlength=3) / len(Y)
    assert found.answer == "the frequencies of the classes"
    assert found.values["loss"] == pytest.approx(float(-(share * share.log()).sum()), rel=0.01)
    assert found.values["accuracy"] == pytest.approx(float(share.max()))


@pytest.mark.slow
def test_every_batch_draws_other_dropout():
    task = made(lambda: Mlp(dropout=0.5), EVEN)
    weights, state = task.initialize(3)
    batch = jax.tree.map(lambda a: a[:8], task.training)
    run = jax.jit(task.loss)
    first, after = run(weights, state, batch)
    second, _ = run(weights, after, batch)
    assert float(first) != float(second)
    assert float(first) == float(run(weights, state, batch)[0])
    assert float(first) != float(run(weights, task.initialize(4)[1], batch)[0])
    assert after[-1].dtype == np.uint32
    still, _ = task.measure(weights, state, task.totals, batch)
    assert np.array_equal(still[-1], state[-1])  # an evaluation draws nothing


@pytest.mark.slow
def test_statistics_come_back_and_the_module_stays_as_it_was():
    module = Mlp(norm=True)
    before = {name: one.clone() for name, one in module.state_dict().items()}
    task = made(module, EVEN, initial_weights="given")
    weights, state = task.initialize(0)
    batch = jax.tree.map(lambda a: a[:8], task.training)
    _, after = task.loss(weights, state, batch)
    assert int(after[-2]) == 1  # batches met
    assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())
    module(X[:8])
    np.testing.assert_allclose(after[0], module.norm.running_mean, rtol=1e-5)
    np.testing.assert_allclose(after[1], module.norm.running_var, rtol=1e-5)


@pytest.mark.slow
def test_a_step_of_ones_own():
    def step(module, batch):
        output = module(batch["features"])
        loss = CROSS(output, batch["labels"])
        return loss, {"hits": (output.argmax(1) == batch["labels"]).float().mean()}

    data = dict(zip(("features", "labels"), EVEN, strict=True))
    task = made(Mlp, data, loss=None, step=step)
    assert isinstance(task, Task)
    assert (task.facts.loss, task.facts.metrics) == ("step", ("hits",))
    usual = measured(made(data=EVEN))
    assert measured(task) == pytest.approx({"loss": usual["loss"], "hits": usual["accuracy"]})


@pytest.mark.slow
def test_a_module_that_tells_its_loss():
    data = dict(zip(("features", "labels"), EVEN, strict=True))
    for step in (None, lambda module, batch: module(**batch)["loss"]):
        task = made(Tells, data, loss=None, step=step)
        assert isinstance(task, Task)
        assert [one.role for one in task.facts.weights][-2:] == ["head", "bias"]
        assert task.facts.metrics == (() if step else ("accuracy",))
    with pytest.raises(TaskError, match="there is no loss; give loss="):
        made(loss=None)


@pytest.mark.slow
def test_metrics_of_ones_own_are_averaged_over_examples():
    x, y = numbers(20)
    metrics = {"mae": lambda output, target: (output - target).abs().mean()}
    loss = nn.MSELoss()
    task = made(lambda: Mlp(classes=1), (x, y), loss=loss, metrics=metrics)
    found = measured(task)
    assert task.facts.directions == {"mae": "down"}
    assert set(found) == {"loss", "mae"}
    assert made(data=EVEN, metrics={}).facts.metrics == ()


@pytest.mark.slow
def test_a_stream_is_a_task_too():
    class Noisy(torch.utils.data.Dataset):
        def __len__(self):
            return 20

        def __getitem__(self, place):
            return X[place] + torch.rand(()), Y[place]

    task = made(data=Noisy(), validation_data=(X, Y))
    assert isinstance(task, Task)
    assert any("orders itself" in note for note in task.facts.notes)


def test_batches_of_many_shapes_train_in_a_loop():
    class Rows(torch.utils.data.Dataset):
        def __len__(self):
            return 12

        def __getitem__(self, place):
            return torch.ones(place + 1, 4), place % 3

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(4, 3)

        def forward(self, x):
            return self.out(x).mean(1)

    def pad(pairs):
        x = nn.utils.rnn.pad_sequence([x for x, _ in pairs], batch_first=True)
        return x, torch.tensor([y for _, y in pairs])

    loader = torch.utils.data.DataLoader(Rows(), batch_size=2, collate_fn=pad)
    task = made(Net, loader)
    assert isinstance(task, LoopTask)
    assert task.why.startswith("batches of training data have more than 4 shapes, and each would")
    assert len(list(task.training.read(0, 0))) == 6  # and none is refused


def test_what_is_not_lowered_trains_in_a_loop():
    task = made(Cut)
    assert isinstance(task, LoopTask)
    assert "so trials train one at a time in a plain PyTorch loop" in task.why
    assert task.facts.notes == (task.why,)
    assert "\n" not in task.why
    assert task.state == (RANDOM,)
    assert task.weights == ("module.out.weight", "module.out.bias")
    found = task.step(*task.step.tensors(task.training))
    assert [one.shape for one in found] == [(), ()]


@pytest.mark.slow
def test_what_is_not_proved_trains_in_a_loop_and_a_proof_is_remembered(monkeypatch, tmp_path):
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path))
    calls = []

    def wrong(*_):
        calls.append(1)
        raise NotProvedError("the gradient of out.weight differs")

    monkeypatch.setattr(proof, "prove", wrong)
    for _ in range(2):  # a failure is not remembered
        task = made()
        assert task.why.startswith("the gradient of out.weight differs, so trials train")
    monkeypatch.setattr(proof, "prove", lambda *_: calls.append(2))
    made()
    made()
    made(lambda: Mlp(dropout=0.1))
    assert calls == [1, 1, 2, 2, 2, 2]  # each of two modules once, for both sizes of a batch


@pytest.mark.slow
def test_parts_that_are_kept_in_evaluation_stay_so():
    module = Mlp(norm=True)
    module.norm.eval()
    task = made(module, EVEN)
    weights, state = task.initialize(0)
    _, after = task.loss(weights, state, jax.tree.map(lambda a: a[:8], task.training))
    assert not np.asarray(after[0]).any()
    assert module.training
    assert not module.norm.training
    module.eval()  # as it was loaded: all of it trains
    _, after = made(module, EVEN).loss(weights, state, jax.tree.map(lambda a: a[:8], task.training))
    assert np.asarray(after[0]).any()


def test_what_is_pytorch_is_told_without_it():
    import keras

    assert is_torch(Mlp)
    assert is_torch(Mlp())
    assert is_torch(dataset((X, Y)))
    assert is_torch(X)
    assert not any(map(is_torch, (keras.Sequential(), keras.Sequential, np.zeros(3), None, made)))


@pytest.mark.slow
def test_several_inputs_by_name_and_by_place():
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.out = nn.Linear(4, 3)

        def forward(self, one, two):
            return self.out(one - two)

    x, y = EVEN
    named, placed = made(Both, ({"two": x, "one": x * 3}, y)), made(Both, ((x * 3, x), y))
    assert measured(named) == pytest.approx(measured(placed))
    with pytest.raises(TaskError, match="the module cannot take a batch of"):
        made(Both, ({"three": x}, y))


@pytest.mark.slow
def test_the_smaller_batch_at_the_end_is_proved_too():
    task = made(Sly)
    assert isinstance(task, LoopTask)
    assert "gradient" in task.why
    assert isinstance(made(Sly, data=(X[:16], Y[:16])), Task)


@pytest.mark.slow
def test_what_is_only_evaluated_has_its_graphs_before_anything_trains():
    task = made(Picky, validation_data=(X[:13], Y[:13]))
    assert isinstance(task, LoopTask)
    assert "decides on the values of tensors" in task.why


class Spare(nn.Module):
    """A module with a layer that its loss does not use."""

    def __init__(self):
        super().__init__()
        self.out, self.spare = nn.Linear(4, 3), nn.Linear(4, 3)

    def forward(self, x):
        return self.out(x)


class Sometimes(Spare):
    """A module that uses a layer in batches of one size alone."""

    def forward(self, x):
        return self.out(x) + (self.spare(x) if len(x) == 8 else 0)


@pytest.mark.slow
def test_what_the_loss_does_not_use_is_no_weight():
    task = torch_task(Spare, EVEN, loss=CROSS, validation_data=EVEN, batch_size=8)
    assert isinstance(task, Task)
    assert [one.path for one in task.facts.weights] == ["out.weight", "out.bias"]
    assert task.facts.parameters == 15
    assert "does not depend on spare.weight, spare.bias, so training leaves" in task.facts.notes[0]
    weights, state = task.initialize(3)
    torch.manual_seed(3)
    made = Spare()
    np.testing.assert_array_equal(state[0], made.spare.weight.detach().numpy())
    np.testing.assert_array_equal(weights[1], made.out.bias.detach().numpy())
    after = jax.jit(task.loss)(weights, state, (X[:8].numpy(), Y[:8].numpy(), None))[1]
    np.testing.assert_array_equal(after[0], state[0])
    task = torch_task(Sometimes, (X, Y), loss=CROSS, validation_data=(X, Y), batch_size=8)
    assert isinstance(task, LoopTask)
    assert "batches of some sizes use spare.bias, and others do not" in task.why


def padded(lengths):
    """Return batches whose rows have these lengths, the last of them smaller."""
    return [(torch.randn(3, n), torch.randint(3, (3,))) for n in lengths]


class Means(nn.Module):
    """A module of rows of any length; those of length 7 are dealt with where no graph sees it."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(1, 3)

    def forward(self, x):
        found = self.out(x.mean(1, keepdim=True))
        return Rounded.apply(found) if x.shape[1] == 7 else found


@pytest.mark.slow
@pytest.mark.parametrize(("lengths", "kind"), [([4, 5], Task), ([4, 7], LoopTask)])
def test_each_shape_of_a_stream_is_proved(lengths, kind):
    batches = padded(lengths)
    more = {"steps_per_epoch": 2, "validation_steps": 1, "loss": CROSS}
    task = torch_task(Means, lambda: batches, validation_data=lambda: batches[:1], **more)
    assert isinstance(task, kind)
    if kind is LoopTask:
        assert "the gradient of module.out.weight in training is 0" in task.why


@pytest.mark.slow
def test_a_shape_that_comes_late_is_proved_then(monkeypatch):
    monkeypatch.setattr("steepest.tasks.torch.loaders.LOOKED", 1)
    batches = padded([4, 5, 7])
    more = {"steps_per_epoch": 3, "validation_steps": 1, "loss": CROSS}
    task = torch_task(Means, lambda: batches, validation_data=lambda: batches[:1], **more)
    weights, state = task.initialize(0)

    def trained(batch):
        given = (*(one.numpy() for one in batch), None)
        return jax.jit(jax.grad(task.loss, has_aux=True))(weights, state, given)

    trained(batches[1])
    with pytest.raises(TaskError, match="which the stream gives after others, cannot be trained"):
        trained(batches[2])
