"""Training through Keras' own `fit`: the same curves and search, and the model handed back."""

from dataclasses import replace

import jax
import keras
import numpy as np
import pytest
from small import BATCH, CLASSES, EPOCHS, FEATURES, classes_data, make_model, make_task

import steepest
from steepest.engines import CompiledEngine, FitEngine, make_engine
from steepest.engines.population import Population
from steepest.errors import InputError, TaskError
from steepest.records import Config
from steepest.rules import RULES
from steepest.rules.recipe import completed
from steepest.tasks.keras.fit_task import FitTask

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

X, Y = classes_data()


def config(rule="Adam", seed=0, schedule="constant", dialect="keras", **values):
    values = {**RULES[rule].settings(dialect), **values}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    return Config(rule, dialect, values, schedule, seed)


class OwnStep(keras.Model):
    """A model whose step is its own, and does what Keras' does."""

    def train_step(self, state, data):
        return super().train_step(state, data)


def fitted(model=None, **changes):
    """Return the small task as one for `fit`; on JAX it takes a step of one's own for that."""
    if model is None:
        plain = make_model(dropout=0.2)
        model = OwnStep(plain.inputs, plain.outputs)
        model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    task = make_task(model, **changes)
    assert isinstance(task, FitTask)
    return task


def train(engine, configs, stop=EPOCHS):
    population = Population.of(configs)
    program = engine.prepare({0: configs[0]})[0]
    parts = [
        program.advance(population.take([i]), program.begin(population.take([i])), stop)
        for i in range(len(configs))
    ]
    return parts if len(parts) > 1 else parts[0]


def same(a, b):
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)


@pytest.fixture(scope="module")
def task():
    return fitted()


@pytest.fixture(scope="module")
def engine(task):
    return make_engine(task)


@pytest.mark.parametrize(
    "one",
    [
        config(learning_rate=0.01),
        config("SGD", schedule="cosine", learning_rate=0.1, ema=0.9),
        config("SOAP", learning_rate=0.01),
    ],
    ids=lambda c: c.rule,
)
def test_going_on_from_a_state_equals_the_long_run(engine, one):
    population = Population.of([one])
    program = engine.prepare({0: one})[0]
    whole, measured = program.advance(population, program.begin(population), EPOCHS)
    half, first = program.advance(population, program.begin(population), 1)
    train(engine, [replace(one, seed=5)], 1)  # another in between
    after, second = program.advance(population, half, EPOCHS)
    same(after, whole)
    for name, values in measured.values.items():
        np.testing.assert_array_equal(
            values, np.concatenate([first.values[name], second.values[name]], axis=1)
        )
    assert measured.trained.tolist() == [EPOCHS]
    assert whole.step.tolist() == [EPOCHS * 7]


COMPARED = [
    config("SGD", learning_rate=0.1, momentum=0.9, schedule="cosine"),
    config("Adam", learning_rate=0.01, ema=0.8),
    config("ScheduleFreeAdamW", dialect="optax", learning_rate=0.01, warmup=0.2),
]


# Until the compiled engine takes its order from data/order.py too.
@pytest.mark.parametrize("one", COMPARED, ids=lambda c: c.rule)
def test_fit_gives_the_curves_of_a_compiled_population(engine, one):
    state, measured = train(engine, [one])
    compiled = CompiledEngine(make_task(make_model(dropout=0.2)))
    program, population = compiled.compile(one), Population.of([one])
    expected, values = program.advance(population, program.begin(population), EPOCHS)
    for name in ("training_loss", "loss", "accuracy"):
        np.testing.assert_allclose(
            measured.values[name], values.values[name], rtol=3e-5, atol=2e-6, err_msg=name
        )
    tested = engine.prepare({0: one})[0].measure(population, state, "test")
    assert tested[0] == pytest.approx(program.measure(population, expected, "test")[0], rel=1e-4)
    trained = engine.prepare({0: one})[0].measure(population, state, "training")
    beside = program.measure(population, expected, "training")[0]
    assert trained[0] == pytest.approx(beside, rel=1e-4)


