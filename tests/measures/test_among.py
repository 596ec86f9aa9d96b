"""A study beside the atlas: worked out by hand on a small atlas and a study made by hand."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made import STUDY, confirmed
from priors_made import task

from steepest.measures.among import among, effective
from steepest.measures.verdict import judge
from steepest.priors.atlas import Atlas, Measured
from steepest.records import Config, ContestantRecord
from steepest.reports.among_text import sentences, text, to_dict
from steepest.reports.json import dumps
from steepest.reports.page.atlas_page import _yours

TASKS = tuple(task(str(i), family=str(i), goal="regression", size=10 * (i + 1)) for i in range(5))
OTHER = task("far", family="text", kind="transformer")
RATES = ({"learning_rate": 0.01}, {"learning_rate": 0.01, "momentum": 0.9})


def made_atlas():
    """On three of five like tasks SGD is lower than Adam, on one Adam is, on one neither."""
    sgd = [[0.0, 0.0, 0.0, 0.5, 0.0, 9], [0.1, 0.1, 0.1, 0.4, 0.1, 9]]
    adam = [[0.2, 0.2, 0.2, 0.0, 0.01, 0]]
    return Atlas(
        1,
        (*TASKS, OTHER),
        {
            "SGD": Measured(RATES, np.array(sgd)),
            "Adam": Measured(({"learning_rate": 0.001},), np.array(adam)),
        },
        {},
    )


def study(rate=0.1, mu=0.0, schedule="constant", baseline=False, **losses):
    """A study of one confirmed seed after another, by the name of the rule."""
    trials, number = [], 0
    for name, values in losses.items():
        for seed, loss in enumerate(values, 1):
            hyper = {"learning_rate": rate, "momentum": mu} if name == "SGD" else {
                "learning_rate": rate
            }  # fmt: skip
            trials.append(
                replace(
                    confirmed(number, name, seed, loss),
                    config=Config(name, "keras", hyper, schedule, seed),
                )
            )
            number += 1
    return replace(
        STUDY,
        optimizers={
            name: ContestantRecord(name, baseline=baseline and name == "SGD") for name in losses
        },
        settings=replace(STUDY.settings, seeds=3),
        trials=tuple(trials),
    )


def found_of(*args, **named):
    record = study(*args, **named)
    return among(record, judge(record), made_atlas())


def test_pairs_are_counted_on_like_tasks():
    found = found_of(SGD=(0.5, 0.5, 0.5), Adam=(0.6, 0.6, 0.6))
    assert found.like == (0, 1, 2, 3, 4)
    (pair,) = found.pairs
    assert (pair.ahead, pair.behind, pair.as_here, pair.other_way, pair.tasks) == (
        "SGD", "Adam", 3, 1, 5,
    )  # fmt: skip
    assert pair.by == pytest.approx(0.2)
    assert found.excess == {"SGD": 0.0, "Adam": pytest.approx(0.2)}


@pytest.mark.parametrize(
    ("losses", "word"),
    [
        ({"SGD": (0.5, 0.5, 0.5), "Adam": (0.6, 0.6, 0.6)}, "That is usual"),
        ({"SGD": (0.6, 0.6, 0.6), "Adam": (0.5, 0.5, 0.5)}, "That is unusual"),
        ({"SGD": (0.5, 0.5, 0.5), "Adam": (0.501, 0.501, 0.501)}, "less than counts"),
    ],
)
def test_it_says_whether_the_order_is_the_usual_one(losses, word):
    assert word in " ".join(sentences(found_of(**losses), made_atlas()))


def test_a_difference_that_is_not_established_is_said_to_be_none():
    noisy = found_of(SGD=(0.1, 0.9, 0.5), Adam=(0.9, 0.1, 0.7))
    assert not noisy.pairs[0].decided
    assert "has not established" in " ".join(sentences(noisy, made_atlas()))
    plain = found_of(SGD=(0.5, 0.501, 0.502), Adam=(0.6, 0.601, 0.602))
    assert plain.pairs[0].decided


@pytest.mark.parametrize(
    ("rate", "mu", "inside"),
    [(0.01, 0.0, True), (0.001, 0.9, True), (0.1, 0.9, False), (0.0001, 0.0, False)],
)
def test_rates_are_compared_as_effective_ones(rate, mu, inside):
    """On four like tasks SGD's best is 0.01 without momentum, on one 0.01 with 0.9."""
    found = found_of(rate, mu, SGD=(0.5, 0.5, 0.5), Adam=(0.6, 0.6, 0.6)).rates["SGD"]
    assert (found.low, found.high) == (0.01, 0.1)
    assert found.own == effective({"learning_rate": rate, "momentum": mu})
    assert found.inside == inside


def test_a_rate_that_falls_is_not_compared_and_a_baseline_not_at_all():
    falling = found_of(schedule="cosine", SGD=(0.5, 0.5, 0.5), Adam=(0.6, 0.6, 0.6))
    assert not falling.rates
    assert falling.pairs
    untuned = found_of(baseline=True, SGD=(0.5, 0.5, 0.5), Adam=(0.6, 0.6, 0.6))
    assert list(untuned.excess) == ["Adam"]
    nothing = found_of(Muon=(0.5, 0.5, 0.5))
    assert "nothing else can be said" in sentences(nothing, made_atlas())[-1]


def test_sizes_outside_of_what_was_measured_are_said():
    told = " ".join(sentences(found_of(SGD=(0.5, 0.5, 0.5)), made_atlas()))
    assert "It has 10 weights, more than 0 of the 6 tasks." in told
    assert "It has 26 steps, more than 2 of the 6 tasks." in told
    big = study(SGD=(0.5, 0.5, 0.5))
    big = replace(big, task=replace(big.task, parameters=10**6))
    told = sentences(among(big, judge(big), made_atlas()), made_atlas())[1]
    assert "outside of what was measured, 10 to 1,000: take what follows with care" in told


def test_all_forms_say_the_same():
    found, atlas = found_of(SGD=(0.5, 0.5, 0.5), Adam=(0.6, 0.6, 0.6)), made_atlas()
    told = json.loads(dumps(to_dict(found, atlas)))
    assert told["sentences"] == sentences(found, atlas)
    assert " ".join(text(found, atlas).split()).count(told["sentences"][0]) == 1
    row = _yours(found, atlas, ["Adam", "SGD", "Lion"])
    assert row["cells"] == [("20 %", "l3"), ("0.0 %", "l0"), ("–", "none")]
