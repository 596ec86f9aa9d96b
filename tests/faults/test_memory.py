"""Memory that runs out: in a trial, or of the whole process; the study goes on to be the same."""

import pytest
from faults.running import FAKE, FAKE_STUDY, check_end, check_refused, check_sound, run, study_of
from faults.same import differences


@pytest.mark.slow
def test_no_memory_left_is_a_sentence_and_the_study_goes_on(fake_whole, tmp_path):
    out = tmp_path / "study"
    compare = (*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out)
    check_refused(run(*compare, FAULTS_MEMORY=60), "memory", "resume")
    check_sound(out)
    check_end(run(*FAKE, "resume", out, "fake"))
    assert not differences(fake_whole, study_of(out))
