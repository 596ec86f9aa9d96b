"""A schedule that a baseline brings trains as Keras' own fit does, in all engines, and resumes."""

import keras
import numpy as np
import pytest
from small import BATCH, classes_data, make_model, make_task

import steepest
from steepest import from_keras
from steepest.engines import CompiledEngine, FitEngine
from steepest.engines.population import Population
from steepest.engines.streaming.engine import StreamEngine
from steepest.parse.own_schedules import read_schedules
from steepest.records import Config

pytestmark = pytest.mark.usefixtures("compiled_quickly")

S = keras.optimizers.schedules
EPOCHS = 3


class Own(S.LearningRateSchedule):
    """A schedule as people write it, without a configuration."""

    def __call__(self, step):
        return 0.3 / (1.0 + keras.ops.cast(step, "float32"))


class OwnStep(keras.Model):
    """A model that trains through `fit` on JAX too."""

    def train_step(self, state, data):
        return super().train_step(state, data)


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(batch_norm=False), epochs=EPOCHS, shuffle=False)


def engine_of(kind, task):
    """Return an engine of a task, which for `fit` has to need it."""
    if kind is not FitEngine:
        return kind(task)
    model = make_model(batch_norm=False)
    own = OwnStep(model.inputs, model.outputs)
    own.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return FitEngine(make_task(own, epochs=EPOCHS, shuffle=False))


def kept(task, optimizer):
    """Return the validation losses of Keras' own fit."""
    model, (x, y) = make_model(batch_norm=False), classes_data()
    for variable, value in zip(model.trainable_variables, task.initialize(0)[0], strict=True):
        variable.assign(value)
    model.compile(optimizer, loss="sparse_categorical_crossentropy")
    data = {"validation_data": classes_data(1), "verbose": 0, "shuffle": False}
    return model.fit(x, y, BATCH, EPOCHS, **data).history["val_loss"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("schedule", "kinds"),
    [
        (S.PiecewiseConstantDecay([4, 9], [0.3, 0.02, 0.1]), (CompiledEngine, FitEngine)),
        (Own(), (CompiledEngine, StreamEngine, FitEngine)),
    ],
    ids=["piecewise", "own"],
)
def test_an_engine_trains_as_fit_does(task, schedule, kinds):
    config = from_keras(keras.optimizers.SGD(schedule, momentum=0.5))
    expected = kept(task, keras.optimizers.SGD(schedule, momentum=0.5))
    for kind in kinds:
        program = engine_of(kind, task).prepare({0: config})[0]
        population = Population.of([config])
        state = program.begin(population)
        whole, measured = program.advance(population, state, EPOCHS)
        np.testing.assert_allclose(measured.values["loss"][0], expected, rtol=5e-5)
        half, _ = program.advance(population, state, 1)
        again, _ = program.advance(population, half, EPOCHS)
        for a, b in zip(whole.weights, again.weights, strict=True):
            np.testing.assert_array_equal(a, b)


def waning(step, total):
    return 5.0 if step < 3 else 5.0 * (1 - step / (2 * total))


class Waning(S.LearningRateSchedule):
    """The same for Keras, in a training of so many steps."""

    def __init__(self, total):
        self.total = total

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        return 0.3 * keras.ops.where(step < 3, 1.0, 1 - step / (2 * self.total))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [CompiledEngine, StreamEngine, FitEngine])
def test_a_function_that_a_contestant_has_trains_as_in_fit(task, kind):
    (schedule,) = read_schedules(waning)
    values = {"learning_rate": 0.3, "momentum": 0.5, "nesterov": False}
    config = Config("SGD", "keras", values, schedule, 0)
    expected = kept(task, keras.optimizers.SGD(Waning(task.facts.steps), momentum=0.5))
    program = engine_of(kind, task).prepare({0: config})[0]
    population = Population.of([config])
    _, measured = program.advance(population, program.begin(population), EPOCHS)
    np.testing.assert_allclose(measured.values["loss"][0], expected, rtol=5e-5)


@pytest.mark.slow
def test_functions_among_words_are_kept_and_told(tmp_path):
    asked = {
        "validation_split": 0.2, "epochs": 2, "batch_size": BATCH, "optimizers": "SGD",
        "trials": 4, "seeds": 2, "schedule": ["cosine", waning], "verbose": 0,
        "out": tmp_path / "study",
    }  # fmt: skip
    first = steepest.compare(make_model(), *classes_data(), **asked)
    tried = {trial.config.schedule for trial in first.record.trials}
    both = {"cosine", *read_schedules(waning)}
    assert tried == both
    assert set(first.record.optimizers["SGD"].space["schedule"]["values"]) == both
    assert steepest.read(tmp_path / "study").record.trials == first.record.trials
    again = steepest.compare(make_model(), *classes_data(), **asked)
    assert again.record.trials == first.record.trials
    other = {**asked, "schedule": ["cosine", lambda step, total: 1 - step / total]}
    with pytest.raises(steepest.InputError, match="of SGD"):
        steepest.compare(make_model(), *classes_data(), **other)
    only = {**asked, "schedule": waning, "out": tmp_path / "only"}
    study = steepest.compare(make_model(), *classes_data(), **only)
    assert "schedule=waning" in str(study)
    assert "of_total" not in (tmp_path / "only" / "report.html").read_text().split("<script")[0]
    model = make_model()
    model.compile(study.best.optimizer(), loss="sparse_categorical_crossentropy")
    model.fit(*classes_data(), BATCH, 1, verbose=0)


@pytest.mark.slow
def test_a_study_keeps_the_schedule_and_goes_on_with_it(tmp_path):
    optimizer = keras.optimizers.SGD(Own(), momentum=0.5)
    asked = {
        "validation_split": 0.2, "epochs": 1, "batch_size": BATCH, "optimizers": "SGD", "trials": 1,
        "seeds": 2, "baseline": optimizer, "verbose": 0, "out": tmp_path / "study",
    }  # fmt: skip
    first = steepest.compare(make_model(), *classes_data(), **asked)
    kept = steepest.read(tmp_path / "study")
    assert kept.record.optimizers["baseline SGD"].schedule.startswith("own:Own:")
    assert kept.record.trials == first.record.trials
    assert steepest.compare(make_model(), *classes_data(), **asked).record == kept.record
    assert "your own schedule" in kept.optimizers["baseline SGD"].code()
    made = kept.optimizers["baseline SGD"].optimizer()
    assert made._learning_rate is optimizer._learning_rate
    other = {**asked, "baseline": keras.optimizers.SGD(S.InverseTimeDecay(0.3, 1, 1.0), 0.5)}
    with pytest.raises(steepest.InputError, match="schedule of baseline SGD"):
        steepest.compare(make_model(), *classes_data(), **other)
