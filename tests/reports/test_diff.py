"""What differs between two studies is found, and blamed on what comes first."""

import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pytest
from made import STUDY, study_of

from steepest import storage
from steepest.records import ContestantRecord, Outcome, Parameter, Stage
from steepest.reports.diff.diff import differences, unnumbered
from steepest.reports.diff.results import alike
from steepest.reports.diff.text import one_line, sentence, text, to_dict, value_text
from steepest.reports.json import dumps

DATA = Path(__file__).parents[1] / "formats"
LOSSES = {"SGD": [1.0, 1.1, 0.9], "Adam": [0.5, 0.6, 0.4]}


def study(**changes):
    return replace(study_of(**LOSSES), **changes)


def with_task(one, **changes):
    return replace(one, task=replace(one.task, **changes))


def with_settings(one, **changes):
    return replace(one, settings=replace(one.settings, **changes))


def with_trial(one, number, **changes):
    trials = list(one.trials)
    trials[number] = replace(trials[number], **changes)
    return replace(one, trials=tuple(trials))


def with_loss(one, number, epoch, loss):
    """Return a study with another validation loss of one trial at one epoch."""
    curves = one.trials[number].curves
    values = list(curves.validation_loss)
    values[epoch - 1] = loss
    return with_trial(one, number, curves=replace(curves, validation_loss=tuple(values)))


OTHER = with_loss(study(), 2, 1, 2.0 * (1 + 1e-7))  # the same but for one number


def said(old, new):
    return sentence(differences(old, new))


def told(changes):
    return [(change.what, change.old, change.new) for change in changes]


def test_times_and_the_place_do_not_count():
    new = replace(
        study(),
        seconds=999.0,
        compile_seconds=5.0,
        started="2027-01-01T00:00:00+00:00",
        update_seconds={"SGD": (1.0,)},
        asked={"task": "elsewhere.py"},
        trials=tuple(replace(trial, seconds=7.0) for trial in study().trials),
    )
    found = differences(study(), new)
    assert found.same
    assert sentence(found) == "The same in all but times."
    assert text(found, "a", "b") == sentence(found)


def test_the_time_in_the_sentence_of_an_unfinished_study_does_not_count():
    assert differences(study(finished=False), study(finished=False, seconds=500.0)).same


def test_nan_equals_nan_and_infinity_itself():
    for value in (math.nan, math.inf, -math.inf):
        one = with_loss(study(), 1, 2, value)
        assert differences(one, with_loss(study(), 1, 2, value)).same
        assert not differences(one, study()).same
    place = differences(with_loss(study(), 1, 2, math.nan), study()).results.largest
    assert place.change.relative == math.inf
    assert "one alone is finite" in text(
        differences(with_loss(study(), 1, 2, math.nan), study()), "a", "b"
    )


def test_what_is_alike():
    for a, b in ((1, 1.0), ([1, (2,)], (1, [2])), ({"a": math.nan}, {"a": math.nan}), (None, None)):
        assert alike(a, b), (a, b)
    for a, b in ((True, 1), (0.0, False), ([1], [1, 2]), ({"a": 1}, {"b": 1}), ("1", 1), (0, None)):
        assert not alike(a, b), (a, b)


def test_the_first_place_and_the_largest_are_found():
    new = with_loss(OTHER, 4, 2, 1.0)
    assert "No other number differs by more." in text(differences(study(), OTHER), "a", "b")
    found = differences(study(), new).results
    assert (found.pairs, found.curves, found.configs) == (6, 2, 0)
    first, largest = found.first_curve, found.largest
    assert (first.numbers, first.epoch, first.change.what) == ((2, 2), 1, "validation loss")
    assert first.change.relative == pytest.approx(1e-7, rel=1e-6)
    assert (largest.numbers, largest.epoch) == ((4, 4), 2)
    assert largest.change.relative == pytest.approx(0.4)  # 0.6 and 1.0, by the larger
    assert "trial 2, SGD, confirm, epoch 1: validation loss 2 → 2.0000002 (by 1.0e-07 of it)" in (
        " ".join(text(differences(study(), new), "a", "b").split())
    )


