"""A task file's own rules, whose memory is of classes that only the file and its packages know."""

import pytest
from crews import Here, assert_same
from faults.running import TASK

from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.records import Config
from steepest.rules import find_rule
from steepest.search.runner import program_key
from steepest.tasks.load import load_task
from steepest.workers import driver
from steepest.workers.driver import train_out
from steepest.workers.local import Job
from steepest.workers.processes import Processes
from steepest.workers.remote import RemoteEngine
from steepest.workers.slices import untrained
from steepest.workers.work import Work

OWN_RULES = """
import dataclasses
from typing import Any, NamedTuple

import jax
import optax
import steepest

rates = {"learning_rate": steepest.Float(1e-4, 1e-1, log=True)}
steepest.rule(
    "ChainedHere",
    lambda learning_rate: optax.chain(
        optax.clip(1.0), optax.trace(0.9), optax.scale_by_adam(), optax.scale(-learning_rate)
    ),
    space=rates,
)


class Past(NamedTuple):
    sums: Any
    nothing: None


@jax.tree_util.register_dataclass
@dataclasses.dataclass
class Whole:
    past: Past
    count: Any


def summed(learning_rate):
    def init(weights):
        zeros = jax.tree.map(lambda w: 0.0 * w, weights)
        return Whole(Past(zeros, None), jax.numpy.zeros((), "int32"))

    def update(gradients, state, weights=None):
        sums = jax.tree.map(lambda s, g: s + g, state.past.sums, gradients)
        updates = jax.tree.map(lambda s: -learning_rate * s / (1 + state.count), sums)
        return updates, Whole(Past(sums, None), state.count + 1)

    return optax.GradientTransformation(init, update)


steepest.rule("SummedHere", summed, space=rates)
"""
STOP = 4


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("own") / "task.py"
    path.write_text(TASK.replace("epochs, batch_size = 400", "epochs, batch_size = 4") + OWN_RULES)
    return Work.named(str(path)).to_bytes(), load_task(str(path))


def one_process(work):
    return Processes(work, 1)


@pytest.mark.slow
@pytest.mark.parametrize("crew_of", [Here, pytest.param(one_process, marks=pytest.mark.slow)])
def test_rules_of_a_task_file_train_elsewhere_as_here(made, crew_of, monkeypatch):
    """Epoch by epoch, so that every state goes out and comes back; and the driver measures it."""
    work, task = made
    monkeypatch.setattr(driver, "SLICE_SECONDS", 1e-9)
    monkeypatch.setattr(driver, "SHARE", 1e9)
    crew, here = crew_of(work), CompiledEngine(task)
    try:
        engine = RemoteEngine(here, crew)
        for name in ("ChainedHere", "SummedHere"):
            _check(engine, here, name)
    finally:
        crew.close()


def _check(engine, here, name):
    values = find_rule(name).defaults
    rates = (0.002, 0.03)
    configs = [Config(name, "keras", {**values, "learning_rate": r}, "constant", 1) for r in rates]
    population, key = Population.of(configs), program_key(configs[0])
    ours, program = here.compile(configs[0]), engine.prepare({key: configs[0]})[key]
    states, stood = {}, []

    def begin(members):
        known = [states[member] for member in members if member in states]
        return State.join(known) if known else untrained(len(members))

    def end(members, state, measured):
        stood.append(int(state.epoch[0]))
        states.update((member, state.take([i])) for i, member in enumerate(members))

    train_out([Job(program, population, begin, end, STOP)], engine, lambda *_: None)
    expected, _ = ours.advance(population, ours.begin(population), STOP)
    found = State.join([states[i] for i in range(len(configs))])
    assert sorted(stood) == [1, 1, 2, 2, 3, 3, 4, 4]
    assert_same(found.tree(), expected.tree())
    told = program.measure(population, found, "validation")
    assert told == ours.measure(population, expected, "validation")
    again = State.join([program.begin(population), found])  # as where one of them was lost
    assert len(again) == 2 * len(configs)
