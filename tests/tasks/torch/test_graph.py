"""Capture: what a graph has, what it refuses, and that the person's module stays as it was."""

import random
import re

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from as_in_torch import Of, check  # noqa: E402
from torch import nn  # noqa: E402

from steepest.tasks.torch.lowering.graph import capture  # noqa: E402
from steepest.tasks.torch.lowering.table import TABLE, NotLoweredError, find, lowers  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")

X = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))


class Net(nn.Module):
    """Tied, frozen and unused parameters; buffers of all kinds."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.tied = nn.Linear(4, 4, bias=False)
        self.tied.weight = self.first.weight
        self.frozen = nn.Parameter(torch.ones(4), requires_grad=False)
        self.unused = nn.Parameter(torch.ones(2))
        self.register_buffer("count", torch.tensor(0))
        self.register_buffer("shift", torch.ones(4), persistent=False)
        self.constant = torch.arange(4.0)

    def forward(self, x):
        self.count += 1
        return self.tied(self.first(x)) * self.frozen + self.shift + self.constant


def test_names_and_values():
    graph = capture(Net(), (X,))
    assert graph.parameters == ("frozen", "unused", "first.weight", "first.bias")
    assert graph.buffers == ("count", "shift")
    assert graph.outputs == 1
    assert not graph.random
    assert set(graph.changed) == {"count"}
    check(Net().double().to(torch.float64), X.double())


def test_runs_inside_of_transformations():
    net = Net()
    graph = capture(net, (X,))
    values = {n: t.detach().numpy() for n, t in [*net.named_parameters(), *net.named_buffers()]}
    several = jax.tree.map(lambda v: np.stack([v, v + 1]), values)

    def loss(values):
        (out,), changed = graph.run(values, [X.numpy()])
        return out.sum(), changed["count"]

    one, counts = jax.jit(jax.vmap(loss))(several)
    for member in range(2):
        alone, count = loss({name: value[member] for name, value in several.items()})
        np.testing.assert_allclose(one[member], alone, rtol=1e-5)
        assert counts[member] == count == member + 1

    def body(values, _):
        total, count = loss(values)
        return {**values, "count": count}, total

    last, totals = jax.lax.scan(body, values, None, 3)
    assert last["count"] == 3
    np.testing.assert_allclose(totals, loss(values)[0], rtol=1e-5)


def test_several_inputs_and_outputs():
    graph = check(lambda x, n, y: (x + y, n * 2, x.sum()), X.double(), torch.arange(3), X.double())
    assert graph.outputs == 3


def test_one_tensor_as_two_inputs():
    graph = capture(Of(lambda x, y: x - 2 * y), (X, X))
    (out,), _ = graph.run({}, [X.numpy(), 0 * X.numpy()])
    np.testing.assert_array_equal(out, X)


def test_outputs_that_are_no_tensors():
    (one, two), _ = capture(Of(lambda x: (x, 2.5)), (X,)).run({}, [X.numpy()])
    assert float(two) == 2.5
    assert one.shape == X.shape


def test_leaves_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"shapes \(\(3, 4\),\), not \(\(2, 4\),\)"):
        capture(nn.Linear(4, 2), (X,)).run({}, [X.numpy()[:2]])


def test_what_nothing_depends_on_is_left_out():
    def wasteful(x):
        x.sin()
        torch.rand(3)
        return x + 1

    graph = capture(Of(wasteful), (X,))
    assert [call.name for call in graph.calls] == ["aten.add.Tensor"]
    assert not graph.random


def test_train_and_eval_are_two_graphs():
    layer = nn.Dropout(0.5)
    assert capture(layer, (X,)).random
    assert not capture(layer.eval(), (X,)).random


def test_unknown_operations_are_taken_apart():
    """With PyTorch's own decompositions, where it has some."""
    assert "aten.linalg_multi_dot.default" not in TABLE
    check(lambda x: torch.linalg.multi_dot([x, x.T, x]), X.double())