def test_the_numbers_of_another_optimizer_do_not_stay(engine):
    """JAX would train the second with what it compiled for the first."""
    rates = [config("SGD", learning_rate=0.1, momentum=m) for m in (0.9, 0.1)]
    (_, one), (_, other) = train(engine, rates, 2)
    assert one.values["loss"][0, 1] != other.values["loss"][0, 1]


def test_trials_that_differ_in_the_learning_rate_alone_share_what_is_compiled(task):
    """Also where the code has fewer digits of it than the search."""
    engine = FitEngine(task)
    rates = (0.1, 0.001, 0.0050000000474974513)
    parts = train(engine, [config(learning_rate=rate) for rate in rates], 1)
    assert len(engine.lent.optimizers._ready) == 1
    assert parts[0][1].values["loss"][0] != parts[1][1].values["loss"][0]
    again, _ = train(FitEngine(task), [config(learning_rate=0.001)], 1)
    same(parts[1][0], again)


def test_the_model_is_handed_back_as_it_was(tmp_path):
    task = fitted()
    model = task.model
    model.fit(X, Y, verbose=0)
    kept = [model.optimizer, model.train_function, model.history, model._compile_config]

    def values():
        every = (*model.variables, *model.optimizer.variables, *model.metrics_variables)
        return [np.asarray(keras.ops.convert_to_numpy(v)) for v in every]

    before = values()
    random_before = np.random.get_state()[1].tolist()
    study = steepest.compare(
        *(model, X, Y),
        optimizers="SGD",
        validation_split=0.2,
        epochs=2,
        trials=1,
        seeds=1,
        out=tmp_path / "s",
    )
    assert study.record.task.notes
    now = [model.optimizer, model.train_function, model.history, model._compile_config]
    assert all(a is b for a, b in zip(kept, now, strict=True))
    for a, b in zip(before, values(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert np.random.get_state()[1].tolist() == random_before
    assert "train_step" not in vars(model)
    model.fit(X, Y, verbose=0)  # and still works


def test_a_step_of_one_s_own_is_searched_and_the_same_again(tmp_path):
    def run(name):
        model = fitted().model
        return steepest.compare(
            *(model, X, Y),
            validation_data=classes_data(1),
            test_data=classes_data(2),
            optimizers="SGD",
            epochs=3,
            batch_size=50,
            trials=2,
            seeds=2,
            out=tmp_path / name,
        )

    one, other = run("one"), run("other")
    assert [(t.config, t.curves, t.test) for t in one.record.trials] == [
        (t.config, t.curves, t.test) for t in other.record.trials
    ]
    assert "train_step of its own" in str(one).replace("\n", " ")
    assert "slower" not in str(one)
    assert "faster" in str(one)
    assert one.record.confirmed("SGD")[0].test.keys() == {"loss", "accuracy"}
    assert {"keras", "jax"} <= set(one.record.versions)
    assert isinstance(one.best.optimizer(), keras.optimizers.Optimizer)


def test_a_diverged_member_stops(engine):
    state, measured = train(engine, [config("SGD", learning_rate=1e37)])
    assert state.alive.tolist() == [False]
    assert measured.trained.tolist() == [1]
    assert not np.isfinite(measured.values["loss"][0, 0])
    assert np.isnan(measured.values["loss"][0, 1:]).all()
    program = engine.prepare({0: config("SGD")})[0]
    again, more = program.advance(Population.of([config("SGD")]), state, EPOCHS)
    same(again, state)
    assert more.trained.tolist() == [0]


def test_members_of_one_program_stack(engine):
    configs = [config(learning_rate=rate, seed=seed) for rate, seed in ((0.01, 0), (0.02, 1))]
    program, population = engine.prepare({0: configs[0]})[0], Population.of(configs)
    together, measured = program.advance(population, program.begin(population), 2)
    for i, (state, alone) in enumerate(train(engine, configs, 2)):
        same(together.take([i]), state)
        np.testing.assert_array_equal(measured.values["loss"][i], alone.values["loss"][0])


def test_float16_trains_with_the_loss_scaling_of_fit():
    layers = [keras.Input((FEATURES,)), keras.layers.Dense(8, dtype="mixed_float16")]
    model = keras.Sequential([*layers, keras.layers.Dense(CLASSES, activation="softmax")])
    model.compile(
        optimizer=keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(), initial_scale=64.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    task = fitted(model)
    assert "float16" in task.facts.notes[0]
    engine = make_engine(task)
    state, measured = train(engine, [config(learning_rate=0.01)])
    assert measured.values["loss"][0, -1] < measured.values["loss"][0, 0]
    assert 64.0 in [float(m[0]) for m in state.memory if m[0].ndim == 0]


def peeking():
    class Peeks(keras.layers.Layer):
        def call(self, x):
            return x * (2.0 if float(np.asarray(x).sum()) > 0 else 1.0)

        def compute_output_shape(self, shape):
            return shape

    model = keras.Sequential([Peeks(), keras.layers.Dense(CLASSES, activation="softmax")])
    model.compile(loss="sparse_categorical_crossentropy")
    return model


def test_python_that_looks_at_values_runs_eagerly():
    task = fitted(peeking())
    assert task.eagerly
    assert "cannot trace" in task.facts.notes[0]
    assert "eagerly" in task.facts.notes[0]
    _, measured = train(make_engine(task), [config(learning_rate=0.05)], 2)
    assert measured.values["loss"][0, 1] < measured.values["loss"][0, 0]
    assert task.model.run_eagerly is False


def test_a_rule_of_one_s_own_is_refused_before_anything_is_written(engine, tmp_path):
    import optax

    mine = steepest.rule(
        "Mine",
        lambda learning_rate: optax.sgd(learning_rate),
        space={"learning_rate": steepest.Float(1e-3, 1e-1, log=True)},
        defaults={"learning_rate": 1e-2},
    )
    with pytest.raises(InputError, match=r"leave .*Mine.* out"):
        steepest.compare(
            engine.lent.task.model,
            X,
            Y,
            validation_split=0.2,
            optimizers=[mine],
            out=tmp_path / "s",
        )
    assert not (tmp_path / "s").exists()


def own(step, **methods):
    inputs = keras.Input((FEATURES,))
    outputs = keras.layers.Dense(CLASSES, activation="softmax")(inputs)
    model = type("Mine", (keras.Model,), {"train_step": step, **methods})(inputs, outputs)
    model.compile(loss="sparse_categorical_crossentropy")
    return model


def idle(self, state, data):
    return {"loss": keras.ops.sum(state[0][0])}, state


def silent(self, state, data):
    logs, state = keras.Model.train_step(self, state, data)
    return {"other": logs["loss"]}, state


def broken(self, state, data):
    raise RuntimeError("out of ideas")


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (silent, "tells no loss, but other; let train_step return it"),
        (broken, "fit cannot train the model .*out of ideas"),
    ],
)
def test_a_step_that_cannot_be_used_is_said(step, said):
    with pytest.raises(TaskError, match=said):
        make_task(own(step))


def test_a_step_without_the_optimizer_is_said():
    engine = make_engine(fitted(own(idle)))
    with pytest.raises(TaskError, match=r"never calls self\.optimizer"):
        train(engine, [config()], 1)


@pytest.mark.parametrize(
    ("x", "y", "said"),
    [(X, Y + 7, "label 9, but the model has 3"), (X[:, :4], Y, "cannot take x of shape")],
)
def test_mistakes_are_said_as_for_a_compiled_population(x, y, said, monkeypatch):
    monkeypatch.setattr("steepest.tasks.keras.task.why_fit", lambda *_: "so it is")
    with pytest.raises(TaskError, match=said):
        steepest.compare(make_model(), x, y, validation_split=0.2, batch_size=BATCH)
