"""All crews do the same: threads, processes, an executor's processes, Ray's actors."""

import importlib.util
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from crews import assert_same, config, make_work, trained_here, wait_for
from processes import workers_are_new

from steepest.workers.executor import Pool
from steepest.workers.processes import Processes
from steepest.workers.remote import TICKETS, raise_told
from steepest.workers.slices import Slice, Trained
from steepest.workers.wire import unpack

CONFIGS = [config(0.01 * (i + 1), seed=i) for i in range(3)]


def threads(work):
    return Pool(work, ThreadPoolExecutor(2))


def executor(work):
    return Pool(work, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")))


def ray(work):
    if importlib.util.find_spec("ray") is None:
        pytest.skip("Ray is not installed")
    from steepest.workers.on_ray import RayActors

    return RayActors(work)


KINDS = [
    threads,
    pytest.param("processes", marks=pytest.mark.slow),
    pytest.param(executor, marks=pytest.mark.slow),
    pytest.param(ray, marks=pytest.mark.slow),
]


@pytest.fixture(scope="module")
def made():
    return make_work()


@pytest.fixture(scope="module")
def processes(made):
    """Two processes, at first new ones, which are dead when it is closed."""
    with workers_are_new():
        one = Processes(made[0], 2)
    yield one
    pids = [worker.handle.process.pid for worker in one.workers]
    one.close()
    assert len(pids) == 2
    assert not one.workers
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


@pytest.fixture(scope="module", params=KINDS)
def crew(request, made):
    if request.param == "processes":
        yield request.getfixturevalue("processes")
        return
    one = request.param(made[0])
    yield one
    one.close()
    if isinstance(one, Pool):
        one.executor.shutdown()
    else:
        assert not one.workers


def reply(crew, message):
    ticket = next(TICKETS)
    crew.submit(ticket, message)
    return unpack(wait_for(crew, ticket).message)


@pytest.mark.slow
def test_slices_train_as_here(crew, made):
    """From fresh weights, and from a state that another worker may have left; bit for bit."""
    state = None
    for stop, (expected, curves) in zip((1, 3), trained_here(made[1], CONFIGS, 1, 3), strict=True):
        one = Slice("adam", tuple(CONFIGS), state, stop, lockstep=False)
        came = Trained.from_value(reply(crew, one.to_bytes()))
        assert not came.failed
        assert sorted(p for places, _, _ in came.parts for p in places) == [0, 1, 2]
        for places, found, measured in came.parts:
            assert_same(found.tree(), expected.take(places).tree())
            for name, values in curves.values.items():
                np.testing.assert_array_equal(measured.values[name], values[list(places)])
        state = expected
    assert crew.size >= 1
    assert crew.name


def test_what_goes_wrong_is_a_record(crew):
    broken = Slice("no", (CONFIGS[0].__class__("NoSuchRule", "keras", {}, "constant", 0),), None, 1)
    said = reply(crew, broken.to_bytes())
    with pytest.raises(Exception, match="NoSuchRule is of your own"):
        raise_told(said)
    assert reply(crew, b"")["about"]["epochs"] == 4  # and the worker is there still


def test_what_is_given_up_gives_no_answer(crew):
    gone, next_one = next(TICKETS), next(TICKETS)
    slow = Slice("adam", tuple(CONFIGS), None, 4, lockstep=False).to_bytes()
    crew.submit(gone, slow)
    crew.drop(gone)
    crew.submit(next_one, b"")
    assert wait_for(crew, next_one).message is not None
    assert all(one.ticket != gone for one in crew.collect(0.5))


@pytest.mark.slow
def test_who_is_killed_is_told_of_and_replaced(processes):
    crew = processes
    reply(crew, b"")
    ticket = next(TICKETS)
    many = tuple(config(0.001 * (i + 1)) for i in range(200))
    crew.submit(ticket, Slice("adam", many, None, 4, lockstep=False).to_bytes())
    (victim,) = [one for one in crew.workers if one.ticket == ticket]
    os.kill(victim.handle.process.pid, signal.SIGKILL)
    told = wait_for(crew, ticket)
    assert told.message is None
    assert told.why == "killed by signal 9, SIGKILL"
    assert len(crew.workers) == 2
    assert victim not in crew.workers
    assert "about" in reply(crew, b"")