def test_bfloat16():
    net = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.LayerNorm(4)).to(torch.bfloat16)
    x = X.bfloat16()
    values = {
        n: np.asarray(t.detach().float().numpy(), jax.numpy.bfloat16)
        for n, t in net.named_parameters()
    }
    given = np.asarray(x.float().numpy(), jax.numpy.bfloat16)
    (out,), _ = capture(net, (x,)).run(values, [given])
    assert out.dtype == jax.numpy.bfloat16
    np.testing.assert_allclose(
        np.asarray(out, np.float32), net(x).detach().float().numpy(), atol=0.03
    )


def refused(function, words, *leaves):
    with pytest.raises(NotLoweredError, match=words) as caught:
        capture(function if isinstance(function, nn.Module) else Of(function), leaves or (X,))
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_an_operation_that_is_not_lowered_is_named_with_its_line():
    class Strange(nn.Module):
        def forward(self, x):
            return torch.special.bessel_j0(x)

    message = refused(Strange(), r"aten\.special_bessel_j0\.default is not lowered")
    line = r"\(test_graph\.py, line \d+: return torch\.special\.bessel_j0\(x\)\)"
    assert re.search(line, message)


def test_a_branch_on_data_is_said():
    message = refused(lambda x: x if x.sum() > 0 else -x, "torch.export cannot trace the module")
    assert "test_graph.py" in message


def test_item_is_said():
    refused(lambda x: x * x.sum().item(), r"aten\.item\.default is not lowered")


def test_boolean_indexing_is_said():
    refused(lambda x: x[x > 0].sum(), "not lowered|cannot trace")


def test_a_changed_input_is_said():
    refused(lambda x: x.add_(1), "changes its input in place")


def test_a_changed_parameter_is_said():
    class Clipped(nn.Linear):
        def forward(self, x):
            with torch.no_grad():
                self.weight.clamp_(-1, 1)
            return super().forward(x)

    refused(Clipped(4, 2), "parameter mutation of weight|cannot trace")


def test_a_control_flow_operator_is_said():
    def either(x):
        return torch.cond(x.sum() > 0, lambda x: x.sin(), lambda x: x.cos(), (x,))

    refused(either, "cond")


def test_complex_numbers_are_said():
    refused(lambda x: torch.fft.fft(x).abs(), "not lowered")


def test_forward_that_draws_from_other_generators_is_said():
    state = random.getstate()
    refused(lambda x: x * random.random(), "Python's random generator")
    assert random.getstate() == state
    state = np.random.get_state()[1].copy()
    refused(lambda x: x * float(np.random.rand()), "NumPy's random generator")
    assert (np.random.get_state()[1] == state).all()


def test_an_argument_that_is_not_known_is_said():
    graph = capture(Of(lambda x: torch.linalg.matrix_norm(x, "nuc")), (X,))
    with pytest.raises(
        NotLoweredError, match=r"the matrix norm 'nuc' is not lowered \(as_in_torch"
    ):
        graph.run({}, [X.numpy()])


@pytest.mark.parametrize("training", [True, False])
def test_the_module_stays_as_it_was(training, capfd):
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    net = nn.Sequential(nn.BatchNorm1d(4), nn.Dropout(0.5), nn.LSTM(4, 2)).train(training)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    torch.manual_seed(7)
    capture(net, (X,))
    assert torch.equal(torch.rand(1), expected)
    assert net.training == training
    assert all(p.grad is None for p in net.parameters())
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    out, _ = net(X)  # still a module of real tensors
    out.sum().backward()
    assert type(net[2].weight_ih_l0.grad) is torch.Tensor
    assert capfd.readouterr() == ("", "")


def test_cumulative_batch_norm_keeps_its_forward():
    layer = nn.BatchNorm1d(4, momentum=None)
    capture(layer, (X,))
    assert "forward" not in vars(layer)


def test_each_operation_has_one_lowering():
    with pytest.raises(ValueError, match=r"aten\.relu\.default has two lowerings"):
        lowers("aten.relu.default")(abs)
    with pytest.raises(NotLoweredError, match=r"aten\.no\.such is not lowered"):
        find("aten.no.such")
