"""The benchmark of verdicts: whole studies, whose trainings are looked up where they were run."""

import pytest

from benchmarks.verdicts.steepest_study import recommended, study
from benchmarks.verdicts.tasks import make_task
from benchmarks.verdicts.training import Trainer

CLOCK = {"compile": 1.0, "training": 3.0, "fit": 1.0, "workers": 1}


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_quickly")
def test_a_study_is_the_same_where_its_trainings_are_looked_up(tmp_path):
    """With the engine that looks them up as the search asks engines today."""
    task, _ = make_task("parity")
    first = study(Trainer(task, tmp_path, 1), CLOCK, "quick", 0)
    trainer = Trainer(task, tmp_path, 1)
    again = study(trainer, CLOCK, "quick", 0)
    assert trainer.trained == 0
    assert {**again, "seconds": 0} == {**first, "seconds": 0}
    assert recommended(again) in first["keys"].values()
    assert first["cost"] <= 14
