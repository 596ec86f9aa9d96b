"""The lists of the atlas in the search itself, on tasks that are not in the atlas.

Whole studies of one optimizer, `quick` from the list of version 1, before the atlas, and from the
atlas' first entries, and `standard` from version 1's: on tasks of `benchmarks/verdicts` that have
chosen nothing. What counts is the mean validation loss of what was chosen, over fresh seeds, the
same ones for all three.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

from benchmarks.verdicts.tasks import make_task
from steepest.engines import make_engine
from steepest.measures.verdict import judge
from steepest.options import Options
from steepest.plan import make_plan
from steepest.priors import start_lists
from steepest.priors.measured_lists import load_lists
from steepest.priors.suggestion import as_written
from steepest.reports.progress import silent
from steepest.search import search
from steepest.statistics import estimate

TASKS = ("moons", "autoencoder", "recurrent")
OURS = max(start_lists.LISTS) + 1
WAYS = {  # budget, and the version of the lists
    "quick, version 1's list": ("quick", 1),
    "quick, the atlas' list": ("quick", OURS),
    "standard, version 1's list": ("standard", 1),
}
ENTRIES, SEEDS = 5, 6  # of a list; fresh seeds of each study


def run(rules: Sequence[str], tasks: Sequence[str], studies: int, file: Path) -> None:
    """Run what is missing, a line of JSON each, and print ratios of losses."""
    kept = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
    known = {(one["rule"], one["task"], one["seed"], one["way"]) for one in kept}
    for task in tasks:
        made, _ = make_task(task)
        for rule in rules:
            for seed in range(studies):
                for way in WAYS:
                    if (rule, task, seed, way) in known:
                        continue
                    loss = _study(made, rule, seed, *WAYS[way])
                    one = {"rule": rule, "task": task, "seed": seed, "way": way, "loss": loss}
                    kept.append(one)
                    with file.open("a") as opened:
                        opened.write(json.dumps(one) + "\n")
    for line in told(kept):
        print(line)


def _study(task: Any, rule: str, seed: int, budget: str, version: int) -> float | None:
    """Return the mean loss of what a study chose."""
    entries = load_lists()["optimizers"][rule]["list"][:ENTRIES]
    listed = tuple(
        {name: as_written(value) for name, value in one.items() if name != "effective_rate"}
        for one in entries
    )
    lists = {**start_lists.LISTS, OURS: {rule: listed}}
    with (
        mock.patch.object(start_lists, "LISTS", lists),
        mock.patch.object(start_lists, "VERSION", version),
        tempfile.TemporaryDirectory() as folder,
    ):
        asked = Options(rule, budget=budget, seed=seed, seeds=SEEDS, sweep=0)
        contestants, settings = make_plan(asked, task.facts)
        file = Path(folder) / "study.db"
        done = search(make_engine(task), contestants, settings, file, silent)
    return judge(done).standings[rule].loss.mean


def told(kept: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Yield what each way does against the first, and the atlas' quick against the standard."""
    first, ours, standard = WAYS
    losses = {(one["rule"], one["task"], one["seed"], one["way"]): one["loss"] for one in kept}
    for rule in dict.fromkeys(one["rule"] for one in kept):
        for other in (first, standard):
            ratios = [
                np.log(losses[(rule, task, seed, ours)] / losses[(rule, task, seed, other)])
                for name, task, seed, way in losses
                if name == rule and way == ours and (rule, task, seed, other) in losses
            ]
            found = estimate([float(ratio) for ratio in ratios])
            if found.mean is not None and found.half_width is not None:
                yield (
                    f"{rule}: {ours} against {other}: loss {100 * found.mean:+.1f} % ± "
                    f"{100 * found.half_width:.1f} %, {len(ratios)} pairs"
                )
