"""Streamed populations equal Keras' own `fit`, read each batch once, and read ahead."""

import threading

import jax
import keras
import numpy as np
import pytest
from small import BATCH, EPOCHS, EXAMPLES, FEATURES, classes_data, make_model

import steepest
from steepest.codegen import code
from steepest.data import disk
from steepest.data.order import epoch_order
from steepest.data.stream import Stream
from steepest.engines import make_engine
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.engines.state import State, begin
from steepest.engines.streaming import prefetch
from steepest.engines.streaming.engine import StreamEngine
from steepest.engines.streaming.prefetch import ahead
from steepest.errors import TaskError
from steepest.records import Config
from steepest.rules import RULES
from steepest.tasks.keras.task import keras_task, run_code
from steepest.workers import local

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def config(rate=0.01, seed=0, rule="Adam"):
    values = {**RULES[rule].defaults, **RULES[rule].flags, "learning_rate": rate}
    return Config(rule, "keras", values, "constant", seed)


class Counted:
    """Batches of the small data in order, which counts how often each is read."""

    def __init__(self, seed=0, wrong=None):
        self.data, self.read, self.wrong = classes_data(seed), [], wrong

    def __len__(self):
        return -(-EXAMPLES // BATCH)

    def __iter__(self):
        for i in range(len(self)):
            self.read.append(i)
            if i == self.wrong and len(self.read) > len(self):
                raise OSError("the disk is gone")
            yield tuple(part[i * BATCH : (i + 1) * BATCH] for part in self.data)


@pytest.fixture
def on_disk(tmp_path, monkeypatch):
    """Return a function that puts an array into a memmap, which is large from now on."""
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)

    def put(array, name):
        made = np.memmap(tmp_path / name, array.dtype, "w+", shape=array.shape)
        made[:] = array
        return made

    return put


def disk_task(on_disk, model, **changes):
    x, y = classes_data()
    arguments = {
        "validation_data": classes_data(1),
        "test_data": classes_data(2),
        "epochs": EPOCHS,
        "batch_size": BATCH,
        **changes,
    }
    return keras_task(model, on_disk(x, "x"), on_disk(y, "y"), **arguments)


def assign(model, task, seed):
    weights, state = task.initialize(seed)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)


def theirs(model, task, config):
    """Return training losses, validation losses and accuracies of Keras' own epochs."""
    assign(model, task, config.seed)
    optimizer = run_code(code(config, task.facts, "keras"), model)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    (x, y), validation = classes_data(), classes_data(1)
    rows = []
    for epoch in range(EPOCHS):
        order = epoch_order(config.seed, epoch, len(x))
        done = model.fit(x[order], y[order], batch_size=BATCH, shuffle=False, verbose=0)
        loss, accuracy = model.evaluate(*validation, batch_size=BATCH, verbose=0)
        rows.append((done.history["loss"][0], loss, accuracy))
    return np.array(rows).T


def test_members_on_a_memmap_equal_keras_fit(on_disk):
    """Two seeds in one population, batch normalization, dropout, a smaller last batch."""
    model = make_model(batch_norm=True, dropout=0.3)
    task = disk_task(on_disk, model)
    engine = make_engine(task)
    assert isinstance(engine, StreamEngine)
    configs = [config(seed=3), config(0.003, seed=8)]
    population = Population.of(configs)
    program = engine.compile(configs[0])
    state, measured = program.advance(population, program.begin(population), EPOCHS)
    assert measured.trained.tolist() == [EPOCHS] * 2
    assert state.step.tolist() == [EPOCHS * 7] * 2
    for i, one in enumerate(configs):
        expected = theirs(model, task, one)
        mine = [measured.values[name][i] for name in ("training_loss", "loss", "accuracy")]
        np.testing.assert_allclose(mine, expected, rtol=3e-5, atol=2e-6)
    # What the last member's model says of the test set.
    loss, accuracy = model.evaluate(*classes_data(2), batch_size=BATCH, verbose=0)
    assert program.measure(population, state, "test")[1] == pytest.approx(
        {"loss": loss, "accuracy": accuracy}, rel=3e-5
    )


