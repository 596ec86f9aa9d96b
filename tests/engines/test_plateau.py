"""Oracle: under the schedule `plateau` a member trains as `fit` with Keras' own callback trains it,
in each engine, with numbers of its own beside others of its program."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from callbacks_in_fit import EPOCHS, curve, equal, program_of, theirs
from small import BATCH, Batches, classes_data, make_model, make_task

from steepest.codegen import code
from steepest.engines import make_engine
from steepest.engines.callbacks import CallbackProgram, with_callbacks
from steepest.engines.compiled.program import CompiledProgram
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules.plateau import plateau_of
from steepest.tasks.keras.task import keras_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

REDUCE, STOP = keras.callbacks.ReduceLROnPlateau, keras.callbacks.EarlyStopping
# What the schedule has, and what Keras' callback of it has at a learning rate of 0.3.
SETTINGS = {
    "patient": ({"factor": 0.3, "patience": 2.0}, {"factor": 0.3, "patience": 2}),
    "cooldown": (
        {"factor": 0.5, "patience": 1.0, "cooldown": 2.0, "min_delta": 0.05},
        {"factor": 0.5, "patience": 1, "cooldown": 2, "min_delta": 0.05},
    ),
    "floor": (
        {"patience": 1.0, "final": 0.02, "min_delta": 0.1},
        {"factor": 0.1, "patience": 1, "min_lr": 0.006, "min_delta": 0.1},
    ),
    "as it comes": ({}, {"factor": 0.1, "patience": 1}),  # a tenth of 14 epochs
}


def config(seed=3, rate=0.3, **numbers):
    values = {"learning_rate": rate, "momentum": 0.9, "nesterov": False, **numbers}
    return Config("SGD", "keras", values, "plateau", seed)


def advance(task, configs, stops):
    """Return program, state and measured values of a population after some calls of `advance`."""
    population = Population.of(configs)
    program = program_of(task, configs[0])
    state, found = program.begin(population), []
    for stop in stops:
        state, measured = program.advance(population, state, stop)
        found.append([measured.values, measured.trained])
    return program, state, found


def tasks(callbacks=()):
    """Return the same task for the compiled engine, streamed, and for `fit`."""
    x, y = classes_data()
    streamed = [(x[i : i + BATCH], y[i : i + BATCH]) for i in range(0, 96, BATCH)]
    own = [*callbacks, keras.callbacks.LambdaCallback()]
    more = {"validation_data": classes_data(1), "epochs": EPOCHS, "callbacks": list(callbacks)}
    return {
        "compiled": lambda: make_task(make_model(), epochs=EPOCHS, callbacks=list(callbacks)),
        "stream": lambda: keras_task(make_model(), Batches(streamed), **more),
        "fit": lambda: make_task(make_model(), epochs=EPOCHS, callbacks=own),
    }


@pytest.mark.parametrize("name", SETTINGS)
def test_a_member_trains_as_fit_does_with_the_callback(name):
    ours, given = SETTINGS[name]
    task = tasks()["compiled"]()
    _, _, found = advance(task, [config(**ours)], (6, EPOCHS))
    history, used, _ = theirs(task, [REDUCE(**given)], 0.3)
    assert min(used) < max(used)  # or it shows nothing
    mine = curve(found)
    assert mine["training_loss"] == pytest.approx(np.array(history["loss"]), rel=2e-3)
    assert mine["loss"] == pytest.approx(np.array(history["val_loss"]), rel=2e-3)
    assert mine["accuracy"] == pytest.approx(np.array(history["val_accuracy"]), abs=1e-6)


def test_by_fit_it_is_the_same_with_early_stopping_beside_it():
    """The engine that calls `fit`, where the rate is a variable of the optimizer."""
    task = tasks([STOP(patience=5, min_delta=0.01)])["fit"]()
    _, state, found = advance(task, [config(factor=0.3, patience=2.0)], (5, EPOCHS))
    callbacks = [REDUCE(factor=0.3, patience=2), STOP(patience=5, min_delta=0.01)]
    history, used, _ = theirs(task, callbacks, 0.3)
    assert min(used) < max(used)
    assert len(history["loss"]) == int(state.epoch[0]) < EPOCHS
    assert curve(found)["loss"] == pytest.approx(np.array(history["val_loss"]), rel=2e-3)


@pytest.mark.parametrize("engine", ["compiled", "stream", "fit"])
def test_members_with_other_numbers_are_one_program_and_know_nothing_of_each_other(engine):
    task = tasks()[engine]()
    numbers = [(0.3, 1.0, 0.0), (0.7, 3.0, 0.0), (0.1, 1.0, 0.05)]
    configs = [config(factor=f, patience=p, min_delta=d) for f, p, d in numbers]
    configs.append(replace(configs[0], seed=4))
    _, state, found = advance(task, configs, (4, EPOCHS))
    for member, one in enumerate(configs):
        _, alone, own = advance(task, [one], (EPOCHS,))
        assert equal(alone, state.take([member])) or engine == "stream"
        values = curve(found, member)["loss"]
        assert curve(own)["loss"] == pytest.approx(values, rel=1e-5 if engine == "stream" else 0)
    ends = {float(curve(found, member)["loss"][-1]) for member in range(3)}
    assert len(ends) == 3  # or the numbers do nothing


def test_cut_anywhere_it_goes_on_as_if_it_had_not_been():
    configs = [config(factor=0.3, patience=1.0, rate=rate) for rate in (0.5, 0.2, 0.02)]
    task = tasks([STOP(patience=4, restore_best_weights=True)])["compiled"]()
    _, whole, found = advance(task, configs, (EPOCHS,))
    _, cut, pieces = advance(task, configs, range(1, EPOCHS + 1))
    assert equal(whole, cut)
    for member in range(len(configs)):
        assert np.array_equal(curve(pieces, member)["loss"], curve(found, member)["loss"])


def test_other_schedules_of_the_engine_are_as_without_it():
    task = tasks()["compiled"]()
    constant = Config("SGD", "keras", config().hyperparameters, "constant", 3)
    engine = with_callbacks(make_engine(task))
    programs = engine.prepare({"plateau": config(), "constant": constant})
    assert isinstance(programs["constant"], CompiledProgram)
    assert isinstance(programs["plateau"], CallbackProgram)
    assert with_callbacks(engine) is engine


def test_in_a_shorter_training_it_is_as_much_less_patient():
    task = tasks()["compiled"]()
    facts = replace(task.facts, epochs=40)
    half = float(20 * facts.steps_per_epoch)
    (whole,) = plateau_of(config(patience=6.0, cooldown=3.0), facts)
    (short,) = plateau_of(config(patience=6.0, cooldown=3.0, decay_steps=half), facts)
    assert (whole.patience, whole.cooldown) == (6, 3)
    assert (short.patience, short.cooldown) == (3, 2)
    (usual,) = plateau_of(config(), facts)
    assert (usual.patience, usual.factor, usual.min_delta) == (4, 0.1, 1e-4)
    (least,) = plateau_of(config(patience=1.0, decay_steps=half), facts)
    assert least.patience == 1
    assert plateau_of(replace(config(), schedule="cosine"), facts) == ()


def test_a_pytorch_module_trains_as_pytorchs_own_loop_with_its_own_scheduler():
    torch = pytest.importorskip("torch")
    from loop_tasks import loop_task

    from steepest.tasks.torch.task import lowered

    loop = loop_task(epochs=EPOCHS, fingerprint={"model": "small", "compile": "plateau"})
    one = Config("SGD", "torch", dict(config().hyperparameters), "plateau", 1)
    numbers = {"factor": 0.3, "patience": 2.0, "cooldown": 1.0, "min_delta": 0.01}
    one = replace(one, hyperparameters={**one.hyperparameters, **numbers})
    found = []
    for task in (loop, lowered(loop)):
        _, _, pieces = advance(task, [one], (5, EPOCHS))
        found.append(curve(pieces)["loss"])
    assert found[0] == pytest.approx(found[1], rel=1e-3)

    losses, rates = by_pytorch(torch, loop, one)
    assert min(rates) < max(rates)
    assert losses == pytest.approx(found[0], rel=1e-4)


def by_pytorch(torch, task, one):
    """Return validation losses and rates of a plain loop that runs the code to paste."""
    from loop_tasks import network

    model, (x, y), (vx, vy) = (
        network(),
        *(map(torch.from_numpy, classes_data(seed)) for seed in (0, 1)),
    )
    weights, _ = task.initialize(one.seed)
    for parameter, value in zip(model.parameters(), weights, strict=True):
        parameter.data = torch.from_numpy(np.array(value))
    names = {"model": model}
    exec(code(one, task.facts, "torch"), names)
    loss_of, losses, rates = torch.nn.functional.cross_entropy, [], []
    for epoch in range(EPOCHS):
        rates.append(names["optimizer"].param_groups[0]["lr"])
        for rows in torch.split(torch.from_numpy(task.order(one.seed, epoch).astype("i8")), BATCH):
            loss_of(model(x[rows]), y[rows].long()).backward()
            names["optimizer"].step()
            names["optimizer"].zero_grad()
        with torch.no_grad():
            losses.append(float(loss_of(model(vx), vy.long())))
        names["plateau"].step(losses[-1])
    return losses, rates
