"""Options are said once: the command line, `compare`, the study file and the command agree."""

import inspect
import shlex
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from anything import check_message
from planned import planned
from small import classes_data, make_model
from whole import whole_study

import steepest
from steepest import budget, options, storage
from steepest.cli.compare import compare as command_line
from steepest.cli.compare import options_of
from steepest.errors import InputError
from steepest.options import NAMES, Options, about
from steepest.plan import check_plan
from steepest.reports.command import command, command_and_notes
from steepest.rules import FRAMEWORKS

FIELDS = {one.name: one for one in fields(Options)}
ONLY_THERE = {"tasks", "out", "watch", "as_json", "verbose"}  # how it is run, not what is asked
SET = {
    "optimizers": "SGD(nesterov=True),Adam(epsilon=Float(1e-8,1e-3,log=True))",
    "dialect": "torch",
    "epochs": 7,
    "batch_size": "24",
    "budget": "quick",
    "trials": 12,
    "full_trainings": 12.5,
    "time": "1h30m",
    "seeds": 4,
    "metric": "accuracy",
    "direction": "up",
    "at": "best",
    "practical": "5 %",
    "sweep": 2,
    "seed": 3,
    "schedule": "cosine",
    "recipe": "warmup=0.05,clip_norm=1",
    "groups": "backbone=0.1,head=Float(0.1,10.0,log=True)",
    "baseline": ["keras.optimizers.Adam(1e-3)", "optax.sgd(0.1)"],
    "memory": "4GB",
    "workers": "4",
    "kinds": "any",
    "idle": "ahead",
    "name": "first try",
}
NONSENSE = {
    "optimizers": "Adm",
    "dialect": "jax",
    "epochs": 0,
    "batch_size": "many",
    "budget": "huge",
    "trials": 2.5,
    "full_trainings": "many",
    "time": "soon",
    "seeds": True,
    "metric": 3,
    "direction": "left",
    "at": "noon",
    "practical": "much",
    "sweep": -1,
    "seed": None,
    "schedule": "cosin",
    "recipe": "warmpu=1",
    "groups": "backbone",
    "baseline": "Adm(1)",
    "memory": "much",
    "workers": "many",
    "kinds": "two",
    "idle": "away",
    "name": "",
}


def typed(line):
    """Return the options of a command line as click reads them."""
    words = shlex.split(line)
    assert words[:2] == ["steepest", "compare"]
    given = command_line.make_context("compare", words[2:]).params
    return options_of({name: value for name, value in given.items() if name not in ONLY_THERE})


def test_every_option_is_tried_here():
    assert tuple(SET) == tuple(NONSENSE) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_option_has_help_that_the_command_line_shows(name):
    known = {one.name: one for one in command_line.params}
    assert len(about(FIELDS[name]).help.split()) >= 2
    assert known[name].help.startswith(about(FIELDS[name]).help)


@pytest.mark.parametrize("name", NAMES)
def test_nonsense_is_refused_in_a_sentence(name):
    with pytest.raises(InputError) as caught:
        check_plan(Options(**{name: NONSENSE[name]}))
    check_message(str(caught.value))


def test_two_options_that_contradict_are_refused():
    with pytest.raises(InputError, match="give one of them"):
        Options(trials=4, full_trainings=9)


def test_the_command_line_and_compare_have_all_options_with_their_defaults():
    shown = {one.name: one for one in command_line.params}
    assert [name for name in shown if name in FIELDS] == list(NAMES)
    assert set(shown) - set(NAMES) <= ONLY_THERE
    assert typed("steepest compare digits") == Options()
    arguments = inspect.signature(steepest.compare).parameters
    assert {name: arguments[name].default for name in NAMES if name != "epochs"} == {
        name: one.default for name, one in FIELDS.items() if name != "epochs"
    }
    assert arguments["epochs"].default == 10  # an array has no epochs of its own, as a task has


def test_words_are_those_that_mean_something():
    assert options.DIALECTS == FRAMEWORKS
    assert tuple(budget.BUDGETS) == options.BUDGETS


