"""The proof: it holds for what people write, and notices whatever the export loses."""

import dataclasses
import functools

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

from steepest.tasks.torch.lowering import lowered, table, verify  # noqa: E402
from steepest.tasks.torch.lowering.channels_last import Last  # noqa: E402
from steepest.tasks.torch.lowering.graph import capture  # noqa: E402
from steepest.tasks.torch.lowering.lowered import GETITEM  # noqa: E402
from steepest.tasks.torch.lowering.oracle import Oracle  # noqa: E402
from steepest.tasks.torch.lowering.quick import quick  # noqa: E402
from steepest.tasks.torch.lowering.verify import NotProvedError, prove  # noqa: E402

KINDS = 3
SLOW = pytest.mark.slow


class Step(nn.Module):
    """A module with its loss and one metric."""

    def __init__(self, module, loss=F.cross_entropy):
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self, *leaves):
        out = self.module(*leaves[:-1])
        return self.loss(out, leaves[-1]), (out.argmax(-1) == leaves[-1]).float().mean()


class Net(nn.Module):
    """A linear layer, then a function of its output."""

    def __init__(self, function):
        super().__init__()
        self.first, self.last = nn.Linear(4, 4), nn.Linear(4, KINDS)
        self.function = function

    def forward(self, x):
        return self.last(self.function(self.first(x)))


class Recurrent(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.embed = nn.Embedding(20, 4, padding_idx=0)
        self.layers = kind(4, 5, 2, batch_first=True, dropout=0.2)
        self.head = nn.Linear(5, KINDS)

    def forward(self, x):
        return self.head(self.layers(self.embed(x))[0][:, -1])


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 8, batch_first=True, activation="gelu")
        self.layers = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(8, KINDS)

    def forward(self, x):
        return self.head(self.layers(self.embed(x)).mean(1))


def mlp():
    return nn.Sequential(
        nn.Linear(4, 5), nn.ReLU(), nn.LayerNorm(5), nn.Dropout(0.3), nn.Linear(5, KINDS)
    )


def cnn():
    return nn.Sequential(
        nn.Conv2d(1, 3, 3),
        nn.BatchNorm2d(3),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout2d(0.2),
        nn.Flatten(),
        nn.Linear(27, KINDS),
    )


VECTORS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
IMAGES = torch.randn(6, 1, 8, 8, generator=torch.Generator().manual_seed(1))
WORDS = torch.arange(30).reshape(6, 5) % 20
CLASSES = torch.tensor([0, 1, 2, 2, 0, 1])
MODELS = {
    "mlp": (mlp, VECTORS),
    "cnn": (cnn, IMAGES),
    "lstm": (lambda: Recurrent(nn.LSTM), WORDS),
    "gru": (lambda: Recurrent(nn.GRU), WORDS),
    "transformer": (Transformer, WORDS),
}


def captured(step, leaves):
    """Return the graphs of training and of evaluation."""
    return tuple(capture(step.train(training), leaves) for training in (True, False))


def proved(step, *leaves):
    prove(step, *captured(step, leaves), [leaves])


def made(name):
    torch.manual_seed(0)
    make, x = MODELS[name]
    return Step(make()), (x, CLASSES)


@pytest.mark.parametrize(
    "name",
    [name if name == "mlp" else pytest.param(name, marks=SLOW) for name in MODELS],
)
def test_what_people_write(name):
    step, leaves = made(name)
    proved(step, *leaves)


@SLOW
@pytest.mark.parametrize("name", [name for name in MODELS if name != "gru"])
def test_any_operation_with_a_wrong_gradient_is_noticed(name, monkeypatch):
    """Scale the gradient of one operation after the other by 1 %, all in one compiled program."""
    step, leaves = made(name)
    graphs = captured(step, leaves)
    operations = sorted({call.name for call in graphs[0].calls} - {GETITEM})
    scales = {}  # while the program is traced: how many times its gradient each operation has
    apply = lowered.apply
    bent = lambda name, *given: _scaled(apply(name, *given), scales[name])  # noqa: E731
    monkeypatch.setattr(lowered, "apply", bent)
    wide = graphs[0].widened()

    @functools.partial(jax.jit, compiler_options=quick())
    def run(given_scales, *given):
        scales.update(zip(operations, given_scales, strict=True))
        return verify.numbers(wide, *given)

    def scaled(wrong):
        return functools.partial(run, [1.01 if one == wrong else 1.0 for one in operations])

    straight = _gradients(scaled(None), step, leaves)
    with_gradient = 0
    for one in operations:
        if _same(_gradients(scaled(one), step, leaves), straight):
            continue  # of data, integers, or metrics alone
        with_gradient += 1
        monkeypatch.setattr(verify, "compiled", lambda graph, one=one: scaled(one))
        with pytest.raises(NotProvedError, match=r"gradient of .* in training"):
            prove(step, *graphs, [leaves])
    assert with_gradient >= 4


