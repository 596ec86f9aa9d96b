"""However many members a call takes, on however many devices, each trains as it does alone."""

import json
import sys
from pathlib import Path

import jax
import numpy as np
import processes
import pytest
from accelerated import engine_of

from steepest.data.order import epoch_order, order_of
from steepest.engines.compiled import autotune, executable, pieces, width
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.placement import Orders, lay_out, orders_of
from steepest.engines.compiled.width import Width
from steepest.engines.population import Population
from steepest.errors import TaskError
from steepest.records import Config
from steepest.rules import RULES

pytestmark = pytest.mark.slow

VALUES = {**RULES["Adam"].defaults, **RULES["Adam"].flags}
RATES = (1e-3, 1e-2, 3e-2, 1e-4, 5e-3)
POPULATION = Population.of(
    [
        Config("Adam", "keras", {**VALUES, "learning_rate": rate}, "constant", seed)
        for rate, seed in zip(RATES, (0, 1, 1, 2, 0), strict=True)
    ]
)


def curves(program, members=range(5), stop=3):
    population = POPULATION.take(list(members))
    state, measured = program.advance(population, program.begin(population), stop)
    return {"epoch": state.epoch, **measured.values}


@pytest.fixture(scope="module")
def program(task):
    return CompiledEngine(task).compile(POPULATION.config(0))


@pytest.fixture(scope="module")
def expected(program):
    return curves(program)


def same(found, expected):
    assert found.keys() == expected.keys()
    for name, values in expected.items():
        np.testing.assert_array_equal(found[name], values)


