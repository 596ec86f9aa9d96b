"""`steepest.compare` of a PyTorch module: who may ask for what, what comes out, how it is built."""

import functools
import importlib.util
import logging
from dataclasses import replace

import frameworks
import numpy as np
import pytest
from anything import check_message
from small import classes_data, make_model
from whole import whole_study

import steepest
from steepest.codegen import code
from steepest.errors import InputError
from steepest.records import Parameter
from steepest.reports.command import command
from steepest.reports.config_text import call
from steepest.reports.page.methods_text import methods
from steepest.rules.step import DECAYED
from steepest.study import Recommendation

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

pytestmark = pytest.mark.usefixtures("compiled_quickly")
ROLES = {
    "words.weight": "embedding",
    "place": "other",
    "norm.weight": "norm",
    "norm.bias": "norm",
    "hidden.weight": "kernel",
    "hidden.bias": "bias",
    "final.weight": "head",
    "final.bias": "bias",
}


class Words(nn.Module):
    """All roles, under names and shapes that do not tell them."""

    def __init__(self):
        super().__init__()
        self.words = nn.Embedding(10, 6)
        self.place = nn.Parameter(0.1 * torch.randn(1, 4, 6))
        self.norm = nn.LayerNorm((4, 6))
        self.hidden = nn.Linear(6, 8)
        self.final = nn.Linear(8, 3)

    def forward(self, x):
        return self.final(torch.tanh(self.hidden(self.norm(self.words(x) + self.place))).mean(1))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))

    def forward(self, x):
        return self.layers(x)


def recommended(config, module):
    """Return what a study of a module recommends, of which nothing else is real."""
    weights = tuple(
        Parameter(name, tuple(one.shape), ROLES[name]) for name, one in module.named_parameters()
    )
    study = whole_study()
    facts = replace(study.task, framework="torch", weights=weights)
    return Recommendation(config.rule, config, replace(study, task=facts))


def words(seed=0):
    torch.manual_seed(seed)
    return Words()


def batches(count):
    random = torch.Generator().manual_seed(1)
    for _ in range(count):
        yield (
            torch.randint(0, 10, (5, 4), generator=random),
            torch.randint(0, 3, (5,), generator=random),
        )


def trained(model, step, count=4):
    for x, y in batches(count):
        step(nn.functional.cross_entropy(model(x), y))
    return {name: value.detach().numpy() for name, value in model.named_parameters()}


def config(rule, schedule="constant", **given):
    return frameworks.config(rule, "torch", schedule, learning_rate=0.01, **given)


def test_parameter_groups_are_the_roles():
    model = words()
    names = {id(one): name for name, one in model.named_parameters()}
    shapes = {name: tuple(one.shape) for name, one in model.named_parameters()}
    made = recommended(config("Muon", weight_decay=0.1), model).optimizer(model)
    found = {
        names[id(one)]: (group["matrix"], group["decay"])
        for group in made.param_groups
        for one in group["params"]
    }
    assert found == {
        name: (role == "kernel" and len(shapes[name]) == 2, 0.1 * (role in DECAYED))
        for name, role in ROLES.items()
    }
    adamw = recommended(config("AdamW", weight_decay=0.1), model).optimizer(model)
    assert type(adamw) is torch.optim.AdamW
    assert {
        names[id(one)]: group["weight_decay"]
        for group in adamw.param_groups
        for one in group["params"]
    } == {name: 0.1 * (role in DECAYED) for name, role in ROLES.items()}


def test_names_stand_in_the_source_only_where_no_rule_tells():
    plain = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    weights = tuple(
        Parameter(n, tuple(p.shape), "bias" if "bias" in n else "kernel")
        for n, p in plain.named_parameters()
    )
    facts = replace(whole_study().task, framework="torch", weights=weights)
    source = code(config("AdamW", weight_decay=0.1), facts, "torch")
    assert "NORMS" not in source
    assert "OTHERS" not in source
    assert 'return parameter.ndim >= 2 and "bias" not in name\n' in source
    source = recommended(config("AdamW", weight_decay=0.1), words()).code()
    assert 'OTHERS = {"place": False, "norm.weight": False}' in source


RECIPES = [
    {},
    {"schedule": "cosine", "warmup": 0.1, "clip_norm": 0.3, "weight_decay": 0.1},
    {"clip_value": 0.01, "weight_decay": 0.1, "decay": "coupled"},
    {"schedule": "linear", "clip_each": 0.2, "weight_decay": 0.1, "decay": "decoupled"},
]


