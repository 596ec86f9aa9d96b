"""What a cluster makes of a study, by simulation: 8, 64 and 512 GPUs, trainings of an hour.

    python benchmarks/cluster_simulation.py --chart docs/cluster.svg --json simulation.json

Search, race and driver are those of a study (`steepest.search`, `workers/driver.py`): they send
their slices to workers that do not exist, and read a clock that jumps to the next answer. Losses
are a formula with noise (`tests/fake_engine.py`). What is assumed:

- a training is 60 epochs of a minute, for each optimizer;
- a worker compiles a program for a minute, once;
- a state is 300 MB (25 million weights, Adam), and passes the driver at 1 GB/s, out and back;
- the driver takes 5 ms beside that for sending a slice and for taking what came of it;
- nobody dies.

Utilization is the time in which workers train or compile, over that of all workers from the study's
begin to its end. `useful` counts what the study has, not what was trained ahead for nothing.
"""

import argparse
import heapq
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fake_engine import FakeEngine, bowl, searched
from speed.chart import OURS, SOFT, pyplot, save

from steepest import budget
from steepest.engines.population import Population
from steepest.hashing import digest
from steepest.workers import driver
from steepest.workers.crew import Answer
from steepest.workers.remote import RemoteEngine
from steepest.workers.slices import Slice, Trained
from steepest.workers.wire import pack

OPTIMIZERS = "SGD,Adam,AdamW,RMSprop,Lion,Nadam"
EPOCHS, EPOCH, COMPILING = 60, 60.0, 60.0  # seconds
STATE, RATE, TAKEN = 300e6, 1e9, 0.005  # bytes, bytes a second, seconds
WORSE = {"SGD": 0.15, "RMSprop": 0.05, "Lion": 0.02, "Nadam": 0.01}
SIZES = (1, 6, 8, 64, 512)


@dataclass
class Clock:
    """A clock that somebody else moves on; it stands in the place of the module `time` too."""

    now: float = 0.0

    def __call__(self):
        return self.now

    perf_counter = monotonic = __call__


@dataclass
class Worker:
    """What a worker has compiled, and what it did: when it began, when it ended."""

    programs: set = field(default_factory=set)
    busy: list = field(default_factory=list)


class Crew:
    """Workers of a simulated cluster (`steepest/workers/crew.py`)."""

    def __init__(self, count, here, clock):
        self.name, self.size, self.here, self.clock = f"{count} simulated", count, here, clock
        self.workers = [Worker() for _ in range(count)]
        self.idle, self.due, self.driving, self.slices = list(self.workers), [], 0.0, 0
        facts = here.facts
        about = {"kind": "simulated", "device": "simulated", "lockstep": False}
        self.about = about | {"task": dict(facts.fingerprint), "epochs": facts.epochs}

    @property
    def free(self):
        return len(self.idle)

    def _drive(self, seconds):
        self.clock.now += seconds
        self.driving += seconds

    def submit(self, ticket, message):
        if not message:
            heapq.heappush(self.due, (self.clock.now, ticket, pack({"about": self.about}), None))
            return
        one = Slice.from_bytes(message)
        count = len(one.configs)
        self._drive(TAKEN / 2 + (STATE * count / RATE if one.state is not None else 0.0))
        worker = next((w for w in self.idle if one.program in w.programs), self.idle[0])
        self.idle.remove(worker)
        compiling = 0.0 if one.program in worker.programs else COMPILING
        worker.programs.add(one.program)
        population = Population.of(one.configs)
        program = self.here.prepare({"one": one.configs[0]})["one"]
        state, measured = program.advance(
            population, one.state or program.begin(population), one.stop
        )
        seconds = EPOCH * int(measured.trained.sum())
        measured = type(measured)(measured.values, measured.trained, seconds)
        came = Trained([(range(count), state, measured)], {}, 64, False, compiling)
        began, end = self.clock.now, self.clock.now + compiling + seconds
        worker.busy.append((began, end))
        self.slices += 1
        reply = pack({"about": self.about} | came.to_value())
        heapq.heappush(self.due, (end, ticket, reply, worker))

    def collect(self, timeout):
        end, ticket, reply, worker = heapq.heappop(self.due)
        self.clock.now = max(self.clock.now, end)
        if worker is not None:
            self.idle.append(worker)
            self._drive(TAKEN / 2 + STATE / RATE)
        return [Answer(ticket, reply)]

    def drop(self, ticket):
        raise AssertionError("nobody hangs")

    def close(self):
        pass


