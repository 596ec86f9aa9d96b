"""The JSON that other programs read."""

import json
import math

import numpy as np
import pytest
from made import study_of

from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.records import FORMAT_VERSION
from steepest.reports.json import dumps, to_dict


def told(study):
    verdict = judge(study)
    return to_dict(study, verdict, measure(study, verdict))


NOISE = np.array([0.01, -0.02, 0.0])


def test_the_object_has_what_was_promised():
    study = study_of(SGD=1.0 + NOISE, Adam=0.5 + NOISE)
    data = json.loads(dumps(told(study)))
    assert data["format_version"] == FORMAT_VERSION
    assert data["task"] == "toy"
    assert data["seed"] == 0
    assert data["verdict"]["winner"] == "Adam"
    assert data["verdict"]["tied_with"] == []
    assert data["verdict"]["sentence"].startswith("The winner is Adam, by 10")
    assert data["verdict"]["advice"] == [
        "Use Adam(learning_rate=0.1, momentum=0.9): validation loss 0.497 ± 0.038.",
        "SGD's is 2 times as high.",
    ]
    assert data["cost"]["trials"] == 6
    assert data["cost"]["full_trainings"] == 6
    assert data["cost"]["seconds"] == 12.5
    adam = data["optimizers"]["Adam"]
    assert adam["hyperparameters"] == {"learning_rate": 0.1, "momentum": 0.9, "nesterov": False}
    assert (adam["state"], data["optimizers"]["SGD"]["state"]) == ("leader", "behind")
    assert adam["probability_best"] + data["optimizers"]["SGD"]["probability_best"] == 1
    assert adam["validation_metrics"]["mae"] == adam["validation_metric"]
    assert adam["test_metrics"]["mae"] == adam["test_metric"]
    relative = data["optimizers"]["SGD"]["behind_leader_relative"]["mean"]
    assert relative == pytest.approx(0.5 / (0.5 + NOISE.mean()))
    assert data["decides"] == {
        "value": "validation loss",
        "maximize": False,
        "at": "end",
        "practical": 0.0,
    }
    for key in (
        "value",
        "validation_loss",
        "validation_loss_best_epoch",
        "validation_metric",
        "test_metric",
    ):
        assert set(adam[key]) == {"mean", "low", "high", "values"}
        assert len(adam[key]["values"]) == len(adam["seeds"]) == 3
    assert "keras.optimizers.SGD(" in adam["code"]["keras"]
    assert "torch.optim.SGD(" in adam["code"]["torch"]
    assert "optax.sgd(" in adam["code"]["optax"]
    assert (adam["dialect"], adam["schedule"]) == ("keras", "constant")


def test_what_is_not_finite_becomes_null():
    study = study_of(SGD=[1.0, math.inf, 1.0], Adam=0.5 + NOISE)
    data = json.loads(dumps(told(study)), parse_constant=lambda c: 1 / 0)
    assert data["optimizers"]["SGD"]["validation_loss"]["values"] == [1.0, None, 1.0]
    assert data["optimizers"]["SGD"]["validation_loss"]["mean"] is None
    assert data["optimizers"]["SGD"]["test_metric"] is None
