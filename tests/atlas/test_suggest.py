"""`steepest.suggest` and `steepest suggest`: on models of both frameworks, from what ships."""

import json
import math
import os
import re
import sys
from dataclasses import replace

import keras
import numpy as np
import processes
import pytest
from small import BATCH, classes_data, make_model

import steepest
from steepest.errors import InputError
from steepest.priors.atlas import load_atlas
from steepest.priors.left_out import suggest as suggest_by
from steepest.priors.likeness import ATTENTION, CLASSES, DENSE, shape_of
from steepest.priors.suggestion import ALIKE
from steepest.records import Parameter, TaskFacts
from steepest.reports.suggestion_text import advice, how_sure
from steepest.rules import RULES
from steepest.study.suggest import Suggestion, _spelled, run_suggest

TASK = """
import numpy as np, keras
print("a task file may print")
x = np.random.default_rng(0).normal(size=(120, 4)).astype("float32")
y = (x[:, 0] > 0).astype("int32")
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy")
validation_split = 0.25
epochs = 3
"""


@pytest.fixture(scope="module")
def found():
    return steepest.suggest(make_model(), *classes_data(), batch_size=BATCH, epochs=4)


def test_it_says_what_it_took_the_task_for(found):
    shape = found.found.shape
    assert (shape.kind, shape.goal) == (DENSE, CLASSES)
    assert shape.steps == 4 * math.ceil(100 / BATCH)
    assert shape.parameters == make_model().count_params() - 2 * 16  # but for the moving averages


def test_the_code_builds_the_first_suggestion(found):
    names = {"keras": keras, "model": make_model()}
    exec(found.code(), names)
    made = names["optimizer"]
    rate = found.config.hyperparameters["learning_rate"]
    assert float(made.learning_rate) == pytest.approx(rate)
    assert type(made).__name__.lower() == found.config.rule.lower()


def test_suggestions_are_different_optimizers_that_the_framework_has(found):
    rules = [one.rule for one in found.configs]
    assert len(set(rules)) == len(rules) == min(3, len(load_atlas().optimizers))
    assert all(RULES[rule].dialect("keras").call for rule in rules)


def test_the_text_counts_what_leaving_out_gives(found):
    text = " ".join(str(found).split())
    record = found.found.record
    close, near = ((record.suggested <= share).sum() for share in (0.03, 0.1))
    said = re.search(r"within 3 % of the best known loss on (\d+) and within 10 % on (\d+)", text)
    assert (int(said[1]), int(said[2])) == (close, near)
    assert f"made for each of the {len(record.tasks)} without any task of its family" in text
    assert "Nothing was trained" in text
    assert found.code().rstrip() in str(found)


def test_it_never_sounds_surer_than_leaving_out_allows(found):
    """Where the default does as well, and where less than half is near, the text says so."""

    def told(suggested, usual):
        count = len(suggested)
        record = replace(
            found.found.record,
            tasks=("t",) * count,
            suggested=np.array(suggested),
            usual=np.array(usual),
        )
        return how_sure(replace(found.found, record=record))

    assert "no better than that default" in told([0.3, 0.3], [0.2, 0.2])
    assert "where to begin a search" in told([0.0, 0.3, 0.3], [0.4, 0.4, 0.4])
    assert told([0.0, 0.05, 0.3], [0.4, 0.4, 0.4]).endswith("nine of ten within 40 %).")
    assert "no bound, as one diverged" in told([0.0, 0.0, 9.999], [0.4, 0.4, 0.4])


def test_what_lies_outside_is_told():
    facts = TaskFacts("big", "mse", (), 10**9, 10**6, 100, 0, 10, 32)
    text = " ".join(advice(load_atlas(), run_suggest(facts).found))
    assert "times the most of the tasks like it: nothing as large was measured" in text
    assert "which is a guess for a task of this size" in text.split(". ")[0]
    small = TaskFacts("small", "mse", (), 1, 32, 100, 0, 1, 32)
    assert "nothing as small was measured" in " ".join(
        advice(load_atlas(), run_suggest(small).found)
    )


