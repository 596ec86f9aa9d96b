"""What a colleague would add, and that noise alone makes nobody speak."""

from dataclasses import replace

import numpy as np
import pytest
from made import confirmed, study_of
from scipy import stats

from steepest.measures.advice import better_rate, length, seeds_to_decide
from steepest.measures.verdict import Status, judge
from steepest.records import Curves, Outcome, Stage
from steepest.reports.advice import loud, warnings
from steepest.reports.advice_text import advice
from steepest.spaces import Float, to_dict

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])
EPOCHS = np.arange(1, 31)


def with_curves(curves, **changes):
    """Return a study of SGD whose confirmed runs have these curves [seeds, epochs]."""
    study = study_of(SGD=curves[:, -1])
    epochs = curves.shape[1]
    trials = tuple(
        replace(
            confirmed(i, "SGD", i + 1, float(curve[-1])),
            curves=Curves(
                tuple(range(1, epochs + 1)),
                tuple(range(1, epochs + 1)),
                (1.0,) * epochs,
                tuple(curve.tolist()),
                {"mae": tuple((-curve).tolist())},
            ),
        )
        for i, curve in enumerate(curves)
    )
    return replace(
        study,
        task=replace(study.task, epochs=epochs),
        settings=replace(study.settings, **changes),
        trials=trials,
    )


def told(curves, **changes):
    study = with_curves(curves, **changes)
    return length(study, judge(study).standings["SGD"])


def noisy(random, mean, seeds=5, noise=0.03):
    return mean * (1 + noise * random.normal(size=(seeds, len(mean))))


def test_still_improving():
    random = np.random.default_rng(0)
    found = told(noisy(random, 3 / (1 + 0.1 * EPOCHS), noise=0.01))
    assert found.longer == pytest.approx(0.13, abs=0.06)  # 3/4.6 after a fifth more is 13 % less
    assert found.shorter is None
    study = with_curves(noisy(random, 3 / (1 + 0.1 * EPOCHS), noise=0.01))
    said = "".join(warnings(study, judge(study)))
    assert "was still improving at the last epoch: train longer; a fifth more epochs would" in said
    trials = [replace(t, config=replace(t.config, schedule="cosine")) for t in study.trials]
    study = replace(study, trials=tuple(trials))  # another length would be another schedule
    said = "".join(warnings(study, judge(study)))
    assert "train longer; its rate would fall over all of them" in said


def test_no_line_is_continued_to_where_nothing_is_left():
    """A fifth more epochs gain no 300 %."""
    random = np.random.default_rng(0)
    study = with_curves(noisy(random, 1.02 - EPOCHS / EPOCHS[-1], noise=0.01))
    assert length(study, judge(study).standings["SGD"]).longer > 1
    found = "".join(warnings(study, judge(study)))
    assert "train longer; its validation loss changes too fast to tell how much" in found


def test_a_metric_that_decides_is_turned_the_right_way():
    random = np.random.default_rng(0)
    curves = noisy(random, 3 / (1 + 0.1 * EPOCHS), noise=0.01)
    assert told(curves, decides="mae", maximize=True).longer is not None
    assert told(curves, decides="mae").longer is None


