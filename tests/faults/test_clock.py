"""A clock that is set back between a kill and going on."""

import signal

import pytest
from faults.running import FAKE, FAKE_STUDY, check_end, has_trials, run, start, study_of, wait_until
from faults.same import differences
from faults.shims import shim

pytestmark = pytest.mark.slow

YEAR = 365 * 24 * 3600


def test_a_clock_set_back_changes_nothing(fake_whole, tmp_path):
    library, out = shim("clock", tmp_path), tmp_path / "study"
    first = start(*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out, FAULTS_SLEEP=0.02)
    assert wait_until(has_trials(out, 5), first)
    first.send_signal(signal.SIGKILL)
    first.communicate()
    check_end(run(*FAKE, "resume", out, "fake", LD_PRELOAD=library, CLOCK_BACK=YEAR))
    found = study_of(out)
    assert not differences(fake_whole, found)
    assert int(found.resumed[0][:4]) < int(found.started[:4])  # the shim was at work
    assert found.seconds > 0
    assert all(trial.seconds >= 0 for trial in found.trials)