@pytest.mark.parametrize("rule", ["Adam", "SGD", "ScheduleFreeAdamW", "Muon"])
@pytest.mark.parametrize("recipe", RECIPES, ids=str)
def test_the_optimizer_takes_the_steps_of_the_code(rule, recipe):
    """Clipping and decay are in its own step, with and without a closure."""
    one = config(
        rule,
        recipe.get("schedule", "constant"),
        **{name: value for name, value in recipe.items() if name != "schedule"},
    )
    mine, theirs, closed = words(), words(), words()
    found = recommended(one, mine)
    names = frameworks.run_source(found.code(), model=theirs)

    def usual(loss):
        loss.backward()
        names["optimizer"].step()
        names["optimizer"].zero_grad()

    expected = trained(theirs, names.get("step", usual))
    optimizer = found.optimizer(mine)
    scheduler = found.scheduler(optimizer)
    assert (scheduler is None) == ("schedule" not in recipe)

    def step(loss):
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        if scheduler is not None:
            scheduler.step()

    got = trained(mine, step)
    optimizer = found.optimizer(closed)
    scheduler = found.scheduler(optimizer)

    def by_closure(loss):
        def closure():
            optimizer.zero_grad()
            loss.backward()
            return loss

        optimizer.step(closure)
        if scheduler is not None:
            scheduler.step()

    again = trained(closed, by_closure)
    for name, value in expected.items():
        np.testing.assert_array_equal(got[name], value)
        np.testing.assert_array_equal(again[name], value)


def test_the_rate_stays_until_a_scheduler_is_asked_for():
    model = words()
    found = recommended(config("Adam", "cosine", warmup=0.1), model)
    optimizer = found.optimizer(model)
    assert [group["lr"] for group in optimizer.param_groups] == [0.01]
    assert found.scheduler(optimizer).get_last_lr() == [0.0]
    other = torch.optim.SGD(model.parameters(), lr=0.5)
    scheduler = found.scheduler(other)
    other.step()
    scheduler.step()
    assert 0 < other.param_groups[0]["lr"] < 0.5
    with pytest.raises(InputError, match="Keras' have their schedule in themselves"):
        found.scheduler(object())


def test_what_an_optimizer_cannot_do_is_said(caplog):
    model = words()
    found = recommended(config("AdamW", accumulation=4, ema=0.9), model)
    with caplog.at_level(logging.WARNING):
        assert type(found.optimizer(model)) is torch.optim.AdamW
    assert "gradients over several batches and averaged weights" in caplog.text
    assert "averaged_model" in found.code()


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (None, "the optimizer is for nothing, but must be for a module"),
        (3, "the optimizer is for 3"),
        (nn.Linear(2, 2), "has no parameter 'place', which that of the study has"),
    ],
)
def test_another_module_is_refused(model, said):
    with pytest.raises(InputError, match=said) as caught:
        recommended(config("AdamW"), words()).optimizer(model)
    check_message(str(caught.value))


def test_a_compiled_module_is_the_module_inside():
    model = words()
    optimizer = recommended(config("AdamW"), model).optimizer(torch.compile(model))
    assert optimizer.param_groups[0]["params"][0] is model.words.weight


def data():
    x, y = (torch.tensor(a) for a in classes_data())
    return TensorDataset(x, y.long())


@pytest.mark.parametrize(
    ("model", "given", "said"),
    [
        (Net, {"class_weight": {0: 2.0}}, r"loss=nn.CrossEntropyLoss\(weight=...\)"),
        (Net, {"sample_weight": [1.0]}, "put the weights into the batches"),
        (Net, {"criterion": nn.MSELoss()}, "the loss of a PyTorch module is loss="),
        (Net, {"val_loader": data()}, "validation data is validation_data="),
        (Net, {"train_loader": data()}, "the second argument"),
        (Net, {"dialect": "pytorch"}, "there is no dialect 'pytorch'; known are keras, torch"),
        (make_model, {"validation_split": 0.5}, "must make a torch.nn.Module"),
    ],
)
def test_what_is_of_the_other_framework_is_said(model, given, said):
    with pytest.raises(InputError, match=said) as caught:
        steepest.compare(model, data(), **{"loss": nn.CrossEntropyLoss(), **given})
    check_message(str(caught.value))


@pytest.mark.parametrize("name", ["loss", "step", "metrics"])
def test_a_keras_model_has_its_own(name):
    with pytest.raises(InputError, match=f"{name} is not for Keras models") as caught:
        steepest.compare(make_model(), *classes_data(), **{name: nn.MSELoss()})
    check_message(str(caught.value))