def simulate(count, asked, seed=0):
    """Return what became of a study on so many workers."""
    clock, stages = Clock(), []
    driver.time, budget.clock = clock, clock
    here = FakeEngine(bowl(noise=0.03, worse=WORSE), epochs=EPOCHS)
    crew = Crew(count, here, clock)

    def watch(text, _):
        if text and (not stages or stages[-1][1] != text):
            stages.append((clock.now, text))

    with tempfile.TemporaryDirectory() as place:
        engine = RemoteEngine(here, crew)
        began = time.perf_counter()
        study = searched(engine, Path(place), OPTIMIZERS, seed=seed, watch=watch, **asked)
        took = time.perf_counter() - began
    assert study.complete
    whole = clock.now
    busy = sum(end - begin for worker in crew.workers for begin, end in worker.busy)
    trained = sum(trial.epochs for trial in study.trials)
    return {
        "workers": count,
        "hours": whole / 3600,
        "trainings": trained / EPOCHS,
        "trials": len(study.trials),
        "utilization": busy / (count * whole),
        "useful": trained * EPOCH / (count * whole),
        "driver": crew.driving / whole,
        "slices": crew.slices,
        "seconds": took,
        "stages": stages,
        "busy": [span for worker in crew.workers for span in worker.busy],
        "same": digest([(t.optimizer, t.stage, t.config, t.curves) for t in study.trials]),
    }


def level(spans, points):
    """Return how many of the spans hold each of the points."""
    begins, ends = (np.sort([span[side] for span in spans]) for side in (0, 1))
    return np.searchsorted(begins, points, "right") - np.searchsorted(ends, points, "right")


def draw(found, file):
    """Draw who trains when, a row a cluster."""
    plt = pyplot()
    shown = [one for one in found if one["budget"] == "thorough" and one["workers"] > 1]
    figure, rows = plt.subplots(len(shown), 1, figsize=(7, 1.5 * len(shown)), sharex=True)
    for one, axes in zip(shown, np.atleast_1d(rows), strict=True):
        points = np.linspace(0, 3600 * one["hours"], 2000)
        busy = level(one["busy"], points)
        confirms = next(at for at, text in one["stages"] if text.startswith("confirming"))
        for early, color in ((True, SOFT), (False, OURS)):
            some = (points < confirms) == early
            axes.fill_between(points[some] / 3600, busy[some], color=color, linewidth=0)
        axes.set_ylim(0, 1.08 * max(busy))
        axes.set_ylabel("workers that train")
        axes.set_title(
            f"{one['workers']} GPUs: {one['hours']:.1f} h, {one['utilization']:.0%} of them busy"
        )
    axes.set_xlabel("hours; search (grey), confirmation (red)")
    figure.tight_layout()
    save(figure, file)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", default=",".join(map(str, SIZES)))
    parser.add_argument("--budgets", default="standard,thorough")
    parser.add_argument("--seeds", type=int, default=3, help="studies of other noise, each")
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ["STEEPEST_CHECKPOINT"] = "1e12"  # nobody is killed
    found = []
    print("| budget | GPUs | hours | trainings | busy | of it kept | driver busy | slices |")
    print("| --- " * 8 + "|")
    for name in given.budgets.split(","):
        for count in map(int, given.workers.split(",")):
            some = [simulate(count, {"budget": name}, seed) for seed in range(given.seeds)]
            found.append(some[0] | {"budget": name, "same": [one["same"] for one in some]})
            keys = ("hours", "trainings", "utilization", "useful", "driver", "slices")
            middle = {key: statistics.median(one[key] for one in some) for key in keys}
            hours = sorted(one["hours"] for one in some)
            share = middle["useful"] / middle["utilization"]
            print(
                f"| {name} | {count} | {middle['hours']:.1f} ({hours[0]:.1f}–{hours[-1]:.1f}) | "
                f"{middle['trainings']:.0f} | {middle['utilization']:.0%} | {share:.0%} | "
                f"{middle['driver']:.1%} | {middle['slices']:.0f} |",
                flush=True,
            )
        kept = [one["same"] for one in found if one["budget"] == name]
        print("the same studies on all:", all(one == kept[0] for one in kept), file=sys.stderr)
    if given.chart:
        draw(found, given.chart)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
