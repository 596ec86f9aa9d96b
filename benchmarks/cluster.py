"""What a slice costs beside its training: Steepest's workers, Optuna's and Ray Tune's.

    python benchmarks/cluster.py                  # needs pip install -e ".[bench]"
    python benchmarks/cluster.py --tools processes,optuna --seconds 0.5 --json cluster.json

Nothing is trained: a worker sleeps for as long as a slice is said to take, so that two cores can
stand for more. All else is as in a study: the driver cuts and packs slices, the states of Adam on
the digits perceptron (204 kB) go out and come back and are unpacked, and are kept. Of the others a
trial sleeps and reports one number, which is less. Counted is the time from the first slice's
begin to the last one's end, without starting workers or importing anything:

    overhead a slice = time × workers / slices − sleep

An idle worker at the end counts as overhead too, so slices are a multiple of the workers.
"""

import argparse
import importlib
import json
import logging
import multiprocessing
import socket
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

WORKERS = (1, 2, 4)
SHAPES = ((64, 128), (128,), (128, 64), (64,), (64, 10), (10,))


def sleep_through(message, given):
    """Answer a slice as a worker does, but sleep in the place of training."""
    from steepest.engines.state import Advance, State
    from steepest.workers.slices import Slice, Trained
    from steepest.workers.wire import pack

    said = {"about": given["about"]}
    if message:
        one, began = Slice.from_bytes(message), time.perf_counter()
        count = len(one.configs)
        time.sleep(given["seconds"] * count)
        zeros = [np.zeros((count, *shape), np.float32) for shape in SHAPES]
        state = one.state or State(
            zeros,
            {"rule": [(a.copy(), a.copy()) for a in zeros]},
            [],
            np.zeros(count, np.int32),
            np.zeros(count, np.int32),
            np.ones(count, bool),
        )
        after = State(*state.tree()[:3], state.step + 45, state.epoch + 1, state.alive)
        values = {"training_loss": np.ones((count, 1), np.float32)}
        values["loss"] = values["training_loss"]
        took = Advance(values, np.ones(count, np.int64), time.perf_counter() - began)
        said |= Trained([(range(count), after, took)]).to_value()
    return pack(said)


def sleeper(number):
    """Be a worker's process (`steepest/workers/process.py`) that sleeps."""
    from steepest.workers.pipe import receive, transmit
    from steepest.workers.wire import unpack

    pipe = socket.socket(fileno=number)
    receive(pipe)
    given = unpack(receive(pipe))
    transmit(pipe, sleep_through(b"", given))
    while True:
        transmit(pipe, sleep_through(receive(pipe), given))


class Sleeps:
    """What an actor of Ray is here."""

    def __init__(self, work, *_):
        from steepest.workers.wire import unpack

        self.given = unpack(work)

    def answer(self, message):
        return sleep_through(message, self.given)


def crew_of(kind, work, count):
    if kind == "processes":
        from steepest.workers import processes

        class Sleepers(processes.Processes):
            def start(self, number):
                command = [sys.executable, __file__, "--sleeper"]
                made = processes._Process(command, {"PYTHONPATH": ":".join(processes._places())})
                self.selector.register(made.pipe, 1)
                self.send(made, self.greeting)
                self.send(made, self.work)
                return made

        return Sleepers(work, count)
    import ray

    from steepest.workers import on_ray

    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    on_ray.Trains = Sleeps
    return on_ray.RayActors(work)


