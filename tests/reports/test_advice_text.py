"""The advice: what to use first, then who is as good or behind, then what is open."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
from made import STUDY, study_of
from whole import whole_study, with_baseline, without

from steepest.measures.today import against, today
from steepest.measures.verdict import State, Status, judge
from steepest.records import Config, Outcome, Planned, Stage
from steepest.reports.advice_text import advice
from steepest.reports.board import board, state_word
from steepest.reports.config_text import brief, call
from steepest.reports.terminal import text
from steepest.rules import find_rule
from steepest.spaces import Float
from steepest.spaces import to_dict as range_of
from steepest.statistics import Estimate

NOISE = np.array([0.01, -0.02, 0.0, 0.015, -0.005])


def advised(study, where=None):
    return advice(study, judge(study), where)


def with_settings(study, **changes):
    return replace(study, settings=replace(study.settings, **changes))


def shifted(study, name, by):
    """Return the study with noise that differs from seed to seed in one's confirmed runs."""
    trials = []
    for one in study.trials:
        if one.optimizer == name and one.stage is Stage.CONFIRM:
            losses = tuple(v + by[one.config.seed - 1] for v in one.curves.validation_loss)
            one = replace(one, curves=replace(one.curves, validation_loss=losses))
        trials.append(one)
    return replace(study, trials=tuple(trials))


BASELINE = "baseline keras.optimizers.Adam(0.01)"


def test_what_to_use_comes_first_with_what_it_gains():
    first, second = advised(with_baseline(whole_study()))
    assert first == (
        "Use Adam(learning_rate=0.001): validation loss 0.355 ± 0.021, 36 % below your Adam(0.01)."
    )
    assert second == "SGD is 14 % behind; RMSprop is 42 % behind."
    compiled = advised(with_baseline(whole_study(), compiled=True))[0]
    assert "36 % below the Adam(0.01) that your model was compiled with." in compiled


def test_of_a_pytorch_module_the_names_are_those_of_torch_optim():
    study = whole_study()
    own = {name: replace(one, dialect="torch") for name, one in study.optimizers.items()}
    study = replace(study, task=replace(study.task, framework="torch"), optimizers=own)

    def said(rule, **given):
        values = {**find_rule(rule).settings("torch"), **given}
        return call(study, rule, Config(rule, "torch", values, "constant", 0), named=True)

    assert said("Adam", learning_rate=0.01) == "Adam(lr=0.01)"
    assert said("Adam", beta_2=0.98, epsilon=1e-6) == "Adam(lr=0.001, betas=(0.9, 0.98), eps=1e-6)"
    assert said("RMSprop", rho=0.9, momentum=0.5) == "RMSprop(lr=0.01, alpha=0.9, momentum=0.5)"
    assert said("SGD", momentum=0.9, clip_norm=1.0) == "SGD(lr=0.001, momentum=0.9, clip_norm=1)"


def test_all_that_is_no_default_is_in_the_call():
    study = with_baseline(whole_study(), epsilon=1e-3)
    assert "your Adam(0.01, epsilon=0.001)" in advised(study)[0]
    assert any("epsilon=0.001" in row[0] for row in board(study, judge(study)).rows)
    sgd = study.confirmed("SGD")[0].config
    assert call(study, "SGD", sgd) == "SGD(0.1, momentum=0.9)"
    assert call(study, "SGD", replace(sgd, schedule="cosine"), named=True) == (
        "SGD(learning_rate=0.1, momentum=0.9, schedule=cosine)"
    )
    assert brief(study, "SGD") == "SGD"


def test_what_is_used_today_is_kept_where_it_is_as_good():
    study = with_settings(with_baseline(whole_study(), rate=0.001), practical=0.03)
    verdict = judge(study)
    assert verdict.recommended == BASELINE
    first, second = advised(study)
    assert first == (
        "Keep your Adam(0.001), validation loss 0.355 ± 0.021: nothing was found that is better by "
        "more than 3 %."
    )
    assert second.startswith("Adam is as good; SGD is 14 % behind")
    assert "keras.optimizers" not in text(study, verdict)  # it is in the person's code already