@pytest.mark.slow
def test_a_pytorch_module_gets_pytorch_s_code():
    torch = pytest.importorskip("torch")
    x, y = (torch.tensor(array) for array in classes_data())
    net = torch.nn.Sequential(torch.nn.Linear(6, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    found = steepest.suggest(net, x, y.long(), loss=torch.nn.CrossEntropyLoss(), count=2)
    assert found.facts.framework == "torch"
    names = {"torch": torch, "model": net}
    exec(found.code(), names)
    assert isinstance(names["optimizer"], torch.optim.Optimizer)
    assert all(RULES[one.rule].dialect("torch").call for one in found.configs)


@pytest.mark.parametrize("count", [0, 21, 2.5, True])
def test_a_count_that_is_none_is_refused(count):
    with pytest.raises(InputError, match=r"count is .*, but must be a whole number from 1 to 20"):
        steepest.suggest(make_model(), *classes_data(), count=count)


def test_arguments_of_the_other_framework_are_refused():
    with pytest.raises(InputError, match="metrics is not for Keras models"):
        steepest.suggest(make_model(), *classes_data(), metrics={})


@pytest.mark.slow
def test_the_command_prints_the_same(tmp_path):
    (tmp_path / "my_task.py").write_text(TASK)
    command = (sys.executable, "-m", "steepest", "suggest", "my_task.py", "--json")
    done = processes.run(*command, cwd=tmp_path, env=dict(os.environ))
    told = json.loads(done.stdout)
    assert done.returncode == 0
    assert told["shape"] == {"kind": DENSE, "goal": CLASSES, "parameters": 5, "steps": 9}
    assert told["suggestions"][0]["optimizer"] in told["advice"][0]
    assert "keras.optimizers." in told["code"]
    assert len(told["left_out"]["suggested"]) == len(told["like"])  # as they are enough


@pytest.mark.parametrize("framework", ["keras", "torch"])
@pytest.mark.parametrize("name", sorted(load_atlas().optimizers))
def test_each_optimizer_of_the_atlas_can_be_suggested(name, framework):
    """What is said is what the code has, with Keras' values where PyTorch's defaults are others."""
    rule = RULES[name]
    if not rule.dialect(framework).call:
        pytest.skip(f"{framework} has no {name}")
    facts = TaskFacts("some", "mse", (), 100, 320, 100, 0, 10, 32, framework=framework)
    atlas = load_atlas()
    alone = suggest_by(atlas, shape_of(facts), [name], 1)
    found = Suggestion(atlas, facts, replace(alone, picks=tuple(
        replace(one, values=_spelled(one, framework)) for one in alone.picks
    )))  # fmt: skip
    values = found.config.hyperparameters
    measured = {**rule.settings("keras"), **alone.picks[0].values}
    for key, value in measured.items():
        if key in rule.settings(framework) and not key.startswith("epsilon"):
            assert values[key] == value
    for key, value in found.found.picks[0].values.items():
        assert values[key] == value
    assert rule.name.lower() in found.code().lower()


@pytest.mark.parametrize(
    ("mean", "low", "high", "said"),
    [
        (-1.0, -1.5, -0.5, "twice as many epochs asked for 0.5 times the learning rate"),
        (-1.0, -2.5, 0.5, ""),
        (-1.0, None, None, ""),
    ],
)
def test_a_longer_training_hears_how_rates_move_with_length(mean, low, high, said):
    one = {"mean": mean, "low": low, "high": high, "optimizers": {"Adam": {"mnist-mlp": mean}}}
    atlas = replace(load_atlas(), figures={"exponents": {"epochs": one}})
    long = TaskFacts("long", "mse", (), 1000, 32_000, 100, 0, 1000, 32)
    told = " ".join(advice(atlas, run_suggest(long).found))
    assert ("on 1 task, " + said in told) if said else ("twice as many" not in told)


def test_few_like_tasks_are_not_judged_by():
    atlas = load_atlas()
    weights = (Parameter("attention/query", (8, 2, 4), "kernel"),)
    facts = TaskFacts("t", "sparse_categorical_crossentropy", (), 9000, 320, 100, 0, 10, 10)
    found = run_suggest(replace(facts, weights=weights)).found
    kinds = {atlas.tasks[at].series for at in found.like}
    assert {atlas.tasks[at].kind for at in found.like} == {ATTENTION}
    if len(kinds) < ALIKE:
        assert len(found.judged) == len(atlas.tasks) == len(found.record.tasks)
        assert "too few to judge by" in " ".join(advice(atlas, found))


def test_no_line_begins_with_the_sign_of_per_cent(found):
    assert not any(line.startswith("%") for line in str(found).splitlines())