@jax.custom_vjp
def scale(x, times):
    """Return `x`, whose gradient is so many times as large."""
    return x


scale.defvjp(
    lambda x, times: (x, times),
    lambda times, g: ((g * times).astype(g.dtype), jax.numpy.zeros_like(times)),
)


def _scaled(found, times):
    """Return an operation's results with their gradients so many times as large."""
    if isinstance(found, Last):
        return found.mapped(lambda x: _scaled(x, times))
    if isinstance(found, tuple | list):
        return tuple(_scaled(x, times) for x in found)
    floating = hasattr(found, "dtype") and jax.numpy.issubdtype(found.dtype, jax.numpy.floating)
    return scale(found, jax.numpy.asarray(times)) if floating else found


def _gradients(run, step, leaves):
    """Return the gradients that a program of the proof gives at the step's own weights."""
    oracle = Oracle(step, training=True)
    values = oracle.values()
    trained = {name: values.pop(name) for name in oracle.trained}
    with jax.enable_x64(True), jax.default_device(jax.devices("cpu")[0]):
        return jax.device_get(run(trained, values, [oracle.array(leaf) for leaf in leaves]))[2]


def _same(mine, theirs):
    return all(
        np.allclose(mine[name], one, rtol=1e-4, atol=1e-3 * np.abs(one).max())
        for name, one in theirs.items()
    )


class Rounded(torch.autograd.Function):
    """A step function whose gradient is passed straight through: the export sees the forward."""

    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, gradient):
        return gradient


def test_a_custom_function_is_noticed():
    with pytest.raises(NotProvedError, match=r"the gradient of module\.first\.\w+ in training"):
        proved(Step(Net(Rounded.apply)), VECTORS, CLASSES)


def without_gradient(x):
    with torch.no_grad():
        return x * x.sigmoid()


def partly(x):
    with torch.no_grad():
        factor = x.sigmoid()
        with torch.enable_grad():
            pass
    return x * factor


@pytest.mark.parametrize(
    "function",
    [
        pytest.param(torch.Tensor.detach, marks=SLOW),
        pytest.param(without_gradient, marks=SLOW),
        partly,
    ],
)
def test_regions_without_gradients_are_lowered(function):
    proved(Step(Net(lambda x: function(x) + x)), VECTORS, CLASSES)


def test_a_lost_detach_is_noticed(monkeypatch):
    step = Step(Net(lambda x: x.detach() * x))
    graphs = captured(step, (VECTORS, CLASSES))
    operation = dataclasses.replace(table.TABLE["aten.detach.default"], function=lambda x: x)
    monkeypatch.setitem(table.TABLE, "aten.detach.default", operation)
    with pytest.raises(NotProvedError, match="gradient of"):
        prove(step, *graphs, [(VECTORS, CLASSES)])


def test_a_lost_region_is_noticed(monkeypatch):
    from steepest.tasks.torch.lowering import export

    monkeypatch.setattr(export, "_detach_regions", lambda graphs: None)
    with pytest.raises(NotProvedError, match="gradient of"):
        proved(Step(Net(partly)), VECTORS, CLASSES)


@SLOW
def test_a_change_in_place_behind_autograd_is_noticed():
    def bounded(x):
        y = x * 2
        with torch.no_grad():
            y.clamp_(-0.1, 0.1)
        return y

    with pytest.raises(NotProvedError, match="gradient of"):
        proved(Step(Net(bounded)), VECTORS, CLASSES)


@SLOW
def test_a_module_that_counts_its_calls_is_noticed():
    class Counting(Net):
        calls = 0

        def forward(self, x):
            self.calls += 1
            return super().forward(x) / self.calls

    with pytest.raises(NotProvedError, match="the loss in training is"):
        proved(Step(Counting(torch.tanh)), VECTORS, CLASSES)


def test_a_buffer_that_is_not_changed_is_noticed():
    step, leaves = made("cnn")
    train, evaluate = captured(step, leaves)
    changed = {n: v for n, v in train.changed.items() if not n.endswith("running_var")}
    with pytest.raises(NotProvedError, match=r"the buffer module\.1\.running_var in training"):
        prove(step, dataclasses.replace(train, changed=changed), evaluate, [leaves])


@SLOW
def test_graphs_of_the_wrong_mode_are_noticed():
    step, leaves = made("cnn")
    train, evaluate = captured(step, leaves)
    with pytest.raises(NotProvedError, match="in evaluation"):
        prove(step, train, train, [leaves])
    with pytest.raises(NotProvedError, match="in training"):
        prove(step, evaluate, evaluate, [leaves])


