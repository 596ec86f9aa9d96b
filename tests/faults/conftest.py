"""Studies that nothing went wrong with, to compare others with."""

import pytest
from faults.running import FAKE, FAKE_STUDY, check_end, check_finished, run, study_of


@pytest.fixture(scope="session")
def fake_whole(tmp_path_factory):
    """The study that the command with an engine that costs nothing comes to."""
    out = tmp_path_factory.mktemp("whole") / "study"
    check_end(run(*FAKE, "compare", "fake", *FAKE_STUDY, "--out", out, new=True))
    check_finished(out)
    return study_of(out)
