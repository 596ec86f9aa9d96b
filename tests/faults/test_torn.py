"""Each change of a study's files torn, or on a disk that is full, broken or read-only by then."""

import json
import sys

import pytest
from faults.running import run
from faults.shims import shim

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    return shim("torn", tmp_path_factory.mktemp("torn"))


def faults(library, place, kind, *spans):
    """Return at which boundaries what happened; a span is the first, the last and the stride."""
    command = (sys.executable, "-m", "faults.torn_study", place, "--kind", kind)
    some = [part for span in spans for part in ("--span", *span)]
    done = run(*command, *some, LD_PRELOAD=library, OMP_NUM_THREADS=1, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)["found"]


# The first boundaries make the study file, where most can go wrong; the strides are what a test
# suite has time for. benchmarks/torn_writes.py tries all.
@pytest.mark.parametrize(
    ("kind", "early", "late"),
    [("dies", 5, 157), ("full", 11, 491), ("broken", 23, 701), ("read-only", 23, 701)],
)
def test_every_boundary_leaves_a_study_that_goes_on(kind, early, late, library, tmp_path):
    spans = (1, 40, early), (41 + late // 3, 10**9, late)
    found = faults(library, tmp_path, kind, *spans)
    assert set(found) == {"equal"}, found
    assert min(found["equal"]) <= 40 < max(found["equal"])
