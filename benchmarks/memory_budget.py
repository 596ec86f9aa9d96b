"""Peak memory and time of a search under a budget of memory.

    python benchmarks/memory_budget.py

A digits perceptron of 2.2 million parameters (2048-1024), Adam, 32 trials of one epoch, then all of
them a second one: their states, 27 MB each, have to wait in between. Without a budget they wait in
memory, with one on disk beyond half of it. Each point is a process of its own, in turn; memory is
its peak, less what it had when the data were loaded and the model was built.
"""

import argparse
import contextlib
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from growth import _peak_bytes
from speed import models_keras
from speed.apart import environment, run_apart
from speed.population import make_task
from speed.table import markdown, spread
from speed.works import SEED, WORKS, make_trials

TRIALS = 32
BUDGETS = {"none": None, "1 GB": 10**9, "250 MB": 250 * 10**6}


def measure_here(budget: str) -> dict[str, float]:
    """Measure one budget in this process."""
    from steepest.checkpoints import Checkpoints
    from steepest.engines import make_engine
    from steepest.parse.contestant import contestants
    from steepest.records import Config, Stage
    from steepest.search.runner import Training, program_key, start_trials, train_trials
    from steepest.workers.local import Pace

    def model(keras: Any, name: str) -> Any:
        return models_keras.perceptron(keras, 64, (2048, 1024), 10, name)

    task = make_task(replace(WORKS["digits-mlp"], model=model), 2)
    (adam,) = contestants("Adam", TRIALS)
    configs = [
        Config(adam.rule, "keras", {**adam.defaults(), **trial}, "constant", SEED)
        for trial in make_trials(TRIALS)
    ]
    before = _peak_bytes()
    engine = make_engine(task, BUDGETS[budget])
    programs = engine.prepare({program_key(configs[0]): configs[0]})
    running = start_trials({"Adam": configs}, Stage.SEARCH, first=0)
    with tempfile.TemporaryDirectory() as directory:
        checkpoints = Checkpoints(engine.memory // 2, Path(directory))
        training = Training(engine, programs, checkpoints, Pace(), lambda *_: None, lambda _: None)
        started = time.perf_counter()
        for epochs in (1, 2):
            train_trials(training, running, epochs)
        return {"seconds": time.perf_counter() - started, "bytes": _peak_bytes() - before}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=3, help="rounds")
    parser.add_argument("--here", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        with contextlib.redirect_stdout(sys.stderr):
            sys.modules["tensorflow"] = None  # type: ignore[assignment]
            point = measure_here(given.here)
        print(json.dumps(point))
        return
    found: dict[str, list[dict[str, float]]] = {budget: [] for budget in BUDGETS}
    for _ in range(given.repeats):
        for budget, runs in found.items():
            runs.append(run_apart(__file__, ["--here", budget], environment(None)))
    rows = [
        [
            budget,
            spread([run["bytes"] / 10**6 for run in runs]),
            spread([run["seconds"] for run in runs]),
        ]
        for budget, runs in found.items()
    ]
    print(markdown(["budget", "peak, MB", "seconds"], rows))


if __name__ == "__main__":
    main()
