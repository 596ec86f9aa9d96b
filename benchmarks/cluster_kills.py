"""Studies by two processes of which a worker, or the driver, is killed at a random moment.

    python benchmarks/cluster_kills.py --workers 20 --drivers 5 --seed 1

A real `steepest compare --workers 2` of a small Keras model. One of its workers is killed by
SIGKILL at a random moment, and nobody helps; or its driver is, and `steepest resume` goes on, with
the workers that it had. What comes out is held bit for bit against the study that a single process
makes. A kill counts where it hit a study that was not done yet.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

from faults.running import (
    REAL,
    TASK,
    check_end,
    check_finished,
    has_trials,
    phase,
    run,
    study_of,
    surroundings,
    wait_until,
)
from faults.same import differences

FEW = ("--full-trainings", "16", "--seeds", "3", "--optimizers", "SGD,Adam")
BY = ("--workers", "2")


def workers_of(driver: int) -> list[int]:
    """Return the processes that a driver started."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            words = (place / "cmdline").read_bytes().split(b"\0")
            parent = int((place / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == driver and b"steepest.workers.process" in words:
            found.append(int(place.name))
    return found


def killed(place: Path, out: Path, whole, who: str, chance: random.Random) -> str:
    """Start a study, kill at a random moment; return in which phase, or "" where it was done."""
    command = (*REAL, "compare", place / "task.py", *FEW, *BY, "--out", out)
    process = subprocess.Popen(
        [str(word) for word in command],
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_until(has_trials(out, chance.randint(1, len(whole.trials) - 1)), process)
    time.sleep(chance.uniform(0.0, 0.5))
    there = process.poll() is None
    when = phase(out) if there else ""
    victims = [process.pid] if who == "driver" else workers_of(process.pid)
    if there and victims:
        os.kill(chance.choice(victims), signal.SIGKILL)
    said = process.communicate()
    if who == "driver" and there:
        check_end(run(*REAL, "resume", out, place / "task.py"))
    else:
        check_end(subprocess.CompletedProcess(command, process.returncode, *said))
        there = there and "another one is started" in said[1]
    check_finished(out)
    return when if there and victims else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, default=20, help="kills of a worker")
    parser.add_argument("--drivers", type=int, default=5, help="kills of a driver")
    parser.add_argument("--epochs", type=int, default=3000, help="of a training")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    chance, found = random.Random(given.seed), []
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        os.environ.setdefault("STEEPEST_CACHE", str(place / "cache"))
        os.environ.setdefault("KERAS_BACKEND", "jax")
        text = TASK.replace("epochs, batch_size = 400", f"epochs, batch_size = {given.epochs}")
        (place / "task.py").write_text(text)
        check_end(run(*REAL, "compare", place / "task.py", *FEW, "--out", place / "whole"))
        whole = study_of(place / "whole")
        left = ["worker"] * given.workers + ["driver"] * given.drivers
        chance.shuffle(left)
        for number in range(3 * len(left)):
            if not left:
                break
            out, began = place / f"killed-{number}", time.monotonic()
            when = killed(place, out, whole, left[-1], chance)
            # Who trained is not the same, and need not be.
            alike = [replace(one, hardware={}, asked={}) for one in (whole, study_of(out))]
            apart = differences(*alike)
            seconds = time.monotonic() - began
            print(
                f"{left[-1]} in {when or 'nothing'}: {apart or 'same'}, {seconds:.1f} s",
                file=sys.stderr,
                flush=True,
            )
            if when:
                found.append((left.pop(), when, not apart))
    for who in ("worker", "driver"):
        some = [(when, same) for victim, when, same in found if victim == who]
        phases = ", ".join(f"{[w for w, _ in some].count(p)} in {p}" for p in {w for w, _ in some})
        print(f"{len(some)} kills of a {who} ({phases}): {sum(s for _, s in some)} the same")


if __name__ == "__main__":
    main()
