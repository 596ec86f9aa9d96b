"""Each change of a study's files torn, or on a disk that is full, broken or read-only by then."""

import json
import sys

import pytest
from faults.running import run
from faults.shims import shim

pytestmark = pytest.mark.slow


# The first boundaries make the study file, where most can go wrong; the strides, early and late,
# are what a test suite has time for. benchmarks/torn_writes.py tries all.
STRIDES = {"dies": (5, 157), "full": (11, 491), "broken": (23, 701), "read-only": (23, 701)}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """Return of each kind of fault at which boundaries what happened, by one process for all."""
    place = tmp_path_factory.mktemp("torn")
    library = shim("torn", place)
    spans = {
        kind: [(1, 40, early), (41 + late // 3, 10**9, late)]
        for kind, (early, late) in STRIDES.items()
    }
    command = (sys.executable, "-m", "faults.torn_study", place, "--spans", json.dumps(spans))
    done = run(*command, LD_PRELOAD=library, OMP_NUM_THREADS=1, timeout=400)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)["found"]


@pytest.mark.parametrize("kind", STRIDES)
def test_every_boundary_leaves_a_study_that_goes_on(kind, found):
    assert set(found[kind]) == {"equal"}, found[kind]
    assert min(found[kind]["equal"]) <= 40 < max(found[kind]["equal"])
