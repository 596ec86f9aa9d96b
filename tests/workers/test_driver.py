"""Whoever dies, hangs or answers twice: what comes out is what one process would have made."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from crews import GIVEN, Here, assert_same, config, make_work, trained_here
from small import classes_data, make_model

from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.errors import InputError
from steepest.search.runner import program_key
from steepest.tasks.keras.task import keras_task
from steepest.workers import driver
from steepest.workers.driver import train_out
from steepest.workers.local import Job, Pace
from steepest.workers.remote import RemoteEngine
from steepest.workers.slices import untrained

CONFIGS = [config(0.01 * (i + 1), seed=i % 2) for i in range(5)]
STOP = 4


@pytest.fixture(scope="module")
def made():
    work, task = make_work()
    return work, task, trained_here(task, CONFIGS, STOP)[-1]


class Study:
    """What a study keeps of its trials, by number."""

    def __init__(self, task, crew, configs=CONFIGS, mixed=False):
        from steepest.engines.compiled.engine import CompiledEngine

        self.engine, self.kinds = RemoteEngine(CompiledEngine(task), crew, mixed), set()
        self.states, self.curves, self.failed, self.told = {}, {}, {}, [0, 0]
        keys = {program_key(configs[0]): configs[0]}
        self.program = self.engine.prepare(keys)[program_key(configs[0])]
        self.job = Job(self.program, Population.of(configs), self.begin, self.end, STOP, self.fail)

    def begin(self, members):
        if all(member in self.states for member in members):
            return State.join([self.states[member] for member in members])
        return untrained(len(members))

    def end(self, members, state, measured):
        self.kinds |= {measured.kind} - {""}
        for i, member in enumerate(members):
            self.states[member] = state.take([i])
            curve = {n: a[i : i + 1, : measured.trained[i]] for n, a in measured.values.items()}
            before = self.curves.get(member, {n: a[:, :0] for n, a in curve.items()})
            joined = {n: np.concatenate([before[n], a], axis=1) for n, a in curve.items()}
            self.curves[member] = joined

    def fail(self, member, reason):
        self.failed[member] = reason

    def progress(self, planned, spent):
        self.told[0] += planned
        self.told[1] += spent

    def train(self, **more):
        train_out([self.job], self.engine, self.progress, **more)
        return self

    def assert_whole(self, expected, without=()):
        state, measured = expected
        assert sorted(self.states) == [i for i in range(len(CONFIGS)) if i not in without]
        for i, found in self.states.items():
            assert_same(found.tree(), state.take([i]).tree())
            for name, values in measured.values.items():
                np.testing.assert_array_equal(self.curves[i][name], values[i : i + 1])


FAULTS = {
    "none": {},
    "a death": {"dies": [2]},
    "many deaths": {"dies": [1, 4, 6]},
    "an answer twice": {"twice": [1, 2, 4]},
    "a worker that hangs": {"hangs": [4]},
    "one that hangs before anything was measured": {"hangs": [1]},
}


@pytest.mark.slow
@pytest.mark.parametrize("faults", FAULTS.values(), ids=list(FAULTS))
def test_what_comes_out_is_what_one_process_makes(made, faults, monkeypatch):
    work, task, expected = made
    monkeypatch.setattr(driver, "SLOWER", 1.0)
    monkeypatch.setattr(driver, "FIRST", 0.3)
    crew = Here(work, **faults)
    study = Study(task, crew).train(patience=0.3)
    study.assert_whole(expected)
    assert not study.failed
    assert study.told == [len(CONFIGS) * STOP] * 2
    assert len(crew.dropped) == len(faults.get("hangs", ()))


def test_two_deaths_halve_a_slice_and_then_the_trial_has_failed(made):
    """A worker that dies whenever it has member 3, as if that took too much memory."""
    work, task, expected = made
    tried = []

    class Weak(Here):
        def collect(self, timeout):
            from steepest.workers.slices import Slice

            for place, (ticket, message, _) in enumerate(self.waiting):
                configs = Slice.from_bytes(message).configs if message else ()
                if CONFIGS[3] in configs:
                    tried.append(len(configs))
                    self.waiting[place] = (ticket, message, "dies")
            return super().collect(timeout)

    crew = Weak(work, size=1)
    study = Study(task, crew)
    study.program.seconds, study.program.capacity = 1e-3, 8  # measured before: a slice is all
    study.train()
    assert tried == [5, 5, 3, 3, 2, 2, 1, 1, 1]
    study.assert_whole(expected, without=[3])
    assert list(study.failed) == [3]
    assert study.failed[3] == (
        "3 workers ended while they trained it, the last one: killed by signal 9, SIGKILL"
    )


def test_nobody_waits_for_what_is_trained_ahead(made):
    """A worker trains it that has nothing else to do, and no progress is told of it."""
    work, task, expected = made
    crew = Here(work, size=1)
    study, beside = Study(task, crew, CONFIGS[:2]), Study(task, crew, CONFIGS)
    beside.job.ahead = True
    train_out([study.job, beside.job], study.engine, study.progress)
    assert study.told == [2 * STOP] * 2
    assert sorted(study.states) == [0, 1]
    assert not beside.states  # there was one worker, and it was needed until the end
    crew = Here(work, size=8)
    study, beside = Study(task, crew, CONFIGS[:2]), Study(task, crew, CONFIGS)
    beside.job.ahead = True
    train_out([study.job, beside.job], study.engine, study.progress)
    assert study.told == [2 * STOP] * 2
    assert sorted(beside.states) == [0, 1, 2, 3, 4]
    assert beside.told == [0, 0]
    state, _ = expected
    for i, found in beside.states.items():
        at = int(found.epoch[0])
        assert 1 <= at <= STOP
        if at == STOP:
            assert_same(found.tree(), state.take([i]).tree())


def test_who_asks_to_stop_waits_for_what_is_out_and_goes_on_later(made):
    work, task, expected = made
    study = Study(task, Here(work))
    study.train(pace=Pace(enough=lambda: study.told[1] > 0))
    assert 0 < study.told[1] < len(CONFIGS) * STOP
    assert not study.engine.crew.waiting
    study.job.taken = 0  # as the next call's job is
    study.told = [0, 0]
    behind = [i for i in range(len(CONFIGS)) if i not in study.states]
    assert behind
    for i in list(study.states):  # begun again, as nobody mixes members that stand elsewhere
        del study.states[i], study.curves[i]
    study.train().assert_whole(expected)


def test_when_time_is_over_nothing_is_waited_for(made):
    work, task, _ = made
    study = Study(task, Here(work, hangs=range(1, 100)))
    looks = iter(range(100))
    study.train(pace=Pace(over=lambda: next(looks) > 3))
    assert not study.states
    assert not study.failed


@pytest.mark.parametrize("own", [{"rule": "NobodysRule"}, {"schedule": "own:Steps:0123abcd"}])
def test_what_only_the_driver_knows_ends_the_study(made, own):
    """A schedule that nobody knows would train at a rate of 1."""
    work, task, _ = made
    study = Study(task, Here(work), [replace(config(0.1), **own)])
    with pytest.raises(InputError, match=f"{next(iter(own.values()))} is of your own, and a work"):
        study.train()


def test_a_worker_with_another_task_is_refused(made):
    work, _, _ = made
    x, y = classes_data(5)
    other = keras_task(make_model(dropout=0.2), x, y, **GIVEN)
    with pytest.raises(InputError, match=r"another task than this process, its .* differ"):
        Study(other, Here(work))


def test_kinds_of_processors_are_not_mixed(made):
    work, task, _ = made
    crew = Here(work)
    study = Study(task, crew)
    about = crew.trainer.about()
    crew.trainer.about = lambda: {**about, "kind": "1 × abacus"}
    with pytest.raises(InputError, match=r"two kinds, .* and 1 × abacus, which round differently"):
        study.train()


def test_kinds_of_processors_are_mixed_where_that_is_asked_for(made):
    """And what is told of each slice is which kind trained it."""
    work, task, expected = made
    crew = Here(work)
    study = Study(task, crew, mixed=True)
    about = crew.trainer.about()
    kinds = itertools.cycle([about["kind"], "1 × abacus"])
    crew.trainer.about = lambda: {**about, "kind": next(kinds)}
    study.train().assert_whole(expected)
    assert study.kinds == {about["kind"], "1 × abacus"}
