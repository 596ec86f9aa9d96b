"""A framework's own class where it is near to what was measured: how near, and that it is said."""

from pathlib import Path

import pytest
from click.testing import CliRunner
from made import STUDY

import steepest
from steepest.cli import cli
from steepest.codegen import code
from steepest.codegen.nearness import MATTERS, SHAPE, SIZES, apart, gradients, spell_near
from steepest.codegen.spelling import spell
from steepest.records import Config
from steepest.rules import FRAMEWORKS, RULES

TASK = STUDY.task
FILE = Path(__file__).parents[1] / "formats/study-format-7.db"
ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}


def keras(rule="Adam", schedule="constant", **changes):
    values = RULES[rule].settings("keras") if rule != "Adam" else ADAM
    if "weight_decay" in values:
        values = {**values, "decay": "decoupled", "decay_on": "all"}
    return Config(rule, "keras", {**values, **changes}, schedule, 0)


def test_the_figure_is_that_of_pytorch_s_own_class_beside_the_exact_one():
    torch = pytest.importorskip("torch")
    config, (start, made) = keras(), gradients()
    start = torch.from_numpy(start)
    for size, share in apart(config, "torch").items():
        ends = []
        for exact in (True, False):
            space = {"model": torch.nn.Linear(*SHAPE, bias=False).double()}
            exec(code(config, TASK, "torch", exact=exact), space)
            weight = space["model"].weight
            weight.data.copy_(start)
            for one in made:
                weight.grad = size * torch.from_numpy(one)
                space["optimizer"].step()
            ends.append(weight.detach().clone())
        off, way = (ends[0] - ends[1]).norm(), (ends[0] - start).norm()
        assert share == pytest.approx(float(off / way), rel=0.05)
    assert type(space["optimizer"]) is torch.optim.Adam


@pytest.mark.parametrize("framework", ["torch", "optax"])
@pytest.mark.parametrize("rule", ["Adam", "AdamW", "Adamax"])
def test_adam_s_epsilon_is_near(rule, framework):
    config = keras(rule)
    source = code(config, TASK, framework, exact=False)
    assert "class " not in source.replace("class is", "").replace("a class that", "")
    assert "--exact" in source
    assert max(apart(config, framework).values()) <= MATTERS
    assert list(apart(config, framework)) == list(SIZES)
    assert "--exact" not in code(config, TASK, framework)
    assert spell(config, framework).why


def test_decay_is_taken_by_the_near_class_once():
    torch = pytest.importorskip("torch")
    given = {"weight_decay": 0.1, "decay": "decoupled", "decay_on": "all"}
    source = code(keras("AdamW", **given), TASK, "torch", exact=False)
    assert "torch.optim.AdamW" in source
    ends = []
    for text in (source, code(keras("AdamW", **given), TASK, "torch")):
        torch.manual_seed(0)
        space = {"model": torch.nn.Linear(*SHAPE, bias=False)}
        exec(text, space)
        for _ in range(5):
            loss = space["model"].weight.sum()
            if "step" in space:
                space["step"](loss)
            else:
                loss.backward()
                space["optimizer"].step()
                space["optimizer"].zero_grad()
        ends.append(space["model"].weight.detach())
    assert torch.allclose(*ends, rtol=0, atol=1e-6)  # a decay more is 1e-4


@pytest.mark.parametrize(
    "config",
    [
        keras("RMSprop"),  # a floor of 3e-4 for the root of the squares
        keras(epsilon=1e-2),
        keras("SGD", "cosine", momentum=0.9),  # the rate is inside the velocity
        keras("Lion"),  # there is none
        keras("Muon"),
    ],
    ids=lambda config: config.rule,
)
def test_what_is_not_near_stays_exact(config):
    assert code(config, TASK, "torch", exact=False) == code(config, TASK, "torch")


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("rule", RULES)
def test_in_the_own_dialect_both_are_one(rule, framework):
    rule = RULES[rule]
    config = Config(rule.name, "keras", rule.settings("keras"), "constant", 0)
    near = spell_near(config, framework)
    assert bool(near.near) == (near != spell(config, framework))


def test_the_command_offers_the_near_class_and_the_exact_one():
    command = ["code", str(FILE), "--optimizer", "Adam", "--framework", "torch"]
    near, exact = (CliRunner().invoke(cli, [*command, *more]) for more in ([], ["--exact"]))
    assert near.exit_code == exact.exit_code == 0
    assert "optimizer = torch.optim.Adam(" in near.output
    assert "class KerasAdam(" in exact.output
    assert exact.output == steepest.read(FILE).optimizers["Adam"].code("torch")
