"""How time and memory grow: members 1 … 512, width of the model × 1 … 16, data × 1 … 16.

    python benchmarks/growth.py --json growth.json --chart benchmarks/growth.svg

The digits perceptron, two epochs, Adam. Members: that many trials of it. Width: the hidden layers
128-64 times the factor, eight members. Data: the training set repeated, eight members. Each point
is a process of its own; points are measured in turn, `--repeats` times.

Seconds are of the training of a population, fresh weights included, compiling not (it is told
beside it), after a training that does not count, the mean of several where it is short. Memory is
the process' peak, less what it had when Keras and JAX were imported and the data were loaded. The
exponent p is of time ~ quantityᵖ, least squares through the logarithms of the upper half of the
points, where what is done once weighs less: 1 is linear. For width the quantity is the number of
parameters, which says how much arithmetic there is; it grows faster than the width.
"""

import argparse
import contextlib
import json
import resource
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from speed import models_keras
from speed.apart import environment, machine, run_apart, told
from speed.chart import OTHERS, OURS, pyplot, save
from speed.table import markdown, spread
from speed.works import WORKS, make_trials

EPOCHS, MEMBERS = 2, 8
LONG_ENOUGH = 0.5  # seconds that a point trains, again and again where it is short
POINTS = {
    "members": tuple(2**i for i in range(10)),
    "width": tuple(2**i for i in range(5)),
    "data": tuple(2**i for i in range(5)),
}
WHAT = {"members": "members", "width": "parameters (width × 1 … 16)", "data": "training examples"}


def measure_here(kind: str, factor: int) -> dict[str, float]:
    """Measure one point in this process."""
    from speed.population import make_task, prepare

    width = factor if kind == "width" else 1
    (x, y), validation = WORKS["digits-mlp"].data()
    if kind == "data":
        x, y = np.tile(x, (factor, 1)), np.tile(y, factor)

    def model(keras: Any, name: str) -> Any:
        return models_keras.perceptron(keras, 64, (128 * width, 64 * width), 10, name)

    work = replace(WORKS["digits-mlp"], model=model)
    task = make_task(work, EPOCHS, ((x, y), validation))
    before = _peak_bytes()
    prepared = prepare(task, make_trials(factor if kind == "members" else MEMBERS))
    prepared.train()
    started, times = time.perf_counter(), 0
    while (spent := time.perf_counter() - started) < LONG_ENOUGH:
        prepared.train()
        times += 1
    seconds = spent / times
    quantity = {"members": factor, "width": task.facts.parameters, "data": len(x)}[kind]
    return {
        "quantity": quantity,
        "seconds": seconds,
        "compile_seconds": prepared.compile_seconds,
        "bytes": _peak_bytes() - before,
        "peak_bytes": _peak_bytes(),
    }


def _peak_bytes() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def exponent(points: list[list[dict[str, float]]], what: str) -> float:
    """Return p of what ~ quantityᵖ over the upper half of the points."""
    upper = points[len(points) // 2 :] if len(points) > 3 else points
    x = [np.log(point[0]["quantity"]) for point in upper]
    y = [np.log(max(1e-9, statistics.median(r[what] for r in point))) for point in upper]
    return float(np.polyfit(x, y, 1)[0])


def render(found: dict[str, dict[str, list[dict[str, float]]]]) -> str:
    """Return a table a kind, and the exponents."""
    parts = []
    for kind, points in found.items():
        rows = [
            [
                f"{factor if kind == 'members' else f'× {factor}'}",
                f"{runs[0]['quantity']:,.0f}",
                spread([run["seconds"] for run in runs]),
                spread([run["compile_seconds"] for run in runs]),
                spread([run["bytes"] / 2**20 for run in runs]),
                spread([run["peak_bytes"] / 2**20 for run in runs]),
            ]
            for factor, runs in points.items()
        ]
        headings = [kind, WHAT[kind].split(" (")[0], "seconds", "compiling, s",
                    "MiB for compiling and training", "MiB of the process"]  # fmt: skip
        p = exponent(list(points.values()), "seconds")
        parts.append(f"{markdown(headings, rows)}\n\nTime grows with {WHAT[kind]} to the {p:.2f}.")
    return "\n\n".join(parts)


def draw(found: dict[str, dict[str, list[dict[str, float]]]], file: Path) -> None:
    """Draw time above and memory below, a column a kind."""
    plt = pyplot()
    figure, axes = plt.subplots(
        2, len(found), figsize=(3.4 * len(found), 4.6), squeeze=False, layout="constrained"
    )
    for column, (kind, points) in enumerate(found.items()):
        x = [runs[0]["quantity"] for runs in points.values()]
        top, bottom = axes[0][column], axes[1][column]
        seconds = [statistics.median(run["seconds"] for run in runs) for runs in points.values()]
        for place, runs in zip(x, points.values(), strict=True):
            values = [run["seconds"] for run in runs]
            top.plot([place, place], [min(values), max(values)], color="black", linewidth=1)
        top.plot(x, seconds, "o-", color=OURS, markersize=4, label="measured")
        linear = [seconds[-1] * place / x[-1] for place in x]
        top.plot(x, linear, "--", color=OTHERS, linewidth=1, label="linear")
        top.set_xscale("log", base=2)
        top.set_yscale("log")
        p = exponent(list(points.values()), "seconds")
        top.set_title(f"{kind}: exponent {p:.2f}")
        memory = [
            statistics.median(run["peak_bytes"] for run in runs) / 2**20 for runs in points.values()
        ]
        bottom.plot(x, memory, "o-", color=OURS, markersize=4)
        bottom.set_xscale("log", base=2)
        bottom.set_ylim(0, 1.15 * max(memory))
        bottom.set_xlabel(WHAT[kind])
    axes[0][0].set_ylabel("seconds")
    axes[1][0].set_ylabel("MiB, peak of the process")
    axes[0][0].legend(frameon=False)
    save(figure, file)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--kinds", default=",".join(POINTS), help=f"of {','.join(POINTS)}")
    add("--largest", type=int, default=512, help="leave out larger points, for a quick look")
    add("--repeats", type=int, default=3, help="rounds")
    add("--json", type=Path, help="write all numbers here")
    add("--chart", type=Path, help="draw an SVG here")
    add("--from", dest="file", type=Path, help="measure nothing, show this file")
    add("--here", nargs=2, metavar=("KIND", "FACTOR"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.here:
        with contextlib.redirect_stdout(sys.stderr):
            sys.modules["tensorflow"] = None  # type: ignore[assignment]
            point = measure_here(given.here[0], int(given.here[1]))
        print(json.dumps(point))
        return
    if given.file:
        content = json.loads(given.file.read_text())
    else:
        content = {**machine(["jax", "jaxlib", "keras", "steepest"]), "found": {}}
        found = content["found"]
        for number in range(given.repeats):
            for kind in given.kinds.split(","):
                for factor in (f for f in POINTS[kind] if f <= given.largest):
                    command = ["--here", kind, str(factor)]
                    point = run_apart(__file__, command, environment(None))
                    found.setdefault(kind, {}).setdefault(str(factor), []).append(point)
                print(f"round {number + 1}: {kind}", file=sys.stderr, flush=True)
    if given.json:
        given.json.write_text(json.dumps(content, indent=1) + "\n")
    print(f"{render(content['found'])}\n\n{told(content)}")
    if given.chart:
        draw(content["found"], given.chart)


if __name__ == "__main__":
    main()
