"""Compiling SGD, Adam and RMSprop for a model: this version beside another one, in turn.

    git worktree add ../0.6.0 6e33263
    python benchmarks/compiling.py --other ../0.6.0

Each measurement is a process of its own, without a cache of compiled programs: from the task, which
is traced already, to programs that can train. A work is one of `speed/works.py`, as each version
has it. Seconds are by the clock, on all cores; processor's time is of all threads.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path

from speed.table import markdown, spread

HERE = Path(__file__).resolve().parents[1]
WORKS = "digits-mlp,digits-cnn,fashion-cnn,text-lstm,transformer,tabular-mlp"
OPTIMIZERS = ("SGD", "Adam", "RMSprop")
# Runs in either version: `contestants` has moved.
CHILD = """
import json, sys, time
from speed.population import make_task
from speed.works import WORKS
from steepest.engines import make_engine
from steepest.records import Config
try:
    from steepest.parse.contestant import contestants
except ImportError:
    from steepest.rules.contestant import contestants

task, configs = make_task(WORKS[sys.argv[1]]), {}
for name in sys.argv[2].split(","):
    (one,) = contestants(name, 8)
    configs[name] = Config(one.rule, "keras", one.defaults(), "constant", 0)
clock, processor = time.perf_counter(), time.process_time()
make_engine(task).prepare(configs)
print(json.dumps([time.perf_counter() - clock, time.process_time() - processor]))
"""


def measure(version: Path, work: str) -> tuple[float, float]:
    """Return seconds and processor's seconds of one process of a version."""
    path = os.pathsep.join(map(str, (version / "src", version / "benchmarks", version)))
    given = {"KERAS_BACKEND": "jax", "STEEPEST_CACHE": "off", "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, work, ",".join(OPTIMIZERS)],
        env={**os.environ, **given},
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{version}, {work}: {done.stderr.strip()[-800:]}")
    seconds, processor = json.loads(done.stdout.splitlines()[-1])
    return seconds, processor


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    add = parser.add_argument
    add("--other", type=Path, required=True, help="the other version's working tree")
    add("--works", default=WORKS, help="with commas between; all of them by default")
    add("--rounds", type=int, default=3)
    given = parser.parse_args()
    versions, works = (given.other.resolve(), HERE), given.works.split(",")
    found: dict[str, list[list[tuple[float, float]]]] = {work: [] for work in works}
    for _ in range(given.rounds):
        for work in works:
            found[work].append([measure(version, work) for version in versions])
    rows = []
    for work in works:
        pairs = found[work]
        ratios = [[here[i] / other[i] for other, here in pairs] for i in range(2)]
        seconds = [statistics.median(pair[i][0] for pair in pairs) for i in range(2)]
        rows.append([work, *(f"{one:.2f}" for one in seconds), *map(spread, ratios)])
    titles = ["work", "other, s", "this, s", "seconds, this ÷ other", "processor's time"]
    print(markdown(titles, rows))


if __name__ == "__main__":
    main()
