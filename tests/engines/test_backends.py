"""On TensorFlow and PyTorch: the search runs, and a member trains as on JAX."""

import importlib.util
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from small import BATCH, EPOCHS, make_model, make_task

import steepest
from steepest.engines import CompiledEngine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules import RULES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

TASK = """
import keras
from small import classes_data, make_model

x, y = classes_data()
model = make_model(dropout=0.3)
validation_data, test_data = classes_data(1), classes_data(2)
epochs, batch_size = 2, 50
"""

SCRIPT = """
import contextlib, io, json, sys
import numpy as np
import steepest
from small import classes_data, make_model, make_task
from steepest.engines import make_engine
from steepest.engines.state import State
from steepest.engines.population import Population
from steepest.records import Config

out = {}
given = np.load("weights.npz")
task = make_task(make_model())
engine = make_engine(task)
for name, config in json.load(open("configs.json")).items():
    config = Config(**config)
    population, program = Population.of([config]), engine.prepare({0: config})[0]
    state = program.begin(population)
    weights = [given[str(i)] for i in range(len(state.weights))]
    state = State(weights, *state.tree()[1:])
    _, measured = program.advance(population, state, task.facts.epochs)
    out[name] = [measured.values[n][0].tolist() for n in ("training_loss", "loss")]
study = None
for name in ("a", "b"):
    study, before = steepest.compare(
        make_model(dropout=0.3), *classes_data(), validation_split=0.2, epochs=2, batch_size=50,
        optimizers="SGD", trials=2, seeds=2, out=name,
    ), study
out["same"] = [t.curves for t in study.record.trials] == [t.curves for t in before.record.trials]
out["versions"], out["notes"] = dict(study.record.versions), list(study.record.task.notes)
try:
    steepest.compare(
        make_model(), *classes_data(), validation_split=0.2, optimizers="ScheduleFreeAdamW", out="c"
    )
except steepest.InputError as error:
    out["refused"] = str(error)
from steepest import cli
sys.argv = ["steepest", "compare", "my_task.py", "--trials", "2", "--seeds", "1", "--json",
            "--optimizers", "SGD", "--out", "d"]
printed = io.StringIO()
with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
    cli.main()
out["told"] = json.loads(printed.getvalue())["verdict"]["leader"]
json.dump(out, open("out.json", "w"))
"""


def config(rule, **values):
    return Config(rule, "keras", {**RULES[rule].settings("keras"), **values}, "constant", 3)


CONFIGS = {
    "SGD": config("SGD", learning_rate=0.05, momentum=0.9),
    "Adam": config("Adam", learning_rate=0.01),
}


@pytest.fixture(scope="module", params=["tensorflow", "torch"])
def other(request, tmp_path_factory):
    """What a process on another backend found, its place, and the initial weights it was given."""
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    place = tmp_path_factory.mktemp(request.param)
    task = make_task(make_model())
    state = CompiledEngine(task).compile(CONFIGS["SGD"]).begin(Population.of([CONFIGS["SGD"]]))
    np.savez(place / "weights.npz", **{str(i): w for i, w in enumerate(state.weights)})
    (place / "my_task.py").write_text(TASK)
    plain = {name: one.__dict__ for name, one in CONFIGS.items()}
    (place / "configs.json").write_text(json.dumps(plain))
    source = os.path.dirname(os.path.dirname(steepest.__file__))
    here = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=place,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "KERAS_BACKEND": request.param,
            "PYTHONPATH": os.pathsep.join([source, here]),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return request.param, json.loads((place / "out.json").read_text())


def test_the_same_search_runs_and_says_why_it_is_slower(other):
    backend, out = other
    assert out["told"] == "SGD"
    assert out["same"]
    assert any(backend in name for name in out["versions"])
    assert "one at a time" in out["notes"][0]
    assert "computes something else" in out["refused"]


# Until the compiled engine takes its order from data/order.py too.
@pytest.mark.parametrize("name", list(CONFIGS))
def test_a_member_trains_as_on_jax(other, name):
    _, out = other
    one, task = CONFIGS[name], make_task(make_model(), batch_size=BATCH)
    program, population = CompiledEngine(task).compile(one), Population.of([one])
    _, measured = program.advance(population, program.begin(population), EPOCHS)
    for mine, theirs in zip(("training_loss", "loss"), out[name], strict=True):
        np.testing.assert_allclose(theirs, measured.values[mine][0], rtol=1e-4, atol=1e-5)
