"""Known findings about optimizers, found again by Steepest's rules, engine and measures.

    python -m benchmarks.findings
    python -m benchmarks.findings --only F2 --seeds 0,1 --json found.json
    python -m benchmarks.findings --from found.json --chart benchmarks/findings.svg

Each finding is a Keras model and arrays, made a task as `steepest compare` does it, and populations
over a grid of learning rates, two or four a decade, trained to the end. What was expected comes
from independent code, without Steepest, and was written down before. Where the best learning rate
of F3 is an end of its grid, it is not accepted, as a better one may have been missed; nor is F4
where the grid does not reach a decade either side. Exits with 1 if a finding is not accepted.
"""

import argparse
import json
import math
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

# The scripts beside this package are started in their own directory, and so find one another.
sys.path.insert(0, str(Path(__file__).parents[1]))
os.environ.setdefault("KERAS_BACKEND", "jax")

from speed.apart import machine, told

from findings import bigrams, characters, least_squares
from findings.finding import Finding, table
from findings.transformer import INITIAL

SOURCES = {"F1": least_squares, "F2": bigrams, "F3": characters, "F4": characters}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.findings")
    add = parser.add_argument
    add("--only", type=_names, default=tuple(SOURCES), help="such as F1,F2")
    add("--seeds", type=_whole, default=(0, 1, 2), help="such as 0,1,2")
    add("--initial", choices=INITIAL, default="flax", help="the weights of F3 and F4 at first")
    add("--json", type=Path, help="write all numbers here")
    add("--chart", type=Path, help="draw the learning-rate curves of F3 and F4 as an SVG here")
    add("--from", dest="files", type=Path, nargs="+", help="train nothing, show these files")
    given = parser.parse_args()
    if given.files:
        parts = [json.loads(file.read_text()) for file in given.files]
        found = [Finding(**row) for part in parts for row in part["findings"]]
        seconds = {name: took for part in parts for name, took in part["seconds"].items()}
        content = {**parts[0], "seconds": seconds}
    else:
        found, content = [], {**machine(["jax", "jaxlib", "keras", "steepest"]), "seconds": {}}
        for source in dict.fromkeys(SOURCES[name] for name in given.only):
            started = time.perf_counter()
            more = {"initial": given.initial} if source is characters else {}
            some = source.find(given.seeds, **more)
            content["seconds"][source.__name__] = time.perf_counter() - started
            found += [one for one in some if one.name[:2] in given.only]
    content["findings"] = [_plain(asdict(one)) for one in found]
    if given.json:
        given.json.write_text(json.dumps(content, indent=1) + "\n")
    took = "; ".join(f"{name} {seconds:.0f} s" for name, seconds in content["seconds"].items())
    print(f"{table(found)}\n\n{took}. {told(content)}")
    if given.chart:
        from findings.chart import draw

        draw(found, given.chart)
    return 0 if all(one.accepted for one in found) else 1


def _names(text: str) -> tuple[str, ...]:
    names = tuple(text.split(","))
    if unknown := [name for name in names if name not in SOURCES]:
        raise argparse.ArgumentTypeError(f"unknown: {unknown[0]}; known are {', '.join(SOURCES)}")
    return names


def _whole(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _plain(value: Any) -> Any:
    """Return `value` with None for what is no number, as JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    sys.exit(main())
