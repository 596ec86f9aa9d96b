"""Sensitivity on hand-made studies with known answers: what was tried, and the defaults."""

import json
import math
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import STUDY, study_of
from made_searches import RATE, flat, mirrored, search_study, sweep_of, trial
from scipy import stats

import steepest
from steepest.measures import sensitivity as public
from steepest.measures.sensitivity import Sensitivity, sensitivity
from steepest.measures.verdict import judge
from steepest.records import Outcome, Stage
from steepest.spaces import Choice, Float, to_dict

DATA = Path(__file__).parents[1] / "formats"


def of(study, name="SGD"):
    return sensitivity(study, judge(study))[name]


def rate(value, **more):
    return {"learning_rate": value, **more}


def searched(*curves, **more):
    return search_study([trial(i, rate(10.0**-i), c) for i, c in enumerate(curves)], **more)


def test_the_parts_are_found_where_they_are_said_to_be():
    assert all(hasattr(public, n) for n in ("Rates", "Band", "Expected", "Default", "Point"))


def test_the_longest_length_that_half_of_the_trials_reached():
    found = of(searched(*[flat(1.0, 2)] * 5, *[flat(1.0, 1)] * 5))
    assert found.tried_epochs == 2
    assert len(found.tried["learning_rate"]) == 5
    assert of(searched(*[flat(1.0, 2)] * 5, *[flat(1.0, 1)] * 6)).tried_epochs == 1
    # Four are too few, so the length that most reached, and of those the longest.
    assert of(searched(*[flat(1.0, 4)] * 2, *[flat(1.0, 1)] * 2)).tried_epochs == 1
    assert of(searched(*[flat(1.0, 4)] * 2)).tried_epochs == 4


def test_points_are_what_decided_at_that_length_in_order_of_the_value():
    found = of(searched(*([3.0, 2.0 + i, 1.0, 0.0] for i in range(3)), *[[3.0, 2.0]] * 4))
    points = found.tried["learning_rate"]
    assert found.tried_epochs == 2
    assert [p.value for p in points] == sorted(10.0**-i for i in range(7))
    assert [p.result for p in points] == [2.0] * 4 + [4.0, 3.0, 2.0]
    assert points[0].stage is Stage.SEARCH


def test_who_diverged_later_is_shown_as_it_was_then():
    early, late = [1.0, math.nan], [1.0, 0.9, math.nan]
    points = of(searched(early, late, *[flat(0.5, 2)] * 6)).tried["learning_rate"][::-1]
    assert (points[0].diverged, points[0].result) == (True, math.inf)
    assert (points[1].diverged, points[1].result) == (False, 0.9)


def test_many_diverged_do_not_make_a_length():
    found = of(searched(*[[math.nan]] * 12, *[flat(1.0, 1)] * 7, flat(1.0)))
    assert found.tried_epochs == 1
    assert sum(p.diverged for p in found.tried["learning_rate"]) == 12
    assert of(searched(*[[math.nan]] * 3)).tried_epochs == 1


def test_divergence_is_the_worst_where_larger_is_better():
    points = of(mirrored(searched([math.nan], *[flat(0.3)] * 5))).tried["learning_rate"]
    assert (points[-1].diverged, points[-1].result) == (True, -math.inf)
    assert points[0].result == 0.7


def test_the_best_epoch_decides_if_the_settings_say_so():
    study = searched(*[[0.5, 0.9]] * 5, settings={"at": "best"})
    assert {p.result for p in of(study).tried["learning_rate"]} == {0.5}


def test_numbers_are_shown_and_words_are_not():
    space = {
        **RATE,
        "beta": to_dict(Choice((0.9, 0.99))),
        "nesterov": to_dict(Choice((True, False))),
        "mode": to_dict(Choice(("a", "b"))),
    }
    values = {"beta": 0.9, "nesterov": True, "mode": "a"}
    trials = [trial(i, rate(0.1 * (i + 1), **values), flat(1.0)) for i in range(5)]
    assert list(of(search_study(trials, space)).tried) == ["learning_rate", "beta"]


def test_a_schedule_of_its_own_is_judged_at_its_end_alone():
    def ending(number, epochs, curve, **more):
        steps = {"decay_steps": 13.0 * epochs} if epochs < 4 else {}
        return trial(number, rate(0.1 / (number + 1), **steps), curve, **more)

    trials = [ending(i, 1, [0.1 * i], outcome=Outcome.SHORT) for i in range(6)]
    trials += [ending(6, 2, [0.01, 0.3]), ending(7, 4, [math.nan]), ending(8, 1, [math.nan])]
    found = of(search_study(trials, settings={"own_horizon": True}))
    assert found.tried_epochs == 1
    points = {p.trial: p for p in found.tried["learning_rate"]}
    assert set(points) == {0, 1, 2, 3, 4, 5, 8}  # those that were to end elsewhere are not in it
    assert [n for n, p in points.items() if p.diverged] == [8]