@pytest.mark.parametrize("count", [1, 4, 5, 9])
@pytest.mark.parametrize("devices", [1, 2, 3])
def test_members_are_spread_evenly(count, devices):
    layout = lay_out(count, devices, capacity=9)
    assert layout.filled.sum() == count
    assert np.ptp(layout.filled) <= 1
    assert layout.members[layout.places].tolist() == list(range(count))
    for device, filled in enumerate(layout.filled):
        mine = layout.places[layout.places // 9 == device]
        assert mine.tolist() == [device * 9 + i for i in range(filled)]


def test_each_member_finds_the_order_of_its_seed():
    seeds = np.array([3, 1, 3, 7, 7, 7])
    draw = Orders(order_of(10), 10).draw
    orders, slots = orders_of(seeds, devices=2, epochs=range(4, 6), room=5, size=10, draw=draw)
    assert orders.shape == (10, 10)
    for place, seed in enumerate(seeds.tolist()):
        for epoch in range(2):
            own = orders[place // 3 * 5 + slots[place] + epoch]
            assert own.tolist() == epoch_order(seed, 4 + epoch, 10).tolist()


def test_long_orders_are_given_an_epoch_at_a_time(task, expected, monkeypatch):
    monkeypatch.setattr(executable, "ORDER_BYTES", 1)
    program = CompiledEngine(task).compile(POPULATION.config(0))
    assert program.rows == 1
    same(curves(program), expected)


def test_a_narrow_program_takes_members_in_parts(task, expected):
    program = CompiledEngine(task).compile(POPULATION.config(0), Width(2, lockstep=False))
    assert program.capacity == 2
    same(curves(program), expected)


def test_parts_are_told_of_by_the_places_of_all(task, expected, monkeypatch):
    """What a part hands over on the way belongs to its members, and not to the first ones."""
    program = CompiledEngine(task).compile(POPULATION.config(0), Width(2, lockstep=False))
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)  # a call a step, a piece an epoch
    told = {}

    def tell(epochs, so_far=None):
        if so_far is None:
            return
        places, state, measured = so_far()
        for row, place in enumerate(places):
            told[place] = (int(state.epoch[row]), measured.values["loss"][row])

    program.advance(POPULATION, program.begin(POPULATION), 3, tell)
    assert sorted(told) == list(range(5))
    for place, (epoch, losses) in told.items():
        assert epoch == 2
        np.testing.assert_array_equal(losses, expected["loss"][place, :2])


def test_out_of_memory_halves_the_width_and_goes_on(task, expected):
    program = CompiledEngine(task).compile(POPULATION.config(0))
    full = program.executable

    def short(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes.")

    program.executable = short
    assert program.capacity == width.SEQUENTIAL
    same(curves(program), expected)
    assert program.capacity == width.SEQUENTIAL // 2
    assert program.executable is not full


def test_no_memory_for_one_member_is_said(task, monkeypatch):
    program = CompiledEngine(task).compile(POPULATION.config(0), Width(1, lockstep=False))
    monkeypatch.setattr(
        program, "executable", lambda *_: (_ for _ in ()).throw(MemoryError("no memory"))
    )
    with pytest.raises(TaskError, match="no memory left to train even one member"):
        curves(program)


def test_other_errors_are_not_taken_for_it(program, monkeypatch):
    monkeypatch.setattr(
        program, "executable", lambda *_: (_ for _ in ()).throw(RuntimeError("something else"))
    )
    with pytest.raises(RuntimeError, match="something else"):
        curves(program)


def test_memory_bounds_the_width(task, expected):
    """What the compiled program takes is asked of XLA."""
    wide = CompiledEngine(task, memory=10**9).compile(POPULATION.config(0))
    assert wide.capacity == width.SEQUENTIAL
    taken = wide.executable.memory_analysis()
    engine = CompiledEngine(task, memory=1)
    assert engine.compile(POPULATION.config(0)).capacity == 1  # less cannot be
    half = taken.temp_size_in_bytes + taken.argument_size_in_bytes + taken.output_size_in_bytes - 1
    half -= taken.alias_size_in_bytes
    narrow = CompiledEngine(task, memory=engine.workers * half).compile(POPULATION.config(0))
    assert 1 <= narrow.capacity < width.SEQUENTIAL
    same(curves(narrow), expected)


def test_free_memory_is_plausible():
    assert 2**26 < width.free_memory() < 2**50
    assert width.budget(5) == 5


@pytest.mark.usefixtures("compiled_quickly")
@pytest.mark.parametrize("lockstep", [False, True])
def test_a_step_can_be_timed_in_both_ways(task, lockstep, monkeypatch):
    monkeypatch.setattr(autotune, "SECONDS", 1e-3)
    assert (
        0 < autotune.seconds_a_step(CompiledEngine(task).shared, POPULATION.config(0), lockstep) < 1
    )


@pytest.mark.usefixtures("compiled_quickly")
@pytest.mark.parametrize("faster", [False, True])
def test_on_an_accelerator_the_faster_way_is_taken(task, expected, monkeypatch, faster):
    """Where the study is long enough for it to pay."""
    times = {True: 1.0, False: 0.5 if faster else 0.9}
    monkeypatch.setattr(autotune, "seconds_a_step", lambda shared, config, way, *_: times[way])
    monkeypatch.setattr(autotune.Memo, "read", lambda _: (None, None))
    monkeypatch.setattr(autotune.Memo, "write", lambda *_: None)
    config = POPULATION.config(0)
    short = engine_of(task, lockstep=None).prepare({"a": config}, 1)["a"]
    assert short.width.lockstep
    long = engine_of(task, lockstep=None).prepare({"a": config}, 10**9)["a"]
    assert long.width.lockstep is not faster
    for name, values in curves(long).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-5)
    asked = engine_of(task).prepare({"a": config}, 10**9)["a"]
    assert asked.width.lockstep


@pytest.mark.parametrize(
    ("gains", "most", "width"),
    [
        ({8: 1.0, 32: 0.5, 128: 0.3}, 128, 128),
        ({8: 1.0, 32: 0.5, 128: 0.49}, 128, 32),  # no clear gain
        ({8: 1.0, 32: 0.9, 128: 0.1}, 128, 8),
        ({8: 1.0, 32: 0.5, 96: 0.2}, 96, 96),  # what memory has room for
        ({5: 1.0}, 5, 5),
    ],
)
def test_as_many_side_by_side_as_clearly_are_faster(gains, most, width, monkeypatch):
    monkeypatch.setattr(autotune, "seconds_a_step", lambda shared, config, way, count: gains[count])
    assert autotune.best_width(None, POPULATION.config(0), most) == width


def test_a_width_that_there_is_no_memory_to_measure_is_left(monkeypatch):
    def seconds(shared, config, way, count):
        if count > 32:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return 1 / count

    monkeypatch.setattr(autotune, "seconds_a_step", seconds)
    assert autotune.best_width(None, POPULATION.config(0), 512) == 32


def test_on_an_accelerator_a_width_that_only_waits_is_left(task, expected, monkeypatch, tmp_path):
    """And the narrower one is remembered."""
    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path))
    monkeypatch.setattr(width, "FREE_BYTES", 1)
    monkeypatch.setattr(autotune, "is_faster", lambda *_, **__: False)
    monkeypatch.setattr(autotune, "WORTH", 1e-9)
    asked = []
    monkeypatch.setattr(autotune, "best_width", lambda *given: asked.append(given[2]) or 8)
    configs, epochs = {"a": POPULATION.config(0)}, 100 * task.facts.epochs
    for _ in range(2):
        engine = engine_of(task, lockstep=None, memory=10**10)
        program = engine.prepare(configs, epochs)["a"]
        assert program.width == Width(8, lockstep=True)
        assert asked == [128]
    for name, values in curves(program).items():
        np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-5)


