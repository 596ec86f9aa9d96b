"""compare takes what fit takes, or says in a sentence what to do instead."""

import pytest
from small import classes_data, make_model

import steepest
from steepest.errors import InputError
from steepest.study import compare
from steepest.study.fit_arguments import progress_of


@pytest.fixture
def asked(monkeypatch):
    """What compare would have run, in a dictionary."""
    found = {}

    class Ran(Exception):  # noqa: N818 (it is no error)
        pass

    def run(task, options, out, progress, **_):
        found.update(facts=task.facts, progress=progress)
        raise Ran

    monkeypatch.setattr(compare, "run_study", run)

    def ask(*given, **named):
        with pytest.raises(Ran):
            steepest.compare(make_model(), *classes_data(), *given, **named)
        return found

    return ask


def test_arguments_by_position_are_as_in_fit(asked):
    facts = asked(20, 7, 0, validation_split=0.2)["facts"]
    assert (facts.batch_size, facts.epochs) == (20, 7)
    assert asked(validation_split=0.2)["facts"].batch_size == 32
    assert asked(None, 3, validation_split=0.2)["facts"].batch_size == 32


@pytest.mark.parametrize(
    ("verbose", "progress", "shown"),
    [(0, None, False), (1, None, True), (2, None, True), ("auto", None, None), (0, True, True)],
)
def test_verbose_shows_or_is_silent(verbose, progress, shown):
    assert progress_of(verbose, progress) is shown


def test_verbose_and_shuffle_come_through(asked):
    found = asked(validation_split=0.2, verbose=0, shuffle=False)
    assert found["progress"] is False
    assert found["facts"].shuffle is False
    nothing = {"initial_epoch": 0, "validation_freq": 1}
    assert asked(validation_split=0.2, validation_batch_size=None, **nothing)["facts"].shuffle


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ({"initial_epoch": 3}, "initial_weights='given'"),
        ({"validation_batch_size": 64}, "evaluated whole"),
        ({"validation_freq": 2}, "after every epoch"),
        ({"learning_rate": 0.1}, r"fix it as in optimizers='Adam\(learning_rate=0.001\)'"),
        ({"optimizer": "adam"}, "baseline="),
        ({"loss": "mse"}, "compile"),
        ({"epoch": 3}, "did you mean epochs"),
        ({"validation_splt": 0.2}, "did you mean validation_split"),
        ({"qqqqqq": 0.2}, r"help\(steepest.compare\)"),
        ({"verbose": "loud"}, "verbose is 'loud', but must be 0, 1, 2 or 'auto'"),
        ({"verbose": [1]}, "verbose is"),
        ({"shuffle": "batch"}, "shuffle is 'batch'"),
    ],
)
def test_what_compare_has_not_comes_with_a_cure(named, said):
    with pytest.raises(InputError, match=said):
        steepest.compare(make_model(), *classes_data(), **{"validation_split": 0.2, **named})


def test_too_many_by_position_are_named():
    with pytest.raises(InputError, match="seventh argument by position"):
        steepest.compare(make_model(), *classes_data(), 32, 3, 0, [], 0.2)
