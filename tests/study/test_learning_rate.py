"""`steepest.learning_rate`: short trainings at many rates, and the range test beside them."""

import json
import math
import re
import signal
import sys
from dataclasses import replace

import keras
import numpy as np
import processes
import pytest
from read_pages import figures, read, words
from small import BATCH, classes_data, make_model, make_task

import steepest
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.range_test import BATCHES, KEPT, range_test
from steepest.engines.population import Population
from steepest.errors import InputError, TaskError
from steepest.measures.rate_choice import choose_rate, loss_at, lowest
from steepest.measures.rate_choice import steepest as steepest_of
from steepest.records import Config
from steepest.records.rate_runs import RangeTest
from steepest.reports.figures.rate_runs import rate_runs_picture
from steepest.reports.figures.style import looks
from steepest.reports.rate_text import advice
from steepest.search import rate_runs

pytestmark = pytest.mark.usefixtures("compiled_quickly")
SEEDS = 2


def asked(model=None, **more):
    x, y = classes_data()
    given = {"validation_data": classes_data(1), "epochs": 4, "length": 2, "batch_size": BATCH}
    model = model or make_model(batch_norm=False)
    return steepest.learning_rate(model, x, y, **{**given, "seeds": SEEDS, **more})


@pytest.fixture(scope="module")
def found():
    return asked(optimizer="SGD(momentum=0.5)")


@pytest.mark.slow
def test_losses_are_those_of_the_engine_s_trainings(found):
    task = make_task(make_model(batch_norm=False))
    values = {"learning_rate": found.rate, "momentum": 0.5, "nesterov": False}
    config = Config("SGD", "keras", values, "constant", 1)
    program = CompiledEngine(task).prepare({0: config})[0]
    one = Population.of([config])
    _, measured = program.advance(one, program.begin(one), 2)
    assert found.runs.losses[found.rate][1] == float(measured.values["loss"][0, -1])
    assert found.runs.usual == 0.01  # Keras' own, which is in the middle
    assert 0.01 in found.runs.losses


def test_the_best_has_its_neighbours_from_all_seeds(found):
    rates = sorted(found.runs.losses)
    place = rates.index(found.rate)
    for rate in rates[place - 1 : place + 2]:
        assert set(found.runs.losses[rate]) == set(found.runs.seeds)
    assert rates[place + 1] / rates[place] == pytest.approx(10**0.25, rel=0.01)


def test_a_range_test_is_a_loop_of_keras_whose_rate_grows():
    model = make_model(batch_norm=False)
    task = make_task(model)
    config = Config("Adam", "keras", ADAM, "constant", 0)
    told = range_test(CompiledEngine(task).shared, config)
    weights, _ = task.initialize(0)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    model.optimizer = keras.optimizers.Adam(1e-7)
    x, y, _ = task.training
    full, losses = len(x) // BATCH, []
    for i, rate in enumerate(told.rates):
        order = np.random.default_rng((0, i // full)).permutation(len(x))
        places = order[i % full * BATCH :][:BATCH]
        model.optimizer.learning_rate = rate
        model.reset_metrics()
        losses.append(float(model.train_on_batch(x[places], y[places])[0]))
    assert told.losses == pytest.approx(losses, rel=1e-3)
    assert (told.rates[0], len(told.losses) <= BATCHES) == (1e-7, True)


ADAM = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "amsgrad": False}


def test_a_range_test_is_read_as_fastai_reads_it():
    """As `steep` and `minimum` of fastai 2.7, callback/schedule.py, without 10 and 5 batches."""
    rates = np.geomspace(1e-7, 10, 100)
    smooth = 2 - np.exp(-((np.log10(rates) + 2.5) ** 2)) + (rates / 3) ** 2
    test = RangeTest(tuple(rates), tuple(smooth), tuple(smooth), 0)
    kept, losses = rates[10:-5], smooth[10:-5]
    slopes = np.diff(losses) / np.diff(np.log(kept))
    assert steepest_of(test) == kept[slopes.argmin()]
    assert lowest(test) == kept[losses.argmin()] / 10
    broken = replace(test, smoothed=(*smooth[:60], math.nan, *smooth[61:]))
    assert lowest(broken) == rates[10:60][smooth[10:60].argmin()] / 10
    short = replace(test, rates=test.rates[:9], smoothed=test.smoothed[:9])
    assert (steepest_of(short), lowest(short)) == (None, None)
    assert KEPT == 0.98


def runs_of(runs, losses, **more):
    """Return runs with these losses of three seeds, by rate."""
    three = {rate: dict(enumerate(values)) for rate, values in losses.items()}
    return replace(runs, losses=three, seeds=(0, 1, 2), untrained=2.0, usual=1e-3, **more)


CURVE = {
    1e-4: (1.5,),
    1e-3: (0.52, 0.61, 0.70),
    1.78e-3: (0.50, 0.60, 0.69),
    3.16e-3: (0.51, 0.59, 0.70),
    5.62e-3: (0.40, 0.60, 0.65),  # the lowest mean, beside rates that are worse
    1e-2: (0.9, 1.0, 1.1),
    3e-2: (1.2, 2.5, 1.1),
    1e-1: (math.nan, math.nan, math.nan),
}


def test_the_choice_is_where_rates_around_are_good_too(found):
    choice = choose_rate(runs_of(found.runs, CURVE))
    assert choice.best.rate == 3.16e-3
    assert (choice.low, choice.high) == (1e-3, 5.62e-3)
    assert (choice.fine, choice.breaks) == (1e-2, 3e-2)  # a seed is above the untrained model
    assert choice.learns
    assert choice.usual.rate == 1e-3
    assert loss_at(choice, math.sqrt(1e-4 * 1e-3)) == pytest.approx((1.5 + 0.61) / 2)
    assert loss_at(choice, 1.0) is None
    said = " ".join(advice(runs_of(found.runs, CURVE, yours=1e-2), choice))
    assert said.startswith("Take 0.00316 as the learning rate of SGD(momentum=0.5): after 2 of 4")
    assert "Rates from 0.001 to 0.00562 are not told from it by 3 seeds." in said
    assert "default, 0.001, ends at 0.61 ± 0.22, which is not told from it." in said
    assert "Training breaks at 0.03 (0.01 still trains)" in said


def test_text_page_and_json_tell_the_same(found, tmp_path):
    told = json.loads(json.dumps(found.to_dict(), allow_nan=False))
    assert told["take"] == found.rate
    assert told["code"] == found.code()
    text = str(found)
    assert max(map(len, text.splitlines())) <= 100
    assert " ".join(text.split()).startswith(told["advice"][0])
    assert f"learning_rate={found.rate}" in text
    assert "It rests on" in text
    page = read(found.write_report(tmp_path / "lr.html").read_text())
    assert told["advice"][0] in words(page)
    assert figures(page)["rates"]["figure"]["data"]
    space = {}
    exec(found.code(), space)
    assert float(space["optimizer"].learning_rate) == pytest.approx(found.rate)


def test_where_nothing_is_finite_beside_it_the_picture_can_be_drawn(found):
    runs = runs_of(found.runs, {**CURVE, 3e-2: (math.nan, 1.0, 1.0)}, range_test=None)
    picture = rate_runs_picture(runs, choose_rate(runs), looks(["SGD"])["SGD"])
    json.dumps(picture.figure, allow_nan=False)
    assert "range test" not in picture.caption


@pytest.mark.slow
def test_the_length_is_that_of_a_full_training_unless_it_takes_long(monkeypatch):
    short = {"optimizer": "SGD", "seeds": 1, "length": None}
    assert asked(**short).runs.epochs == 4
    monkeypatch.setattr(rate_runs, "SECONDS", 0.0)
    found = asked(**short)
    assert found.runs.epochs == 1
    assert "A short training prefers a higher rate" in " ".join(str(found).split())


def test_the_model_s_own_optimizer_is_the_default():
    model = make_model(batch_norm=False)
    model.compile("adam", loss="sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 3e-3
    mine = asked(model, seeds=1, length=1)
    assert mine.runs.optimizer == "your Adam(0.003)"
    assert (mine.runs.yours, mine.runs.usual) == (pytest.approx(3e-3), 1e-3)
    assert "Yours, 0.003, " in str(mine)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"optimizer": "SGD,Adam"}, "must be one"),
        ({"optimizer": "Adam(beta_1=Float(0.5,0.9))"}, "has a range of beta_1"),
        ({"optimizer": "Adm"}, "did you mean Adam"),
        ({"length": 5}, "length is 5, but a full training has 4 epochs"),
        ({"seeds": 0}, "seeds is 0, but must be a whole number from 1"),
        ({"loss": "mse"}, "loss is not for Keras models"),
    ],
)
def test_bad_input_is_a_sentence(changes, said):
    with pytest.raises(InputError, match=said):
        asked(**changes)


