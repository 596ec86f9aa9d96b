"""What a person may ask for, and how it is read."""

import pytest

from steepest.errors import InputError
from steepest.parse.contestant import contestants
from steepest.rules import RULES
from steepest.spaces import Choice, Float


def test_names_fix_nothing_but_the_flags():
    sgd, adam = contestants("SGD,Adam", trials=32)
    assert (sgd.name, adam.name) == ("SGD", "Adam")
    assert sgd.fixed == {"nesterov": False}
    assert (sgd.dialect, sgd.schedule) == ("keras", "constant")
    assert list(adam.space) == ["learning_rate", "beta_1", "epsilon"]


def test_few_trials_leave_the_rest_at_the_defaults():
    names = list(RULES["Lamb"].spaces)
    for trials, count in ((4, 1), (5, 2), (14, 2), (15, 3), (49, 3), (50, len(names))):
        (lamb,) = contestants(["lamb"], trials)
        assert list(lamb.space) == names[:count]
    (lamb,) = contestants(["lamb"], trials=4)
    assert lamb.fixed["beta_2"] == 0.999


def test_what_a_start_list_has_is_searched_with_few_trials_too():
    (adam,) = contestants(["adam"], trials=1)
    assert set(adam.space) == {"learning_rate", "beta_1", "epsilon"}
    assert adam.fixed["beta_2"] == 0.999


def test_a_call_fixes_hyperparameters():
    plain, nesterov = contestants("SGD, keras.optimizers.SGD(nesterov=True, momentum=0.9)", 32)
    assert plain.name == "SGD"
    assert nesterov.name == "SGD(nesterov=True, momentum=0.9)"
    assert nesterov.fixed == {"nesterov": True, "momentum": 0.9}
    assert list(nesterov.space) == ["learning_rate"]
    assert nesterov.defaults()["learning_rate"] == 0.01


def test_a_dictionary_gives_ranges_of_its_own():
    own = {"learning_rate": Float(0.1, 0.5), "amsgrad": Choice((False, True)), "beta_1": 0.8}
    (adam,) = contestants({"Adam": own}, trials=32)
    assert adam.space["learning_rate"] == Float(0.1, 0.5)
    assert adam.space["amsgrad"] == Choice((False, True))
    assert adam.fixed == {"beta_1": 0.8, "beta_2": 0.999}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ("Adm", "did you mean Adam"),
        ("", "cannot read"),
        ([], "no optimizer to compare"),
        ("SGD,SGD", "given twice"),
        ("SGD(lr=0.1)", "no hyperparameter 'lr'"),
        ("SGD(momentm=0.1)", "did you mean momentum"),
        ("SGD(momentum=1.5)", "must be at least 0 and below 1"),
        ("SGD(nesterov=1)", "must be True or False"),
        ("SGD(momentum=open('x'))", "must be a plain number"),
        ("SGD(0.1)", "by name"),
        ("__import__('os').system('true')", "cannot read"),
        ("SGD(**{'momentum': 0.9})", "no hyperparameter"),
        ("SGD;Adam", "cannot read"),
        ("SGD(momentum='high')", "must be a number"),
        (["SGD", 3], "not optimizer objects"),
        (object(), "not optimizer objects"),
        ({"SGD": None}, "must map it to a dictionary"),
        ({"SGD": {"learning_rate": (0.1, 0.2)}}, "Float"),
        ("SGD(momentum=0.1,momentum=0.2)", "keyword|twice"),
        ("SGD(learning_rate=1" + "0" * 400 + ")", "must be at least 0"),
        ({"Adam": {"beta_1": Float(0.5, 1.5)}}, "must be at least 0 and below 1"),
    ],
)
def test_what_cannot_be_used_is_said(wanted, said):
    with pytest.raises(InputError, match=".*" + said.replace("(", r"\(")):
        contestants(wanted, trials=32)