def steepest_seconds(kind, count, slices, seconds, task):
    """Return the seconds that the driver takes for so many slices."""
    from steepest.engines import make_engine
    from steepest.engines.population import Population
    from steepest.engines.state import State
    from steepest.records import Config
    from steepest.rules import RULES
    from steepest.workers import driver
    from steepest.workers.local import Job
    from steepest.workers.remote import RemoteEngine
    from steepest.workers.slices import untrained
    from steepest.workers.wire import pack

    facts = task.facts
    about = {"kind": "sleep", "device": "sleep", "lockstep": False}
    about |= {"task": dict(facts.fingerprint), "epochs": facts.epochs}
    crew = crew_of(kind, pack({"about": about, "seconds": seconds}), count)
    try:
        engine = RemoteEngine(make_engine(task), crew)
        while crew.free < count:
            crew.collect(0.1)
        values = {**RULES["Adam"].defaults, **RULES["Adam"].flags}
        configs = [Config("Adam", "keras", values, "constant", seed) for seed in range(count)]
        program = engine.prepare({"adam": configs[0]})["adam"]
        states = {}

        def begin(members):
            if all(member in states for member in members):
                return State.join([states[member] for member in members])
            return untrained(len(members))

        def end(members, state, measured):
            for i, member in enumerate(members):
                states[member] = state.take([i])

        driver.SLICE_SECONDS, driver.SHARE = 1e-9, 1e9  # so a slice is one member for one epoch
        job = Job(program, Population.of(configs), begin, end, slices // count)
        began = time.perf_counter()
        driver.train_out([job], engine, lambda *_: None)
        return time.perf_counter() - began
    finally:
        crew.close()
        if kind == "ray":
            importlib.import_module("ray").shutdown()


def _optuna_worker(path, ready, count, seconds):
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    backend = optuna.storages.journal.JournalFileBackend(path)
    study = optuna.load_study(study_name="s", storage=optuna.storages.JournalStorage(backend))

    def objective(trial):
        x = trial.suggest_float("rate", 1e-4, 1.0, log=True)
        time.sleep(seconds)
        return x

    ready.wait()
    study.optimize(objective, n_trials=count)


def optuna_seconds(count, trials, seconds):
    """Return the seconds from the first trial's begin to the last one's end."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as place:
        path = str(Path(place, "journal.log"))
        backend = optuna.storages.journal.JournalFileBackend(path)
        storage = optuna.storages.JournalStorage(backend)
        study = optuna.create_study(study_name="s", storage=storage)
        spawn = multiprocessing.get_context("spawn")
        ready = spawn.Barrier(count)
        given = (path, ready, trials // count, seconds)
        every = [spawn.Process(target=_optuna_worker, args=given) for _ in range(count)]
        for one in every:
            one.start()
        for one in every:
            one.join()
        found = study.trials
        first = min(trial.datetime_start for trial in found)
        return (max(trial.datetime_complete for trial in found) - first).total_seconds()


def tune_seconds(count, trials, seconds):
    """Return the seconds of Ray Tune's `fit`, after one of a single trial."""
    import ray
    from ray import tune

    ray.init(num_cpus=count, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    try:
        with tempfile.TemporaryDirectory() as place:

            def objective(config):
                time.sleep(seconds)
                tune.report({"loss": config["rate"]})

            def fit(samples):
                settings = tune.TuneConfig(num_samples=samples, max_concurrent_trials=count)
                run = tune.RunConfig(storage_path=place, verbose=0)
                space = {"rate": tune.loguniform(1e-4, 1.0)}
                tuner = tune.Tuner(
                    objective, param_space=space, tune_config=settings, run_config=run
                )
                began = time.perf_counter()
                tuner.fit()
                return time.perf_counter() - began

            fit(1)
            return fit(trials)
    finally:
        ray.shutdown()


def measure(tool, count, slices, seconds, task):
    if tool in ("processes", "ray"):
        return steepest_seconds(tool, count, slices, seconds, task)
    return {"optuna": optuna_seconds, "tune": tune_seconds}[tool](count, slices, seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tools", default="processes,ray,optuna,tune")
    parser.add_argument("--workers", default=",".join(map(str, WORKERS)))
    parser.add_argument("--seconds", type=float, default=1.0, help="that a slice sleeps")
    parser.add_argument("--slices", type=int, default=8, help="for each worker")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    logging.disable(logging.WARNING)
    from steepest.tasks.samples import SAMPLES

    task, found = SAMPLES["digits"].build(), {}
    for _ in range(given.rounds):
        for tool in given.tools.split(","):
            for count in map(int, given.workers.split(",")):
                slices = given.slices * count
                took = measure(tool, count, slices, given.seconds, task)
                over = 1e3 * (took * count / slices - given.seconds)
                found.setdefault(tool, {}).setdefault(count, []).append(over)
    print(f"overhead a slice or trial that sleeps {given.seconds:g} s, ms: median (min-max)")
    for tool, by_count in found.items():
        cells = [
            f"{count} workers {statistics.median(some):.1f} ({min(some):.1f}-{max(some):.1f})"
            for count, some in by_count.items()
        ]
        print(f"{tool:10} {', '.join(cells)}")
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--sleeper"]:
        sleeper(int(sys.argv[2]))
    else:
        main()
