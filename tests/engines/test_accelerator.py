"""What an accelerator does, tried on a CPU: side by side, with states on the device."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from accelerated import engine_of
from jax.extend.core import Primitive
from jax.interpreters import ad, mlir
from small import make_model, make_task

from steepest.engines.compiled import executable, lockstep, pieces, resident, width
from steepest.engines.compiled import program as program_module
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.compiled.lockstep import BLOCK, block_of, even_block
from steepest.engines.compiled.placement import Orders
from steepest.engines.compiled.resting import Resting
from steepest.engines.compiled.training import (
    AUTOTUNED,
    DETERMINISTIC,
    GRAPHS,
    TRITON,
    compiled,
    compiler_options,
    without_order,
)
from steepest.engines.compiled.width import WIDTHS, Width, accelerator_width
from steepest.engines.population import Population
from steepest.engines.rewrite import ACCELERATED, convolutions, loops, rewritten
from steepest.engines.rewrite.recurrent import no_cudnn
from steepest.engines.state import Fresh, State, begin
from steepest.records import Config
from steepest.rules import RULES

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]


def config(rate, seed=0, rule="Adam"):
    values = {**RULES[rule].settings("keras"), "learning_rate": rate}
    return Config(rule, "keras", values, "constant", seed)


CONFIGS = [config(rate, seed) for rate, seed in ((1e-3, 0), (1e-2, 1), (3e-2, 0))]
POPULATION = Population.of(CONFIGS)


@pytest.fixture(scope="module")
def task():
    return make_task(make_model(dropout=0.2, batch_norm=True))


@pytest.fixture(scope="module")
def program(task):
    return engine_of(task).compile(CONFIGS[0], Width(4, lockstep=True))


@pytest.fixture(scope="module")
def expected(task):
    program = CompiledEngine(task).compile(CONFIGS[0])
    return program.advance(POPULATION, program.begin(POPULATION), 3)


def close(found, expected):
    state, measured = found
    assert state.epoch.tolist() == expected[0].epoch.tolist()
    assert state.step.tolist() == expected[0].step.tolist()
    for name, values in expected[1].values.items():
        np.testing.assert_allclose(measured.values[name], values, rtol=1e-4, atol=1e-5)


def test_members_train_as_on_a_cpu(program, expected):
    close(program.advance(POPULATION, program.begin(POPULATION), 3), expected)


@pytest.mark.parametrize("rule", ["Adam", "Adagrad", "ScheduleFreeAdamW", "Adafactor"])
def test_a_fresh_state_is_made_where_it_trains_by_one_call(task, rule):
    """To the last bit what is made on the host, whatever the rule remembers."""
    own = config(0.01, rule=rule)
    population = Population.of([replace(own, seed=seed) for seed in (3, 1, 3)])
    program = engine_of(task).compile(own, Width(3, lockstep=True))
    state = program.begin(population)
    assert isinstance(state, Fresh)
    calls = []
    made = program._begin_there
    program._begin_there = lambda *given: calls.append(1) or made(*given)
    here = program.put(population, state, range(3))
    assert calls == [1]
    kept = begin(task, population)
    for a, b in zip(
        jax.tree.leaves(here.state().tree()), jax.tree.leaves(kept.tree()), strict=True
    ):
        np.testing.assert_array_equal(a, b)


def test_within_a_rung_only_orders_and_curves_cross(program, monkeypatch):
    """And the state when somebody asks for it."""
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)  # a piece an epoch, a call a block
    monkeypatch.setattr(pieces, "TRIED", 1)
    crossed = {"there": [], "back": []}

    def count(tree):
        return sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(tree))

    def there(shared, tree, usual=resident.to_devices):
        crossed["there"].append(count(tree))
        return usual(shared, tree)

    def back(tree, usual=resident.to_host):
        crossed["back"].append(count(tree))
        return usual(tree)

    monkeypatch.setattr(resident, "to_devices", there)
    monkeypatch.setattr(resident, "to_host", back)
    state = program.begin(POPULATION)
    asked = []

    def tell(epochs, so_far=None):
        if so_far is not None and not asked:
            asked.append(so_far())

    program.pieces = pieces.Pieces()
    state, _ = program.advance(POPULATION, state, 3, tell)
    assert isinstance(state, Resting)
    whole = sum(leaf[0].nbytes for leaf in state.tree()[0]) * 4
    orders = 4 * program.rows * program.shared.facts.training_examples
    numbers, *more = crossed["there"]
    assert numbers < 1000
    assert len(more) == 3  # an epoch's orders each
    assert all(one < orders + 100 for one in more)
    large = [one for one in crossed["back"] if one > whole]
    assert len(large) == 1  # asked once
    assert len(crossed["back"]) > 3


def test_all_that_fill_their_places_come_as_they_are(program, monkeypatch):
    full = Population.of([config(rate) for rate in (1e-3, 1e-2, 3e-2, 1e-1)])
    here = program.put(full, program.begin(full), range(4))
    copied = here.state().tree()
    monkeypatch.setattr(resident, "on_host", lambda: False)
    for a, b in zip(jax.tree.leaves(here.state().tree()), jax.tree.leaves(copied), strict=True):
        np.testing.assert_array_equal(a, b)


def test_orders_are_drawn_once_for_a_seed(program, monkeypatch):
    drawn = []
    usual = resident.orders_of

    def orders_of(*given):
        found = usual(*given)
        drawn.append(len(np.unique(found[1])))
        return found

    monkeypatch.setattr(resident, "orders_of", orders_of)
    alike = Population.of([config(rate) for rate in (1e-3, 1e-2, 3e-2)])
    program.advance(alike, program.begin(alike), 1)
    assert drawn == [1]


def test_orders_are_drawn_while_the_epoch_before_trains(program, monkeypatch):
    """An epoch's orders are there when they are asked for, but those of the first."""
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)  # a piece an epoch
    program.pieces = pieces.Pieces()
    fresh = Orders(program.shared.orders.order, program.shared.facts.training_examples)
    program.shared = replace(program.shared, orders=fresh)
    missing, usual = [], resident.orders_of

    def orders_of(seeds, devices, epochs, *given):
        different = np.unique(seeds).tolist()
        missing.extend((s, e) for s in different for e in epochs if (s, e) not in fresh._known)
        return usual(seeds, devices, epochs, *given)

    monkeypatch.setattr(resident, "orders_of", orders_of)
    program.advance(POPULATION, program.begin(POPULATION), 3)
    assert missing == [(0, 0), (1, 0)]
    assert max(epoch for _, epoch in fresh._known) < program.shared.facts.epochs