def test_a_model_that_no_rate_trains_says_so():
    model = make_model(batch_norm=False)
    model.compile(loss=lambda y, p: keras.ops.mean(p) * float("nan"))
    with pytest.raises(TaskError, match="no learning rate from 1e-06 to 1 trains"):
        asked(model, length=1, seeds=1)


@pytest.mark.slow
def test_a_pytorch_module_has_one_too():
    torch = pytest.importorskip("torch")
    x, y = (torch.tensor(one) for one in classes_data())
    mine = steepest.learning_rate(
        lambda: torch.nn.Linear(6, 3),
        x,
        y.long(),
        loss=torch.nn.CrossEntropyLoss(),
        validation_split=0.2,
        epochs=4,
        seeds=1,
    )
    assert mine.runs.config.dialect == "torch"
    assert "torch.optim.Adam" in mine.code()
    assert mine.runs.range_test is not None


TASK = """
import keras
import numpy as np

x = np.random.default_rng(0).normal(size=(120, 4))
y = (x[:, 0] + x[:, 1] > 0).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
validation_split = 0.25
epochs = 4
"""


@pytest.mark.slow
def test_the_command(tmp_path):
    (tmp_path / "my_task.py").write_text(TASK)
    command = (sys.executable, "-m", "quick_command", "lr", "my_task.py")
    asked = ("--seeds", "2", "--length", "1", "--json", "--html", "lr.html")
    done = processes.run(*command, *asked, cwd=tmp_path, env=processes.environment())
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["optimizer"], told["epochs"], told["full_epochs"]) == ("Adam", 1, 4)
    assert "page: lr.html" in done.stderr
    wrong = processes.run(
        *command, "--optimizer", "SGD,Adam", cwd=tmp_path, env=processes.environment()
    )
    assert (wrong.returncode, wrong.stderr.count("\n")) == (2, 1)
    assert re.match("steepest: optimizer is .* must be one", wrong.stderr)


@pytest.mark.slow
def test_ctrl_c_ends_it(tmp_path):
    (tmp_path / "my_task.py").write_text(TASK)
    command = (sys.executable, "-m", "quick_command", "lr", "my_task.py")
    long = ("--epochs", "100000", "--length", "100000")
    process = processes.start(*command, *long, cwd=tmp_path, env=processes.environment())
    for line in process.stderr:
        if "rates far apart" in line:
            break
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 130
    kept = {file.name for file in tmp_path.iterdir()} - {"__pycache__"}  # as Python has it
    assert kept == {"my_task.py"}
