"""A team gives workers back that nothing needs, and starts them again; by a clock of its own."""

import itertools
from types import SimpleNamespace

import pytest
from clocks import Clock

from steepest.workers import team
from steepest.workers.team import AT_FIRST, IDLE, Team


class Quiet(Team):
    """Workers who are there at once, and answer when they are asked to."""

    def __init__(self, count):
        super().__init__(count)
        self.told, self.ended = [], []
        self.fill()

    def start(self, number):
        self.told.append((number, b"here"))
        return number

    def send(self, handle, message):
        assert message

    def hear(self, timeout):
        by_number = {one.number: one for one in self.workers}
        told, self.told = self.told, []
        return [(by_number[n], message, "") for n, message in told if n in by_number]

    def end(self, handle):
        self.ended.append(handle)


@pytest.fixture
def clock(monkeypatch):
    made = Clock()
    monkeypatch.setattr(team, "time", SimpleNamespace(monotonic=made))
    return made


def numbers(crew):
    return [one.number for one in crew.workers]


def test_idle_workers_are_given_back_and_come_again(clock):
    crew, tickets = Quiet(4), itertools.count()
    crew.collect(0)
    assert crew.idle == [0, 1, 2, 3]
    crew.need(2)
    crew.submit(next(tickets), b"slice", worker=3)
    crew.submit(next(tickets), b"slice", worker=1)
    clock.sleep(IDLE / 2)
    crew.collect(0)
    assert numbers(crew) == [0, 1, 2, 3]
    clock.sleep(IDLE)
    crew.collect(0)
    assert sorted(crew.ended) == [0, 2]
    assert (numbers(crew), crew.size, crew.free) == ([1, 3], 4, 0)
    crew.need(3)
    crew.collect(0)  # another one is started
    crew.collect(0)
    assert (numbers(crew), crew.idle) == ([1, 3, 4], [4])


def test_of_many_workers_only_those_are_started_that_are_needed(clock):
    crew = Quiet(100)
    crew.collect(0)
    assert len(crew.workers) == AT_FIRST
    assert crew.size == 100
    crew.need(20)
    crew.collect(0)
    assert len(crew.workers) == 20


def test_one_worker_stays_and_none_goes_while_all_are_needed(clock):
    crew = Quiet(3)
    crew.collect(0)
    clock.sleep(10 * IDLE)
    crew.collect(0)  # nobody said yet how many are needed
    assert len(crew.workers) == 3
    crew.need(0)
    clock.sleep(10 * IDLE)
    crew.collect(0)
    assert len(crew.workers) == 1


def test_a_worker_that_is_busy_or_not_there_yet_takes_nothing(clock):
    crew = Quiet(2)
    crew.submit(1, b"slice", worker=0)  # nobody is there yet
    assert crew.waiting
    crew.collect(0)
    assert [one.ticket for one in crew.workers] == [1, None]
    crew.submit(2, b"slice", worker=0)
    assert [one.ticket for one in crew.workers] == [1, 2]
    crew.told = [(0, b"done")]
    (answer,) = crew.collect(0)
    assert (answer.ticket, answer.message, answer.worker) == (1, b"done", 0)
