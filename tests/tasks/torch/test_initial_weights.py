"""Initial weights are PyTorch's own, from any seed, and a person's states stay as they were."""

import copy
import random
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch_made import Mlp, Transformer, classes  # noqa: E402

from steepest.errors import TaskError  # noqa: E402
from steepest.tasks.torch.initial_weights import PREFIX, initial_values, to_array  # noqa: E402
from steepest.tasks.torch.modules import open_module  # noqa: E402
from steepest.tasks.torch.step import Step  # noqa: E402


def initial(module, fresh=True, x=None, loss=None):
    given = open_module(module, lambda one: one(x))
    batch = (np.zeros((2, 4), np.float32), np.zeros(2, np.int32), None)
    types = (torch.float32, torch.int64)
    step = Step(given.module, loss=loss or nn.CrossEntropyLoss(), like=batch, types=types)
    return initial_values(given, step, fresh=fresh)


def values(found, seed):
    """Return the values by the person's own names."""
    weights, state = found.draw(seed)
    names = (*found.weights, *found.state)
    return {n.removeprefix(PREFIX): a for n, a in zip(names, (*weights, *state), strict=False)}


def seeded(make, seed):
    """Return what a person's own script has after `torch.manual_seed`."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make()
    every = (*module.named_parameters(), *module.named_buffers())
    return {name: to_array(one) for name, one in every}


def same(ours, theirs):
    return ours.keys() == theirs.keys() and all(np.array_equal(ours[n], theirs[n]) for n in ours)


@pytest.mark.parametrize("make", [partial(Mlp, norm=True), Transformer])
def test_a_class_draws_as_in_a_script_of_ones_own(make):
    found = initial(make)
    assert found.notes == ()
    for seed in (0, 3):
        assert same(values(found, seed), seeded(make, seed))
    weights, state = found.draw(3)
    assert state[-1].dtype == np.uint32
    assert state[-1].shape == (2,)
    assert not np.array_equal(state[-1], found.draw(0)[1][-1])
    assert all(np.array_equal(a, b) for a, b in zip(weights, found.draw(3)[0], strict=True))


def test_an_instance_is_reset_as_apply_does_it():
    module = Mlp(norm=True)
    before = copy.deepcopy(module.state_dict())
    found = initial(module)
    assert found.notes == ()
    assert same(values(found, 3), seeded(partial(Mlp, norm=True), 3))
    assert all(torch.equal(one, before[name]) for name, one in module.state_dict().items())


def test_attention_is_reset_as_it_was_made():
    found = values(initial(Transformer()), 0)
    assert not found["encoder.layers.0.self_attn.out_proj.bias"].any()
    weight = found["encoder.layers.0.self_attn.in_proj_weight"]
    assert np.abs(weight).max() <= np.sqrt(6 / (24 + 8))  # Xavier's


def test_what_nobody_resets_is_kept_and_said():
    module = Transformer()
    found = initial(module)
    assert np.array_equal(values(found, 1)["places"], to_array(module.places))
    assert "nothing draws places anew" in found.notes[0]
    assert list(found.kept) == [PREFIX + "places"]


def test_frozen_layers_and_their_buffers_are_kept():
    module = Mlp(norm=True)
    with torch.no_grad():
        module.norm.weight.fill_(2.0)
        module.norm.running_mean.fill_(3.0)
    module.norm.requires_grad_(False)
    module.hidden.weight.requires_grad_(False)
    found = initial(module)
    drawn = values(found, 5)
    assert PREFIX + "norm.weight" in found.state
    assert (drawn["norm.weight"] == 2.0).all()
    assert (drawn["norm.running_mean"] == 3.0).all()
    assert np.array_equal(drawn["hidden.weight"], to_array(module.hidden.weight))
    assert not np.array_equal(drawn["out.weight"], to_array(module.out.weight))


def test_given_weights_are_those_of_every_seed():
    module = Mlp()
    found = initial(module, fresh=False)
    for seed in (0, 1):
        assert np.array_equal(values(found, seed)["out.weight"], to_array(module.out.weight))
    assert not np.array_equal(found.draw(0)[1][-1], found.draw(1)[1][-1])  # dropout's differ


def test_trained_weights_are_said():
    module = Mlp(norm=True)
    with torch.no_grad():
        module.norm.weight.fill_(0.5)
    assert "not at their initial values (norm.weight)" in initial(module).notes[0]


def test_random_states_stay_as_they_were():
    torch.manual_seed(1)
    np.random.seed(1)
    random.seed(1)
    before = torch.get_rng_state(), np.random.get_state(), random.getstate()

    def make():
        np.random.rand(3)
        random.random()
        return Mlp()

    for module in (make, Mlp()):
        torch.set_rng_state(before[0])
        initial(module).draw(2)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert all(
            np.array_equal(a, b) for a, b in zip(np.random.get_state(), before[1], strict=True)
        )
        assert random.getstate() == before[2]


def test_numpy_and_python_are_seeded_for_those_who_draw_by_them():
    def make():
        module = nn.Linear(2, 1, bias=False)
        with torch.no_grad():
            module.weight[0, 0], module.weight[0, 1] = np.random.rand(), random.random()
        return module

    found = initial(make)
    assert np.array_equal(values(found, 4)["weight"], values(found, 4)["weight"])
    assert not np.array_equal(values(found, 4)["weight"], values(found, 5)["weight"])


def test_lazy_layers_are_built_by_a_batch():
    def make():
        return nn.Sequential(nn.LazyLinear(5), nn.LazyBatchNorm1d(), nn.Linear(5, 3))

    x = classes(6)[0]
    found = initial(make, x=x)
    drawn = values(found, 2)
    assert drawn["0.weight"].shape == (5, 4)
    assert not drawn["1.running_mean"].any()  # the batch left no trace
    assert np.array_equal(drawn["0.weight"], values(found, 2)["0.weight"])
    assert not np.array_equal(drawn["0.weight"], values(found, 3)["0.weight"])


def test_tied_weights_are_drawn_once():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.tokens, self.out = nn.Embedding(5, 4), nn.Linear(4, 5, bias=False)
            self.out.weight = self.tokens.weight

    assert initial(Net).weights == (PREFIX + "tokens.weight",)
    assert same(values(initial(Net), 1), seeded(Net, 1))


def test_half_precision_comes_through():
    found = initial(lambda: Mlp().bfloat16())
    drawn = values(found, 0)["out.weight"]
    assert drawn.dtype.name == "bfloat16"
    assert np.array_equal(drawn, seeded(lambda: Mlp().bfloat16(), 0)["out.weight"])


def test_pretrained_parts_of_a_function_are_known_as_kept():
    state = Mlp().state_dict()

    def make():
        module = Mlp()
        module.hidden.load_state_dict({k[7:]: v for k, v in state.items() if k[:6] == "hidden"})
        return module

    assert {PREFIX + "hidden.weight", PREFIX + "hidden.bias"} <= {*initial(make).kept}


def test_the_loss_has_state_of_its_own():
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0]))
    found = initial(Mlp, loss=loss)
    assert found.state[-1] == "loss.weight"
    assert values(found, 1)["loss.weight"].tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("module", "said"),
    [
        (lambda width: Mlp(width), "needs width to be made; give a function without arguments"),
        (nn.Linear, "Linear needs in_features, out_features to be made"),
        (lambda: 3, "made a int, but must make a torch.nn.Module"),
        (3, "the module is a int, but must be a torch.nn.Module, its class, or"),
        (lambda: 1 / 0, "fails: ZeroDivisionError: division by zero"),
        (nn.Linear(2, 2, device="meta"), "weight is on the device meta"),
    ],
)
def test_what_is_no_module_is_said(module, said):
    with pytest.raises(TaskError) as error:
        initial(module)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_function_that_makes_other_layers_each_time_is_refused():
    sizes = iter(range(2, 9))
    with pytest.raises(TaskError, match="was made twice with other parameters"):
        initial(lambda: nn.Linear(2, next(sizes)))
