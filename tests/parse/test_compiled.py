"""The optimizer that a model was compiled with: read, named, left out where nobody chose it."""

import keras
import numpy as np
import pytest
from small import make_model, make_task

from steepest import from_keras
from steepest.errors import InputError
from steepest.options import Options
from steepest.parse.compiled import LONGEST, baselines, compiled_with, name_of
from steepest.parse.contestants import make_contestants
from steepest.plan import make_plan
from steepest.search.runner import program_key

O = keras.optimizers  # noqa: E741
S = O.schedules


class Halving(S.LearningRateSchedule):
    """A schedule of a person's own."""

    def __call__(self, step):
        return 0.5 / (1.0 + step)


class Adam(O.Adam):
    """A class of a person's own, by the name of one of Keras'."""


def broken():
    """Return an optimizer that fails when it is looked at."""
    made = O.SGD()
    made.__dict__["get_config"] = lambda: {}["of mine"]
    return made


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (O.Adam(), "your Adam(0.001)"),
        (O.Adam(3e-5), "your Adam(3e-5)"),
        (O.RMSprop(0.01), "your RMSprop(0.01)"),
        (O.Muon(), "your Muon(0.001)"),
        (O.AdamW(3e-4, weight_decay=0.1), "your AdamW(3e-4, weight_decay=0.1)"),
        (O.SGD(0.01, momentum=0.9, nesterov=True), "your SGD(0.01, momentum=0.9, ...)"),
        (O.Adam(clipnorm=1.0), "your Adam(0.001, clipnorm=1)"),
        (O.Adam(S.CosineDecay(3e-3, 150)), "your Adam(0.003, cosine)"),
        (O.SGD(S.PiecewiseConstantDecay([9], [0.1, 0.01])), "your SGD(PiecewiseConstantDecay)"),
        (O.SGD(Halving()), "your SGD(Halving)"),
        (O.LossScaleOptimizer(O.Lion(1e-4)), "your Lion(1e-4)"),
    ],
)
def test_it_is_named_as_people_write_it(made, name):
    found, note = compiled_with(made)
    assert note == ""
    assert found.name == name
    assert len(name) <= LONGEST
    assert (found.baseline, found.compiled, dict(found.space)) == (True, True, {})
    assert found.schedule == from_keras(made).schedule


@pytest.mark.parametrize("rate", [1e-3, 3e-4, 0.01, 0.1, 1.2345678e-3, 0.5, 2.0, 1e-7])
def test_the_rate_is_the_one_that_was_written(rate):
    config = from_keras(O.SGD(rate))
    assert config.hyperparameters["learning_rate"] == rate
    assert np.float32(rate) == np.float32(O.SGD(rate).get_config()["learning_rate"])


@pytest.mark.parametrize("made", [None, O.RMSprop(), O.LossScaleOptimizer(O.RMSprop())])
def test_keras_own_default_is_no_choice(made):
    assert compiled_with(made) == (None, "")


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (Adam(), "test_compiled, whose arithmetic"),
        (broken(), "KeyError: "),
        (O.Adam(ema_overwrite_frequency=9, use_ema=True), "ema_overwrite_frequency"),
        (O.SGD(S.CosineDecay(0.0, 10)), "never above 0"),
    ],
)
def test_what_cannot_be_read_is_a_note(made, why):
    found, note = compiled_with(made)
    assert found is None
    assert note.startswith("the optimizer that the model was compiled with does not take part: ")
    assert why in note


def test_another_class_of_the_same_name_is_refused_where_it_was_asked_for():
    with pytest.raises(InputError, match="whose arithmetic Steepest does not know"):
        make_contestants("SGD", 4, baseline=Adam())


@pytest.mark.parametrize("given", [False, "none", "None ", ["none"], [False]])
def test_it_can_be_left_out(given):
    assert baselines(given) is None
    assert compiled_with(O.Adam(), given) == (None, "")
    assert [one.name for one in make_contestants("SGD", 4, baseline=given)] == ["SGD"]


@pytest.mark.parametrize("given", [None, [], [None]])
def test_without_a_word_it_takes_part_beside_those_that_are_tuned(given):
    found, _ = compiled_with(O.Adam(), given)
    names = [one.name for one in make_contestants("SGD,Adam", 4, baseline=given, compiled=found)]
    assert names == ["SGD", "Adam", "your Adam(0.001)"]


def test_a_baseline_takes_its_place():
    given = "keras.optimizers.SGD(0.1)"
    assert compiled_with(Adam(), given) == (None, "")  # so there is no note either
    found, _ = compiled_with(O.Adam())
    options = Options(optimizers="SGD", baseline=given)
    plan, _ = make_plan(options, make_task().facts, found)
    assert [one.name for one in plan] == ["SGD", f"baseline {given}"]


def test_none_beside_others_is_refused():
    with pytest.raises(InputError, match="'none' beside others"):
        baselines(["none", "Adam"])


@pytest.mark.parametrize("kind", ["SGD", "Adam", "RMSprop", "Nadam", "Lion"])
def test_it_shares_the_compiled_program_of_its_kind(kind):
    mine, (tuned,) = from_keras(getattr(O, kind)(0.01)), make_contestants(kind, 48)
    assert program_key(mine) == program_key(tuned.config(tuned.defaults(), 0))


def test_a_task_has_it():
    model = make_model()
    assert compiled_with(make_task(model).optimizer) == (None, "")
    model.compile("adam", loss="sparse_categorical_crossentropy")
    assert make_task(model).optimizer is model.optimizer


def test_names_do_not_say_what_only_says_how():
    made = O.Adam(S.ExponentialDecay(0.1, 500, 0.5, staircase=True))
    assert name_of(from_keras(made)) == "your Adam(0.1, step)"