def test_what_ends_a_training_counts_too():
    number = study().trials[0].test
    found = differences(study(), with_trial(study(), 0, test={**number, "mae": 0.3})).results
    assert (found.first_curve.change.what, found.first_curve.epoch) == ("mae on the test set", None)
    found = differences(study(initial={"loss": 1.0}), study(initial={"loss": 2.0})).results
    assert found.numbers
    assert not found.same
    # Where one has no sweep there is nothing to compare.
    assert differences(study(initial={"loss": 1.0}), study()).same


def test_a_configuration_that_differs_is_told_and_its_curve_is_not():
    config = study().trials[3].config
    other = replace(
        config, hyperparameters={**config.hyperparameters, "learning_rate": 0.1 + 1e-12}
    )
    found = differences(study(), with_loss(with_trial(study(), 3, config=other), 3, 2, 9.0)).results
    assert (found.configs, found.curves) == (1, 0)
    assert found.first_config.numbers == (3, 3)
    assert found.first_config.change.what == "learning_rate"
    assert 0 < found.first_config.change.relative < 1e-10
    words = " ".join(
        text(differences(study(), with_trial(study(), 3, config=other)), "a", "b").split()
    )
    assert "learning_rate 0.1 → 0.10000000000100" in words  # all digits


def test_trials_are_matched_by_optimizer_and_not_by_number():
    new = study_of(RMSprop=[3.0, 3.1, 3.2], **LOSSES)
    found = differences(study(), new)
    assert told(found.question) == [("optimizer RMSprop", None, "takes part")]
    assert (found.results.pairs, found.results.only) == (6, (0, 3))
    assert not found.results.numbers
    assert "The 6 trials that both have are the same." in text(found, "a", "b")
    assert "Only the second study has 3 more trials." in text(found, "a", "b")


def test_trials_are_matched_within_their_stage():
    found = [replace(study().trials[0], number=n, stage=Stage.SEARCH) for n in (-2, -1)]
    old, new = (study(trials=(*found[:n], *study().trials)) for n in (1, 2))
    assert differences(old, new).results.only == (0, 1)
    assert differences(old, new).results.pairs == 7
    assert not differences(old, new).results.numbers


def test_a_metric_that_one_alone_has_is_a_matter_of_the_task():
    trials = tuple(
        replace(t, curves=replace(t.curves, metrics={}), test=None) for t in study().trials
    )
    new = with_task(study(trials=trials), metrics=())
    found = differences(study(), new)
    assert told(found.task) == [("metrics", ["mae"], [])]
    assert (found.results.curves, found.results.further) == (0, 6)


def test_a_pair_is_counted_once():
    found = differences(study(), with_trial(OTHER, 2, test=None, outcome=Outcome.DIVERGED)).results
    assert (found.configs, found.curves, found.further) == (0, 1, 0)


# Each reason with a change that shows it, the first first; `hides` those below it.
CAUSES = [
    ("question", lambda s: with_settings(s, seed=1), "because what was asked differs: seed 0 → 1"),
    ("task", lambda s: with_task(s, training_examples=99), "training examples 100 → 99"),
    ("versions", lambda s: replace(s, versions={"steepest": "0.2"}), "steepest 0.1 → 0.2"),
    ("hardware", lambda s: replace(s, hardware={"cores": "4"}), "cores 2 → 4"),
    (
        "resumed",
        lambda s: replace(s, resumed=("2027: went on, with jax 9",)),
        "2027: went on, with jax 9",
    ),
]


@pytest.mark.parametrize(("name", "change", "words"), CAUSES)
def test_each_reason_is_named(name, change, words):
    found = differences(study(), change(OTHER))
    assert found.reasons == (name,)
    assert words in sentence(found)
    assert sentence(found).startswith("The results differ, ")
    assert to_dict(found)["reason"] == name


@pytest.mark.parametrize("first", range(len(CAUSES)))
def test_reasons_are_ranked(first):
    new = OTHER
    for _, change, _ in reversed(CAUSES[first:]):
        new = change(new)
    found = differences(study(), new)
    assert found.reasons == tuple(name for name, _, _ in CAUSES[first:])
    assert CAUSES[first][2] in sentence(found)
    assert ("; see also " in sentence(found)) == (first < 3)  # that one was resumed goes unsaid