def test_from_the_double_on_it_is_said_how_many_times_as_much():
    study = study_of(Adam=0.01 + NOISE / 10, SGD=0.26 + NOISE / 10, RMSprop=0.011 + NOISE / 9)
    second = advised(study)[1]
    assert "SGD's is 26 times as high" in second
    study = study_of(Adam=[0.01], SGD=[0.26], RMSprop=[0.011])
    second = advised(study)[1]  # each by itself, as the nearer one is not as far off
    assert second == "RMSprop (10 % behind) and SGD (26 times as high) are not decided yet."
    study = study_of(Adam=[0.01], Nadam=[0.02], Adamax=[0.011], SGD=[0.26], RMSprop=[0.011])
    assert "not decided yet (at most 26 times as high)" in advised(study)[1]


def test_who_was_left_with_fewer_seeds_is_behind_on_those():
    """As its mean in the table, of its own seeds, may be the lower one."""
    study = study_of(SGD=2.0 + 5 * NOISE, Adam=[1.9, 1.8])
    verdict = judge(study)
    standings = {n: replace(s, state=State.BEHIND) for n, s in verdict.standings.items()}
    standings["SGD"] = verdict.standings["SGD"]
    verdict = replace(verdict, leader="SGD", recommended="SGD", standings=standings)
    behind = Estimate(0.03, 0.01, 0.05, ())
    standings["Adam"] = replace(standings["Adam"], behind=behind, relative=behind)
    assert "Adam is 3 % ± 2 % behind (2 seeds)" in " ".join(advice(study, verdict))


def test_a_gain_that_is_not_clear_is_said_to_be_so():
    study = with_baseline(whole_study(), rate=0.001)
    study = shifted(study, BASELINE, (0.05, -0.02, 0.03, -0.04))
    found = advised(study)
    assert ", not clearly better than your Adam(0.001): 1 % ± " in found[0]
    assert judge(study).status is Status.OPEN


def test_a_baseline_that_is_lost_is_named():
    study = with_baseline(whole_study())
    trials = tuple(
        replace(t, outcome=Outcome.DIVERGED)
        if t.optimizer == BASELINE and t.config.seed == 2
        else t
        for t in study.trials
    )
    first = advised(replace(study, trials=trials))[0]
    assert first.endswith("0.355 ± 0.021; your Adam(0.01) diverged on 1 of 4 seeds.")


def test_a_metric_that_goes_up_is_above():
    study = with_settings(with_baseline(whole_study()), decides="accuracy", maximize=True)
    assert "validation accuracy 0.8818 ± 0.0068, 0.0667 above your Adam(0.01)." in advised(study)[0]
    cells = dict(
        zip(board(study, judge(study)).titles, board(study, judge(study)).rows[0], strict=1)
    )
    assert cells["against yours"] == "0.0667 better"


RATE = {"learning_rate": range_of(Float(1e-4, 0.11, log=True))}
OPEN = study_of(SGD=1.0 + NOISE, Adam=1.02 + NOISE[::-1])


def test_what_would_decide_is_said_as_it_was_asked(tmp_path):
    assert advised(OPEN)[-1].endswith(" may settle Adam against SGD: the same call with seeds=60")
    typed = replace(OPEN, asked={"tasks": ["digits"], "seeds": 5})
    last = advised(typed, tmp_path)[-1]
    assert last.startswith("The limit of 5 seeds is reached: 55 more seeds (about ")
    assert last.endswith(f": steepest resume {tmp_path} --seeds 60")
    own = replace(OPEN, asked={"tasks": ["my_task.py"]})
    assert advised(own, "runs/a b")[-1].endswith(
        ": steepest resume 'runs/a b' my_task.py --seeds 60"
    )
    several = replace(OPEN, asked={"tasks": ["digits", "text"]})
    assert advised(several, tmp_path)[-1].endswith(": the same command with --seeds 60")
    python = replace(OPEN, asked={"tasks": [], "seeds": 5})
    assert advised(python, tmp_path)[-1].endswith(": the same call with seeds=60")