@pytest.fixture(scope="module")
def counted():
    """A task on counted streams, its sources, and a compiled program."""
    training, validation = Counted(), Counted(1)
    task = keras_task(make_model(dropout=0.2), training, validation_data=validation, epochs=EPOCHS)
    engine = make_engine(task)
    return task, training, validation, engine.compile(config())


def test_each_batch_is_read_once_for_the_whole_population(counted):
    task, training, validation, program = counted
    population = Population.of([config(rate, seed) for seed, rate in enumerate([0.1, 0.01, 1e-3])])
    training.read.clear()
    validation.read.clear()
    told = []
    ended = []
    job = local.Job(
        program,
        population,
        program.begin(population).take,
        lambda *all_: ended.append(all_),
        3,
        print,
    )
    local.train([job], 2, lambda *pair: told.append(pair))
    assert [members for members, *_ in ended] == [range(3)]
    assert training.read == validation.read == list(range(7)) * 3
    assert told == [(3, 3)] * 3 + [(0, 0)]
    assert task.facts.training_examples == 7 * BATCH
    assert task.facts.steps_per_epoch == 7
    assert any("orders itself" in note for note in task.facts.notes)


def same(a: State, b: State):
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)


def test_stopping_cutting_and_going_on_equals_the_long_run(on_disk):
    task = disk_task(on_disk, make_model(dropout=0.2))
    program = make_engine(task).compile(config())
    population = Population.of(
        [config(rate, seed=i % 2) for i, rate in enumerate([0.1, 0.01, 1.0])]
    )
    whole, measured = program.advance(population, begin(task, population), 4)
    half, first = program.advance(population, begin(task, population), 1)
    survivors = [2, 1]
    after, second = program.advance(population.take(survivors), half.take(survivors), 4)
    same(after, whole.take(survivors))
    for name, values in measured.values.items():
        pieces = np.concatenate([first.values[name][survivors], second.values[name]], axis=1)
        np.testing.assert_array_equal(pieces, values[survivors])


def test_a_diverged_member_stops_and_harms_nobody(counted):
    task, _, _, program = counted
    population = Population.of([config(), config(1e37), config(1e-3)])
    state, measured = program.advance(population, begin(task, population), 4)
    assert state.alive.tolist() == [True, False, True]
    assert measured.trained.tolist() == [4, 1, 4]
    assert np.isnan(measured.values["loss"][1, 1:]).all()
    calm = population.take([0, 2])
    same(program.advance(calm, begin(task, calm), 4)[0], state.take([0, 2]))
    again, more = program.advance(population, state, 4)  # nothing is left to do
    same(again, state)
    assert more.trained.tolist() == [0, 0, 0]


def test_lockstep_equals_one_after_another(counted):
    task, _, _, program = counted
    population = Population.of([config(), config(1e37), config(1e-3, seed=1)])
    _, expected = program.advance(population, begin(task, population), 3)
    side_by_side = program.engine.compile(config(), lockstep=True)
    state, measured = side_by_side.advance(population, begin(task, population), 3)
    assert state.alive.tolist() == [True, False, True]
    for name, values in expected.values.items():
        np.testing.assert_allclose(measured.values[name], values, rtol=1e-4, atol=1e-5)


def test_nothing_is_compiled_twice(counted):
    task, _, _, program = counted
    population = Population.of([config(), config(1e-3, seed=1)])
    start = begin(task, population)
    before = len(program.steps.executables)
    program.advance(population, start, 2)
    ragged = before + 2  # the last batch of each stream, whose size is not known beforehand
    assert len(program.steps.executables) in (before, ragged)
    before = len(program.steps.executables)
    program.advance(population.take([1]), start.take([1]), 3)
    assert len(program.steps.executables) == before


def test_batches_are_read_ahead(counted, monkeypatch):
    """While a block is in use, the reader reads others without being asked for them."""
    monkeypatch.setattr(prefetch, "BLOCK_BYTES", 1)  # each batch travels alone
    task, training, _, _ = counted
    training.read.clear()
    reached = threading.Event()
    open_ = task.training.open

    def watched(seed, epoch):
        for number, batch in enumerate(open_(seed, epoch)):
            if number == 2:
                reached.set()
            yield batch

    stream = Stream(**{**vars(task.training), "open": watched})
    with ahead(stream, 0, 0, 1, lambda: None) as blocks:
        first = next(blocks)
        assert reached.wait(10)  # the third batch, with the first one in hand
        assert first.count == 1
        rest = list(blocks)
    assert len(rest) == 6
    assert rest[-1].last
    assert rest[-1].examples == EXAMPLES % BATCH


