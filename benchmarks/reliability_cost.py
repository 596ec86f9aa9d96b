"""What it costs that nothing is lost: the same study by this tree and by one before, in turn.

    git worktree add /tmp/before COMMIT
    python benchmarks/reliability_cost.py /tmp/before --task digits --repeats 7

Each repetition runs both trees in turn, in an order that changes, as processes of their own with a
cache of compiled programs of their own that is warm. Told are the study's own seconds, from the
first compile to the end, the page not counted: ratios of the pairs, their median and range.
"""

import argparse
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent.parent


def seconds(tree: Path, arguments: list[str], cache: Path) -> float:
    """Return how long a study takes with the package of a tree."""
    with tempfile.TemporaryDirectory() as place:
        environment = {
            **os.environ,
            "PYTHONPATH": str(tree / "src"),
            "STEEPEST_CACHE": str(cache),
            "KERAS_BACKEND": "jax",
        }
        command = [sys.executable, "-m", "steepest", "compare", *arguments, "--out", f"{place}/s"]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        with sqlite3.connect(f"{place}/s/study.db") as db:
            return float(db.execute("SELECT value FROM study WHERE key = 'seconds'").fetchone()[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("--task", default="digits")
    parser.add_argument("--repeats", type=int, default=7)
    given, rest = parser.parse_known_args()  # the rest are further options of compare
    arguments = [given.task, *rest]
    with tempfile.TemporaryDirectory() as place:
        trees = {"before": given.before.resolve(), "now": HERE}
        caches = {name: Path(place) / name for name in trees}
        for name, tree in trees.items():
            seconds(tree, arguments, caches[name])  # compiles
        found: dict[str, list[float]] = {name: [] for name in trees}
        for turn in range(given.repeats):
            for name in sorted(trees, reverse=bool(turn % 2)):
                found[name].append(seconds(trees[name], arguments, caches[name]))
            print(f"{turn + 1}: {found['before'][-1]:.2f} s, {found['now'][-1]:.2f} s", flush=True)
    ratios = sorted(b / a for a, b in zip(found["before"], found["now"], strict=True))
    print(
        f"{' '.join(arguments)}: {statistics.median(found['before']):.2f} s before, "
        f"{statistics.median(found['now']):.2f} s now; ratio {statistics.median(ratios):.3f} "
        f"({ratios[0]:.3f} to {ratios[-1]:.3f})"
    )


if __name__ == "__main__":
    main()