def test_another_optimizer_in_these_terms_says_nothing_of_the_ranges():
    shown = trial(9, rate(1e7, epsilon=1e8), flat(0.01))
    study = searched(*[flat(1.0)] * 6)
    found = of(replace(study, trials=(*study.trials, shown)))
    assert len(found.tried["learning_rate"]) == 6
    assert found.default.best.mean == 0.01  # but it is the best


# ---- defaults


def with_defaults(mine, best):
    stages = ((Stage.DEFAULT, mine, 0.001), (Stage.CONFIRM, best, 0.1))
    pairs = [(s, r, seed, loss) for s, some, r in stages for seed, loss in enumerate(some, 1)]
    return search_study(
        [
            trial(i, rate(r), flat(loss) if loss < math.inf else [math.nan], s, seed=seed)
            for i, (s, r, seed, loss) in enumerate(pairs)
        ]
    )


def test_defaults_in_full_are_paired_by_seed():
    mine, best = [1.0, 1.3, 1.2], [0.5, 0.9, 0.6, 99.0]
    found = of(with_defaults(mine, best)).default
    differences = np.subtract(mine, best[:3])
    limits = stats.ttest_1samp(differences, 0).confidence_interval()
    assert found.worse.mean == pytest.approx(differences.mean())
    assert (found.worse.low, found.worse.high) == pytest.approx(limits)
    assert found.result.mean == pytest.approx(np.mean(mine))
    assert found.best.mean == pytest.approx(np.mean(best[:3]))  # on the same seeds
    assert (found.epochs, found.diverged) == (4, 0)
    assert found.config.hyperparameters == rate(0.001)
    turned = of(mirrored(with_defaults([0.5, 0.6], [0.1, 0.1]))).default
    assert turned.worse.mean == pytest.approx(0.45)


def test_defaults_that_diverge_have_no_difference():
    found = of(with_defaults([math.inf, 1.0], [0.5, 0.6])).default
    assert (found.diverged, found.result.mean, found.worse) == (1, None, None)
    assert of(with_defaults([1.0, 1.0], [])).default.worse is None


def test_defaults_of_the_search_stand_beside_the_best_at_their_length():
    study = searched([1.0, 0.9], [0.8, 0.7, 0.6, 0.5], [0.2])
    found = of(study).default
    assert (found.epochs, found.result.mean, found.best.mean) == (2, 0.9, 0.7)
    assert found.worse.mean == pytest.approx(0.2)
    assert found.worse.low is None
    # Alone at the longest length, there is nothing to stand beside.
    assert of(searched([1.0, 0.9, 0.8, 0.7], [0.8, 0.7])).default.epochs == 2
    assert of(searched([1.0, 0.9, 0.8, 0.7], [math.nan])).default.epochs == 4
    diverged = of(searched([math.nan], [0.8, 0.7])).default
    assert (diverged.diverged, diverged.worse, diverged.best.mean) == (1, None, 0.7)


def test_a_search_that_began_with_a_list_says_nothing_of_defaults_that_it_has_not():
    usual = {"learning_rate": 0.01, "momentum": 0.0, "nesterov": False}
    first = trial(0, {**usual, "momentum": 0.9}, [1.0, 0.9])
    other = trial(1, {**usual, "learning_rate": 0.1}, [0.8, 0.7])
    walked = {"search": 2.0}
    assert of(search_study([first, other], settings=walked)).default is None
    found = of(search_study([first, other, trial(2, usual, [1.0, 0.8])], settings=walked)).default
    assert (found.config.hyperparameters, found.result.mean) == (usual, 0.8)
    assert found.worse.mean == pytest.approx(0.1)


def test_defaults_trained_anew_at_each_rung():
    trials = [
        trial(0, rate(0.1, decay_steps=13.0), [1.0], outcome=Outcome.SHORT),
        trial(1, rate(0.2, decay_steps=13.0), [0.9], outcome=Outcome.SHORT),
        trial(2, rate(0.1, decay_steps=26.0), [1.0, 0.8]),
        trial(3, rate(0.2, decay_steps=26.0), [1.0, 0.7]),
    ]
    found = of(search_study(trials, settings={"own_horizon": True, "trials": 2}))
    assert (found.default.epochs, found.default.result.mean) == (2, 0.8)
    assert found.default.worse.mean == pytest.approx(0.1)
    assert found.expected is None  # the restarted ones are no third and fourth


# ---- what must not fail


