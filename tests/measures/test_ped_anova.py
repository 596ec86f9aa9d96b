"""PED-ANOVA is Optuna's, number for number, and its densities are densities."""

import warnings

import numpy as np
import pytest

from steepest.measures.ped_anova import BEST, cells, choice_density, range_density, shares

CHOICES = (0, 0, 3)  # two ranges, and a choice of three values


def places(trials, seed, steps=None):
    """Return where trials lie; ranges on a grid of so many steps, so that there are ties."""
    rng = np.random.default_rng(seed)
    u = rng.random((trials, 3))
    if steps:
        u[:, :2] = np.round(u[:, :2] * steps) / steps
    u[:, 2] = (np.floor(u[:, 2] * 3) + 0.5) / 3
    return u


def by_optuna(where, scores):
    optuna = pytest.importorskip("optuna", minversion="5", reason="the oracle")
    kinds = {
        "0": optuna.distributions.FloatDistribution(0.0, 1.0),
        "1": optuna.distributions.FloatDistribution(0.0, 1.0),
        "2": optuna.distributions.CategoricalDistribution((0, 1, 2)),
    }
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study()
    # It leaves out what is not finite, so ranks stand for results.
    ranks = np.searchsorted(np.sort(scores), scores)
    for row, rank in zip(where.tolist(), ranks, strict=True):
        values = {"0": row[0], "1": row[1], "2": int(row[2] * 3)}
        study.add_trial(
            optuna.trial.create_trial(value=float(rank), params=values, distributions=kinds)
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=BEST)
        found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    return [found[str(i)] for i in range(3)]


@pytest.mark.parametrize(
    ("trials", "seed", "steps"), [(20, 0, None), (21, 1, 4), (60, 2, None), (61, 3, 7), (97, 4, 49)]
)
def test_shares_are_optuna_s(trials, seed, steps):
    where = places(trials, seed, steps)
    noise = np.random.default_rng(seed).random(trials)
    for scores in (
        (where[:, 0] - 0.4) ** 2 + 0.3 * (where[:, 2] > 0.5) + 0.1 * noise,
        np.round(4 * where[:, 1]) + 0.0 * noise,  # many are equally good
        np.where(where[:, 0] > 0.6, np.inf, noise),
        noise,
    ):
        assert shares(where, CHOICES, scores) == pytest.approx(by_optuna(where, scores), rel=1e-9)


def test_a_sample_with_replacement_is_optuna_s():
    where = places(40, 5)
    chosen = np.random.default_rng(6).integers(40, size=40)
    where, scores = where[chosen], where[chosen, 0]
    assert shares(where, CHOICES, scores) == pytest.approx(by_optuna(where, scores), rel=1e-9)


def test_where_all_are_equally_good_all_matter_the_same():
    assert shares(places(20, 0), CHOICES, np.zeros(20)).tolist() == [1 / 3] * 3


@pytest.mark.parametrize("counts", [[0, 0, 9, 0, 1], [1, 0, 0, 0, 0], [1, 2, 9, 2, 1]])
def test_densities_sum_to_1_and_follow_the_trials(counts):
    counts = np.array(counts)
    for density in (range_density(counts), choice_density(counts)):
        assert density.sum() == pytest.approx(1)
        assert (density > 0).all()
        assert density.max() == pytest.approx(density[counts.argmax()])


def test_ends_of_a_range_are_in_its_first_and_last_cell():
    assert cells(np.array([0.0, 1.0]), 0).tolist() == [0, 49]
    assert cells((np.arange(3) + 0.5) / 3, 3).tolist() == [0, 1, 2]
