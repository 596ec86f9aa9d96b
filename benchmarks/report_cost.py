"""What the measures and the report cost, beside the study they are of.

    python benchmarks/report_cost.py

In turn, in one process: `digits` with what is measured beside the verdict (the training set at the
end, the time of updates) and without it; then, of studies of 24 and of 2,000 trials, the measures,
the page, and its size.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from unittest import mock

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from steepest.measures.measure import measure
from steepest.measures.verdict import judge
from steepest.options import Options
from steepest.reports.page.page import page
from steepest.study import run_study
from steepest.tasks.load import load_task

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))


NAMES = ("SGD", "Adam", "RMSprop", "Lion", "Nadam")


def compare(place, whole):
    """Return the study of `digits`, and the seconds it took."""
    task = load_task("digits", None)
    nothing = mock.patch("steepest.search.loop.sweep_and_time")
    without = mock.patch(
        "steepest.engines.compiled.engine.sets_of", lambda task: {"test": task.test}
    )
    started = time.perf_counter()
    if whole:
        study = run_study(task, Options(), place, False)
    else:
        with nothing, without:
            study = run_study(task, Options(), place, False)
    return study.record, time.perf_counter() - started


def timed(function, rounds):
    """Return what `function` gives, and quartiles of its seconds."""
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        found = function()
        seconds.append(time.perf_counter() - started)
    return found, np.percentile(seconds, [50, 25, 75])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as made:
        compare(Path(made) / "first", True)  # fills the cache of programs
        pairs = []
        for i in range(rounds):
            study, took = compare(Path(made) / f"with-{i}", True)
            pairs.append((took, compare(Path(made) / f"without-{i}", False)[1]))
    took, bare = np.array(pairs).T
    ratio = np.percentile(took / bare, [50, 25, 75])
    more = np.percentile(took - bare, [50, 25, 75])
    print("digits with what is measured beside the verdict, over without: ", end="")
    print("{:.2f} ({:.2f} to {:.2f}) times;".format(*ratio), end=" ")
    print("{:.2f} s ({:.2f} to {:.2f}) more".format(*more))
    from reports_pages import full

    for name, one in (
        ("24 trials", study),
        ("2,000 trials", full(names=NAMES, searched=397)),
    ):
        verdict, judging = timed(lambda one=one: judge(one), rounds)
        measures, measuring = timed(lambda one=one, v=verdict: measure(one, v), rounds)
        text, drawing = timed(lambda one=one, v=verdict, m=measures: page(one, v, m), rounds)
        print(f"{name}, in seconds: ", end="")
        print("verdict {:.2f} ({:.2f} to {:.2f}), ".format(*judging), end="")
        print("measures {:.2f} ({:.2f} to {:.2f}), ".format(*measuring), end="")
        print("page {:.2f} ({:.2f} to {:.2f}), ".format(*drawing), end="")
        print(f"{len(text.encode()) / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
