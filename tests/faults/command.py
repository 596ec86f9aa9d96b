"""The command line with an engine that costs nothing: `python -m faults.command compare fake ...`.

All is real but the training: the process, its signals, its files and its exit codes. What it does
is said by environment variables: FAULTS_EPOCHS, FAULTS_SLEEP (seconds an epoch), FAULTS_DATA (what
the data are), FAULTS_NAN (every loss is NaN), FAULTS_MEMORY (there is no memory left in that
epoch), FAULTS_FILE_SIZE (bytes that a file may have) and FAULTS_CHOOSING (a file that is made when
the search chooses what to train next, which takes a while then).
"""

import math
import os
import resource
import time
from pathlib import Path

from fake_engine import bowl
from faults.remembering import RememberingEngine

import steepest.engines
import steepest.search.tuning
import steepest.tasks.load
from steepest.cli import main as steepest_main


def main() -> None:
    if "FAULTS_FILE_SIZE" in os.environ:
        size = int(os.environ["FAULTS_FILE_SIZE"])
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    if "FAULTS_CHOOSING" in os.environ:
        _choose_slowly(Path(os.environ["FAULTS_CHOOSING"]))
    engine = RememberingEngine(
        epochs=int(os.environ.get("FAULTS_EPOCHS", "27")),
        sleep=float(os.environ.get("FAULTS_SLEEP", "0")),
        surface=_surface(),
        data=os.environ.get("FAULTS_DATA", "these examples"),
    )
    steepest.engines.make_engine = lambda *_, **__: engine
    steepest.tasks.load.load_task = lambda *_, **__: engine
    steepest_main()


def _surface():
    if "FAULTS_NAN" in os.environ:
        return lambda *_: math.nan
    usual, last = bowl(noise=0.05), int(os.environ.get("FAULTS_MEMORY", "0"))
    trained = 0

    def surface(config, epoch):
        nonlocal trained
        trained += 1
        if trained == last:
            raise MemoryError
        return usual(config, epoch)

    return surface


def _choose_slowly(marker: Path) -> None:
    usual = steepest.search.tuning.next_asks

    def next_asks(*arguments):
        marker.touch()
        time.sleep(0.02)
        return usual(*arguments)

    steepest.search.tuning.next_asks = next_asks


if __name__ == "__main__":
    main()