def test_without_pytorch_a_function_is_told_what_to_install(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "steepest\[torch\]"'):
        steepest.compare(lambda: None, [[1.0]], [1.0], validation_split=0.5)
    with pytest.raises(InputError, match=r'pip install "steepest\[torch\]"'):
        recommended(config("AdamW"), words()).optimizer(words())


def test_reports_speak_of_pytorch():
    study = whole_study()
    facts = replace(study.task, framework="torch")
    asked = {name: replace(one, dialect="torch") for name, one in study.optimizers.items()}
    given = {"tasks": ["net.py"], "dialect": "torch"}
    study = replace(study, task=facts, optimizers=asked, asked=given)
    assert command(study) == "steepest compare net.py"  # as a module's own dialect is
    assert "on the PyTorch module toy" in methods(study)
    assert "trained in a plain PyTorch loop. " in methods(study)
    compiled = replace(study, versions={"jax": "1", "torch": "2"})
    assert "loss, gradients and buffers were PyTorch's" in methods(compiled)
    mine = replace(asked["Adam"], baseline=True)
    for dialect, prefix in (("torch", ""), ("keras", "Keras' "), ("optax", "Optax' ")):
        one = replace(study, optimizers={"Adam": replace(mine, dialect=dialect)})
        assert call(one, "Adam").startswith(f"{prefix}Adam(")


def compared(place, model=Net, **more):
    asked = {"loss": nn.CrossEntropyLoss(), "validation_split": 0.2, "epochs": 2, "trials": 2}
    asked |= {"seeds": 2, "optimizers": "SGD,Adam", "out": place, "batch_size": 16, **more}
    return steepest.compare(model, asked.pop("data", data()), **asked)


class Wide(Net):
    def __init__(self, width):
        super().__init__()


def changed(x=None, y=None):
    features, target = data().tensors
    return (features if x is None else x(features), target if y is None else y(target))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": Wide}, "Wide needs width to be made; give a function without arguments"),
        ({"model": nn.ReLU}, "ReLU has no parameters, so there is nothing to train"),
        ({"model": nn.Linear(6, 3).requires_grad_(False)}, "frozen"),
        ({"model": lambda: 1 / 0}, "ZeroDivisionError"),
        ({"loss": None}, "there is no loss; give loss=nn.CrossEntropyLoss()"),
        ({"loss": nn.CrossEntropyLoss}, "is the class CrossEntropyLoss; make one"),
        ({"loss": "cross_entropy"}, "but must be a function"),
        ({"loss": nn.CrossEntropyLoss(reduction="none")}, "must return one number"),
        ({"loss": nn.PReLU()}, "the loss has a parameter of its own, 'weight'"),
        ({"step": lambda module, batch: module(batch[0]).sum()}, "loss and step are both given"),
        ({"data": changed(x=lambda x: x[:, :4])}, "cannot take a batch"),
        ({"data": changed(x=lambda x: x * np.nan)}, "NaN"),
        ({"data": changed(y=lambda y: y + 5)}, "labels must be 0 to 2"),
        ({"data": changed(y=lambda y: y.float() + 0.5)}, "y.long"),
        ({"data": data().tensors[0]}, "loss= needs \\(x, y\\)"),
        ({"metrics": {"accuracy": 3}}, "must be a function of output and target"),
        ({"metric": "auc"}, "the model has no metric 'auc'"),
        ({"validation_split": 0.0}, "there is no validation data"),
        ({"initial_weights": "pretrained"}, "must be 'fresh' or 'given'"),
        ({"optimizers": "LBFGS"}, "LBFGS"),
        ({"baseline": torch.optim.LBFGS([nn.Parameter(torch.ones(2))])}, "LBFGS"),
    ],
)
def test_bad_input_is_a_sentence_and_nothing_is_written(tmp_path, given, said):
    with pytest.raises(InputError, match=said) as caught:
        compared(tmp_path / "out", **given)
    check_message(str(caught.value))
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_study_of_a_module(tmp_path):
    study = compared(
        tmp_path,
        functools.partial(Net),
        baseline=torch.optim.AdamW(Net().parameters(), lr=1e-3),
        metrics={"accuracy": lambda output, target: (output.argmax(1) == target).float().mean()},
        name="net",
    )
    record = study.record
    assert record.task.framework == record.settings.dialect == record.asked["dialect"] == "torch"
    assert record.task.metrics == ("accuracy",)
    assert {one.dialect for one in record.optimizers.values()} == {"torch"}
    assert "import torch\n" in study.best.code()
    page = (tmp_path / "report.html").read_text()
    assert page.index('id="tab-torch"') < page.index('id="tab-keras"')
    assert "on the PyTorch module net" in page
    model = Net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimizer = study.optimizers["Adam"].optimizer(model)
    assert isinstance(optimizer, torch.optim.Adam)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    seconds = record.seconds
    assert (
        compared(
            tmp_path,
            functools.partial(Net),
            baseline=torch.optim.AdamW(Net().parameters(), lr=1e-3),
            metrics={
                "accuracy": lambda output, target: (output.argmax(1) == target).float().mean()
            },
            name="net",
        ).record.seconds
        == seconds
    )  # the same question is not trained anew
    with pytest.raises(InputError, match="another question"):
        compared(tmp_path, dialect="keras", name="net")


@pytest.mark.slow
def test_batches_of_ones_own_and_loaders(tmp_path):
    loader = DataLoader(data(), batch_size=16, shuffle=True, drop_last=True)
    study = compared(
        tmp_path,
        data=loader,
        validation_split=0.0,
        validation_data=DataLoader(data(), batch_size=40),
        loss=None,
        step=lambda module, batch: nn.functional.cross_entropy(module(batch[0]), batch[1]),
    )
    task = study.record.task
    assert (task.batch_size, task.drop_last, task.steps_per_epoch) == (16, True, 6)