@SLOW
def test_a_wrong_metric_is_noticed(monkeypatch):
    step, leaves = made("mlp")
    graphs = captured(step, leaves)
    wrong = dataclasses.replace(
        table.TABLE["aten.argmax.default"], function=lambda x, dim: jax.numpy.argmin(x, dim)
    )
    monkeypatch.setitem(table.TABLE, "aten.argmax.default", wrong)
    with pytest.raises(NotProvedError, match="output 1 in training is"):
        prove(step, *graphs, [leaves])


@SLOW
def test_zeros_do_not_hide_an_error(monkeypatch):
    """With a last layer of zeros no gradient reaches the others; nearby weights have one."""
    step, leaves = made("mlp")
    for parameter in step.module[-1].parameters():
        nn.init.zeros_(parameter)
    graphs = captured(step, leaves)
    right = table.TABLE["aten.layer_norm.default"]
    wrong = dataclasses.replace(right, function=lambda *x: _scaled(right.function(*x), 1.01))
    monkeypatch.setitem(table.TABLE, "aten.layer_norm.default", wrong)
    with pytest.raises(NotProvedError, match="gradient of"):
        prove(step, *graphs, [leaves])


def noisy(x):
    x = x + torch.randn_like(x) * torch.rand(4) + torch.normal(0.0, 1.0, (4,))
    x = F.dropout(x, 0.3) + F.alpha_dropout(x, 0.2, True) + F.rrelu(x, training=True)
    return x + torch.bernoulli(x.sigmoid()) + F.gumbel_softmax(x) + torch.randint(0, 3, (4,))


@SLOW
def test_random_operations_are_proved():
    proved(Step(Net(noisy)), VECTORS, CLASSES)


def test_random_operations_without_numbers_are_said():
    with pytest.raises((NotProvedError, table.NotLoweredError), match="poisson"):
        proved(Step(Net(lambda x: x + torch.poisson(x.detach().abs()))), VECTORS, CLASSES)


def lower_precision(x):
    return (x.float() * x.to(torch.bfloat16)).float() + torch.zeros(4, dtype=torch.float32)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param("bfloat16", marks=SLOW),
        pytest.param("autocast", marks=SLOW),
        pytest.param("casts", marks=SLOW),
    ],
)
def test_types_below_float64(kind):
    net = Net(lower_precision if kind == "casts" else torch.tanh)
    if kind == "bfloat16":
        net = nn.Sequential(Cast(torch.bfloat16), net.to(torch.bfloat16), Cast(torch.float32))
    if kind == "autocast":
        net = Autocast(net)
    proved(Step(net), VECTORS, CLASSES)


@pytest.mark.parametrize(
    "loss",
    [
        lambda out, y, w: F.cross_entropy(out, y, weight=w),
        lambda out, y, w: (w @ out.T).mean(),
    ],
)
def test_a_loss_may_bring_weights_in_float32(loss):
    """Of classes, say, in a function's closure, where no cast of the module reaches them."""
    weight = torch.tensor([1.0, 2.0, 3.0])
    proved(Step(Net(torch.tanh), lambda out, y: loss(out, y, weight)), VECTORS, CLASSES)
    assert weight.dtype == torch.float32


class Cast(nn.Module):
    def __init__(self, kind):
        super().__init__()
        self.kind = kind

    def forward(self, x):
        return x.to(self.kind)


class Autocast(nn.Module):
    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        with torch.autocast("cpu", torch.bfloat16):
            return self.net(x).float()


@SLOW
def test_frozen_and_unused_parameters():
    net = Net(torch.tanh)
    net.unused = nn.Parameter(torch.ones(2))
    net.first.weight.requires_grad_(False)
    proved(Step(net), VECTORS, CLASSES)


@SLOW
def test_several_batches():
    step, leaves = made("mlp")
    prove(step, *captured(step, leaves), [leaves, (leaves[0] * 2, leaves[1])])


@SLOW
def test_the_step_stays_as_it_was():
    step, leaves = made("cnn")
    step.train()
    step.module[1].eval()
    before = {name: value.clone() for name, value in step.state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    graphs = tuple(capture(step, leaves) for _ in range(2))
    torch.manual_seed(3)
    with pytest.raises(NotProvedError):
        prove(step, *graphs, [leaves])
    assert torch.equal(torch.rand(1), expected)
    assert step.training
    assert not step.module[1].training
    assert torch.get_default_dtype() == torch.float32
    for name, value in step.state_dict().items():
        assert torch.equal(before[name], value)
        assert value.dtype == before[name].dtype
    assert all(parameter.grad is None for parameter in step.parameters())
    assert not jax.config.jax_enable_x64


def test_an_error_of_the_step_itself_is_said():
    step, (x, _) = made("mlp")
    graphs = captured(step, (x, CLASSES))
    with pytest.raises(NotProvedError, match="PyTorch itself fails in float64: IndexError"):
        prove(step, *graphs, [(x, CLASSES + 7)])
