"""Studies that a random limit of time ends: does one name a winner that the whole study does not?

    python benchmarks/deadlines.py --limits 100 --seed 1

Each engine compares SGD and Adam on two small tasks of its own kind (through `steepest.compare`, as
a person would): once without a limit, then with limits drawn evenly from a second (the least there
is) to a fifth more than the whole study took. Counted are studies that were cut short, trials that
count as failed, winners that are named, those of them that the whole study does not name, and by
how much a limit was overrun, which includes what cannot be cut: compiling a program, and measuring
at the end. A third of the studies that were cut short go on without the limit, and are compared
with the whole one, number by number.
"""

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import keras
import numpy as np

import steepest

ENGINES = ("compiled", "streaming", "fit", "torch")  # the last is the PyTorch loop
EXAMPLES = {"compiled": 5000, "streaming": 1000, "fit": 200, "torch": 1000}
EPOCHS = {"compiled": 50, "streaming": 15, "fit": 6, "torch": 15}


class Batches:
    """A stream of batches with a length."""

    def __init__(self, x, y, size=32):
        self.x, self.y, self.size = x, y, size

    def __len__(self):
        return len(self.x) // self.size

    def __iter__(self):
        for i in range(len(self)):
            part = slice(i * self.size, (i + 1) * self.size)
            yield self.x[part], self.y[part]


class Own(keras.Sequential):
    """A model whose step only `fit` can take."""

    def train_step(self, *args):
        return super().train_step(*args)


def own_module():
    """Return a function that makes a module with code that is not lowered."""
    import torch

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(20, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
            )

        def forward(self, x):
            return self.layers(x) if float(x.sum()) < 1e9 else x[:, :1]

    return Own


def squared(output, target):
    """Return the mean squared error."""
    return ((output[:, 0] - target) ** 2).mean()


def question(engine: str, easy: bool):
    """Return a model, its data and what else `compare` takes, its loss among them for PyTorch.

    The easy task has a clear winner, the other one has none that a few seeds can show.
    """
    rng = np.random.default_rng(0)
    count = EXAMPLES[engine]
    x = rng.normal(size=(count, 20)).astype("f4")
    y = x[:, 0] * x[:, 1] if easy else np.tanh(x[:, 0]) + rng.normal(size=count)
    y = y.astype("f4")
    cut = count * 4 // 5
    more = {"validation_data": (x[cut:], y[cut:]), "epochs": EPOCHS[engine]}
    if engine == "torch":
        return own_module(), (x[:cut], y[:cut]), more | {"loss": squared}
    layers = [keras.Input((20,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1)]
    model = (Own if engine == "fit" else keras.Sequential)(layers)
    model.compile(loss="mse")
    data = (Batches(x[:cut], y[:cut]),) if engine == "streaming" else (x[:cut], y[:cut])
    return model, data, more


def study(engine: str, easy: bool, limit: float | None, out: Path):
    """Return a study, and the seconds that it took."""
    model, data, more = question(engine, easy)
    began = time.perf_counter()
    found = steepest.compare(
        model,
        *data,
        **more,
        optimizers=["SGD", "Adam"],
        seeds=5,
        time=limit,
        progress=False,
        out=out,
    )
    return found, time.perf_counter() - began


def one_engine(engine: str, limits: int, chance: random.Random) -> dict:
    """Return what happened to the studies of an engine."""
    found = {
        "engine": engine, "limits": 0, "cut short": 0, "failed trials": 0, "winners": 0,
        "false winners": 0, "went on": 0, "went on to another": 0, "overrun": [],
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        for easy in (True, False):
            study(engine, easy, None, place / f"warm-{easy}")  # programs are compiled from here on
            whole, seconds = study(engine, easy, None, place / f"whole-{easy}")
            print(f"{engine}: {whole.verdict.winner}, in {seconds:.1f} s", file=sys.stderr)
            for i in range(limits // 2):
                limit = chance.uniform(1.0, max(1.5, 1.2 * seconds))
                out = place / f"{easy}-{i}"
                cut, took = study(engine, easy, limit, out)
                winner, outcomes = cut.verdict.winner, [t.outcome.name for t in cut.record.trials]
                found["limits"] += 1
                found["cut short"] += bool(cut.record.stopped)
                found["failed trials"] += outcomes.count("FAILED")
                found["winners"] += winner is not None
                found["false winners"] += winner not in (None, whole.verdict.winner)
                found["overrun"].append(max(0.0, took - limit))
                if cut.record.stopped and i % 3 == 0:
                    found["went on"] += 1
                    found["went on to another"] += not same(
                        study(engine, easy, None, out)[0], whole
                    )
    return found


def same(one, other) -> bool:
    """Return whether two studies have the same trials."""

    def plain(found):
        return [(t.optimizer, t.stage, t.config, t.outcome, t.curves) for t in found.record.trials]

    return plain(one) == plain(other)


def table(rows: list[dict]) -> str:
    """Return the table."""
    names = [name for name in rows[0] if name not in ("overrun",)]
    lines = [[*names, "overrun, s: median", "90 %", "largest"]]
    for row in rows:
        over = sorted(row["overrun"])
        told = (statistics.median(over), over[int(0.9 * (len(over) - 1))], over[-1])
        lines.append([*(str(row[name]) for name in names), *(f"{value:.1f}" for value in told)])
    lines.insert(1, ["---"] * len(lines[0]))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--limits", type=int, default=100, help="of each engine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--engines", default=",".join(ENGINES))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    rows = [one_engine(engine, asked.limits, chance) for engine in asked.engines.split(",")]
    print(table(rows))
    if asked.json:
        asked.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
