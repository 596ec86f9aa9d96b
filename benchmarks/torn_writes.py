"""Every change of a study's files, gone wrong: a process that dies at it with half of it written,
and a disk that is full, broken or read-only from it on.

    python benchmarks/torn_writes.py

The test suite tries some of the boundaries (`tests/faults/test_torn.py`); this tries all.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("dies", "full", "broken", "read-only")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kind", choices=KINDS, action="append")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--last", type=int, default=10**9)
    given = parser.parse_args()
    print("| fault | boundaries tried | what happened |\n| --- | ---: | --- |")
    for kind in given.kind or KINDS:
        with tempfile.TemporaryDirectory() as place:
            library = Path(place) / "torn.so"
            source = ROOT / "tests" / "faults" / "torn.c"
            subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
            some = ["--kind", kind, "--stride", str(given.stride), "--last", str(given.last)]
            places = [str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")]
            done = subprocess.run(
                [sys.executable, "-m", "faults.torn_study", place, *some],
                env={
                    **os.environ,
                    "LD_PRELOAD": str(library),
                    "OMP_NUM_THREADS": "1",
                    "PYTHONPATH": os.pathsep.join(filter(None, places)),
                },
                stdout=subprocess.PIPE,
                check=True,
            )
        found = json.loads(done.stdout)["found"]
        tried = sum(map(len, found.values()))
        what = "; ".join(f"{said}: {len(where)}" for said, where in found.items())
        print(f"| {kind} | {tried} | {what} |", flush=True)


if __name__ == "__main__":
    main()
