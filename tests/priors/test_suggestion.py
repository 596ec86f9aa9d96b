"""Suggestions: what tasks are like, which configuration is taken, and how sure it sounds."""

import json

import numpy as np
import pytest
from priors_made import TASKS, small_atlas, task

from steepest.priors.atlas import Atlas, Measured, from_json, to_json
from steepest.priors.left_out import WEIGHINGS, first, left_out, settled, suggest
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
    alike,
    as_written,
    choices,
    is_usual,
    nearness,
    picks,
)
from steepest.records import Parameter

BOTH = ("Adam", "SGD")
CAP, REACH = 0.5, 3.0


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
    near = nearness(small_atlas(), Shape(DENSE, CLASSES, 1000, 1000), REACH)
    assert near.tolist() == pytest.approx(
        [0.5, 1, np.exp(-1 / REACH), np.exp(-1 / REACH), 0.5 * np.exp(-2 / REACH)]
    )


def test_the_lowest_mean_of_capped_excesses_is_taken():
    found = choices(small_atlas(), BOTH)
    even = np.ones(len(TASKS))
    assert [(one.rule, one.values["learning_rate"]) for one in picks(found, even, 2, CAP)] == [
        ("SGD", 0.03),
        ("Adam", 0.001),
    ]
    assert picks(found, even, 1, CAP)[0].mean == pytest.approx((0.1 + 0.0 + CAP + 0.0 + 0.2) / 5)
    only = np.array([1.0, 1, 0, 0, 1])
    assert picks(found, only, 1, CAP)[0].values == {"learning_rate": 0.01}
    assert found.capped(CAP)[2].tolist() == [CAP] * 5  # diverged, not trained, and above the cap


def test_what_is_not_allowed_is_not_suggested():
    some = picks(choices(small_atlas(), ["SGD"]), np.ones(5), 3, CAP)
    assert {one.rule for one in some} == {"SGD"}


@pytest.mark.parametrize(
    ("values", "usual"),
    [
        ({"learning_rate": 0.000679}, True),
        ({"learning_rate": 0.01, "beta_1": 0.586}, False),
        ({"beta_1": 0.95}, True),
        ({"beta_2": 0.98}, True),
        ({"epsilon": 1e-3}, True),
        ({"epsilon": 9.78e-8}, False),
        ({"momentum": 0.9709}, False),
        ({"momentum": 0.0, "nesterov": True}, True),
        ({"weight_decay": 0.004}, True),
        ({"weight_decay": 0.0137}, False),
    ],
)
def test_usual_values_are_round_ones(values, usual):
    assert is_usual(values) == usual


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0158, 0.016), (0.586, 0.59), (0.9709, 0.971), (0.95, 0.95), (0.9995, 0.9995), (3, 3)],
)
def test_numbers_are_suggested_as_a_person_writes_them(value, written):
    assert as_written(value) == written


def odd_atlas(gains):
    """An atlas of a family a gain, by which an unusual momentum is better than momentum 0.9."""
    tasks = tuple(task(str(i), family=str(i)) for i in range(len(gains)))
    level = np.full(len(gains), 0.4)
    sgd = Measured(
        (
            {"learning_rate": 0.01},
            {"learning_rate": 0.0316, "momentum": 0.9},
            {"learning_rate": 0.0123, "momentum": 0.637},
        ),
        np.array([level + 0.1, level, level - gains]),
    )
    return Atlas(
        1, tasks, {"SGD": sgd, "Adam": Measured(({"learning_rate": 0.001},), level[None])}, {}
    )


@pytest.mark.parametrize(
    ("gains", "momentum"),
    [
        ((0.2, 0.25, 0.2, 0.22), 0.64),  # everywhere
        ((0.35, -0.02, -0.01, 0.0), 0.9),  # on one family alone
        ((0.2, 0.2), 0.9),  # too few families to say
    ],
)
def test_an_unusual_value_has_to_be_clearly_better_over_families(gains, momentum):
    found = choices(odd_atlas(np.array(gains)), ["SGD"])
    (one,) = picks(found, np.ones(len(gains)), 1, 1.0)
    assert one.values["momentum"] == momentum
    assert one.values["learning_rate"] == (0.012 if momentum == 0.64 else 0.032)


