"""A study whose every change on disk goes wrong in turn: `python -m faults.torn_study DIR ...`.

Runs with the shim `torn.c` preloaded. All is imported once; each fault is in a forked child, which
trains with an engine that costs nothing. A second child, without a fault, goes on with the study,
which has to become the uninterrupted one. Prints a JSON object of what happened.
"""

import argparse
import contextlib
import ctypes
import gc
import json
import math
import os
import shutil
import sqlite3
import sys
import traceback
from pathlib import Path

from fake_engine import searched
from faults.remembering import RememberingEngine
from faults.same import differences

from steepest import storage
from steepest.errors import SteepestError
from steepest.search import session

DIES = 0
KINDS = {"dies": DIES, "full": 1, "broken": 2, "read-only": 3}  # as in torn.c
SAID = 3  # exit code of a child that ended with a sentence of ours


def train(out: Path) -> None:
    """Run the study in `out`, or go on with it; states are kept as often as can be."""
    session.SHARE = math.inf
    os.environ["STEEPEST_CHECKPOINT"] = "0"
    searched(RememberingEngine(epochs=4), out, full_trainings=6, seeds=1, sweep=0)


def in_child(out: Path, boundary: int = 0, kind: int = DIES, told: Path | None = None) -> int:
    """Train in a fork, with a fault at a boundary if it is above 0; return the exit code."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 0
    try:
        library = ctypes.CDLL(None)
        if boundary:
            library.torn_arm(str(out).encode(), ctypes.c_long(boundary), kind)
        train(out)
        if told is not None:
            told.write_text(str(library.torn_count()))
    except SteepestError as error:
        code = SAID
        if told is not None:
            told.write_text(str(error))
    except BaseException:
        code = 1
        traceback.print_exc()
    os._exit(code)


def one(out: Path, boundary: int, kind: int, whole) -> str | None:
    """Return what happened with a fault at a boundary; None where the study ended before it."""
    told = out.with_suffix(".told")
    told.unlink(missing_ok=True)
    code = in_child(out, boundary, kind, told)
    if code == 0 and int(told.read_text()) < boundary:
        return None
    if kind == DIES and code != 137:
        return f"exit code {code} instead of 137"
    if kind != DIES and code not in (0, SAID):
        return f"exit code {code}: it ended with neither a study nor a sentence"
    if (out / "study.db").exists() and (out / "study.db").stat().st_size:
        # Of a copy, so that nothing is repaired before it goes on.
        copy = out.with_suffix(".copy")
        shutil.copytree(out, copy)
        try:
            with contextlib.closing(sqlite3.connect(copy / "study.db")) as db:
                sound = db.execute("PRAGMA integrity_check").fetchone()[0]
            if sound != "ok":
                return f"the study file is not sound: {sound}"
        except sqlite3.Error as error:
            return f"the study file cannot be opened: {error}"
        finally:
            shutil.rmtree(copy)
    code = in_child(out, told=told)
    if code:
        said = told.read_text() if code == SAID else ""
        return f"going on ended with exit code {code} {said}"
    found = differences(whole, storage.read(out))
    if found:
        return f"another study: {'; '.join(found[:3])}"
    left = [path.name for path in out.iterdir() if path.name != "study.db"]
    return f"left behind: {left}" if left else "equal"


def tried(place: Path, kind: str, spans, whole) -> dict[str, list[int]]:
    """Return at which boundaries what happened; a span is the first, the last and the stride."""
    found: dict[str, list[int]] = {}
    for first, last, stride in spans:
        for boundary in range(first, last + 1, stride):
            out = place / f"{kind}-{boundary}"
            what = one(out, boundary, KINDS[kind], whole)
            if what is None:
                break
            found.setdefault(what, []).append(boundary)
            shutil.rmtree(out, ignore_errors=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("place", type=Path)
    parser.add_argument("--kind", choices=KINDS, default="dies")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--last", type=int, default=10**9)
    parser.add_argument("--spans", type=json.loads, help="JSON, of each kind: [[1, 40, 5], ...]")
    given = parser.parse_args()
    place = given.place.resolve()
    gc.freeze()  # else the first collection in each fork copies all pages
    assert in_child(place / "whole") == 0
    whole = storage.read(place / "whole")
    if given.spans:
        found = {kind: tried(place, kind, spans, whole) for kind, spans in given.spans.items()}
    else:
        found = tried(place, given.kind, [(1, given.last, given.stride)], whole)
    print(json.dumps({"found": found}))


if __name__ == "__main__":
    main()
