"""Batch sizes, on hand-made studies with known answers, and what is said of them."""

import json
from dataclasses import replace

import numpy as np
import pytest
from made import study_of
from scipy.stats import linregress, t, ttest_ind, ttest_rel

from steepest.measures.batch_sizes import batch_sizes
from steepest.reports.batch_sizes import sentences, table, to_dict
from steepest.reports.page.batch_sizes import batch_sizes_page, markdown, text

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])


def at(size, rate, loss=0.5, noise=NOISE, **names):
    """Return a study of 104 examples and two epochs at one batch size."""
    losses = {name: value + noise for name, value in (names or {"SGD": loss, "Adam": 0.9}).items()}
    study = study_of(rate=rate, **losses)
    steps = -(-104 // size)
    trials = tuple(
        replace(one, curves=replace(one.curves, step=(steps, 2 * steps))) for one in study.trials
    )
    task = replace(study.task, batch_size=size, training_examples=104)
    return replace(study, task=task, trials=trials)


def test_a_line_in_logarithms_is_found_to_the_last_digit():
    found = batch_sizes([at(size, 0.01 * size**0.75) for size in (32, 8, 16)])
    assert found.sizes == (8, 16, 32)
    doubling = found.doubling["SGD"]
    np.testing.assert_allclose([doubling.mean, doubling.low, doubling.high], 2**0.75, rtol=1e-9)
    # Momentum 0.9, so what a rate amounts to is ten times as much.
    assert found.optimizers["SGD"][16].rate == pytest.approx(0.1 * 16**0.75)


def test_its_interval_is_that_of_the_slope():
    rates = {8: 0.01, 16: 0.03, 32: 0.04, 64: 0.1}
    found = batch_sizes([at(*one) for one in rates.items()]).doubling["SGD"]
    line = linregress(np.log2([*rates]), np.log2([*rates.values()]))
    reach = t.ppf(0.975, 2) * line.stderr
    expected = 2 ** np.array([line.slope, line.slope - reach, line.slope + reach])
    np.testing.assert_allclose([found.mean, found.low, found.high], expected, rtol=1e-9)


def test_rates_that_scatter_are_said_to_tell_nothing():
    rates = {8: 0.01, 16: 1.0, 32: 0.02}
    said = " ".join(sentences(batch_sizes([at(*one) for one in rates.items()])))
    assert "How SGD's and Adam's best rate moves with the batch, 3 sizes do not tell" in said
    assert "Doubling" not in said


def test_a_rate_that_nobody_searched_does_not_move():
    studies = [at(size, 0.01) for size in (8, 16, 32)]
    given = {
        "SGD": {"baseline": True, "fixed": {"learning_rate": 0.01}},
        "Adam": {"fixed": {"learning_rate": 0.001}},
    }
    for i, study in enumerate(studies):
        optimizers = {n: replace(study.optimizers[n], **more) for n, more in given.items()}
        studies[i] = replace(study, optimizers={**study.optimizers, **optimizers})
    assert not batch_sizes(studies).doubling


def test_two_sizes_give_a_slope_and_no_interval():
    found = batch_sizes([at(8, 0.01), at(16, 0.02)])
    assert found.doubling["SGD"].mean == pytest.approx(2)
    assert found.doubling["SGD"].low is None
    assert "of two sizes without an interval: SGD's by 2" in " ".join(sentences(found))


def test_the_best_size_and_how_far_the_others_are():
    other = NOISE[::-1]
    studies = [at(8, 0.1, 0.5), at(16, 0.1, 0.52, other), at(32, 0.1, 0.9, other)]
    found = batch_sizes(studies)
    assert found.best == 8
    gaps = np.array(found.behind[32].values)
    np.testing.assert_allclose(gaps, 0.4 + other - NOISE, rtol=1e-9)
    ends = ttest_rel(gaps, np.zeros(5)).confidence_interval(1 - 0.05 / 2)
    np.testing.assert_allclose([found.behind[32].low, found.behind[32].high], ends, rtol=1e-9)
    use, others, _ = sentences(found)
    assert use.startswith("Use batch_size=8 with SGD(learning_rate=0.1, momentum=0.9)")
    assert "32 is 80 % ± " in others
    assert "; 16 (4 % ± " in others
    assert others.endswith(" behind) cannot be told from it.")


def test_where_one_has_more_seeds_all_of_both_are_compared():
    """Of those in common the other one might be ahead, by which the best was not chosen."""
    few, many = at(8, 0.1, 0.5), at(16, 0.1, 0.5, np.array([0.02, 0.01, 0.0, 0.015, *[-0.05] * 5]))
    found = batch_sizes([few, many])
    values = [[t.curves.validation_loss[-1] for t in s.confirmed("SGD")] for s in (few, many)]
    expected = ttest_ind(*values, equal_var=False)
    ends = expected.confidence_interval(0.95)
    assert found.best == 16
    assert found.behind[8].mean == pytest.approx(np.mean(values[0]) - np.mean(values[1]))
    np.testing.assert_allclose([found.behind[8].low, found.behind[8].high], ends, rtol=1e-9)


def test_equal_steps_are_read_from_the_same_curves():
    found = batch_sizes([at(8, 0.1, 0.5), at(26, 0.1, 0.5)])
    assert found.steps == 8  # 104 / 26, two epochs
    assert found.optimizers["SGD"][26].after_steps.mean == pytest.approx(0.5)
    # At 8 the first evaluation comes after 13 steps.
    assert found.optimizers["SGD"][8].after_steps.mean is None
    found = batch_sizes([at(13, 0.1, 0.5), at(26, 0.1, 0.5)])
    assert found.optimizers["SGD"][13].after_steps.mean == pytest.approx(2.0)  # at its first epoch


@pytest.mark.parametrize(
    "others",
    [
        [],
        [at(8, 0.2)],
        [replace(at(16, 0.1), task=replace(at(16, 0.1).task, name="another"))],
        [replace(at(16, 0.1), task=replace(at(16, 0.1).task, epochs=9))],
        [replace(at(16, 0.1), settings=replace(at(16, 0.1).settings, decides="mae"))],
    ],
)
def test_studies_that_differ_in_more_or_in_nothing_are_none(others):
    assert batch_sizes([at(8, 0.1), *others]) is None


def test_all_that_is_told_of_them():
    found = batch_sizes([at(8, 0.1), at(16, 0.2, SGD=0.6, Adam=0.4), at(32, 0.3)])
    shown = text(found)
    assert "Use batch_size=16 with Adam(learning_rate=0.2, momentum=0.9)" in shown
    assert max(map(len, shown.splitlines())) <= 100
    title, *lines = table(found)
    assert len(lines) == 6
    assert {len(line) for line in lines} == {len(title)}
    assert [line[0] for line in lines if line[0]] == ["8", "16", "32"]
    assert markdown(found).startswith("# Several batch sizes\n\n**Use batch\\_size=16 with Adam")
    page = batch_sizes_page(found, links={8: "toy-batch-8/report.html"})
    assert 'id="figure-values"' in page
    assert 'id="figure-rates"' in page
    assert '<a href="toy-batch-8/report.html">Batch size 8: the whole report</a>' in page
    data = json.loads(json.dumps(to_dict(found)))
    assert data["best"] == 16
    assert data["sizes"]["16"]["recommended"] == "Adam"


def test_one_that_diverged_everywhere_is_said_and_not_best():
    lost = np.full(5, np.inf)
    found = batch_sizes([at(8, 0.1, SGD=0.5), at(16, 0.1, noise=lost, SGD=0.1)])
    assert found.best == 8
    assert found.seconds[16] != found.seconds[16]
    assert "diverged" in text(found)