def made_atlas(families, each=3, seed=0):
    """An atlas of random excesses, each family with a level of its own."""
    random, names = np.random.default_rng(seed), [str(f) for f in range(families)]
    tasks = tuple(task(f"{f}-{i}", family=f) for f in names for i in range(each))
    rates = ({"learning_rate": 0.001}, {"learning_rate": 0.01}, {"learning_rate": 0.1})
    return Atlas(
        1,
        tasks,
        {name: Measured(rates, random.exponential(0.4, (3, len(tasks)))) for name in BOTH},
        {},
    )


def test_what_is_left_out_does_not_count():
    """Worked out by hand, task by task: neither the family nor how it would weigh."""
    atlas = made_atlas(4)
    found = choices(atlas, BOTH)

    def by_hand(at, way, without=()):
        one = atlas.tasks[at]
        means = np.zeros(len(found.rules))
        for other, that in enumerate(atlas.tasks):
            if that.family not in (one.family, *without):
                shape = Shape(one.kind, one.goal, one.parameters, one.steps)
                means += found.capped(way.cap)[:, other] * nearness(atlas, shape, way.reach)[other]
        return found.excess[means.argmin(), at]

    record = left_out(found, range(len(atlas.tasks)))
    for at, one in enumerate(atlas.tasks):
        inner = [i for i, that in enumerate(atlas.tasks) if that.family != one.family]
        scores = [sum(min(by_hand(i, way, (one.family,)), 1.0) for i in inner) for way in WEIGHINGS]
        way = WEIGHINGS[int(np.argmin(scores))]
        assert settled(found, one.family) == way
        assert record.suggested[at] == by_hand(at, way)
        assert first(found, [at], way)[0] == record.suggested[at]
    assert record.usual.tolist() == atlas.optimizers["Adam"].excess[0].tolist()


def test_a_task_s_own_family_changes_nothing_that_is_said_of_it():
    """Neither the suggestion that is judged nor how likeness counts there."""
    atlas = made_atlas(4)
    record = left_out(choices(atlas, BOTH), range(3))
    sgd = atlas.optimizers["SGD"]
    worse = sgd.excess.copy()
    worse[:, :3] = worse[::-1, :3]  # of the first family
    other = Atlas(1, atlas.tasks, {**atlas.optimizers, "SGD": Measured(sgd.configs, worse)}, {})
    again = left_out(choices(other, BOTH), range(3))
    for at in range(3):
        place = np.flatnonzero(choices(atlas, BOTH).excess[:, at] == record.suggested[at])[0]
        assert choices(other, BOTH).excess[place, at] == again.suggested[at]


def test_like_tasks_are_of_the_same_kind_where_there_are_any():
    atlas = small_atlas()
    assert alike(atlas, Shape(ATTENTION, CLASSES, 1, 1)) == [2, 3]
    assert alike(atlas, Shape(RECURRENT, CLASSES, 1, 1)) == [0, 1, 2, 3, 4]


def test_defaults_and_best_are_medians_over_like_tasks(monkeypatch):
    shape = Shape(ATTENTION, CLASSES, 1000, 1000)
    monkeypatch.setattr("steepest.priors.left_out.ALIKE", 2)
    found = suggest(small_atlas(), shape, BOTH, 2)
    assert found.default == {"Adam": pytest.approx(0.05), "SGD": pytest.approx(0.6)}
    assert found.tuned == {"Adam": pytest.approx(0.05), "SGD": pytest.approx(0.3)}
    assert found.like == found.judged == (2, 3)
    assert found.record.tasks == ("c", "d")


def test_where_few_tasks_are_like_all_are_judged():
    found = suggest(small_atlas(), Shape(ATTENTION, CLASSES, 1000, 1000), BOTH, 2)
    assert found.like == (2, 3)
    assert found.judged == (0, 1, 2, 3, 4)
    assert len(found.record.tasks) == 5
    assert found.default == {"Adam": pytest.approx(0.2), "SGD": pytest.approx(0.6)}


def test_an_atlas_survives_its_file():
    atlas = small_atlas()
    again = from_json(json.loads(json.dumps(to_json(atlas))))
    assert again.tasks == atlas.tasks
    for name in BOTH:
        assert again.optimizers[name].configs == atlas.optimizers[name].configs
        np.testing.assert_allclose(again.optimizers[name].excess, atlas.optimizers[name].excess)
