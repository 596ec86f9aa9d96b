"""Groups in whole studies: searched, kept, told, resumed, compared; and in the tables."""

import keras
import numpy as np
import pytest
from small import BATCH, CLASSES, FEATURES, classes_data

import steepest
from steepest.errors import InputError

pytestmark = pytest.mark.usefixtures("compiled_quickly")

ASKED = {
    "validation_split": 0.2, "epochs": 2, "batch_size": BATCH, "optimizers": "SGD", "trials": 4,
    "seeds": 2, "verbose": 0,
}  # fmt: skip


def make_model():
    layers = keras.layers
    backbone = keras.Sequential(
        [keras.Input((FEATURES,)), layers.Dense(8, "relu", name="hidden")], name="backbone"
    )
    model = keras.Sequential(
        [keras.Input((FEATURES,)), backbone, layers.Dense(CLASSES, "softmax", name="head")]
    )
    model.compile(loss="sparse_categorical_crossentropy")
    return model


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("groups")


@pytest.fixture(scope="module")
def study(place):
    groups = {"backbone": steepest.Float(0.01, 1, log=True), "head": 1.0}
    return steepest.compare(make_model(), *classes_data(), **ASKED, groups=groups, out=place / "a")


@pytest.mark.slow
def test_a_factor_is_searched_and_told(study):
    factors = {t.config.hyperparameters["rate_factor[backbone]"] for t in study.record.trials}
    assert len(factors) > 1
    assert all(0.01 <= factor <= 1 for factor in factors)
    asked = study.record.asked["groups"]
    assert asked == "backbone=Float(0.01,1.0,log=True),head=1.0"
    best = study.optimizers["SGD"]
    assert "rate_factor[backbone]" in str(study)
    assert f"--groups '{asked}'" in (study.path.parent / "report.html").read_text().replace(
        "&#39;", "'"
    )
    assert "hyperparameters.rate_factor[backbone]" in study.to_dataframe().columns
    assert "# backbone" in best.code()
    optimizer = best.optimizer()
    model = make_model()
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    model.fit(*classes_data(), epochs=1, verbose=0)
    assert steepest.read(study.path).record == study.record


@pytest.mark.slow
def test_it_goes_on_with_the_same_groups_alone(study, place):
    again = {**ASKED, "out": place / "a"}
    with pytest.raises(InputError, match="of SGD: "):
        steepest.compare(make_model(), *classes_data(), **again, groups={"backbone": 0.5})
    asked = study.record.asked["groups"]
    assert steepest.compare(make_model(), *classes_data(), **again, groups=asked).record == (
        study.record
    )


@pytest.mark.slow
def test_whether_to_freeze_is_a_choice(place):
    groups = {"backbone": steepest.Choice((0.0, 0.1, 1.0))}
    found = steepest.compare(
        make_model(), *classes_data(), **ASKED, groups=groups, out=place / "freeze",
        initial_weights="given",
    )  # fmt: skip
    tried = {t.config.hyperparameters["rate_factor[backbone]"] for t in found.record.trials}
    assert tried <= {0.0, 0.1, 1.0}
    assert len(tried) > 1


def test_a_name_that_is_not_there_is_refused_with_those_that_are():
    with pytest.raises(InputError, match="known are backbone, head, hidden"):
        steepest.compare(make_model(), *classes_data(), **ASKED, groups={"body": 0.1})


@pytest.mark.slow
def test_pytorch_modules_have_groups_by_name(tmp_path):
    torch = pytest.importorskip("torch")
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone = nn.Sequential(nn.Linear(FEATURES, 8), nn.ReLU())
            self.head = nn.Linear(8, CLASSES)

        def forward(self, x):
            return self.head(self.backbone(x))

    x, y = (torch.from_numpy(a) for a in classes_data())
    study = steepest.compare(
        Net, x, y.long(), loss=nn.CrossEntropyLoss(), **{**ASKED, "optimizers": "AdamW"},
        groups="backbone=0.1", out=tmp_path / "torch",
    )  # fmt: skip
    model = Net()
    optimizer = study.optimizers["AdamW"].optimizer(model)
    rate = study.optimizers["AdamW"].hyperparameters["learning_rate"]
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    assert rates[id(model.backbone[0].weight)] == pytest.approx(0.1 * rate, rel=1e-6)
    assert rates[id(model.head.weight)] == pytest.approx(rate, rel=1e-6)
    assert np.isfinite(study.optimizers["AdamW"].config.numbers["rate_factor[backbone]"])
