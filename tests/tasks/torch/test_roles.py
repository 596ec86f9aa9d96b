"""What each weight of a PyTorch module is for."""

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch_made import Cnn, Recurrent, Transformer, images, texts  # noqa: E402

from steepest.tasks.torch.roles import parameters_of  # noqa: E402


def roles(module, x=None, loss=None):
    """Return the role of each weight by name; `loss` is of what the module returns."""
    names = [name for name, _ in module.named_parameters()]
    value = None if x is None else (loss or (lambda output: output.sum()))(module(x))
    return {one.path: one.role for one in parameters_of(module, names, value)}


def test_of_a_transformer():
    found = roles(Transformer(), texts(4)[0])
    attention = "encoder.layers.0.self_attn."
    assert found["tokens.weight"] == "embedding"
    assert found["places"] == "kernel"  # whose name says nothing
    assert found[attention + "in_proj_weight"] == "kernel"
    assert found[attention + "in_proj_bias"] == "bias"
    assert found[attention + "out_proj.weight"] == "kernel"
    assert found["encoder.layers.0.norm1.weight"] == found["encoder.layers.0.norm1.bias"] == "norm"
    assert found["out.weight"] == "head"
    assert found["out.bias"] == "bias"


def test_of_convolutions_and_recurrent_layers():
    assert roles(Cnn(), images(4)[0]) == {
        "conv.weight": "kernel",
        "norm.weight": "norm",
        "norm.bias": "norm",
        "out.weight": "head",
        "out.bias": "bias",
    }
    found = roles(Recurrent(), texts(4)[0])
    assert [role for name, role in found.items() if "lstm" in name] == ["kernel"] * 2 + ["bias"] * 2


def test_a_head_is_found_where_it_was_made_first():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.head = nn.Linear(5, 2)
            self.body = nn.Linear(4, 5)
            self.norm = nn.LayerNorm(2)

        def forward(self, x):
            return self.norm(self.head(self.body(x)).relu())

    assert roles(Net(), torch.randn(3, 4))["head.weight"] == "head"
    assert roles(Net(), torch.randn(3, 4))["body.weight"] == "kernel"
    assert roles(Net())["body.weight"] == "head"  # the last one, where nothing else is known


def test_two_outputs_have_two_heads():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.one, self.two = nn.Linear(4, 5), nn.Linear(5, 2), nn.Linear(5, 3)

        def forward(self, x):
            h = self.body(x)
            return self.one(h), self.two(h)

    found = roles(Net(), torch.randn(3, 4), lambda both: both[0].sum() + both[1].sum())
    assert [n for n, role in found.items() if role == "head"] == ["one.weight", "two.weight"]


def test_a_penalty_makes_no_heads():
    module = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    decayed = sum((one**2).sum() for one in module.parameters())
    found = roles(module, torch.randn(3, 4), lambda output: output.sum() + decayed)
    assert found["0.weight"] == "kernel"
    assert found["2.weight"] == "head"


def test_names_and_types_tell_the_rest():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.pos_embed = nn.Parameter(torch.zeros(1, 3, 4))
            self.gamma = nn.Parameter(torch.ones(4))
            self.act = nn.PReLU()
            self.bag = nn.EmbeddingBag(5, 4)
            self.relative_position_bias = nn.Parameter(torch.zeros(3, 3))

    class RMSNorm(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.ones(4))

    assert roles(Net()) == {
        "pos_embed": "embedding",
        "gamma": "norm",
        "act.weight": "other",
        "bag.weight": "embedding",
        "relative_position_bias": "bias",
    }
    assert roles(RMSNorm()) == {"weight": "norm"}


def test_tied_weights_are_one():
    module = nn.ModuleDict({"tokens": nn.Embedding(5, 4), "out": nn.Linear(4, 5, bias=False)})
    module["out"].weight = module["tokens"].weight
    assert roles(module) == {"tokens.weight": "embedding"}
