"""A disk that is really full, and one that is really read-only: a sentence, and nothing lost."""

import json
import shutil
import subprocess
import sys
from subprocess import CompletedProcess

import processes
import pytest
from faults.running import (
    FAKE,
    FAKE_STUDY,
    REAL,
    check_end,
    check_finished,
    check_refused,
    check_sound,
    run,
    start,
    study_of,
)
from faults.same import differences

pytestmark = pytest.mark.slow

# Where the study file has no room, where it has some and states have none, where the page has
# none.
SIZES = ("16k", "40k", "256k")
OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")


@pytest.fixture(scope="module")
def disks(tmp_path_factory, fake_whole):
    """What happened on disks of a few sizes, in a process that may mount them."""
    may = shutil.which("unshare") and subprocess.run(
        [*OWN_MOUNTS, "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True
    )
    if not may or may.returncode:
        pytest.skip("small disks are mounted for this, which is not allowed here")
    place = tmp_path_factory.mktemp("disks")
    check_end(run(*FAKE, "compare", "fake", *FAKE_STUDY, "--out", place / "whole"))
    # A process that others are forked from sees only the mounts of where it was started.
    apart = (*OWN_MOUNTS, "env", "-u", processes.SERVERS)
    command = (*apart, sys.executable, "-m", "faults.on_full_disk", place, *SIZES)
    done = run(*command, timeout=200)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.parametrize("size", SIZES)
def test_a_full_disk_is_a_sentence_and_the_study_goes_on(size, disks):
    said = disks[size]
    assert "Traceback" not in said["stderr"], said["stderr"]
    # A study may fit where its states or its page do not: then it warns.
    assert said["code"] == (2 if size in ("16k", "40k") else 0), said
    assert "full" in said["stderr"] or "No space left" in said["stderr"], said["stderr"]
    assert said["after"]["code"] == 0, said["after"]
    assert not said["differences"]
    assert said["left"] == ["report.html", "study.db"]


def test_a_directory_that_is_read_only_is_a_sentence(disks):
    said = disks["read-only"]
    for when in ("at the start", "going on"):
        assert said[when]["code"] == 2, said[when]
        assert "Read-only file system" in said[when]["stderr"], said[when]
        assert "Traceback" not in said[when]["stderr"]
    assert said["report"]["code"] == 0, said["report"]  # reading needs no writing
    assert not said["differences"]


def test_a_file_that_may_not_grow_is_a_sentence(fake_whole, tmp_path):
    out = tmp_path / "study"
    compare = (*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out)
    check_refused(run(*compare, FAULTS_FILE_SIZE=24_000), "study.db")
    check_sound(out)
    check_end(run(*FAKE, "resume", out, "fake"))
    check_finished(out)
    assert not differences(fake_whole, study_of(out))


def test_a_full_standard_output_loses_no_study(fake_whole, tmp_path):
    out = tmp_path / "study"
    with open("/dev/full", "w") as disk:
        process = start(*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out, stdout=disk.fileno())
        _, said = process.communicate(timeout=300)
    done = CompletedProcess(process.args, process.returncode, "", said)
    check_refused(done, "No space left on device")
    check_finished(out)
    assert not differences(fake_whole, study_of(out))


def test_a_closed_standard_output_is_no_traceback():
    done = run("sh", "-c", '"$@" >&-', "sh", *REAL, "explain", "adam")
    check_end(done)
    assert not done.stderr
