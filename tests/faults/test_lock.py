"""One process at a time writes a study, and only the study that was asked for goes on."""

import signal

import pytest
from faults.running import (
    FAKE,
    FAKE_STUDY,
    check_end,
    check_finished,
    check_refused,
    has_trials,
    run,
    start,
    study_of,
    wait_until,
)
from faults.same import differences

pytestmark = pytest.mark.slow

COMPARE = (*FAKE, "compare", "fake", *FAKE_STUDY, "--out")


def test_a_second_process_is_refused_and_a_dead_one_is_no_wall(fake_whole, tmp_path):
    out = tmp_path / "study"
    first = start(*COMPARE, out, FAULTS_SLEEP=0.05)
    assert wait_until(has_trials(out), first)
    check_refused(run(*COMPARE, out), "another process", str(first.pid))
    check_refused(run(*FAKE, "resume", out, "fake"), "another process", str(first.pid))
    assert first.poll() is None
    first.send_signal(signal.SIGKILL)
    first.communicate()
    assert (out / "study.lock").exists()
    check_end(run(*FAKE, "resume", out, "fake"))
    check_finished(out)
    assert not differences(fake_whole, study_of(out))


def test_other_data_and_another_question_are_refused(fake_whole, tmp_path):
    out = tmp_path / "study"
    first = start(*COMPARE, out, FAULTS_SLEEP=0.02)
    assert wait_until(has_trials(out, 5), first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    before = (out / "study.db").read_bytes()
    check_refused(run(*FAKE, "resume", out, "fake", FAULTS_DATA="others"), "training data")
    check_refused(run(*COMPARE, out, "--seed", "1"), "--seed", "--out")
    assert (out / "study.db").read_bytes() == before
    check_end(run(*COMPARE, out))
    assert not differences(fake_whole, study_of(out))