def test_over_fitting():
    random = np.random.default_rng(1)
    found = told(noisy(random, 1 + (EPOCHS - 10) ** 2 / 400))
    assert found.longer is None
    assert found.shorter == pytest.approx(0.5, abs=0.1)
    assert abs(found.epoch - 10) <= 6
    assert told(noisy(random, 1 + (EPOCHS - 10) ** 2 / 400), at="best").shorter is None


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("noise", [0.02, 0.2])
def test_noise_alone_says_nothing(seeds, noise):
    """Flat and settled curves: of each advice at most 2.5 % of studies, here both together."""
    random = np.random.default_rng(2)
    count, alarms = 300, 0
    for mean in (np.ones(30), 1 + np.exp(-EPOCHS.astype(float))):
        for _ in range(count // 2):
            found = told(noisy(random, mean, seeds, noise))
            alarms += found.longer is not None or found.shorter is not None
    assert alarms / count <= 0.05 + 3 * (0.05 * 0.95 / count) ** 0.5


def test_one_seed_or_a_few_epochs_say_nothing():
    assert told((3 / EPOCHS)[None]).longer is None
    assert told(np.array([[3.0, 2.0, 1.0]] * 3)).longer is None


def needed(ahead, **changes):
    """Return how many seeds would decide between two that are apart by so much, of 1."""
    study = study_of(SGD=1.0 + NOISE, Adam=1.0 + ahead + NOISE[::-1])
    study = replace(study, settings=replace(study.settings, **changes))
    verdict = judge(study)
    assert verdict.status is Status.OPEN
    (count,) = seeds_to_decide(study, verdict).values()
    return count, " ".join(advice(study, verdict))


def test_seeds_to_decide():
    """They are those of a look, and are told with what they take; one way or the other."""
    assert needed(0.03)[0] < needed(0.02)[0] == 60
    assert "55 more seeds (about 55 s of training) may settle Adam against SGD" in needed(0.02)[1]
    assert needed(0.008)[0] is None
    assert "would take more than 280 seeds" in needed(0.008)[1]
    assert needed(0.0, practical=0.03)[0] <= needed(0.008, practical=0.03)[0] == 60  # as good
    # What is behind by about as much as matters takes the longest.
    assert needed(0.03, practical=0.03)[0] == 190 > needed(0.034, practical=0.03)[0]


def test_a_clear_winner_has_no_notes():
    won = study_of(SGD=1.0 + NOISE, Adam=2.0 + NOISE)
    assert warnings(won, judge(won)) == []


def test_a_careful_colleague():
    ranges = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    study = study_of(SGD=[0.9], Adam=[0.8], rate=0.99, space=ranges)
    study = replace(study, task=replace(study.task, notes=("a note of the task",)))
    found = warnings(study, judge(study))
    assert found[0] == "a note of the task"
    assert "One seed says nothing" in "".join(advice(study, judge(study)))
    assert "SGD's best learning rate, 0.99, lies at the edge of what was tried" in "".join(found)
    assert "lies at the edge" not in "".join(loud(study, judge(study)))
    given = {name: replace(o, given=("learning_rate",)) for name, o in study.optimizers.items()}
    study = replace(study, optimizers=given)
    assert "of the range that you gave" in "".join(loud(study, judge(study)))
    study = study_of(SGD=[0.5, np.inf, 0.5, np.inf, 0.5], Adam=0.5 + NOISE)
    assert "2 of SGD's 5 seeds diverged: its best learning rate is at the edge of stability" in (
        "".join(warnings(study, judge(study)))
    )


def swept(gains):
    """Return a study of SGD at 1, whose sweep was better by `gains` {rate: a seed each}."""
    study = study_of(SGD=[1.0, 1.01, 0.99, 1.0])
    trials = list(study.trials)
    for rate, each in gains.items():
        for own, gain in zip(study.trials, each, strict=False):
            loss = own.curves.validation_loss[-1] - gain
            one = confirmed(len(trials), "SGD", own.config.seed, loss, rate=rate)
            trials.append(replace(one, stage=Stage.SWEEP))
    return replace(study, trials=tuple(trials))


def better(study):
    return better_rate(study, judge(study).standings["SGD"])


GAINS = [0.10, 0.11, 0.10, 0.12]


def test_a_better_rate_of_the_sweep_is_told_with_a_corrected_interval():
    study = swept({0.05: [0.01, -0.02, 0.0, 0.01], 0.2: GAINS})
    found = better(study)
    assert found.rate == 0.2
    assert found.gain.mean == pytest.approx(np.mean(GAINS))
    reach = stats.t.ppf(1 - 0.025 / 2, 3) * np.std(GAINS, ddof=1) / 2  # two rates, four seeds
    assert found.gain.half_width == pytest.approx(reach)
    said = "".join(warnings(study, judge(study)))
    assert "in the sweep a learning rate of 0.2 was 10.7 % ± 2.0 % better than SGD's best" in said


def test_nothing_is_said_of_a_rate_that_chance_made_better():
    barely = [0.02, 0.10, 0.10, 0.06]  # passes one test, but not one of eight
    assert better(swept({0.2: barely})) is not None
    many = {0.2: barely} | {0.3 + 0.1 * i: [-0.1, 0.1, 0.0, 0.0] for i in range(7)}
    assert better(swept(many)) is None
    assert better(swept({0.2: [0.001] * 4})) is None  # less than what matters
    assert better(swept({0.2: [0.5]})) is None  # one seed
    assert better(swept({})) is None
    lost = swept({0.2: GAINS})
    last = replace(lost.trials[-1], outcome=Outcome.DIVERGED)
    assert better(replace(lost, trials=(*lost.trials[:-1], last))) is None


def test_a_better_rate_where_larger_is_better():
    study = swept({0.2: GAINS})  # their mae is 1 − loss, so it rises by as much
    up = replace(study, settings=replace(study.settings, decides="mae", maximize=True))
    assert better(up).gain.mean == pytest.approx(np.mean(GAINS))
    assert better(up).relative is None
    down = replace(study, settings=replace(study.settings, decides="mae"))
    assert better(down) is None


@pytest.mark.parametrize(("noise", "said"), [(0.1, False), (0.6, True)])
def test_a_result_that_changes_with_the_seed_is_told(noise, said):
    ends = 1 + noise * np.array([-1.0, 1.0, 0.0, -0.7, 0.7])
    study = study_of(SGD=ends.tolist(), Adam=(3 + ends).tolist())
    found = [one for one in warnings(study, judge(study)) if "from seed to seed" in one]
    assert bool(found) == said
    if said:
        deviation = f"{100 * np.std(ends, ddof=1):.0f} %"
        assert f"SGD's result changes by {deviation} of its mean" in found[0]


@pytest.mark.parametrize(
    ("rates", "said"), [(1, "1 learning rate was"), (4, "4 learning rates were"), (5, None)]
)
def test_too_few_learning_rates_are_told(rates, said):
    study = study_of(SGD=[1.0, 1.01, 0.99], Adam=[2.0, 2.01, 1.99])
    space = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    tried = [
        replace(one, stage=Stage.SEARCH, config=replace(one.config, hyperparameters=values))
        for i in range(rates)
        for one in [confirmed(90 + i, "SGD", 0, 1.0)]
        for values in [{**one.config.hyperparameters, "learning_rate": 0.1 * 2**i}]
    ]
    study = replace(
        study,
        settings=replace(study.settings, search=5.0),
        optimizers={
            name: replace(one, space=space if name == "SGD" else {}, given=())
            for name, one in study.optimizers.items()
        },
        trials=(*study.trials, *tried),
    )
    found = [one for one in loud(study, judge(study)) if "are the least" in one]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


@pytest.mark.parametrize(
    ("defaults", "said"),
    [
        ([0.80, 0.83, 0.78], "by 20 % ± 1 % on 3 seeds"),
        ([0.5, 1.5, 0.4], None),  # better by chance
        ([0.99, 1.01, 0.97], None),  # by less than what matters
        ([1.5, 1.6, 1.4], None),
        ([0.8], None),  # one seed says nothing of chance
    ],
)
def test_defaults_that_did_better_than_what_the_search_found_are_told(defaults, said):
    study = study_of(SGD=[1.0, 1.02, 0.98], Adam=[2.0, 2.01, 1.99])
    space = {"learning_rate": to_dict(Float(1e-3, 1.0, log=True))}
    usual = [
        replace(confirmed(90 + i, "SGD", seed, loss), stage=Stage.DEFAULT)
        for i, loss in enumerate(defaults)
        for seed in [study.confirmed("SGD")[i].config.seed]
    ]
    study = replace(
        study,
        settings=replace(study.settings, practical=0.03),
        optimizers={n: replace(one, space=space) for n, one in study.optimizers.items()},
        trials=(*study.trials, *usual),
    )
    found = [one for one in loud(study, judge(study)) if "defaults did better" in one]
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_few_validation_examples_are_told():
    """All seeds have the same ones, so intervals over seeds say nothing of others."""
    study = study_of(SGD=1.0 + NOISE, Adam=2.0 + NOISE)
    few = replace(study, task=replace(study.task, validation_examples=20))
    (note,) = loud(few, judge(few))
    assert note.startswith("all seeds have the same 20 validation examples, so ± says nothing of")
    assert not loud(study, judge(study))


def test_a_test_set_that_says_the_opposite_is_told():
    study = study_of(SGD=1.0 + NOISE, Adam=1.2 + NOISE[::-1])

    def tested(of):
        some = tuple(replace(t, test={"loss": of[t.optimizer] + t.config.seed / 1e3})
                     for t in study.trials)  # fmt: skip
        return replace(study, trials=some)

    other = tested({"SGD": 0.7, "Adam": 0.6})
    (note,) = loud(other, judge(other))
    assert note.startswith("on the test set Adam is better than SGD, loss 0.603")
    alike = tested({"SGD": 0.6, "Adam": 0.7})
    assert not loud(alike, judge(alike))


def test_a_mean_that_a_few_runs_make_is_said_to_be_so():
    usual = [0.1, 0.11, 0.09, 0.1, 0.12, 0.1, 0.11, 0.1, 0.09, 0.1]
    study = study_of(A=[*usual, 0.1], B=[*usual[:9], 2.0, 3.0])
    said = [one for one in warnings(study, judge(study)) if "median" in one]
    assert said == [
        "2 of B's 11 runs ended at more than 3 times their median validation loss of 0.1, which "
        "makes their mean: lower learning rates, a warm-up or clipping may spare you these"
    ]
    assert not [one for one in warnings(study, judge(study)) if "from seed to seed" in one]
    many = study_of(A=usual, B=[*usual[:5], 2.0, 3.0, 2.0, 3.0, 2.5])  # no few
    assert not [one for one in warnings(many, judge(many)) if "median" in one]