def test_order_is_the_verdicts_and_who_has_no_trial_is_left_out():
    study = study_of(SGD=[0.9, 0.9], Adam=[0.1, 0.2])
    study = replace(study, optimizers={**study.optimizers, "Lion": study.optimizers["SGD"]})
    assert list(sensitivity(study, judge(study))) == ["Adam", "SGD"]


def test_a_baseline_has_nothing_to_say():
    found = of(study_of(SGD=[0.9, 0.9]))
    assert found == Sensitivity({}, 0, None, None, None, None, {}, None)
    assert sensitivity(STUDY, judge(STUDY)) == {}


@pytest.mark.parametrize("name", ["study-format-1.db", "study-format-3.db"])
def test_old_files_are_measured(name):
    study = steepest.read(DATA / name).record
    found = sensitivity(study, judge(study))
    assert list(found) == list(judge(study).standings)
    assert all(one.expected and one.default and one.decade is None for one in found.values())


def test_unknown_and_hostile_values():
    name = "<script>alert(1)</script>"
    trials = [
        trial(0, {}, flat(1.0)),
        trial(1, rate("nothing"), flat(1.0)),
        trial(2, rate(math.nan), flat(1.0)),
        trial(3, rate(0.0), flat(1.0)),
        trial(4, rate(-1.0), flat(1.0)),
        trial(5, rate(0.1), [], outcome=Outcome.UNFINISHED),
        trial(6, rate(0.2), [1.0, math.inf], outcome=Outcome.HALVED),
        trial(7, rate(0.3), flat(1e300)),
        trial(8, rate(0.4), flat(-1e300)),
    ]
    study = search_study([replace(t, optimizer=name) for t in trials])
    study = replace(study, optimizers={name: study.optimizers["SGD"]})
    found = of(study, name)
    assert [p.trial for p in found.tried["learning_rate"]] == [4, 3, 7, 8]
    assert [p.trial for p in found.rates.points] == [7, 8]
    missing = replace(study.settings, decides="f1", maximize=True)
    assert of(replace(study, settings=missing), name).expected is None


number = st.one_of(st.floats(-10, 10), st.just(math.nan), st.just(math.inf), st.floats(-1e30, 1e30))


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(Stage)),
            st.lists(number, max_size=4),
            st.sampled_from([1e-3, 1e-2, 0.1, 1.0]),
            st.integers(0, 3),
            st.sampled_from([None, *Outcome]),
        ),
        max_size=30,
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["end", "best"]),
    st.one_of(st.none(), number),
)
def test_no_study_makes_it_fail(given_trials, maximize, own_horizon, at, initial):
    trials = [
        trial(i, rate(r), curve, stage, seed=seed, outcome=outcome, metrics={"mae": tuple(curve)})
        for i, (stage, curve, r, seed, outcome) in enumerate(given_trials)
    ]
    changed = {"maximize": maximize, "own_horizon": own_horizon, "at": at}
    changed["decides"] = "mae" if maximize else "loss"
    study = search_study(trials, initial=initial, settings=changed)
    # Of the verdict, which has no such runs, the order alone counts.
    found = sensitivity(study, replace(judge(STUDY), standings={"SGD": None}))
    assert bool(found) == bool(trials)


def test_the_order_of_trials_in_the_file_does_not_matter():
    trials = sweep_of(lambda x, seed: 1 + x * x + seed, seeds=(1, 2, 3))
    rng = np.random.default_rng(0)
    trials += [
        trial(100 + i, rate(10 ** rng.uniform(-4, 0)), flat(rng.random())) for i in range(30)
    ]
    study = search_study(trials, initial=9.0)
    mixed = replace(study, trials=tuple(trials[i] for i in rng.permutation(len(trials))))
    assert of(study) == of(mixed)


def test_two_thousand_trials_take_no_time():
    rng = np.random.default_rng(0)
    space = {**RATE, "momentum": to_dict(Float(0.0, 0.99, True, True))}
    trials = []
    for i in range(2000):
        value, momentum = 10 ** rng.uniform(-4, 0), 1 - 10 ** rng.uniform(-2, 0)
        loss = (math.log10(value) + 2) ** 2 + rng.random()
        trials.append(trial(i, rate(value, momentum=momentum), flat(loss, int(rng.choice([1, 4])))))
    study = search_study(trials, space)
    began = time.process_time()
    found = of(study)
    assert time.process_time() - began < 6  # 1.5 s
    assert next(iter(found.importance)) == "learning_rate"
    one = search_study(trials)
    began = time.process_time()
    assert of(one).band
    assert time.process_time() - began < 2  # 0.2 s


def test_it_loads_nothing_heavy():
    code = (
        "import sys, json, steepest.measures.sensitivity;"
        "print(json.dumps([n for n in ('optuna', 'keras', 'jax') if n in sys.modules]))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(out.stdout) == []