def test_who_takes_many_more_seeds_is_told_apart(tmp_path):
    three = study_of(SGD=1.0 + NOISE, Adam=1.03 + NOISE[::-1], RMSprop=1.016 + NOISE[::-1])
    text = advised(three)[-1]
    assert re.fullmatch(
        r"The limit .*: (\d+) more seeds \(about .* of training\) may settle Adam against SGD, "
        r"(\d+) more \(about .*\) RMSprop: the same call with seeds=(\d+) or seeds=(\d+)",
        text,
    )
    first, second, asked, or_asked = map(int, re.findall(r"\b(\d+)(?= more| or |$)", text))
    assert (asked, or_asked) == (5 + first, 5 + second)
    typed = replace(three, asked={"tasks": ["digits"]})
    assert advised(typed, tmp_path)[-1].endswith(f"--seeds {asked} or --seeds {or_asked}")
    never = study_of(SGD=1.0 + NOISE, Adam=1.03 + NOISE[::-1], RMSprop=1.008 + NOISE[::-1])
    assert "; RMSprop would take more than 280 in all: the same call" in advised(never)[-1]


def test_the_limit_that_stopped_the_seeds_is_named():
    spent = with_settings(OPEN, seeds=10, full_trainings=11.0)
    assert "The budget of 11 full trainings is used: " in advised(spent)[-1]
    assert advised(with_settings(OPEN, seeds=10))[-1].startswith("55 more seeds")
    one = study_of(SGD=[1.0], Adam=[0.5])
    assert advised(one)[-1] == (
        "One seed says nothing of chance, so nothing is decided yet; for 4 more seeds (about 4 s "
        "of training): the same call with seeds=5"
    )


def test_sgd_in_other_words_wins_nothing():
    study = study_of(SGD=1.0 + NOISE, Adam=0.8 + NOISE)
    trials = []
    for one in study.trials:
        values = dict(one.config.hyperparameters)
        if one.optimizer == "Adam":
            values["epsilon"] = 1e3
        trials.append(replace(one, config=replace(one.config, hyperparameters=values)))
    study = replace(study, trials=tuple(trials))
    verdict = judge(study)
    assert (verdict.leader, verdict.recommended) == ("SGD", "SGD")
    assert "Adam" not in verdict.tied_with
    words = "nothing better than SGD in other words"
    assert state_word(study, verdict, verdict.standings["Adam"]) == words
    assert f"Adam found {words}." in advised(study)
    assert any("epsilon=1000" in row[0] for row in board(study, verdict).rows)


@pytest.mark.parametrize("confirmed", [True, False])
def test_an_unfinished_study_names_one_best_everywhere(confirmed):
    study = whole_study() if confirmed else without(whole_study(), Stage.CONFIRM)
    study = replace(study, finished=False)
    verdict = judge(study)
    found = board(study, verdict)
    assert found.names[0] == "Adam"
    assert found.rows[0][-1] == "best so far"
    assert [row[-1] for row in found.rows].count("best so far") == 1
    assert "est so far" in advised(study)[0]
    assert "Adam(" in advised(study)[0]


def test_states_are_words():
    study = study_of(SGD=1.0 + NOISE, Adam=1.001 + NOISE, RMSprop=2.0 + NOISE, Lion=[math.inf] * 5)
    study = with_settings(study, practical=0.03)
    verdict = judge(study)
    words = {n: state_word(study, verdict, s) for n, s in verdict.standings.items()}
    assert words == {
        "SGD": "best",
        "Adam": "as good",
        "RMSprop": "behind",
        "Lion": "diverged 5/5",
    }
    assert (
        advised(study)[1]
        == "Adam is as good; RMSprop is 100 % behind; Lion diverged on 5 of 5 seeds."
    )
    assert state_word(OPEN, judge(OPEN), judge(OPEN).standings["Adam"]) == "not decided"