def test_on_a_cpu_members_train_one_after_another_whatever_the_clock_once_said(task, monkeypatch):
    """A few steps on a busy machine chose side by side, which then took twenty times as long."""
    monkeypatch.setattr(autotune, "is_faster", lambda *_, **__: pytest.fail("it was measured"))
    monkeypatch.setattr(autotune.Memo, "read", lambda _: (True, None))
    engine = CompiledEngine(task)
    assert not engine.prepare({"a": POPULATION.config(0)}, 10**9)["a"].width.lockstep
    assert engine.lockstep is False


SHARDED = """
import json, sys
import jax
sys.path.insert(0, {engines!r})
jax.config.update("jax_num_cpu_devices", 3)
import compiling
from small import make_model, make_task
from test_width import POPULATION, curves
from steepest.engines.compiled.engine import CompiledEngine
found = {{}}
with compiling.quickly():
    task = make_task(make_model())
    for lockstep in (False, True):
        engine = CompiledEngine(task, lockstep=lockstep)
        program = engine.compile(POPULATION.config(0))
        values = curves(program)
        found[str(lockstep)] = {{name: value.tolist() for name, value in values.items()}}
        found["devices"], found["capacity"] = len(engine.shared.devices), program.capacity
print(json.dumps(found))
"""


def test_several_devices_share_the_members(expected, tmp_path):
    """Three virtual devices: the same curves as on one."""
    (tmp_path / "sharded.py").write_text(SHARDED.format(engines=str(Path(__file__).parent)))
    done = processes.run(*(sys.executable, tmp_path / "sharded.py"), env=processes.environment())
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["devices"] == 3
    for lockstep in ("False", "True"):
        for name, values in expected.items():
            np.testing.assert_allclose(found[lockstep][name], values, rtol=1e-4, atol=1e-5)
    assert len(jax.devices()) == 1  # which `expected` was trained on


def test_what_was_chosen_is_remembered(task, monkeypatch, tmp_path):
    """So that the same question gives the same study, however the clock ran."""

    monkeypatch.setenv("STEEPEST_CACHE", str(tmp_path))

    def memo(epochs):
        return autotune.Memo(task.facts, "a cpu", [POPULATION.config(0)], epochs)

    assert memo(10).read() == (None, None)
    memo(10).write(True)
    assert memo(10).read() == (True, None)
    memo(10).write(True, 32)
    assert memo(10).read() == (True, 32)
    memo(10).write(False)
    assert memo(10).read() == (False, None)
    assert memo(11).read() == (None, None)
    monkeypatch.setattr(autotune, "is_faster", lambda *_, **__: pytest.fail("it was measured"))
    monkeypatch.setattr(autotune.Memo, "read", lambda _: (False, None))
    program = engine_of(task, lockstep=None).prepare({"a": POPULATION.config(0)}, 10**9)["a"]
    assert not program.width.lockstep
