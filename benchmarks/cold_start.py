"""Cold start: `steepest compare digits`, from the start of Python to the verdict.

    python benchmarks/cold_start.py --json start.json --chart benchmarks/cold_start.svg

A fresh process with the command's defaults. The first trained rung is when its trials are in the
study file, which is watched from outside, 50 times a second; the verdict is when the process ends,
everything printed. Four cases in turn, `--repeats` times: with an empty directory for compiled
programs (cold) or the one that the run before left (warm); with TensorFlow, which Keras imports
where it finds it, as installed here, or hidden, as after `pip install steepest` alone. Files that
were read before are in the machine's memory: it is the processes that are cold, not the disk.
"""

import argparse
import json
import os
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from speed.apart import environment, machine, told
from speed.chart import OURS, SOFT, pyplot, save
from speed.table import markdown, spread

HIDDEN = "import sys; sys.modules['tensorflow'] = None; from steepest.cli import main; main()"
COMMANDS = {
    "TensorFlow hidden": [sys.executable, "-c", HIDDEN],
    "as installed": [sys.executable, "-m", "steepest"],
}
CASES = [f"{how}, {cache}" for how in COMMANDS for cache in ("cold", "warm")]
FIRST_RUNG, VERDICT = 6.0, 20.0  # seconds, to reach


def measure(command: list[str], cache: Path, task: str) -> dict[str, float]:
    """Run the command once; return when what was there, and what it took."""
    with tempfile.TemporaryDirectory() as out:
        study = Path(out) / "study" / "study.db"
        started = time.perf_counter()
        process = subprocess.Popen(
            [*command, "compare", task, "--out", str(study.parent)],
            env={**environment(cache)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        first: float | None = None
        while True:
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            now = time.perf_counter() - started
            if first is None and study.exists() and _has_rung(study):
                first = now
            if pid:
                break
            time.sleep(0.02)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode or first is None:
        raise SystemExit(f"{' '.join(command)} compare {task} failed ({process.returncode})")
    return {
        "first_rung": first,
        "verdict": now,
        "processor": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024),
    }


def _has_rung(study: Path) -> bool:
    """Return whether there is a trained trial in the study file, which may be half made."""
    try:
        db = sqlite3.connect(f"{study.as_uri()}?mode=ro", uri=True)
        try:
            return db.execute("SELECT COUNT(*) FROM evaluation").fetchone()[0] > 0
        finally:
            db.close()
    except sqlite3.Error:
        return False


def render(found: dict[str, list[dict[str, float]]]) -> str:
    rows = [
        [
            case,
            spread([run["first_rung"] for run in runs]),
            spread([run["verdict"] for run in runs]),
            spread([run["processor"] for run in runs]),
            spread([run["peak_bytes"] / 2**30 for run in runs]),
        ]
        for case, runs in found.items()
    ]
    headings = ["", f"first trained rung, s (to reach {FIRST_RUNG:.0f})",
                f"verdict, s (to reach {VERDICT:.0f})", "processor time, s",
                "GiB at its peak"]  # fmt: skip
    return markdown(headings, rows)


def draw(found: dict[str, list[dict[str, float]]], task: str, file: Path) -> None:
    plt = pyplot()
    figure, ax = plt.subplots(figsize=(6.5, 0.5 * len(found) + 1), layout="constrained")
    for i, runs in enumerate(reversed(found.values())):
        values = {what: [run[what] for run in runs] for what in ("first_rung", "verdict")}
        first, end = (statistics.median(some) for some in values.values())
        ax.barh(i, end, color=SOFT, height=0.6)
        ax.barh(i, first, color=OURS, height=0.6)
        for some in values.values():
            ax.plot([min(some), max(some)], [i, i], color="black", linewidth=1)
        ax.annotate(f"first rung {first:.1f} s, verdict {end:.1f} s", (end, i), xytext=(5, 0),
                    textcoords="offset points", va="center", size=8)  # fmt: skip
    for goal in (FIRST_RUNG, VERDICT):
        ax.axvline(goal, color="black", linewidth=0.8, linestyle=":")
    ax.set_xlim(0, 1.6 * max(VERDICT, *(run["verdict"] for runs in found.values() for run in runs)))
    ax.set_yticks(range(len(found)), list(reversed(found)))
    ax.set_xlabel("seconds from the start of the process (dotted: to reach)")
    ax.set_title(f"steepest compare {task}")
    save(figure, file)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--task", default="digits", help="a built-in task")
    add("--repeats", type=int, default=5, help="rounds")
    add("--json", type=Path, help="write all numbers here")
    add("--chart", type=Path, help="draw an SVG here")
    add("--from", dest="file", type=Path, help="measure nothing, show this file")
    given = parser.parse_args()
    if given.file:
        content: dict[str, Any] = json.loads(given.file.read_text())
    else:
        found: dict[str, list[dict[str, float]]] = {case: [] for case in CASES}
        content = {**machine(["jax", "jaxlib", "keras", "steepest"]), "task": given.task}
        for number in range(given.repeats):
            for how, command in COMMANDS.items():
                with tempfile.TemporaryDirectory() as cache:
                    for kept in ("cold", "warm"):
                        run = measure(command, Path(cache), given.task)
                        found[f"{how}, {kept}"].append(run)
                        print(f"round {number + 1}: {how}, {kept}: first rung "
                              f"{run['first_rung']:.1f} s, verdict {run['verdict']:.1f} s",
                              file=sys.stderr, flush=True)  # fmt: skip
        content["found"] = found
    if given.json:
        given.json.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{render(content['found'])}\n\n{told(content)}")
    if given.chart:
        draw(content["found"], content["task"], given.chart)


if __name__ == "__main__":
    main()
