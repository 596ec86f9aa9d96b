"""A work as a Keras model and as a PyTorch module: what a trial costs, and what is recommended.

    python benchmarks/twins.py cost --works digits-mlp,text-lstm --members 4 --rounds 3
    python benchmarks/twins.py advice --work digits-mlp --trials 24 --seeds 5

`cost` trains populations of both and the PyTorch loop (one thread) in turns, in one process, and
counts the processor's seconds a trial: on a machine that others use too, these say what the clock
does not. A population uses all cores and the loop one, so on a machine to itself the loop's seconds
are to be multiplied by the cores, less what they take from each other.

`advice` lets `steepest.compare` study both with PyTorch's arithmetic, and prints for each
optimizer the learning rate that it found and the loss with its interval over seeds. The weights are
drawn from the same distributions, but are not the same: the rates should lie within a step of the
search (a factor of 2.5), the losses in each other's intervals.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("KERAS_BACKEND", "jax")

from speed.contenders_torch import torch_data, train_torch
from speed.population import make_task, make_torch_task, prepare
from speed.table import markdown, number, spread
from speed.works import WORKS, make_trials

STEP = 2.5  # from one rate that is tried to the next


def seconds(function: Callable[[], Any]) -> float:
    """Return the processor's seconds that a call takes."""
    started = time.process_time()
    function()
    return time.process_time() - started


def cost(name: str, members: int, rounds: int) -> dict[str, list[float]]:
    """Return the seconds a trial of each way to train a work, round by round."""
    import torch

    work, trials = WORKS[name], make_trials(members)
    keras = prepare(make_task(work), trials)
    module = prepare(make_torch_task(work), trials, "torch")
    torch.set_num_threads(1)
    training, validation = torch_data(torch, work)

    def loop() -> None:
        train_torch(torch, work, trials[0], training, validation, work.epochs)

    found: dict[str, list[float]] = {"Keras model": [], "PyTorch module": [], "loop": []}
    for number_of in range(rounds + 1):
        took = (seconds(keras.train) / members, seconds(module.train) / members, seconds(loop))
        if number_of:  # the first warms up
            for way, value in zip(found, took, strict=True):
                found[way].append(value)
    return found


def advice(name: str, trials: int, seeds: int) -> list[list[str]]:
    """Return a row an optimizer: rates and losses of both, and whether they agree."""
    import keras
    import torch

    import steepest

    work = WORKS[name]
    asked = {"optimizers": "SGD,Adam,AdamW", "trials": trials, "seeds": seeds, "progress": False}
    asked |= {"epochs": work.epochs, "batch_size": work.batch_size}
    with tempfile.TemporaryDirectory() as place:
        (x, y), validation = work.data()
        one = steepest.compare(
            work.compiled(keras), x, y, validation_data=validation, dialect="torch",
            out=Path(place) / "keras", **asked,
        )  # fmt: skip
        (x, y), validation = torch_data(torch, work)
        other = steepest.compare(
            lambda: work.torch_model(torch), x, y, loss=torch.nn.CrossEntropyLoss(),
            validation_data=tuple(validation), out=Path(place) / "torch", **asked,
        )  # fmt: skip
    rows = []
    for optimizer, mine in one.verdict.standings.items():
        theirs = other.verdict.standings[optimizer]
        rates = [float(s.config.hyperparameters["learning_rate"]) for s in (mine, theirs)]
        near = max(rates) / min(rates) <= STEP * 1.001
        inside = all(
            a.loss.low <= b.loss.mean <= a.loss.high for a, b in ((mine, theirs), (theirs, mine))
        )
        losses = [f"{s.loss.mean:.3f} ({s.loss.low:.3f}–{s.loss.high:.3f})" for s in (mine, theirs)]
        agree = ["yes" if true else "no" for true in (near, inside)]
        rows.append([optimizer, *(number(rate) for rate in rates), *losses, *agree])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=("cost", "advice"))
    parser.add_argument("--works", default=",".join(WORKS))
    parser.add_argument("--work", default="digits-mlp", choices=list(WORKS))
    parser.add_argument("--members", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=24)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    if asked.what == "advice":
        headings = ["optimizer", "rate, Keras", "rate, PyTorch", "loss, Keras", "loss, PyTorch"]
        rows = advice(asked.work, asked.trials, asked.seeds)
        print(markdown([*headings, "within a step", "within intervals"], rows))
        return
    found = {}
    for name in asked.works.split(","):
        found[name] = cost(name, asked.members, asked.rounds)
        print(name, found[name], file=sys.stderr, flush=True)
        if asked.json:
            asked.json.write_text(json.dumps(found, indent=1))
    rows = []
    for name, ways in found.items():
        module = ways["PyTorch module"]
        shares = [
            [other / one for other, one in zip(ways[way], module, strict=True)]
            for way in ("Keras model", "loop")
        ]
        cells = [spread(values) for values in (*ways.values(), *shares)]
        rows.append([WORKS[name].title, *cells])
    headings = ["work", *next(iter(found.values())), "Keras model ÷ module", "loop ÷ module"]
    print(markdown(headings, rows))


if __name__ == "__main__":
    main()
