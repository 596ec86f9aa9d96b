"""The arithmetic rate of a population's step, as a share of this machine's matrix-product peak.

    python benchmarks/arithmetic_rate.py --json rate.json --chart benchmarks/arithmetic_rate.svg

FLOPs are counted by XLA in the compiled step of one member (forward, backward, Adam): of the step
alone, as XLA counts the body of a loop once. Our own count of the matrix products stands beside it.
The time is that of Steepest's engine, training a population as in a search: shuffling, gathering of
batches, and what goes in and out of the program count, compiling does not. One epoch of many
batches is trained and the validation set is one batch, so that evaluation hardly counts, and is not
credited. Epochs of copies of the data, four members a core.

The peak is the fastest float32 product of square matrices by NumPy, JAX or PyTorch, the best time
of many, with as many threads, in the same process and round. All once on one core and once on all.
"""

import argparse
import contextlib
import json
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from speed import models_keras
from speed.apart import cores, environment, machine, run_apart, told
from speed.chart import OTHERS, OURS, SOFT, pyplot, save
from speed.table import markdown, spread
from speed.works import WORKS, Work, make_trials

MEMBERS_A_CORE = 4


def flat_fashion() -> Any:
    return tuple((x.reshape(len(x), -1), y) for x, y in WORKS["fashion-cnn"].data())


def wide_mlp(keras: Any, name: str) -> Any:
    return models_keras.perceptron(keras, 784, (1024, 1024), 10, name)


WIDE = replace(
    WORKS["fashion-cnn"], title="Fashion-MNIST, MLP 1024-1024", model=wide_mlp, data=flat_fashion,
    batch_size=128, image=False,
)  # fmt: skip
RATED: dict[str, tuple[Work, int, float]] = {  # with the batches of an epoch, and what to reach
    "digits-mlp": (WORKS["digits-mlp"], 4000, 0.50),
    "wide-mlp": (WIDE, 64, 0.50),
    "fashion-cnn": (WORKS["fashion-cnn"], 48, 0.35),
    "transformer": (WORKS["transformer"], 100, 0.45),
}


def measure_here(name: str, repeats: int, shrink: int) -> dict[str, Any]:
    """Measure one model on the cores of this process: peak and population in turn."""
    from speed.flops import count_flops, peak
    from speed.population import make_task, prepare

    work, batches, _ = RATED[name]
    batches = max(2, batches // shrink)
    (x, y), (validation_x, validation_y) = work.data()
    rows = np.arange(batches * work.batch_size) % len(x)
    few = slice(0, work.batch_size)
    parts = ((x[rows], y[rows]), (validation_x[few], validation_y[few]))
    task = make_task(work, epochs=1, parts=parts)
    trials = make_trials(MEMBERS_A_CORE * len(cores()))
    counted = count_flops(task, trials[0])
    prepared = prepare(task, trials)
    prepared.train()  # once without the clock
    rounds = []
    for _ in range(repeats):
        best, whose = peak()
        started = time.perf_counter()
        prepared.train()
        step = (time.perf_counter() - started) / (len(trials) * batches)
        rounds.append({"peak": best, "whose": whose, "step_seconds": step})
    return {"flops": counted, "rounds": rounds, "threads": len(cores())}


def rows_of(found: dict[str, Any]) -> list[list[str]]:
    """Return a line of the table for each model and number of cores."""
    rows = []
    for key, one in found.items():
        work, _, goal = RATED[key.split("/")[0]]
        flops, rounds = one["flops"], one["rounds"]
        peaks = sorted({r["whose"] for r in rounds})
        rows.append(
            [
                work.title,
                str(one["threads"]),
                f"{flops['compiled'] / 1e6:,.1f}",
                f"{flops['matrix'] / 1e6:,.1f}",
                spread([1e6 * r["step_seconds"] for r in rounds]),
                spread([flops["compiled"] / r["step_seconds"] / 1e9 for r in rounds]),
                f"{spread([r['peak'] / 1e9 for r in rounds])}, {' or '.join(peaks)}",
                spread([100 * share for share in shares(one, "compiled")]) + " %",
                spread([100 * share for share in shares(one, "matrix")]) + " %",
                f"{100 * goal:.0f} %",
            ]
        )
    return rows


def shares(one: dict[str, Any], count: str) -> list[float]:
    """Return, round by round, what part of the peak the population reached."""
    return [one["flops"][count] / r["step_seconds"] / r["peak"] for r in one["rounds"]]


def render(found: dict[str, Any]) -> str:
    headings = ["model", "cores", "MFLOP a step, compiled", "of matrix products",
                "µs a member's step", "GFLOP/s", "peak GFLOP/s", "share of the peak",
                "matrix products alone",
                "to reach"]  # fmt: skip
    return markdown(headings, rows_of(found))


def draw(found: dict[str, Any], file: Path) -> None:
    plt = pyplot()
    figure, ax = plt.subplots(figsize=(6.5, 0.42 * len(found) + 0.9), layout="constrained")
    labels = []
    for i, (key, one) in enumerate(reversed(found.items())):
        work, _, goal = RATED[key.split("/")[0]]
        values = [100 * share for share in shares(one, "compiled")]
        middle = statistics.median(values)
        ax.barh(i, 100, color=SOFT, height=0.7)
        ax.barh(i, middle, color=OURS, height=0.7)
        ax.plot([min(values), max(values)], [i, i], color="black", linewidth=1)
        ax.plot([100 * goal] * 2, [i - 0.4, i + 0.4], color=OTHERS, linewidth=2)
        ax.annotate(f"{middle:.0f} %", (101, i), va="center", size=8)
        labels.append(f"{work.title}, {one['threads']} core{'s' * (one['threads'] > 1)}")
    ax.set_yticks(range(len(labels)), labels)
    ax.set_title("Share of the measured matrix-product peak (mark: to reach)")
    ax.set_xlim(0, 110)
    save(figure, file)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--works", default=",".join(RATED), help=f"of {','.join(RATED)}")
    add("--repeats", type=int, default=5, help="rounds")
    add("--shrink", type=int, default=1, help="divide the batches by this, for a quick look")
    add("--json", type=Path, help="write all numbers here")
    add("--chart", type=Path, help="draw an SVG here")
    add("--from", dest="file", type=Path, help="measure nothing, show this file")
    add("--here", metavar="WORK", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        with contextlib.redirect_stdout(sys.stderr):
            sys.modules["tensorflow"] = None  # type: ignore[assignment]
            found = measure_here(given.here, given.repeats, given.shrink)
        print(json.dumps(found))
        return
    if given.file:
        content = json.loads(given.file.read_text())
    else:
        content = {**machine(["jax", "jaxlib", "keras", "numpy", "steepest", "torch"]), "found": {}}
        for name in given.works.split(","):
            for used in sorted({1, len(cores())}):
                command = ["--here", name, "--repeats", str(given.repeats)]
                content["found"][f"{name}/{used}"] = run_apart(
                    __file__,
                    [*command, "--shrink", str(given.shrink)],
                    environment(None),
                    cores()[:used],
                )
                print(f"{name} on {used} cores: done", file=sys.stderr, flush=True)
    if given.json:
        given.json.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{render(content['found'])}\n\n{told(content)}")
    if given.chart:
        draw(content["found"], given.chart)


if __name__ == "__main__":
    main()