def test_the_reader_ends_with_who_reads(counted):
    task = counted[0]
    before = threading.active_count()
    with ahead(task.training, 0, 0, 1000, lambda: None) as blocks:
        next(blocks)
    assert threading.active_count() == before


def test_an_error_in_reading_names_the_batch():
    training = Counted(wrong=4)
    task = keras_task(make_model(), training, validation_data=classes_data(1), epochs=2)
    program = make_engine(task).compile(config())
    population = Population.of([config()])
    job = local.Job(program, population, program.begin(population).take, print, 2, print)
    with pytest.raises(TaskError, match=r"batch 5 of epoch \d cannot be read: OSError: the disk"):
        local.train([job], 1, lambda *_: None)


def test_training_stops_when_it_is_told_to(counted):
    task, _, _, program = counted
    population = Population.of([config()])

    def stop(epochs):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        program.advance(population, begin(task, population), 3, stop)


def test_too_many_shapes_are_refused():
    def ragged():
        x, y = classes_data()
        for size in (16, 15, 14, 13, 12):
            yield x[:size], y[:size]

    task = keras_task(
        make_model(), ragged, validation_data=classes_data(1), steps_per_epoch=5, epochs=1
    )
    program = make_engine(task).compile(config())
    population = Population.of([config()])
    with pytest.raises(TaskError, match="one more shape"):
        program.advance(population, program.begin(population), 1)


def test_a_model_without_labels_equals_fit():
    """Its loss is add_loss alone, as of an autoencoder."""

    class Distance(keras.layers.Layer):
        def call(self, x, decoded):
            self.add_loss(keras.ops.mean(keras.ops.square(x - decoded)))
            return decoded

    inputs = keras.Input((FEATURES,))
    decoded = keras.layers.Dense(FEATURES)(keras.layers.Dense(3, activation="tanh")(inputs))
    model = keras.Model(inputs, Distance()(inputs, decoded))
    model.compile()
    x, held = classes_data()[0], classes_data(1)[0]
    task = keras_task(model, x, validation_data=(held,), epochs=2, batch_size=EXAMPLES)
    assert isinstance(make_engine(task), CompiledEngine)
    one = config()
    program = make_engine(task).compile(one)
    population = Population.of([one])
    _, measured = program.advance(population, program.begin(population), 2)
    assign(model, task, 0)
    model.compile(run_code(code(one, task.facts, "keras"), model))
    # The whole set is one batch, so its order does not matter.
    history = model.fit(
        x, validation_data=(held, None), batch_size=EXAMPLES, epochs=2, verbose=0
    ).history
    np.testing.assert_allclose(measured.values["training_loss"][0], history["loss"], rtol=1e-5)
    np.testing.assert_allclose(measured.values["loss"][0], history["val_loss"], rtol=1e-5)


def test_a_study_on_streams_ends_with_a_verdict(tmp_path):
    study = steepest.compare(
        make_model(),
        Counted(),
        validation_data=Counted(1),
        test_data=Counted(2),
        epochs=3,
        optimizers=["SGD", "Adam"],
        trials=3,
        seeds=2,
        out=tmp_path,
    )
    assert study.verdict.standings["Adam"].test_loss.mean > 0
    assert "orders itself" in str(study).replace("\n", " ")
    assert steepest.read(tmp_path).to_dict() == study.to_dict()


def test_a_batch_that_the_model_cannot_take_is_said():
    x, y = classes_data()

    def batches():
        for i in range(0, len(x), BATCH):
            yield (x[i : i + BATCH] if i != 2 * BATCH else x[i : i + BATCH, :4]), y[i : i + BATCH]

    task = keras_task(
        make_model(), batches, steps_per_epoch=6, validation_data=classes_data(1), epochs=2
    )
    program = make_engine(task).compile(config())
    population = Population.of([config()])
    with pytest.raises(TaskError, match=r"cannot take batches of the shapes \(16, 4\)"):
        program.advance(population, program.begin(population), 2)