@pytest.mark.parametrize(("name", "change", "words"), CAUSES)
def test_what_did_no_harm_is_told_as_such(name, change, words):
    found = differences(study(), change(study()))
    if name == "resumed":  # resuming changes nothing, so it is no difference
        assert found.same
        assert sentence(found) == (
            "The same in all but times; the second went on after a stop 1 time."
        )
    else:
        assert not found.same
        assert found.results.same
        assert sentence(found).startswith("The results are the same to the last bit, but not ")
        assert to_dict(found)["reason"] is None


def test_nothing_recorded_explains_it():
    known = [
        with_task(replace(s, hardware={"members": "side by side"}), fingerprint={"model": "1"})
        for s in (study(), OTHER)
    ]
    assert said(*known) == "The results differ, and nothing that is recorded explains it."
    assert said(study(), OTHER) == (
        "The results differ, and nothing that is recorded explains it; but neither study records "
        "whether model and data are the same."
    )
    noted = [with_task(one, notes=("the data is a stream",)) for one in known]
    assert said(*noted).endswith("explains it; but both have the note: the data is a stream.")


def test_how_members_were_trained_is_a_reason_of_last_bits():
    old, new = (
        replace(s, hardware={"cores": "2", "members": way})
        for s, way in ((study(), "side by side"), (OTHER, "one after another"))
    )
    assert said(old, new) == (
        "The results differ, and the likeliest reason is the hardware or how it was used: members "
        "side by side → one after another, which changes the last bits."
    )
    # A file that does not say differs in nothing that is known.
    assert differences(study(), replace(study(), hardware=dict(new.hardware))).same
    found = differences(study(), replace(study(), hardware={"cores": "2", "memory": "4 GB"}))
    assert told(found.hardware) == [("memory", None, "4 GB")]


def test_mixed_kinds_of_workers_are_a_reason():
    """Which kind trained which trial, or which epochs of one, is nobody's choice."""
    old, new = (
        replace(s, hardware={"kinds of workers": "any"}, trained_on=on)
        for s, on in (
            (study(), {"card A": (0, 1, 2, 5), "card B": (3,)}),
            (OTHER, {"card A": (0,), "card B": (1, 2, 3, 5)}),
        )
    )
    assert said(old, new) == (
        "The results differ, and the likeliest reason is the hardware or how it was used: trials "
        "by kind of worker card A: 0 to 2, 5; card B: 3 → card A: 0; card B: 1 to 3, 5."
    )
    both = {"card A": (0, 1), "card B": (1, 2)}
    old, new = (replace(one, trained_on=both) for one in (old, new))
    assert differences(old, new).unknown[0].startswith("neither study records which epochs")
    alone = [replace(one, trained_on={"card A": (0, 1), "card B": (2,)}) for one in (old, new)]
    assert not any("kind of worker" in one for one in differences(*alone).unknown)


def test_a_limit_of_time_is_a_reason_for_other_configurations_alone():
    config = study().trials[3].config
    config = replace(config, hyperparameters={**config.hyperparameters, "learning_rate": 0.2})
    old, new = (
        with_settings(one, seconds=60.0) for one in (study(), with_trial(study(), 3, config=config))
    )
    assert "the limit of 60 s, as how much is trained under it depends on the clock" in said(
        old, new
    )
    assert differences(old, with_settings(study(), seconds=60.0)).same
    assert differences(old, with_settings(OTHER, seconds=60.0)).reasons == ()
    assert differences(old, with_settings(new, seconds=None)).reasons == ("question",)


def test_where_a_study_stopped_is_no_reason_for_a_number():
    found = differences(study(), replace(OTHER, stopped="the limit"))
    assert found.reasons == ()
    assert sentence(found).startswith(
        "The results differ, and nothing that is recorded explains it"
    )
    assert sentence(differences(study(), study(stopped="the limit"))) == (
        "The results are the same to the last bit, but not where they stopped: stopped nothing → "
        "the limit."
    )


