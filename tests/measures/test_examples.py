"""Distances on other examples: their intervals hold the true one, over seeds and examples."""

from dataclasses import replace

import numpy as np
import pytest
from made import study_of

from steepest.measures.examples import elsewhere
from steepest.measures.verdict import judge
from steepest.reports.advice import warnings
from steepest.reports.advice_text import advice
from steepest.statistics import estimate

PARTS, ROWS, SEEDS = 20, 15, 5


def in_parts(study, **parts):
    """Return the study with what decides of each contestant on parts of 10 examples."""
    task = replace(study.task, validation_examples=10 * len(next(iter(parts.values()))))
    return replace(study, task=task, parts=parts, part_examples=10)


def two(apart=0.1):
    """Return a study in which B is behind by seeds, each of which has nearly the same distance."""
    noise = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
    return study_of(A=1.0 + noise, B=1.0 + apart + noise[::-1] / 2)


def drawn(random, apart, tails):
    """Return a study of two contestants on validation examples and seeds that were drawn."""
    count = PARTS * ROWS
    seeds = random.normal(0, 0.02, (2, SEEDS, 1))
    own = random.standard_t(4, (2, count)) if tails else random.normal(size=(2, count))
    each = np.array([1.0, 1.0 + apart])[:, None, None] + 0.3 * own[:, None] + seeds
    each = each + 0.1 * random.normal(size=(2, SEEDS, count))  # a seed's own, of each example
    study = study_of(A=each[0].mean(1), B=each[1].mean(1))
    task = replace(study.task, validation_examples=count)
    parts = each.reshape(2, SEEDS, PARTS, ROWS).mean((1, 3))
    named = {"A": tuple(parts[0]), "B": tuple(parts[1])}
    return replace(study, task=task, parts=named, part_examples=ROWS), each.mean(2)


@pytest.mark.parametrize("tails", [False, True])
def test_intervals_hold_the_distance_on_other_examples(tails):
    """Where those over seeds alone mostly do not."""
    random, apart, runs = np.random.default_rng(1), 0.03, 400
    held = seeds_held = 0
    for _ in range(runs):
        study, means = drawn(random, apart, tails)
        behind = estimate(means[1] - means[0])
        wide = elsewhere(study, "A", "B", behind)
        held += wide.low <= apart <= wide.high
        seeds_held += behind.low <= apart <= behind.high
    assert 0.93 <= held / runs <= 1.0
    assert seeds_held / runs < 0.9


def test_it_is_none_where_parts_are_not_known():
    study = two()
    behind = judge(study).standings["B"].behind
    assert judge(study).standings["B"].elsewhere is None
    assert elsewhere(in_parts(study, A=(1.0, 2.0)), "A", "B", behind) is None
    assert elsewhere(in_parts(study, A=(1.0, 2.0), B=(1.0,)), "A", "B", behind) is None


def test_of_a_large_set_its_first_examples_stand_for_all():
    study = in_parts(two(), A=(1.0, 1.2, 0.9, 1.1), B=(1.3, 1.1, 1.2, 1.2))
    behind = judge(study).standings["B"].behind
    few = elsewhere(study, "A", "B", behind).half_width
    task = replace(study.task, validation_examples=4000)  # of which 40 were measured
    many = elsewhere(replace(study, task=task), "A", "B", behind).half_width
    assert many**2 - behind.half_width**2 == pytest.approx(
        (few**2 - behind.half_width**2) / 100, rel=1e-6
    )


def test_the_advice_says_so_where_others_may_have_another_order():
    far = in_parts(two(), A=(1.0, 1.4, 0.8, 1.0), B=(1.3, 1.1, 1.2, 1.0))
    said = advice(far, judge(far))
    assert said[1] == "B is 10 % ± 3 % behind."
    assert said[2] == (
        "On validation examples beyond these 40, B may be as good; about 1,000 would tell."
    )
    assert not [note for note in warnings(far, judge(far)) if "validation example" in note]
    near = in_parts(two(), A=(1.0, 1.4, 0.8, 1.0), B=(1.1, 1.51, 0.9, 1.1))
    assert not [one for one in advice(near, judge(near)) if "validation examples" in one]
    assert [note for note in warnings(near, judge(near)) if "same 40 validation examples" in note]


def test_it_is_told_in_the_unit_of_what_cannot_be_shared():
    study = two()
    settings = replace(study.settings, decides="mae", maximize=True)
    study = in_parts(replace(study, settings=settings), A=(1.0, 1.2), B=(1.0, 1.3))
    standing = judge(study).standings["B"]
    assert standing.relative_elsewhere is None
    assert standing.elsewhere.mean == standing.behind.mean
    assert "beyond these 20, B may be as good; about " in advice(study, judge(study))[2]
    wide = replace(study, parts={"A": (1.0, 2.0), "B": (2.0, 1.0)})
    assert advice(wide, judge(wide))[2].endswith("B may be as good; more would tell.")
