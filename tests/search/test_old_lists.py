"""A study keeps the version of the start lists that it began with, and goes on with it."""

from dataclasses import replace
from functools import partial

import pytest
from fake_engine import FakeEngine, bowl, searched
from planned import planned

from steepest import storage
from steepest.errors import InputError
from steepest.parse.contestant import contestants
from steepest.priors.start_lists import OF_THE_ATLAS, VERSION, start_list
from steepest.records import ContestantRecord, Stage
from steepest.rules import RULES
from steepest.search.old_lists import check_version, with_lists_of
from steepest.search.search_space import SearchSpace
from steepest.spaces import to_dict

OLD = partial(start_list, version=1)
CHANGED = [name for name in RULES if OLD(name) != start_list(name)]


def old_and_new(wanted, trials=8):
    """Return a contestant as version 1 made it, with its record, and as it is made now."""
    (now,) = contestants(wanted, trials)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steepest.parse.contestant.start_list", OLD)
        (then,) = contestants(wanted, trials)
    record = ContestantRecord(
        then.rule,
        fixed=dict(then.fixed),
        space={name: to_dict(one) for name, one in then.space.items()},
        given=then.given,
    )
    return then, record, now


def test_a_plan_says_with_which_lists_it_begins():
    assert planned("SGD", 9)[1].start_lists == VERSION


def test_what_changed_is_what_the_atlas_is_clearly_better_for():
    assert sorted(CHANGED) == sorted(OF_THE_ATLAS)


@pytest.mark.parametrize("name", CHANGED)
def test_a_search_starts_at_the_list_of_its_study(name):
    (one,) = contestants(name, 8)
    settings = planned(name, 9)[1]
    new = SearchSpace(one).starts(settings)
    old = SearchSpace(one).starts(replace(settings, start_lists=1))
    for found, listed in ((new, start_list(name)), (old, OLD(name))):
        rates = [values["learning_rate"] for values in found]
        assert rates == [entry["learning_rate"] for entry in listed]


@pytest.mark.parametrize("trials", [1, 8, 60])
@pytest.mark.parametrize("wanted", [*sorted(RULES), "AdamW(beta_1=0.8)", "AdamW(weight_decay=0.1)"])
def test_an_older_study_searches_what_it_did(wanted, trials):
    then, record, now = old_and_new(wanted, trials)
    found = with_lists_of(1, now, record)
    assert found == then
    assert list(found.space) == list(then.space)  # the order decides the points
    assert with_lists_of(VERSION, now, record) is now


def test_lists_of_a_later_version_are_refused():
    check_version(VERSION)
    with pytest.raises(InputError, match=f"began with version {VERSION + 1} of the start lists"):
        check_version(VERSION + 1)


def study(path, seeds):
    return searched(FakeEngine(bowl(noise=0.01)), path, optimizers="AdamW", seeds=seeds)


def test_a_study_of_an_older_version_goes_on_with_its_lists(tmp_path):
    """Bit for bit, as if nothing had changed; and says so in its file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steepest.parse.contestant.start_list", OLD)
        patch.setattr("steepest.priors.start_lists.VERSION", 1)
        whole = study(tmp_path / "whole", seeds=8)
        study(tmp_path / "resumed", seeds=4)
    resumed = study(tmp_path / "resumed", seeds=8)
    assert resumed.settings.start_lists == 1
    assert storage.read(tmp_path / "resumed" / "study.db") == resumed
    searches = [
        [(t.config, t.curves) for t in one.trials if t.stage is Stage.SEARCH]
        for one in (whole, resumed)
    ]
    assert searches[0] == searches[1]
    new = study(tmp_path / "new", seeds=4)
    assert new.settings.start_lists == VERSION
    assert new.trials[0].config != whole.trials[0].config