def test_without_a_verdict_the_sentence_says_why():
    assert "no verdict" in advised(STUDY)[0]
    assert len(advised(STUDY)) == 1


def test_any_contestant_is_compared_with_today_s_on_the_same_seeds():
    study = with_baseline(whole_study())
    verdict = judge(study)
    assert against(study, verdict, BASELINE) is None
    beside = against(study, verdict, "SGD")
    assert beside.relative.mean == pytest.approx(0.27, abs=0.01)
    assert beside.clear
    assert today(study, verdict).gain.mean == pytest.approx(0.2)
    assert today(whole_study(), judge(whole_study())) is None


def test_a_cure_is_written_as_it_was_asked():
    study = study_of(SGD=[math.inf] * 3)
    assert "clip gradients (--recipe clip_norm=1)" in advised(study)[0]
    python = replace(study, asked={"tasks": [], "seeds": 3})
    assert "clip gradients (recipe='clip_norm=1')" in advised(python)[0]


def test_of_few_seeds_their_number_is_said_beside_the_interval():
    study = study_of(SGD=1.0 + NOISE[:2], Adam=1.1 + NOISE[1:3])
    assert "validation loss 0.99 ± 0.19 on 2 seeds" in advised(study)[0]
    assert "seeds" not in advised(study_of(SGD=1.0 + NOISE, Adam=2.0 + NOISE))[0]


def test_a_distance_that_may_be_anything_is_not_told():
    study = study_of(SGD=1.0 + NOISE, Adam=1.1 + 100 * NOISE[::-1], RMSprop=1.3 + 20 * NOISE)
    assert advised(study)[1] == (
        "Adam (5 seeds cannot tell how far it is behind) and RMSprop (30 % ± 34 % behind) are not "
        "decided yet."
    )
    study = study_of(SGD=1.0 + NOISE, Adam=1.1 + 100 * NOISE[::-1])
    assert advised(study)[1] == (
        "Adam is not decided yet (5 seeds cannot tell how far it is behind)."
    )


def test_what_a_small_search_found_is_not_the_optimizer():
    study = study_of(space=RATE, SGD=1.0 + NOISE, Adam=2.0 + NOISE[::-1])
    small = replace(study, planned=Planned(5.5, 26.0, 1.0))
    said = "Each search had 5.5 trainings: behind is what it found, and a larger budget may find"
    assert any(one.startswith(said) for one in advised(small))
    for other in (
        replace(study, planned=Planned(12.0, 60.0, 1.0)),
        replace(small, finished=False),
        replace(OPEN, planned=Planned(5.5, 26.0, 1.0)),
        study_of(SGD=1.0 + NOISE, Adam=2.0 + NOISE),  # nothing was searched
    ):
        assert not any("Each search had" in one for one in advised(other))


def test_of_one_seed_no_number_is_foretold():
    study = with_settings(study_of(SGD=1.0 + NOISE, Adam=[2.7], RMSprop=[2.8]), seeds=10)
    last = advised(study)[-1]
    assert last == (
        "Adam and RMSprop have one seed, which says nothing of chance: the same call with seeds=5"
    )
    mixed = with_settings(study_of(SGD=1.0 + NOISE, Adam=1.03 + NOISE[::-1], Lion=[2.8]), seeds=10)
    assert " may settle Adam against SGD; Lion has one seed alone: " in advised(mixed)[-1]


def test_a_few_seeds_foretell_with_less_certainty():
    study = study_of(SGD=1.0 + NOISE[:3], Adam=1.3 + 20 * NOISE[2:])
    last = advised(with_settings(study, seeds=280))[-1]
    assert " may settle Adam against SGD: " in last
