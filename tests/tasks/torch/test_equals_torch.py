"""Oracle: a member of a population equals a person's own training loop, to float32 rounding.

The script is the one that people write: `torch.manual_seed(seed)`, the module, a `DataLoader` with
a generator of that seed, and the real `torch.optim`. The last batch of an epoch is smaller.
"""

import functools
from functools import partial

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402
from torch_made import (  # noqa: E402
    Cnn,
    Mlp,
    Recurrent,
    Transformer,
    classes,
    dataset,
    images,
    numbers,
    texts,
)

from steepest.codegen import code  # noqa: E402
from steepest.engines.compiled.engine import CompiledEngine  # noqa: E402
from steepest.engines.population import Population  # noqa: E402
from steepest.records import Config  # noqa: E402
from steepest.rules import RULES  # noqa: E402
from steepest.rules.recipe import completed  # noqa: E402
from steepest.tasks.task import Task  # noqa: E402
from steepest.tasks.torch.task import torch_task  # noqa: E402

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

SEED, EPOCHS, BATCH = 7, 3, 16
HELD = 18  # rows of validation: their last batch is of two rows, as that of the 50 that train
CROSS = nn.CrossEntropyLoss()
MODULES = {
    "perceptron": (partial(Mlp, norm=True), classes),
    "convolutions": (Cnn, images),
    "transformer": (Transformer, texts),
    "recurrent": (Recurrent, texts),
}
OPTIMIZERS = {
    "SGD": (
        ("SGD", {"learning_rate": 0.02, "momentum": 0.9}),
        lambda parameters: torch.optim.SGD(parameters, lr=0.02, momentum=0.9),
    ),
    "Adam": (
        ("Adam", {"learning_rate": 0.01}),
        lambda parameters: torch.optim.Adam(parameters, lr=0.01),
    ),
    "AdamW": (
        ("AdamW", {"learning_rate": 0.01, "weight_decay": 0.1, "decay_on": "all"}),
        lambda parameters: torch.optim.AdamW(parameters, lr=0.01, weight_decay=0.1),
    ),
    "RMSprop": (
        ("RMSprop", {"learning_rate": 0.003, "rho": 0.95, "momentum": 0.8}),
        lambda parameters: torch.optim.RMSprop(parameters, lr=0.003, alpha=0.95, momentum=0.8),
    ),
}


def config(rule, given, dialect="torch", schedule="constant"):
    values = {**RULES[rule].settings(dialect), **given}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    return Config(rule, dialect, values, schedule, SEED)


def loader_of(data, **more):
    return DataLoader(dataset(data), batch_size=BATCH, shuffle=True, **more)


def task_of(make, data, loss=CROSS, **more):
    found = torch_task(make, data, loss=loss, epochs=EPOCHS, **{"batch_size": BATCH, **more})
    assert isinstance(found, Task), found.why
    return found


def ours(task, config):
    """Return training losses, validation losses and the last weights of a member."""
    population = Population.of([config])
    program = CompiledEngine(task).compile(config)
    state, measured = program.advance(population, program.begin(population), EPOCHS)
    paths = [one.path for one in task.facts.weights]
    weights = dict(zip(paths, (np.asarray(one)[0] for one in state.weights), strict=True))
    return measured.values["training_loss"][0], measured.values["loss"][0], weights


def theirs(make, data, validation, optimizer, loss=CROSS, **more):
    """Return the same from a script of one's own; `optimizer` is made of the module."""
    torch.manual_seed(SEED)
    module = make()
    loader = loader_of(data, generator=torch.Generator().manual_seed(SEED), **more)
    step = optimizer(module)
    trained, measured = [], []
    for _ in range(EPOCHS):
        module.train()
        total = count = 0
        for x, y in loader:
            value = loss(module(x), y)
            step(value)
            total, count = total + value.item() * len(y), count + len(y)
        trained.append(total / count)
        module.eval()
        with torch.no_grad():
            total = 0
            for x, y in DataLoader(dataset(validation), batch_size=BATCH):
                total += loss(module(x), y).item() * len(y)
        measured.append(total / len(validation[1]))
    weights = {name: one.detach().float().numpy() for name, one in module.named_parameters()}
    return np.array(trained), np.array(measured), weights


def stepping(make):
    """Return what makes of a module a function that takes a step, with an optimizer."""

    def made(module):
        optimizer = make(module.parameters())

        def step(value):
            optimizer.zero_grad()
            value.backward()
            optimizer.step()

        return step

    return made


def exported(config, facts):
    """Return the same with the code that Steepest writes for the configuration."""

    def made(module):
        names = {"__name__": "made", "model": module}
        exec(compile(code(config, facts, "torch"), "<made>", "exec"), names)
        optimizer = names["optimizer"]

        def step(value):
            value.backward()
            optimizer.step()
            optimizer.zero_grad()

        return names.get("step", step)

    return made