def test_a_study_that_was_cut_short_is_the_beginning_of_the_other():
    trials = list(study().trials[:4])
    curves = trials[3].curves
    trials[3] = replace(
        trials[3],
        outcome=Outcome.UNFINISHED,
        test=None,
        curves=replace(
            curves,
            **{
                n: getattr(curves, n)[:1]
                for n in ("epoch", "step", "training_loss", "validation_loss")
            },
            metrics={"mae": curves.metrics["mae"][:1]},
        ),
    )
    cut = study(finished=False, trials=tuple(trials))
    found = differences(cut, study())
    assert sentence(found) == (
        "One went further than the other (finished no → yes); as far as both went, they are the "
        "same."
    )
    assert (found.results.curves, found.results.further, found.results.only) == (0, 1, (0, 2))
    assert found.results.first_further.change.what == "epochs"
    assert "Note:" not in text(found, "a", "b")
    # With a number that differs, that it was cut is no excuse for it while versions differ.
    other = replace(with_loss(cut, 0, 1, 7.0), versions={"steepest": "9"})
    assert differences(other, study()).reasons == ("versions",)
    assert sentence(differences(other, study())).endswith("9 → 0.1; see also where they stopped.")


def test_another_error_is_told_and_another_address_is_not():
    failed = {"outcome": Outcome.FAILED}
    old = with_trial(study(), 5, reason="<Layer at 0x7f01> is no number", **failed)
    assert differences(old, with_trial(old, 5, reason="<Layer at 0x7fff> is no number")).same
    found = differences(old, with_trial(old, 5, reason="out of memory")).results
    assert (found.further, found.first_further.change.what) == (1, "reason")


def test_what_keras_counts_up_is_no_difference():
    def named(count):
        path = f"sequential_{count}/dense_{count + 1}/kernel"
        task = {
            "name": f"sequential_{count}",
            "metrics": (f"auc_{count}",),
            "weights": (Parameter(path, (4, 1), "head"),),
        }
        one = with_settings(with_task(study(), **task), decides=f"auc_{count}", maximize=True)
        trials = tuple(
            replace(
                t,
                curves=replace(t.curves, metrics={f"auc_{count}": t.curves.metrics["mae"]}),
                test={"loss": t.test["loss"], f"auc_{count}": 0.3},
            )
            for t in one.trials
        )
        return with_task(
            replace(one, trials=trials), notes=(f"no initializer for dense_{count}/kernel",)
        )

    assert differences(named(1), named(4)).same
    assert differences(named(4), named(1)).same
    # Files of format 1 do not have the weights.
    assert differences(named(1), with_task(named(1), weights=())).same
    other = with_task(named(4), weights=(Parameter("sequential_4/dense_5/kernel", (5, 1), "head"),))
    assert told(differences(named(1), other).task) == [
        (
            "a trainable array",
            "sequential_1/dense_2/kernel [4, 1], head",
            "sequential_4/dense_5/kernel [5, 1], head",
        )
    ]
    assert unnumbered("conv2d_12/kernel") == "conv2d/kernel"
    assert unnumbered("layer_norm/beta_1x") == "layer_norm/beta_1x"


def test_which_part_of_model_or_data_changed():
    parts = {"model": "aa", "training data": "bb" * 40, "validation data": "cc"}
    new = with_task(OTHER, fingerprint={**parts, "training data": "dd" * 40})
    found = differences(with_task(study(), fingerprint=parts), new)
    assert sentence(found) == (
        "The results differ, because the task or its data do: training data."
    )
    assert "training data  bbbbbbbbbbb…  →  ddddddddddd…" in text(found, "a", "b")
    # One that was written before there were fingerprints says nothing of them.
    assert differences(study(), with_task(study(), fingerprint=parts)).same


def test_what_one_fingerprint_alone_has_may_be_of_another_version():
    parts = {"model": "aa", "training data": "bb"}
    old = with_task(study(), fingerprint=parts)
    assert differences(old, with_task(study(), fingerprint={**parts, "moon": "full"})).same
    found = differences(old, with_task(study(), fingerprint={**parts, "initial weights": "dd"}))
    assert told(found.task) == [("initial weights", None, "dd")]


def test_the_code_of_a_rule_of_one_s_own_is_a_part_of_the_question():
    def coded(one, digest):
        return replace(
            one, optimizers={n: replace(o, code=digest) for n, o in one.optimizers.items()}
        )

    found = differences(coded(study(), "a" * 32), coded(OTHER, "b" * 32))
    assert told(found.question)[0] == ("SGD, code", "a" * 32, "b" * 32)
    assert sentence(found).endswith("what was asked differs: SGD, code, Adam, code.")
    assert differences(coded(study(), "a"), study()).same  # written before there were digests


