"""What tests of workers share: a small model with its data as a value, and slices of it."""

import jax
import numpy as np
from small import BATCH, EPOCHS, classes_data, make_model

from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules import RULES
from steepest.tasks.keras.task import keras_task
from steepest.workers.crew import Answer
from steepest.workers.trainer import Trainer, answer
from steepest.workers.work import Work

GIVEN = {
    "validation_data": classes_data(1),
    "test_data": classes_data(2),
    "epochs": EPOCHS,
    "batch_size": BATCH,
}


def config(rate, seed=0, rule="Adam"):
    values = {**RULES[rule].defaults, **RULES[rule].flags, "learning_rate": rate}
    return Config(rule, "keras", values, "constant", seed)


def make_work():
    """Return a model with all that has a state, as a task and as what is sent of it."""
    model = make_model(dropout=0.2)
    x, y = classes_data()
    work = Work.of_model(model, x, y, GIVEN)
    return work.to_bytes(), keras_task(model, x, y, **GIVEN)


def trained_here(task, configs, *stops):
    """Return states and curves after each stop, by the engine of this process."""
    program = CompiledEngine(task).compile(configs[0])
    population = Population.of(configs)
    state, found = program.begin(population), []
    for stop in stops:
        state, measured = program.advance(population, state, stop)
        found.append((state, measured))
    return found


def assert_same(one, other):
    """Hold two trees' arrays to each other; a driver does not know how memory is nested."""
    for mine, theirs in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def wait_for(crew, ticket, seconds=120.0):
    """Return the answer with a ticket."""
    for _ in range(int(seconds)):
        for one in crew.collect(1.0):
            if one.ticket == ticket:
                return one
    raise AssertionError(f"no answer {ticket}")


class Here:
    """A crew in this process: who dies, hangs or answers twice is written down before."""

    name = "here"

    def __init__(self, work, size=2, **faults):
        self.trainer = Trainer(work)
        self.size = size
        self.faults = {name: list(numbers) for name, numbers in faults.items()}
        self.sent, self.waiting, self.late, self.dropped = 0, [], [], []

    @property
    def free(self):
        return self.size - len(self.waiting)

    @property
    def idle(self):
        return ()

    def need(self, count):
        self.needed = count

    def submit(self, ticket, message, worker=None):
        self.sent += bool(message)
        fault = next((n for n, some in self.faults.items() if self.sent in some), "")
        self.waiting.append((ticket, message, fault if message else ""))

    def collect(self, timeout):
        found, self.late = self.late, []
        for ticket, message, fault in [one for one in self.waiting if one[2] != "hangs"]:
            self.waiting.remove((ticket, message, fault))
            if fault == "dies":
                found.append(Answer(ticket, None, "killed by signal 9, SIGKILL"))
                continue
            said = Answer(ticket, answer(lambda: self.trainer, message))
            found += [said, said] if fault == "twice" else [said]
        return found

    def drop(self, ticket):
        """Give it up; its answer comes all the same, too late."""
        for one in [one for one in self.waiting if one[0] == ticket]:
            self.waiting.remove(one)
            self.late.append(Answer(ticket, answer(lambda: self.trainer, one[1])))
            self.dropped.append(ticket)

    def close(self):
        self.waiting.clear()
