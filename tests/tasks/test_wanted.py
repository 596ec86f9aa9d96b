"""A task file says how optimizers are compared on it: a schedule and groups, by these names."""

import pytest
from click.testing import CliRunner

import steepest
from steepest.cli import cli
from steepest.errors import InputError
from steepest.options import Options
from steepest.plan import make_plan, with_wanted
from steepest.records import TaskFacts
from steepest.tasks.load import load_task
from steepest.tasks.task_names import wanted

FACTS = TaskFacts("t", "mse", (), 1, 100, 10, 0, 6, 10)
FILE = """
import keras
from small import classes_data
x, y = classes_data()
layers = [keras.layers.Dense(8, name="body"), keras.layers.Dense(3, name="head")]
model = keras.Sequential([keras.Input((6,)), *layers, keras.layers.Softmax()])
model.compile(loss="sparse_categorical_crossentropy")
validation_split, epochs = 0.2, 4
def schedule(step, total):
    return 1 - 0.5 * step / total
groups = {"body": 0.1}
"""


def test_what_no_schedule_and_no_groups_could_be_is_not_taken():
    import sched
    from types import SimpleNamespace

    others = ({"schedule": sched, "groups": [1, 2]}, {"schedule": SimpleNamespace, "groups": 3}, {})
    assert [wanted(one) for one in others] == [{}, {}, {}]
    both = {"schedule": "cosine", "groups": {"head": 0.1}, "epochs": 3}
    assert wanted(both) == {"schedule": "cosine", "groups": {"head": 0.1}}


def test_it_is_asked_as_the_options_ask_it():
    given = {"schedule": ["cosine", "plateau"], "groups": "head=0.1"}
    found, settings = make_plan(Options(optimizers="SGD"), FACTS, wanted=given)
    assert found[0].schedules == ("cosine", "plateau")
    assert found[0].fixed["rate_factor[head]"] == 0.1
    assert settings.own_horizon
    for asked in (
        {"schedule": "linear"},
        {"schedule": ["constant"]},
        {"groups": {"head": 1.0}},
    ):
        with pytest.raises(InputError, match=r"the task file has .* is asked for beside it"):
            with_wanted(Options(**asked), given)


@pytest.mark.slow
def test_a_study_of_the_file_is_under_its_schedule_and_resumes(tmp_path):
    file, out = tmp_path / "my_task.py", tmp_path / "study"
    file.write_text(FILE)
    task = load_task(str(file))
    assert task.facts.notes[-1].endswith(
        "my_task.py has schedule and groups, which hold for all optimizers that are tuned"
    )
    words = ["compare", str(file), "--optimizers", "SGD", "--full-trainings", "3"]
    words += ["--out", str(out), "--json"]
    for _ in range(2):  # the second time nothing is left to do
        done = CliRunner().invoke(cli, words)
        assert done.exit_code == 0, done.output
    study = steepest.read(out)
    (one,) = study.record.optimizers.values()
    assert one.schedule.startswith("of_total:schedule:")
    assert one.fixed["rate_factor[body]"] == 0.1
    assert study.record.asked["schedule"] == "constant"  # what the command line said
    refused = CliRunner().invoke(cli, [*words, "--schedule", "constant"])
    assert refused.exit_code
    assert "the task file has schedule" in str(refused.exception)
