"""A study keeps the version of the start lists that it began with, and goes on with it."""

from dataclasses import replace

import pytest
from fake_engine import FakeEngine, bowl, searched
from planned import planned

from steepest import storage
from steepest.errors import InputError
from steepest.parse.contestant import contestants
from steepest.priors import start_lists
from steepest.priors.start_lists import LISTS, VERSION
from steepest.records import ContestantRecord, Stage
from steepest.rules import RULES
from steepest.search.old_lists import check_version, with_lists_of
from steepest.search.search_space import SearchSpace
from steepest.spaces import to_dict

LATER = VERSION + 1
CHANGED = {  # other hyperparameters, one of them new and two that are no longer listed
    "AdamW": ({"learning_rate": 0.01, "weight_decay": 0.1}, {"learning_rate": 0.02}),
    "Lion": ({"learning_rate": 0.0003, "beta_1": 0.8},),
    "SGD": ({"learning_rate": 0.5, "momentum": 0.5},),
}


@pytest.fixture
def later(monkeypatch):
    """A later version of Steepest, which has other lists."""

    def come():
        monkeypatch.setitem(LISTS, LATER, {**LISTS[VERSION], **CHANGED})
        monkeypatch.setattr(start_lists, "VERSION", LATER)

    return come


def test_a_plan_says_with_which_lists_it_begins(later):
    assert planned("SGD", 9)[1].start_lists == VERSION == max(LISTS)
    later()
    assert planned("SGD", 9)[1].start_lists == LATER


@pytest.mark.parametrize("name", CHANGED)
def test_a_search_starts_at_the_list_of_its_study(name, later):
    later()
    (one,) = contestants(name, 8)
    settings = planned(name, 9)[1]
    new = SearchSpace(one).starts(settings)[0]
    assert {key: new[key] for key in CHANGED[name][0]} == CHANGED[name][0]
    old = SearchSpace(one).starts(replace(settings, start_lists=VERSION))[0]
    usual = {"learning_rate": one.defaults()["learning_rate"]}
    assert old["learning_rate"] == LISTS[VERSION].get(name, (usual,))[0]["learning_rate"]


@pytest.mark.parametrize("trials", [1, 8, 60])
@pytest.mark.parametrize("wanted", [*sorted(RULES), "AdamW(beta_1=0.8)", "AdamW(weight_decay=0.1)"])
def test_an_older_study_searches_what_it_did(wanted, trials, later):
    (then,) = contestants(wanted, trials)
    record = ContestantRecord(
        then.rule,
        fixed=dict(then.fixed),
        space={name: to_dict(one) for name, one in then.space.items()},
        given=then.given,
    )
    later()
    (now,) = contestants(wanted, trials)
    found = with_lists_of(VERSION, now, record)
    assert found == then
    assert list(found.space) == list(then.space)  # the order decides the points
    assert with_lists_of(LATER, now, record) is now


def test_lists_of_a_later_version_are_refused():
    check_version(VERSION)
    with pytest.raises(InputError, match=f"began with version {LATER} of the start lists"):
        check_version(LATER)


def study(path, seeds):
    return searched(FakeEngine(bowl(noise=0.01)), path, optimizers="AdamW,SGD", seeds=seeds)


def test_a_study_of_an_older_version_goes_on_with_its_lists(tmp_path, later):
    """Bit for bit, as if nothing had changed; and says so in its file."""
    whole = study(tmp_path / "whole", seeds=8)
    study(tmp_path / "resumed", seeds=4)
    later()
    resumed = study(tmp_path / "resumed", seeds=8)
    assert resumed.settings.start_lists == VERSION
    assert storage.read(tmp_path / "resumed" / "study.db") == resumed
    searches = [
        [(t.config, t.curves) for t in one.trials if t.stage is Stage.SEARCH]
        for one in (whole, resumed)
    ]
    assert searches[0] == searches[1]
    new = study(tmp_path / "new", seeds=4)
    assert new.settings.start_lists == LATER
    assert new.trials[0].config != whole.trials[0].config
