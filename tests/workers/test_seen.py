"""Who gets which slice, and how large a part of the work, by what was seen of workers."""

from types import SimpleNamespace

import pytest

from steepest.workers.seen import Seen


def trained(seen, speeds, rounds=30):
    """Have workers train slices of a program, each in its own time."""
    program = SimpleNamespace(name="adam", seconds=0.0)
    for _ in range(rounds):
        for worker, seconds in speeds.items():
            seen.note(worker, program, seconds)
    return program


def test_a_worker_that_takes_three_times_as_long_gets_a_third():
    seen = Seen()
    program = trained(seen, {0: 2.0, 7: 6.0})
    assert seen.slow(7) / seen.slow(0) == pytest.approx(3.0, rel=1e-6)
    for worker, seconds in ((0, 2.0), (7, 6.0)):
        assert program.seconds * seen.slow(worker) == pytest.approx(seconds, rel=1e-6)
    assert seen.share(0, 2) == pytest.approx(3 / 4, rel=1e-6)
    assert seen.share(0, 2) + seen.share(7, 2) == pytest.approx(1.0)
    assert seen.share(99, 2) < seen.share(0, 2)  # of whom nothing is known


def test_nobody_gets_more_than_there_is():
    """Where the slow one has left, who is there is faster than the mean of both."""
    seen = Seen()
    trained(seen, {0: 2.0, 7: 6.0})
    assert seen.share(0, 1) == 1.0


def test_who_has_the_program_is_first_and_then_the_fastest():
    seen = Seen()
    trained(seen, {0: 2.0, 1: 1.0, 2: 4.0})
    assert seen.choose([0, 1, 2, 3], "adam") == 1
    assert seen.choose([2, 3], "adam") == 2
    assert seen.choose([2, 3, 1], "another") == 1
    assert seen.choose([], "adam") is None


def test_workers_without_numbers_are_alike():
    seen = Seen()
    assert trained(seen, {None: 3.0}).seconds == 3.0
    assert not seen.slowness
    assert seen.share(None, 4) == 0.25