def test_another_backend_is_another_version():
    old, new = (
        with_task(s, fingerprint={"backend": b})
        for s, b in ((study(), "jax float32"), (OTHER, "torch float32"))
    )
    assert differences(old, new).reasons == ("versions",)
    assert "the versions: backend jax float32 → torch float32." in said(old, new)


def test_the_question_field_by_field():
    old = study_of(
        space={
            "learning_rate": {
                "kind": "Float",
                "low": 0.01,
                "high": 1.0,
                "log": True,
                "complement": False,
            }
        },
        **LOSSES,
    )
    optimizers = dict(old.optimizers)
    optimizers["Adam"] = replace(optimizers["Adam"], fixed={"nesterov": True})
    ranges = {
        "learning_rate": {
            "kind": "Float",
            "low": 0.1,
            "high": 1.0,
            "log": True,
            "complement": False,
        },
        "momentum": {"kind": "Choice", "values": [0.0, 0.9]},
    }
    optimizers["SGD"] = replace(
        optimizers["SGD"],
        space=ranges,
        expanded={"learning_rate": {"kind": "Float", "low": 1e-3, "high": 1.0, "log": True}},
        notes=("computed",),
        given=("momentum",),
    )
    new = with_task(with_settings(replace(old, optimizers=optimizers), rungs=(1, 4)), epochs=4)
    found = differences(old, new)
    assert [change.what for change in found.question] == [
        "epochs",
        "SGD, range of learning_rate",
        "SGD, range of momentum",
        "Adam, nesterov",
        "rungs",  # what follows from the rest comes last
    ]
    words = " ".join(text(found, "a", "b").split())
    assert "0.01 to 1, log → 0.1 to 1, log" in words
    assert "SGD, range of momentum – → 0, 0.9" in words
    assert "Adam, nesterov no → yes" in words
    turned = replace(old, optimizers=dict(reversed(old.optimizers.items())))
    assert [change.what for change in differences(old, turned).question] == ["order of optimizers"]


def test_texts_out_of_files_are_shown_and_not_run():
    evil = "[bold]\x1b[31m\x9b2J\u202e\nnew line[/bold]\ud800"
    new = with_task(OTHER, name=evil, notes=(evil,))
    new = replace(
        new,
        versions={evil: evil},
        stopped=evil,
        optimizers={**new.optimizers, evil: ContestantRecord(evil)},
    )
    found = differences(study(), new)
    for words in (sentence(found), text(found, evil, "b")):
        assert all(c.isprintable() or c == "\n" for c in words)
        assert "[bold]" in words
        words.encode("utf-8")
    json.loads(dumps(to_dict(found)))
    assert "[bold]\\x1b[31m\\x9b2J\\u202e\\nnew line" in one_line(evil)
    assert len(one_line("x" * 10**6)) <= 300
    assert len(value_text([["x" * 1000] * 100] * 100)) <= 300


def test_when_a_study_went_on_is_told():
    new = replace(OTHER, resumed=("2027: went on from 3 epochs", "2028: went on from 9 epochs"))
    words = text(differences(study(), new), "a", "b")
    assert "the second, 2027: went on from 3 epochs\nthe second, 2028: went on from 9" in words


def test_a_long_list_of_differences_is_cut():
    new = replace(study(), versions={f"package {i}": "1" for i in range(1000)})
    words = text(differences(study(), new), "a", "b")
    assert len(words.splitlines()) < 80
    assert "and 961 more" in words


@pytest.mark.parametrize("one", sorted(DATA.glob("study-format-*.db")), ids=lambda p: p.stem)
@pytest.mark.parametrize("other", sorted(DATA.glob("study-format-*.db")), ids=lambda p: p.stem)
def test_old_formats(one, other):
    old, new = storage.read(one), storage.read(other)
    found = differences(old, new)
    back = differences(new, old)
    assert found.same == back.same == (one == other)
    assert found.results.only == back.results.only[::-1]
    assert found.results.configs == back.results.configs
    assert text(found, "a", "b")
    data = json.loads(dumps(to_dict(found)))
    assert (data["same"], data["reason"]) == (one == other, None if one == other else "question")
    assert not re.search(r"\bnan\b", dumps(to_dict(found)))


def test_a_study_without_trials_can_be_compared():
    empty = replace(STUDY, finished=False)
    assert differences(empty, empty).same
    assert not differences(empty, replace(study_of(SGD=[1.0]), settings=STUDY.settings)).same
