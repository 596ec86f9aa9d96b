"""Suggestions: what tasks are like, which configuration is taken, and how sure it sounds."""

import json

import numpy as np
import pytest
from priors_made import TASKS, small_atlas

from steepest.priors.atlas import from_json, to_json
from steepest.priors.likeness import (
    AGAIN,
    ATTENTION,
    CLASSES,
    CONVOLUTIONAL,
    DENSE,
    NUMBERS,
    RECURRENT,
    Shape,
    distance,
    goal_of,
    kind_of,
)
from steepest.priors.suggestion import (
    CAP,
    REACH,
    alike,
    choices,
    left_out,
    nearness,
    picks,
    suggest,
)
from steepest.records import Parameter

BOTH = ("Adam", "SGD")


def weights(*shapes, word="dense"):
    roles = ["kernel"] * (len(shapes) - 1) + ["head"]
    return [
        Parameter(f"{word}_{i}/kernel", shape, role)
        for i, (shape, role) in enumerate(zip(shapes, roles, strict=True))
    ]


@pytest.mark.parametrize(
    ("some", "kind"),
    [
        (weights((4, 8), (8, 3)), DENSE),
        (weights((3, 3, 1, 8), (72, 3)), CONVOLUTIONAL),
        (weights((5, 1, 8), (8, 3)), CONVOLUTIONAL),
        (weights((8, 32), (8, 3), word="lstm/lstm_cell"), RECURRENT),
        (weights((8, 32), (8, 3), word="rnn.weight_ih_l0"), RECURRENT),
        (weights((24, 2, 12), (24, 54), word="multi_head_attention/query"), ATTENTION),
        ([], DENSE),
    ],
)
def test_the_kind_of_a_model_shows_in_its_weights(some, kind):
    assert kind_of(some) == kind


@pytest.mark.parametrize(
    ("loss", "some", "goal"),
    [
        ("sparse_categorical_crossentropy", weights((4, 8), (8, 3)), CLASSES),
        ("binary_crossentropy", weights((4, 8), (8, 1)), CLASSES),
        ("CrossEntropyLoss", weights((8, 4), (3, 8)), CLASSES),
        ("mse", weights((4, 8), (8, 1)), NUMBERS),
        ("HuberLoss", weights((8, 4), (1, 8)), NUMBERS),
        ("mse", weights((64, 8), (8, 64)), AGAIN),
        ("binary_crossentropy", weights((64, 8), (8, 64)), AGAIN),
        ("MSELoss", weights((8, 64), (64, 8)), AGAIN),
        ("sparse_categorical_crossentropy", weights((54, 8), (8, 54)), CLASSES),
    ],
)
def test_the_goal_shows_in_loss_and_ends(loss, some, goal):
    assert goal_of(loss, some) == goal


def test_distance_counts_kind_goal_and_decades():
    assert distance(Shape(DENSE, CLASSES, 1000, 1000), TASKS[0]) == 0
    assert distance(Shape(DENSE, NUMBERS, 10_000, 100), TASKS[0]) == pytest.approx(0.5 + 1.0)
    assert distance(Shape(ATTENTION, CLASSES, 1000, 1000), TASKS[0]) == 1.0


def test_a_series_counts_as_one_task():
    assert small_atlas().series_weights.tolist() == [0.5, 1, 1, 1, 0.5]
    near = nearness(small_atlas(), Shape(DENSE, CLASSES, 1000, 1000))
    assert near.tolist() == pytest.approx(
        [0.5, 1, np.exp(-1 / REACH), np.exp(-1 / REACH), 0.5 * np.exp(-2 / REACH)]
    )


def test_the_lowest_mean_of_capped_excesses_is_taken():
    found = choices(small_atlas(), BOTH)
    even = np.ones(len(TASKS))
    assert [(one.rule, one.values["learning_rate"]) for one in picks(found, even, 2)] == [
        ("SGD", 0.03),
        ("Adam", 0.001),
    ]
    assert picks(found, even, 1)[0].mean == pytest.approx((0.1 + 0.0 + CAP + 0.0 + 0.2) / 5)
    only = np.array([1.0, 1, 0, 0, 1])
    assert picks(found, only, 1)[0].values == {"learning_rate": 0.01}
    assert found.capped[2].tolist() == [CAP] * 5  # diverged, not trained, and above the cap


def test_what_is_not_allowed_is_not_suggested():
    assert {one.rule for one in picks(choices(small_atlas(), ["SGD"]), np.ones(5), 3)} == {"SGD"}


def test_what_is_left_out_does_not_count():
    """Worked out by hand, task by task."""
    found = choices(small_atlas(), BOTH)
    for by in ("series", "family"):
        record = left_out(found, range(5), by=by)
        for at, task in enumerate(TASKS):
            shape = Shape(task.kind, task.goal, task.parameters, task.steps)
            means = np.zeros(len(found.rules))
            for other, one in enumerate(TASKS):
                if getattr(one, by) != getattr(task, by):
                    means += found.capped[:, other] * nearness(small_atlas(), shape)[other]
            assert record.suggested[at] == found.excess[means.argmin(), at]
        assert record.usual.tolist() == [0.2, 0.3, 0.0, 0.1, 0.3]


def test_like_tasks_are_of_the_same_kind_where_there_are_any():
    atlas = small_atlas()
    assert alike(atlas, Shape(ATTENTION, CLASSES, 1, 1)) == [2, 3]
    assert alike(atlas, Shape(RECURRENT, CLASSES, 1, 1)) == [0, 1, 2, 3, 4]


def test_defaults_and_best_are_medians_over_like_tasks():
    found = suggest(small_atlas(), Shape(ATTENTION, CLASSES, 1000, 1000), BOTH, 2)
    assert found.default == {"Adam": pytest.approx(0.05), "SGD": pytest.approx(0.6)}
    assert found.tuned == {"Adam": pytest.approx(0.05), "SGD": pytest.approx(0.3)}
    assert found.record.tasks == ("c", "d")


def test_an_atlas_survives_its_file():
    atlas = small_atlas()
    again = from_json(json.loads(json.dumps(to_json(atlas))))
    assert again.tasks == atlas.tasks
    for name in BOTH:
        assert again.optimizers[name].configs == atlas.optimizers[name].configs
        np.testing.assert_allclose(again.optimizers[name].excess, atlas.optimizers[name].excess)