def test_members_further_than_others_wait(program, expected):
    first, _ = program.advance(POPULATION.take([1]), program.begin(POPULATION.take([1])), 2)
    rest = program.begin(POPULATION)
    mixed = State.join([rest.take([0]), first, rest.take([2])])
    state, _ = program.advance(POPULATION, mixed, 3)
    assert state.epoch.tolist() == [3, 3, 3]
    for a, b in zip(state.weights, expected[0].weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)


def test_a_diverged_member_stays_and_harms_nobody(program, expected):
    population = Population.of([CONFIGS[0], config(1e37), *CONFIGS[1:]])
    state, measured = program.advance(population, program.begin(population), 3)
    assert state.alive.tolist() == [True, False, True, True]
    assert measured.trained.tolist() == [3, 1, 3, 3]
    assert np.isnan(measured.values["loss"][1, 1:]).all()
    for name, values in expected[1].values.items():
        np.testing.assert_allclose(measured.values[name][[0, 2, 3]], values, rtol=1e-4, atol=1e-5)


def test_a_program_is_warm_before_the_first_trial(task, monkeypatch):
    warmed = []
    usual = program_module.CompiledProgram.warm
    monkeypatch.setattr(
        program_module.CompiledProgram, "warm", lambda self: warmed.append(usual(self))
    )
    program = engine_of(task).prepare({"a": CONFIGS[0]}, 30)["a"]
    assert warmed == [None]
    assert program.pieces == pieces.Pieces()


def test_a_program_that_cannot_be_warmed_is_met_by_who_trains(program, monkeypatch, caplog):
    caplog.set_level("DEBUG")

    def refused(*_):
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(resident.Resident, "train", refused)
        program.warm()
    assert "not warm: RESOURCE_EXHAUSTED" in caplog.text


def test_sets_are_measured_for_all_members_at_once(task, program, expected):
    state = expected[0]
    alone = CompiledEngine(task).compile(CONFIGS[0]).measure(POPULATION, state, "test")
    assert len(alone) == 3
    for a, b in zip(program.measure(POPULATION, state, "test"), alone, strict=True):
        assert a == pytest.approx(b, rel=1e-5)


def odd():
    """Return a primitive that does nothing, and that cannot be mapped over members."""
    primitive = Primitive("odd")
    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, lambda _, x: [x])
    ad.deflinear2(primitive, lambda gradient, _: (gradient,))
    return primitive