def equal(mine, other, rtol=3e-5, atol=3e-6):
    for ours, theirs in zip(mine[:2], other[:2], strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=rtol, atol=atol)
    assert list(mine[2]) == list(other[2])
    for name, weight in mine[2].items():
        if not name.endswith("in_proj_bias"):  # of keys, whose gradient is 0 but for rounding
            np.testing.assert_allclose(weight, other[2][name], rtol=10 * rtol, atol=10 * atol)


@functools.cache
def shared(name, headed=False):
    make, draw = MODULES[name]
    make = with_head(name) if headed else make
    return task_of(make, loader_of(draw()), validation_data=dataset(draw(HELD, seed=1)))


@pytest.mark.parametrize("name", MODULES)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_member_is_ones_own_loop(name, optimizer):
    make, draw = MODULES[name]
    asked, made = OPTIMIZERS[optimizer]
    mine = ours(shared(name), config(*asked))
    equal(mine, theirs(make, draw(), draw(HELD, seed=1), stepping(made)))
    assert np.ptp(mine[0]) > 0.01  # it moved


def test_with_the_last_batch_left_out():
    data, validation = classes(), classes(HELD, seed=1)
    loader = loader_of(data, drop_last=True)
    make = partial(Mlp, norm=True)
    task = task_of(make, loader, validation_data=validation)
    asked, made = OPTIMIZERS["Adam"]
    other = theirs(make, data, validation, stepping(made), drop_last=True)
    equal(ours(task, config(*asked)), other)


@pytest.mark.parametrize("loss", [nn.MSELoss(), nn.L1Loss(), nn.HuberLoss(delta=0.5)])
def test_of_numbers(loss):
    data, validation = numbers(), numbers(HELD, seed=1)
    make = partial(Mlp, classes=1)
    task = task_of(make, (data[0], data[1]), loss, validation_data=validation)
    asked, made = OPTIMIZERS["Adam"]
    other = theirs(make, data, validation, stepping(made), loss)
    equal(ours(task, config(*asked)), other, rtol=2e-4)


class Headed(nn.Module):
    """A module whose head has the name by which the code for Muon knows it."""

    def __init__(self, module):
        super().__init__()
        self.head = module.out
        module.out = nn.Identity()
        self.body = module

    def forward(self, x):
        return self.head(self.body(x))


def with_head(name):
    return lambda: Headed(MODULES[name][0]())


@pytest.mark.parametrize("name", ["perceptron", "convolutions"])
@pytest.mark.parametrize(
    ("rule", "dialect", "given"),
    [
        ("Adafactor", "torch", {"learning_rate": 0.02}),
        ("Adafactor", "keras", {"learning_rate": 0.02}),
        ("Muon", "torch", {"learning_rate": 0.02, "weight_decay": 0.1}),
        ("Muon", "keras", {"learning_rate": 0.02}),
        ("Lamb", "optax", {"learning_rate": 0.01, "weight_decay": 0.1}),
        ("AdamW", "torch", {"learning_rate": 0.01, "weight_decay": 0.1, "clip_norm": 0.5}),
    ],
    ids=str,
)
def test_rules_see_axes_and_roles_as_the_code_does(name, rule, dialect, given):
    draw, task = MODULES[name][1], shared(name, headed=True)
    asked = config(rule, given, dialect)
    made = exported(asked, task.facts)
    other = theirs(with_head(name), draw(), draw(HELD, seed=1), made)
    equal(ours(task, asked), other, rtol=2e-4, atol=2e-5)


def test_half_precision_learns_as_in_pytorch():
    data, validation = classes(200), classes(100, seed=1)
    data, validation = ((x.bfloat16(), y) for x, y in (data, validation))

    def make():
        return Mlp().bfloat16()

    task = task_of(make, loader_of(data), validation_data=validation)
    mine = ours(task, config("Adam", {"learning_rate": 0.01}))
    other = theirs(make, data, validation, stepping(OPTIMIZERS["Adam"][1]))
    np.testing.assert_allclose(mine[0], other[0], rtol=0.03)  # it rounds to 1 in 256
    assert mine[0][-1] < 0.9 * mine[0][0]


class Spare(Mlp):
    """A module with a layer that its loss does not use: PyTorch does not decay that."""

    def __init__(self):
        super().__init__()
        self.spare = nn.Linear(4, 4)


def test_what_the_loss_does_not_use_stays():
    data, validation = classes(), classes(HELD, seed=1)
    task = task_of(Spare, loader_of(data), validation_data=validation)
    asked, made = OPTIMIZERS["AdamW"]  # which decays all
    other = theirs(Spare, data, validation, stepping(made))
    kept = {name: weight for name, weight in other[2].items() if "spare" not in name}
    equal(ours(task, config(*asked)), (*other[:2], kept))
    torch.manual_seed(SEED)
    np.testing.assert_array_equal(other[2]["spare.weight"], Spare().spare.weight.detach())
    np.testing.assert_array_equal(task.initialize(SEED)[1][0], other[2]["spare.weight"])
