"""What a cluster makes of a study, by simulation: 8, 64 and 512 GPUs, trainings of an hour.

    python benchmarks/cluster_simulation.py --chart docs/cluster.svg --json simulation.json

Search, race and driver are those of a study (`steepest.search`, `workers/driver.py`): they send
their slices to workers that do not exist, and read a clock that jumps to the next answer. Losses
are a formula with noise (`tests/fake_engine.py`). What is assumed:

- a training is 20 epochs of three minutes, for each optimizer;
- a worker is there after half a minute, and compiles a program for a minute, once;
- a state is 300 MB (25 million weights, Adam), and passes the driver at 1 GB/s, out and back;
- the driver takes 5 ms beside that for sending a slice and for taking what came of it;
- nobody dies.

A worker is busy while it trains or compiles. It is held from its start until it is given back, as
`workers/team.py` does it with those that have nothing to do.
"""

import argparse
import heapq
import json
import math
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from fake_engine import FakeEngine, bowl, searched
from speed.chart import OTHERS, OURS, pyplot, save

from steepest import budget
from steepest.engines.population import Population
from steepest.hashing import digest
from steepest.workers import driver, team
from steepest.workers.remote import RemoteEngine
from steepest.workers.slices import Slice, Trained
from steepest.workers.team import Team
from steepest.workers.wire import pack

OPTIMIZERS = "SGD,Adam,AdamW,RMSprop,Lion,Nadam"
EPOCHS, EPOCH, COMPILING, STARTING = 20, 180.0, 60.0, 30.0  # epochs, and seconds
STATE, RATE, TAKEN = 300e6, 1e9, 0.005  # bytes, bytes a second, seconds
LOOK = 15.0  # seconds between the driver's looks; 0.2 would be a hundred thousand in five hours
WORSE = {"SGD": 0.15, "RMSprop": 0.05, "Lion": 0.02, "Nadam": 0.01}
SIZES = (8, 64, 512)


@dataclass
class Clock:
    """A clock that somebody else moves on; it stands in the place of the module `time` too."""

    now: float = 0.0

    def __call__(self):
        return self.now

    perf_counter = monotonic = __call__


@dataclass
class Gpu:
    """What a worker has compiled, and what it did: when it was there, when it was busy."""

    began: float
    programs: set = field(default_factory=set)
    busy: list = field(default_factory=list)
    ended: float = math.inf


class Cluster(Team):
    """Workers that are simulated, under the team that real ones are under."""

    def __init__(self, count, here, clock):
        super().__init__(count)
        self.name, self.here, self.clock = f"{count} simulated", here, clock
        self.all, self.due, self.driving, self.slices = [], [], 0.0, 0
        facts = here.facts
        about = {"kind": "simulated", "device": "simulated", "lockstep": False}
        self.about = about | {"task": dict(facts.fingerprint), "epochs": facts.epochs}
        self.fill()

    def start(self, number):
        self.all.append(Gpu(self.clock.now))
        self._answer(self.all[-1], self.clock.now + STARTING, {})
        return self.all[-1]

    def end(self, handle):
        handle.ended = self.clock.now

    def _answer(self, gpu, when, said):
        self.slices += 1
        message = pack({"about": self.about} | said)
        heapq.heappush(self.due, (when, self.slices, gpu, message))

    def _drive(self, count):
        """Have the driver take its time for a message with so many states."""
        seconds = TAKEN / 2 + STATE * count / RATE
        self.clock.now += seconds
        self.driving += seconds

    def send(self, handle, message):
        if not message:
            self._answer(handle, self.clock.now, {})
            return
        one = Slice.from_bytes(message)
        self._drive(0 if one.state is None else len(one.configs))
        compiling = 0.0 if one.program in handle.programs else COMPILING
        handle.programs.add(one.program)
        population = Population.of(one.configs)
        program = self.here.prepare({"one": one.configs[0]})["one"]
        state, measured = program.advance(
            population, one.state or program.begin(population), one.stop
        )
        measured = replace(measured, seconds=EPOCH * int(measured.trained.sum()))
        parts = [(range(len(population)), state, measured)]
        came = Trained(parts, {}, program.capacity, False, compiling)
        end = self.clock.now + compiling + measured.seconds
        handle.busy.append((self.clock.now, end))
        self._answer(handle, end, came.to_value())

    def hear(self, timeout):
        if not self.due or self.due[0][0] > self.clock.now + timeout:
            self.clock.now += timeout
            return []
        when, _, gpu, message = heapq.heappop(self.due)
        self.clock.now = max(self.clock.now, when)
        worker = next((one for one in self.workers if one.handle is gpu), None)
        if worker is None:  # it was given back
            return []
        if worker.ready:
            self._drive(1)
        return [(worker, message, "")]