def test_what_cannot_be_mapped_trains_one_after_another(task, expected):
    primitive = odd()

    def loss(weights, state, batch):
        value, state = task.loss(weights, state, batch)
        return primitive.bind(value), state

    with pytest.raises(NotImplementedError):
        jax.vmap(primitive.bind)(jnp.ones(2))
    engine = engine_of(replace(task, loss=loss))
    program = engine.prepare({"a": CONFIGS[0]}, 30)["a"]
    assert not program.width.lockstep
    assert engine.lockstep is False
    close(program.advance(POPULATION, program.begin(POPULATION), 3), expected)


def test_what_does_not_compile_side_by_side_trains_one_after_another(task, monkeypatch, caplog):
    def broken(*_):
        raise KeyError("a parameter that JAX calls otherwise")

    monkeypatch.setattr(executable, "make_lockstep", broken)
    program = engine_of(task).compile(CONFIGS[0], Width(4, lockstep=True))
    assert not program.width.lockstep
    assert "members train one after another" in caplog.text


def test_what_has_no_memory_to_compile_is_made_narrower(task, monkeypatch):
    usual, tried = executable._compile, []

    def compile_(*given):
        tried.append(given[4].capacity)
        if tried[-1] > 2:
            raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")
        return usual(*given)

    monkeypatch.setattr(executable, "_compile", compile_)
    program = engine_of(task).compile(CONFIGS[0], Width(8, lockstep=True))
    assert tried == [8, 4, 2]
    assert program.width == Width(2, lockstep=True)


@pytest.mark.parametrize("missing", [loops, convolutions])
def test_what_jax_calls_otherwise_is_left_alone(missing, monkeypatch, caplog):
    """A rewrite that fails leaves the function as it was written."""
    caplog.set_level("INFO")
    x, k, w = jnp.ones((4, 9, 9, 3)), jnp.ones((3, 3, 3, 5)), jnp.full((5, 5), 0.1)

    def function(x, k, w):
        shape = ("NHWC", "HWIO", "NHWC")
        y = jax.lax.conv_general_dilated(x, k, (1, 1), "SAME", dimension_numbers=shape)
        return jax.lax.scan(lambda c, a: (c @ w + a[0], None), y[0, 0], y[0])[0].sum()

    def broken(*_, **__):
        raise KeyError("num_consts")

    monkeypatch.setattr(loops, "counts", broken)
    if missing is convolutions:
        monkeypatch.setattr(convolutions, "_dense", broken)
    found, gradients = jax.value_and_grad(rewritten(function, ACCELERATED), (0, 1, 2))(x, k, w)
    expected, true = jax.value_and_grad(function, (0, 1, 2))(x, k, w)
    np.testing.assert_allclose(found, expected, rtol=1e-4)
    for a, b in zip(gradients, true, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4)
    assert "num_consts" in caplog.text


def test_a_loop_s_parts_are_counted_whatever_jax_calls_them():
    class Tree:
        def unpack(self):
            return (None, None), (None,), ()

    assert loops.counts({"num_consts": 2, "num_carry": 1}) == (2, 1)
    assert loops.counts({"ft_in": Tree()}) == (2, 1)
    assert loops.counts({"another": 1}) is None
    body = jax.make_jaxpr(lambda w, x: jax.lax.scan(lambda c, a: (c @ w + a, c), x[0], x))(
        jnp.ones((3, 3)), jnp.ones((4, 3))
    )
    (scan,) = (one for one in body.jaxpr.eqns if one.primitive.name == "scan")
    assert loops.counts(scan.params) == (1, 1)


def test_kernels_are_not_chosen_by_the_clock(monkeypatch):
    monkeypatch.delenv("XLA_FLAGS", raising=False)
    usual = {AUTOTUNED: "0", TRITON: False, GRAPHS: "1", DETERMINISTIC: True}
    assert compiler_options("gpu") == usual
    assert compiler_options("tpu") is None
    monkeypatch.setenv("XLA_FLAGS", f"--{AUTOTUNED}=4")
    assert compiler_options("gpu") == {GRAPHS: "1"}
    monkeypatch.setenv("XLA_FLAGS", f"--{AUTOTUNED}=4 --{GRAPHS}=5")
    assert compiler_options("gpu") is None
    monkeypatch.setenv("XLA_FLAGS", f"--{DETERMINISTIC}=false")
    assert compiler_options("gpu") == {AUTOTUNED: "0", TRITON: False, GRAPHS: "1"}


def test_what_cannot_be_repeated_to_the_bit_trains_and_says_so(caplog):
    tried = []

    class Traced:
        def compile(self, compiler_options):
            tried.append(compiler_options)
            if DETERMINISTIC in compiler_options:
                raise RuntimeError("no deterministic implementation")
            return "made"

    assert compiled(Traced(), {GRAPHS: "1", DETERMINISTIC: True}) == "made"
    assert tried == [{GRAPHS: "1", DETERMINISTIC: True}, {GRAPHS: "1"}]
    assert "may give other last bits: no deterministic implementation" in caplog.text
    assert without_order({DETERMINISTIC: True}) is None