def test_compare_asks_for_all_that_it_is_given(monkeypatch):
    import steepest.study.compare as module

    found = []

    def run_study(task, options, out, progress, **_):
        found.append(options)
        raise InterruptedError

    monkeypatch.setattr(module, "run_study", run_study)
    given = {name: value for name, value in SET.items() if name != "trials"}
    with pytest.raises(InterruptedError):
        steepest.compare(make_model(), *classes_data(), validation_split=0.2, **given)
    assert found == [Options(**given)]


@pytest.mark.parametrize("name", NAMES)
def test_options_come_through_the_study_file_and_the_command(name, tmp_path):
    asked = Options(**{name: SET[name]})
    record = replace(whole_study(), asked={"tasks": ["digits"], **asked.stored()})
    storage.create(tmp_path / "study.db", record)
    kept = storage.read(tmp_path / "study.db")
    assert Options.from_stored({k: v for k, v in kept.asked.items() if k != "tasks"}) == asked
    line = command(kept)
    assert line.startswith("steepest compare digits")
    assert typed(line) == asked
    assert line.count(" --") == (2 if name == "baseline" else 1)  # nothing is said twice


def test_what_python_gave_is_written_as_on_the_command_line():
    given = Options(
        optimizers={
            "SGD": {},
            "Adam": {
                "learning_rate": steepest.Float(1e-4, 1e-2, log=True),
                "amsgrad": steepest.Choice((False, True)),
                "epsilon": np.float64(1e-7),
            },
        },
        recipe={"warmup": 0.1, "schedule": "cosine"},
        practical=0.05,
        memory=4 * 10**9,
        time=90,
        seeds=np.int64(3),
        full_trainings=12,
    )
    record = replace(whole_study(), asked={"tasks": [], **given.stored()})
    again = typed(command(record))
    assert again.stored() == given.stored()
    plans = []
    for one in (given, again):
        values = {name: getattr(one, name) for name in NAMES if name != "epochs"}
        found, settings = planned(values.pop("optimizers"), 5, **values)
        plans.append(([replace(one, name=one.rule) for one in found], settings))
    assert plans[0] == plans[1]


def test_an_object_of_python_is_no_word_but_a_note():
    asked = Options(baseline=[np.random.default_rng(0), "optax.sgd(0.1)"]).stored()
    found = command_and_notes(replace(whole_study(), asked=asked))
    assert found.line == "steepest compare toy --baseline 'optax.sgd(0.1)'"
    assert any("--baseline was an object of Generator" in note for note in found.notes)


def test_a_task_of_ones_own_comes_with_a_warning():
    asked = {"tasks": ["my\x1b_task.py"], **Options().stored()}
    found = command_and_notes(replace(whole_study(), asked=asked))
    assert found.line == "steepest compare 'my\\x1b_task.py'"
    assert any("only if that code is yours" in note for note in found.notes)


@pytest.mark.parametrize("asked", [{"budget": "huge"}, {"new_in_7": 1}, {"baseline": {"a": []}}])
def test_options_of_a_stranger_leave_what_the_settings_tell(asked):
    line = command(replace(whole_study(), asked=asked))
    assert line.startswith("steepest compare toy")


@pytest.mark.parametrize("number", range(1, 7))
def test_the_command_of_each_format_can_be_typed(number):
    place = Path(__file__).parent / "formats" / f"study-format-{number}.db"
    study = storage.read(place)
    again = typed(command(study))
    if number > 4:  # they have the options
        kept = {n: v for n, v in study.asked.items() if n in NAMES and n != "dialect"}
        assert again.stored() == {**Options().stored(), **kept, "baseline": None}
    else:
        assert again.epochs == study.task.epochs


def test_an_option_that_is_not_known_is_refused():
    with pytest.raises(InputError, match="which this version does not know"):
        Options.from_stored({"colour": "red"})


def test_optimizers_that_can_be_read_once_are_read_once():
    given = Options(optimizers=(name for name in ("SGD", "Adam")))
    assert [one.name for one in planned(given.optimizers, 3)[0]] == ["SGD", "Adam"]
    assert [one.name for one in planned((n for n in ("SGD", "Adam")), 3)[0]] == ["SGD", "Adam"]
    assert given.stored()["optimizers"] == "SGD,Adam"


def test_options_load_nothing_heavy():
    heavy = ["numpy", "jax", "keras", "click", "scipy"]
    check = f"import steepest.options, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
