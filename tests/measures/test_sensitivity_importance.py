"""Importances where it is known what matters, where nothing does, and against Optuna's own."""

import numpy as np
import pytest
from made_searches import RATE, flat, mirrored, search_study, trial

from steepest.measures.ped_anova import BEST
from steepest.measures.sensitivity import sensitivity
from steepest.measures.verdict import judge
from steepest.spaces import Choice, Float, to_dict

SPACE = {
    **RATE,
    "momentum": to_dict(Float(0.0, 0.99, log=True, complement=True)),
    "mode": to_dict(Choice(("a", "b"))),
}


def of(study):
    return sensitivity(study, judge(study))["SGD"].importance


def searched(loss, count=60, seed=0, space=SPACE, **asked):
    rng = np.random.default_rng(seed)
    trials = []
    for i in range(count):
        u, v, w = rng.random(3)
        values = {
            "learning_rate": 1e-4 ** (1 - u),
            "momentum": 1 - 0.01**v,
            "mode": "ab"[int(2 * w)],
        }
        end = loss(u, v, w, rng)
        trials.append(trial(i, values, flat(end) if np.isfinite(end) else [np.nan]))
    return search_study(trials, space, **asked)


def bowl(u, v, w, rng):
    return 1 + 10 * (u - 0.5) ** 2 + (v - 0.5) ** 2 + 0.05 * rng.random()


def test_what_matters_comes_first_and_shares_sum_to_one():
    found = of(searched(bowl))
    assert next(iter(found)) == "learning_rate"
    assert set(found) == set(SPACE)
    assert sum(one.mean for one in found.values()) == pytest.approx(1)
    assert found["learning_rate"].mean > 0.6
    assert found["learning_rate"].low > found["mode"].high
    assert all(one.low <= one.high and one.low >= 0 for one in found.values())
    found = of(searched(lambda u, v, w, rng: float(w > 0.5) + 0.1 * rng.random()))
    assert next(iter(found)) == "mode"


def test_noise_has_no_importances():
    said = sum(bool(of(searched(lambda u, v, w, rng: rng.random(), 40, s))) for s in range(60))
    assert said <= 7  # 5 % of 60 are 3; more than 7 has a chance of 1 %


def test_it_is_optuna_s():
    optuna = pytest.importorskip("optuna", minversion="5", reason="the oracle")
    study = searched(bowl)
    mine = optuna.create_study()
    floats = optuna.distributions.FloatDistribution
    kinds = {
        "learning_rate": floats(1e-4, 1.0, log=True),
        "momentum": floats(0.01, 1.0, log=True),
        "mode": optuna.distributions.CategoricalDistribution(("a", "b")),
    }
    for one in study.trials:
        values = dict(one.config.hyperparameters)
        values["momentum"] = 1 - values["momentum"]  # its range has the other direction
        mine.add_trial(
            optuna.trial.create_trial(
                value=one.curves.validation_loss[-1], params=values, distributions=kinds
            )
        )
    evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
    expected = optuna.importance.get_param_importances(mine, evaluator=evaluator)
    found = {name: one.mean for name, one in of(study).items()}
    assert found == pytest.approx(expected, rel=0.02, abs=0.002)


def test_where_larger_is_better():
    study = searched(lambda *some: bowl(*some) / 10)
    assert of(mirrored(study)) == of(study)


def test_diverged_trials_are_the_worst():
    def cliff(u, v, w, rng):
        return np.inf if u > 0.5 else rng.random()

    assert next(iter(of(searched(cliff, 80)))) == "learning_rate"
    assert of(searched(lambda u, *_: np.inf if u > 0.1 else u)) == {}  # too few of the best
    assert of(searched(lambda *_: np.inf)) == {}
    assert of(searched(lambda *_: 1.0)) == {}


def test_a_rate_that_was_searched_over_one_less_momentum_is_seen_as_that():
    rng = np.random.default_rng(0)
    trials = []
    for i in range(80):
        u, v = rng.random(2)
        effective, momentum = 1e-4 ** (1 - u), 1 - 0.01**v
        values = {"learning_rate": effective * (1 - momentum), "momentum": momentum}
        trials.append(trial(i, values, flat((u - 0.5) ** 2 + 0.01 * rng.random())))
    space = {name: SPACE[name] for name in ("learning_rate", "momentum")}
    # The momentum as such does nothing.
    assert of(search_study(trials, space, effective=True))["learning_rate"].mean > 0.85


def test_few_trials_or_one_hyperparameter_say_nothing():
    assert of(searched(bowl, 19)) == {}
    assert of(searched(bowl, 60, space=RATE)) == {}


def test_trials_outside_of_the_ranges_do_not_fail():
    space = {**SPACE, "learning_rate": to_dict(Float(1e-2, 1e-1, log=True))}
    assert of(searched(bowl, space=space))
    grown = {"learning_rate": RATE["learning_rate"]}
    assert of(searched(bowl, space=space, expanded=grown)) == of(searched(bowl))
    assert of(searched(bowl, space={**SPACE, "mode": to_dict(Choice(("c", "d")))})) == {}
    assert of(searched(bowl, space={**SPACE, "unknown": SPACE["momentum"]})) == {}


def test_the_same_trials_give_the_same_intervals():
    assert of(searched(bowl)) == of(searched(bowl))