def simulate(count, asked, seed=0, ahead=False):
    """Return what became of a study on so many workers."""
    clock, stages = Clock(), []
    driver.time = team.time = budget.clock = clock
    driver.LOOK = LOOK
    here = FakeEngine(bowl(noise=0.03, worse=WORSE), epochs=EPOCHS)
    crew = Cluster(count, here, clock)

    def watch(text, _):
        if text and (not stages or stages[-1][1] != text):
            stages.append((clock.now, text))

    with tempfile.TemporaryDirectory() as place:
        engine = RemoteEngine(here, crew, ahead=ahead)
        began = time.perf_counter()
        study = searched(engine, Path(place), OPTIMIZERS, seed=seed, watch=watch, **asked)
        took = time.perf_counter() - began
    assert study.complete
    spans = [span for gpu in crew.all for span in gpu.busy]
    busy = sum(end - begin for begin, end in spans)
    held = sum(min(gpu.ended, clock.now) - gpu.began for gpu in crew.all)
    trained = sum(trial.epochs for trial in study.trials)
    return {
        "workers": count,
        "hours": clock.now / 3600,
        "trainings": trained / EPOCHS,
        "trials": len(study.trials),
        "busy of all": busy / (count * clock.now),
        "busy of held": busy / held,
        "GPU hours": held / 3600,
        "kept": trained * EPOCH / busy,
        "driver": crew.driving / clock.now,
        "slices": crew.slices,
        "seconds": took,
        "stages": stages,
        "spans": spans,
        "same": digest([(t.optimizer, t.stage, t.config, t.curves) for t in study.trials]),
    }


def level(spans, points):
    """Return how many of the spans hold each of the points."""
    begins, ends = (np.sort([span[side] for span in spans]) for side in (0, 1))
    return np.searchsorted(begins, points, "right") - np.searchsorted(ends, points, "right")


def draw(found, file):
    """Draw who trains when: a row a cluster, a column for what becomes of idle workers."""
    plt = pyplot()
    shown = [one for one in found if one["budget"] == "thorough" and one["workers"] > 1]
    sizes, idles = (list(dict.fromkeys(one[key] for one in shown)) for key in ("workers", "idle"))
    figure, grid = plt.subplots(
        len(sizes), len(idles), figsize=(8, 1.5 * len(sizes)), sharex=True, squeeze=False
    )
    for one in shown:
        axes = grid[sizes.index(one["workers"])][idles.index(one["idle"])]
        points = np.linspace(0, 3600 * one["hours"], 300)
        busy = level(one["spans"], points)
        confirms = next(at for at, text in one["stages"] if text.startswith("confirming"))
        for early, color in ((True, OTHERS), (False, OURS)):
            some = (points < confirms) == early
            axes.fill_between(points[some] / 3600, busy[some], color=color, linewidth=0)
        axes.set_ylim(0, 1.08 * max(busy))
        axes.set_title(
            f"{one['workers']} GPUs, --idle {one['idle']}: {one['hours']:.1f} h, "
            f"{one['GPU hours']:.0f} GPU hours"
        )
    for row in grid:
        row[0].set_ylabel("GPUs busy")
    for axes in grid[-1]:
        axes.set_xlabel("hours")
    figure.tight_layout()
    save(figure, file)


def row(some):
    """Return a line of the table: the median of studies of other noise, and the extremes."""
    middle = {
        key: statistics.median(one[key] for one in some)
        for key, value in some[0].items()
        if isinstance(value, float | int)
    }
    hours = sorted(one["hours"] for one in some)
    cells = (
        some[0]["budget"],
        some[0]["workers"],
        some[0]["idle"],
        f"{middle['hours']:.1f} ({hours[0]:.1f}–{hours[-1]:.1f})",
        f"{middle['trainings']:.0f}",
        f"{middle['GPU hours']:.0f}",
        *(f"{middle[key]:.0%}" for key in ("busy of all", "busy of held", "kept", "driver")),
    )
    return "| " + " | ".join(map(str, cells)) + " |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", default=",".join(map(str, SIZES)))
    parser.add_argument("--budgets", default="standard,thorough")
    parser.add_argument("--idle", default="back,ahead")
    parser.add_argument("--seeds", type=int, default=3, help="studies of other noise, each")
    parser.add_argument("--chart", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    os.environ["STEEPEST_CHECKPOINT"] = "1e12"  # nobody is killed
    found, same = [], {}
    print(
        "| budget | GPUs | idle | hours | trainings | GPU hours held | busy of all | "
        "busy of those held | of it in the study | driver busy |"
    )
    print("| --- " * 10 + "|")
    for budget_name in given.budgets.split(","):
        for count in map(int, given.workers.split(",")):
            for idle in given.idle.split(","):
                some = []
                for seed in range(given.seeds):
                    one = simulate(count, {"budget": budget_name}, seed, idle == "ahead")
                    same.setdefault((budget_name, seed), set()).add(one["same"])
                    some.append(one | {"budget": budget_name, "idle": idle})
                found.append(some[0])
                print(row(some), flush=True)
    print(f"{len(same)} studies, the same on each cluster: {max(map(len, same.values())) == 1}")
    if given.chart:
        draw(found, given.chart)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
