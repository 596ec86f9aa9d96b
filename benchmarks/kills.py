"""Studies killed at random moments, to see whether they go on to be the same.

    python benchmarks/kills.py --count 100 --seed 1

A real `steepest compare` of a small Keras model, with a sweep, is killed by SIGKILL at a random
moment of the time that its study file is being written, and gone on with by `steepest
resume` or by the same command again, one time in four after a second kill. What comes out is
compared with the uninterrupted study bit for bit. Work that was repeated is the epochs that all
processes trained less those of the study, from a log that each training call appends to.
"""

import argparse
import os
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from faults.running import (
    FEW,
    REAL,
    TASK,
    check_end,
    check_finished,
    kill_and_resume,
    run,
    study_of,
)
from faults.same import differences

# The command, with training calls that write down what they trained.
COUNTED = (
    sys.executable,
    "-c",
    """
import os
from steepest.engines.compiled import program as compiled
usual = compiled.CompiledProgram.advance
def advance(self, population, state, stop, tell=None):
    after, measured = usual(self, population, state, stop, tell)
    with open(os.environ["FAULTS_LOG"], "a") as log:
        log.write(f"{int(measured.trained.sum())}\\n")
    return after, measured
compiled.CompiledProgram.advance = advance
from steepest.cli import main
main()
""",
)


def one(place: Path, whole, number: int, chance: random.Random) -> dict:
    """Kill a study, let it end, and return what happened."""
    out, task, log = place / f"killed-{number}", place / "task.py", place / f"log-{number}"
    first = (*COUNTED, "compare", task, *FEW, "--sweep", "1", "--out", out)
    resume = (*COUNTED, "resume", out, task) if number % 2 else first
    kills = 2 if number % 4 == 3 else 1
    most = int(0.95 * len(whole.trials))
    moments = sorted((chance.randint(0, most), chance.uniform(0, 0.3)) for _ in range(kills))
    story = kill_and_resume(first, resume, out, moments, FAULTS_LOG=log)
    assert story.last is not None
    check_end(story.last)
    check_finished(out)
    found = study_of(out)
    trained = sum(map(int, log.read_text().split()))
    epochs = sum(trial.epochs for trial in found.trials)
    return {
        "phases": story.phases,
        "resumes": story.resumes,
        "differences": differences(whole, found),
        "repeated": (trained - epochs) / epochs,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=60, help="end after so long")
    given = parser.parse_args()
    chance, began = random.Random(given.seed), time.monotonic()
    found = []
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        os.environ.setdefault("STEEPEST_CACHE", str(place / "cache"))
        os.environ.setdefault("KERAS_BACKEND", "jax")
        (place / "task.py").write_text(TASK)
        for name in ("warm", "whole"):  # the first one compiles
            out = place / name
            command = (*REAL, "compare", place / "task.py", *FEW, "--sweep", "1", "--out", out)
            check_end(run(*command))
        whole = study_of(place / "whole")
        assert not differences(study_of(place / "warm"), whole)
        for number in range(given.count):
            if time.monotonic() - began > 60 * given.minutes:
                break
            found.append(one(place, whole, number, chance))
            print(number, found[-1], file=sys.stderr, flush=True)
    _tell(found)


def _tell(found: list[dict]) -> None:
    phases = Counter(phase for one in found for phase in one["phases"])
    print("| killed in | kills |\n| --- | ---: |")
    for phase, count in phases.most_common():
        print(f"| {phase} | {count} |")
    equal = sum(not one["differences"] for one in found)
    repeated = sorted(one["repeated"] for one in found)
    print(
        f"\n{sum(phases.values())} kills of {len(found)} studies; equal: {equal} of {len(found)}."
    )
    print(
        f"Epochs trained beyond those of the study: median {statistics.median(repeated):.1%}, "
        f"most {repeated[-1]:.1%}; pieces that a kill cut off are not counted."
    )


if __name__ == "__main__":
    main()