def test_width_is_what_is_asked_for_and_memory_allows():
    large = width.FREE_BYTES
    assert accelerator_width(0, large, 10**13) == Width(width.LOCKSTEP, lockstep=True)
    for members, wide in ((1, 8), (8, 8), (9, 32), (128, 128), (400, 512), (9999, 512)):
        assert accelerator_width(members, large, 10**13).capacity == wide
        assert wide in WIDTHS
    # More where they cost next to nothing.
    for bytes_, wide in ((1, 128), (large // 128, 128), (large // 40, 32), (large // 8, 8)):
        assert accelerator_width(3, bytes_, 10**13).capacity == wide
    assert accelerator_width(512, 10**6, 10**8).capacity == 96
    assert accelerator_width(512, 10**6, 5 * 10**6).capacity == 5
    assert accelerator_width(512, 10**9, 5 * 10**6).capacity == 1


def test_memory_bounds_the_width(task):
    engine = engine_of(task, memory=10**8)
    wide = engine.prepare({"a": CONFIGS[0]}, 512 * task.facts.epochs)["a"].width
    narrow = engine_of(task, memory=4 * 10**5).prepare({"a": CONFIGS[0]}, 512 * task.facts.epochs)
    assert 1 <= narrow["a"].capacity < wide.capacity <= 512


@pytest.mark.parametrize(("batches", "block"), [(1, 1), (33, 11), (64, 16), (17, 1)])
def test_blocks_divide_an_epoch(batches, block):
    assert block_of(batches) == block <= BLOCK


def test_recurrent_layers_loop():
    from jax.experimental import rnn

    usual = rnn.lstm
    with no_cudnn(), pytest.raises(RuntimeError, match="side by side"):
        rnn.lstm(None)
    assert rnn.lstm is usual


def test_pools_are_slices():
    def pool(x):
        return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    x = jnp.arange(4.0 * 64 * 3).reshape(4, 8, 8, 3)
    text = str(jax.make_jaxpr(jax.grad(lambda x: rewritten(pool, ACCELERATED)(x).sum()))(x))
    assert "reduce_window" not in text
    assert "select_and" not in text
    np.testing.assert_array_equal(rewritten(pool, ACCELERATED)(x), pool(x))


def test_convolutions_are_products():
    x, k = jnp.ones((4, 9, 9, 3)), jnp.ones((3, 3, 3, 5))

    def convolve(x, k):
        return jax.lax.conv(x.transpose(0, 3, 1, 2), k.transpose(3, 2, 0, 1), (1, 1), "SAME")

    text = str(jax.make_jaxpr(rewritten(convolve, ACCELERATED))(x, k))
    assert "conv_general_dilated" not in text
    assert "scan" not in text
    np.testing.assert_allclose(rewritten(convolve, ACCELERATED)(x, k), convolve(x, k), rtol=1e-5)


@pytest.mark.parametrize(
    ("steps", "block"),
    [(1, 1), (7, 7), (34, 7), (63, 16), (64, 16), (101, 13), (17, None), (31, None)],
)
def test_an_epoch_is_cut_into_blocks_that_its_last_batch_fits_into(steps, block):
    """With a few steps too many at the most; else that batch has a program of its own."""
    assert even_block(steps) == block


def test_a_last_batch_with_a_program_of_its_own_trains_alike(task, expected, monkeypatch):
    traced = []
    usual = lockstep.even_block
    monkeypatch.setattr(lockstep, "even_block", lambda steps: traced.append(usual(steps)))
    program = engine_of(task).compile(CONFIGS[0], Width(4, lockstep=True))
    close(program.advance(POPULATION, program.begin(POPULATION), 3), expected)
    assert traced == [7]  # which was not taken


def test_steps_too_many_change_nothing(task, expected, monkeypatch):
    monkeypatch.setattr(lockstep, "even_block", lambda _: 5)  # 7 steps as 10
    program = engine_of(task).compile(CONFIGS[0], Width(4, lockstep=True))
    close(program.advance(POPULATION, program.begin(POPULATION), 3), expected)


def test_a_loss_whose_sizes_share_no_program_trains_alike(task, expected):
    def loss(weights, state, batch):
        value, state = task.loss(weights, state, batch)
        count = len(batch[1])
        return value + sum(0.0 * value for _ in range(count)), state  # as long as the batch

    program = engine_of(replace(task, loss=loss)).compile(CONFIGS[0], Width(4, lockstep=True))
    close(program.advance(POPULATION, program.begin(POPULATION), 3), expected)
