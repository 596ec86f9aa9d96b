"""The PyTorch loop: equal to a loop written by hand, cut anywhere, and the module handed back."""

import random
from dataclasses import replace
from functools import partial

import jax
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from loop_tasks import accuracy, loop_task, network  # noqa: E402
from small import BATCH, EPOCHS, EXAMPLES, classes_data  # noqa: E402
from torch import nn  # noqa: E402

from steepest.checkpoints import Checkpoints  # noqa: E402
from steepest.data.stream import Stream  # noqa: E402
from steepest.engines import CompiledEngine, make_engine  # noqa: E402
from steepest.engines.eval_sets import PARTS, part_name  # noqa: E402
from steepest.engines.population import Population  # noqa: E402
from steepest.engines.protocol import Interrupted  # noqa: E402
from steepest.engines.torch_loop.randoms import seeded  # noqa: E402
from steepest.errors import InputError, TrialError  # noqa: E402
from steepest.parse.own_schedules import read_schedules  # noqa: E402
from steepest.records import Config  # noqa: E402
from steepest.rules import RULES  # noqa: E402
from steepest.rules.recipe import completed  # noqa: E402
from steepest.tasks.torch.task import torch_task  # noqa: E402

X, Y = (torch.from_numpy(a) for a in classes_data())
STEPS = -(-EXAMPLES // BATCH)


def config(rule="Adam", seed=0, schedule="constant", dialect="torch", **values):
    values = {**RULES[rule].settings(dialect), **values}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    return Config(rule, dialect, values, schedule, seed)


def train(engine, one, stop=EPOCHS, state=None, **more):
    population = Population.of([one])
    program = engine.prepare({0: one})[0]
    state = program.begin(population) if state is None else state
    return program.advance(population, state, stop, **more)


def same(a, b):
    for x, y in zip(jax.tree.leaves(a.tree()), jax.tree.leaves(b.tree()), strict=True):
        np.testing.assert_array_equal(x, y)


def by_hand(task, one, make, *, clip=None, schedule=None, average=None, every=1):
    """Return weights and validation losses of a loop as people write it."""
    model = network(norm=True)
    weights, state = task.initialize(one.seed)
    names = [n.removeprefix("module.") for n in (*task.weights, *task.state[:-1])]
    values = [torch.from_numpy(np.array(a)) for a in (*weights, *state[:-1])]
    model.load_state_dict(dict(zip(names, values, strict=True)))
    optimizer = make(model)
    scheduler = schedule and torch.optim.lr_scheduler.LambdaLR(optimizer, schedule)
    swa = torch.optim.swa_utils
    averaged = average and swa.AveragedModel(model, multi_avg_fn=swa.get_ema_multi_avg_fn(average))
    x, y = (torch.from_numpy(a) for a in classes_data(1))
    losses, batches = [], 0
    for epoch in range(EPOCHS):
        order = torch.from_numpy(task.order(one.seed, epoch).astype(np.int64))
        model.train()
        for rows in torch.split(order, BATCH):
            loss = nn.functional.cross_entropy(model(X[rows]), Y[rows].long())
            (loss / every).backward() if every > 1 else loss.backward()
            batches += 1
            if batches % every == 0:
                if clip:
                    nn.utils.clip_grad_norm_(model.parameters(), clip)
                optimizer.step()
                optimizer.zero_grad()
            if scheduler:
                scheduler.step()
            if averaged and batches >= every:
                averaged.update_parameters(model)
        shown = averaged.module if averaged else model
        shown.eval()
        with torch.no_grad():
            total = 0.0
            for part, target in zip(torch.split(x, BATCH), torch.split(y, BATCH), strict=True):
                loss = nn.functional.cross_entropy(shown(part), target.long())
                total += loss.item() * len(part)
        losses.append(total / len(x))
    return [p.detach().numpy() for p in model.parameters()], losses


def decayed_apart(model, decay):
    kernels = [p for p in model.parameters() if p.ndim > 1]
    rest = [p for p in model.parameters() if p.ndim <= 1]
    return [{"params": kernels, "weight_decay": decay}, {"params": rest, "weight_decay": 0.0}]


def in_groups(model):
    first, *rest = model.children()
    others = [p for one in rest for p in one.parameters()]
    return [{"params": first.parameters(), "lr": 0.002}, {"params": others}]


def waning(step, total):
    return 2 - step / total


TOTAL = STEPS * EPOCHS
LOOPS = {
    "SGD": (
        config("SGD", learning_rate=0.1, momentum=0.9),
        {"make": lambda m: torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)},
    ),
    "Adam": (
        config(learning_rate=0.01),
        {"make": lambda m: torch.optim.Adam(m.parameters(), lr=0.01)},
    ),
    "AdamW": (
        config(
            "AdamW",
            schedule="linear",
            learning_rate=0.02,
            weight_decay=0.1,
            decay_on="kernels",
            clip_norm=0.5,
        ),
        {
            "make": lambda m: torch.optim.AdamW(decayed_apart(m, 0.1), lr=0.02),
            "clip": 0.5,
            "schedule": lambda step: 1 - min(step / TOTAL, 1.0),
        },
    ),
    "a rate of its own": (
        config(
            "AdamW",
            schedule="linear",
            learning_rate=0.02,
            weight_decay=0.0,
            **{"rate_factor[0]": 0.1},
        ),
        {
            "make": lambda m: torch.optim.AdamW(in_groups(m), lr=0.02, weight_decay=0.0),
            "schedule": lambda step: 1 - min(step / TOTAL, 1.0),
        },
    ),
    "a schedule of one's own": (
        config("SGD", schedule=read_schedules(waning)[0], learning_rate=0.1),
        {
            "make": lambda m: torch.optim.SGD(m.parameters(), lr=0.1),
            "schedule": lambda step: waning(step, TOTAL) / 2,
        },
    ),
    "averaged": (
        config(learning_rate=0.01, ema=0.9),
        {"make": lambda m: torch.optim.Adam(m.parameters(), lr=0.01), "average": 0.9},
    ),
    "accumulated": (
        config("SGD", learning_rate=0.1, accumulation=3),
        {"make": lambda m: torch.optim.SGD(m.parameters(), lr=0.1), "every": 3},
    ),
    "averaged and accumulated": (
        config("SGD", learning_rate=0.1, accumulation=3, ema=0.8),
        {"make": lambda m: torch.optim.SGD(m.parameters(), lr=0.1), "every": 3, "average": 0.8},
    ),
}


@pytest.fixture(scope="module")
def engine():
    return make_engine(loop_task(lambda: network(norm=True)))


@pytest.fixture(scope="module")
def dropping():
    return make_engine(loop_task(lambda: network(dropout=0.3, norm=True)))


@pytest.mark.parametrize("name", LOOPS)
def test_a_member_equals_a_loop_written_by_hand(engine, name):
    one, loop = LOOPS[name]
    state, measured = train(engine, one)
    weights, losses = by_hand(engine.lent.task, one, **loop)
    for mine, other in zip(state.weights, weights, strict=True):
        np.testing.assert_array_equal(mine[0], other)
    np.testing.assert_array_equal(measured.values["loss"][0], np.float32(losses))
    assert state.step.tolist() == [TOTAL]
    assert measured.trained.tolist() == [EPOCHS]


CUT = [
    config("SGD", learning_rate=0.1, momentum=0.0, accumulation=3, ema=0.8),
    config("SGD", learning_rate=0.1, momentum=0.9, schedule="cosine"),
    config("Nadam", learning_rate=0.01, clip_norm=1.0),
    config("Adagrad", learning_rate=0.1),
    config("Adafactor"),
    config("ScheduleFreeAdamW", dialect="optax", learning_rate=0.01, warmup=0.2),
    config("Muon", weight_decay=0.1),
    config("Adam", dialect="keras", learning_rate=0.01, accumulation=2),
    config("RMSprop", learning_rate=0.01, schedule="step"),
    config("SOAP", weight_decay=0.1),
    config("Rprop", learning_rate=0.001),
    config("Rprop", dialect="optax", learning_rate=0.001),
    config("ASGD", schedule="cosine"),
    config("ASGD", caution=True),  # which has no class of PyTorch's
]


@pytest.mark.parametrize("one", CUT, ids=lambda c: f"{c.rule}-{c.dialect}-{c.schedule}")
def test_going_on_from_a_state_equals_the_long_run(dropping, one, tmp_path):
    whole, measured = train(dropping, one)
    for cut in (1, 3):
        half, first = train(dropping, one, cut)
        kept = Checkpoints(0, tmp_path)
        kept.put(1, one, half)
        kept.keep()
        train(dropping, replace(one, seed=5), 1)  # another in between
        like = dropping.prepare({0: one})[0].begin(Population.of([one]))
        found = Checkpoints(10**9, tmp_path).find(1, one, like)
        after, second = train(dropping, one, state=found)
        same(after, whole)
        for name, values in measured.values.items():
            joined = np.concatenate([first.values[name], second.values[name]], axis=1)
            np.testing.assert_array_equal(values, joined)


def test_cut_within_an_epoch_it_goes_on_from_the_epoch_before(dropping):
    one = config(learning_rate=0.01)
    whole, _ = train(dropping, one)
    found, batches = [], [0]

    def tell(epochs, so_far=None):
        if so_far is not None:
            found.append(so_far())
        batches[0] += 1
        if batches[0] == 40:
            raise Interrupted

    with pytest.raises(Interrupted):
        train(dropping, one, tell=tell)
    members, state, measured = found[-1]
    assert members == [0]
    assert 0 < state.epoch[0] < EPOCHS
    assert measured.trained.tolist() == state.epoch.tolist()
    assert np.isfinite(measured.values["loss"][0, : state.epoch[0]]).all()
    same(train(dropping, one, state=state)[0], whole)


def test_members_of_one_program_stack(engine):
    """Also where one remembers less than another: PyTorch has no buffer for a momentum of 0."""
    configs = [
        config("SGD", learning_rate=rate, momentum=momentum, seed=seed)
        for rate, momentum, seed in ((0.1, 0.0, 0), (0.05, 0.9, 1))
    ]
    program, population = engine.prepare({0: configs[0]})[0], Population.of(configs)
    together, measured = program.advance(population, program.begin(population), 2)
    for i, one in enumerate(configs):
        state, alone = train(engine, one, 2)
        same(together.take([i]), state)
        np.testing.assert_array_equal(measured.values["loss"][i], alone.values["loss"][0])


class Odd(nn.Module):
    """A module with frozen, tied and changing parts, and something of everything global."""

    def __init__(self):
        super().__init__()
        self.inner = network(norm=True)
        self.inner[3].bias.requires_grad_(False)
        self.twin = self.inner[3]
        self.register_buffer("seen", torch.zeros(()))
        self.alias = self.seen
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        self.seen = self.seen + 1  # another tensor than before
        x = x + 0.01 * random.random() + 0.01 * np.random.normal() + 0.01 * torch.rand(())
        return self.inner(x)


def test_the_module_is_handed_back_as_it_was():
    task = loop_task(Odd)
    module = task.step.module
    module.inner[1].eval()
    module.inner[0].weight.grad = torch.ones_like(module.inner[0].weight)
    handle = module.register_forward_hook(lambda *_: None)
    tensors = [*module.parameters(), *module.buffers()]
    grad = module.inner[0].weight.grad
    memory = [t.data_ptr() for t in tensors]
    before = [t.detach().clone() for t in tensors]
    modes = [m.training for m in task.step.modules()]
    generators = np.random.get_state()[1].tolist(), torch.get_rng_state()
    threads = torch.get_num_threads()

    engine = make_engine(task)
    one = config(learning_rate=0.1)
    state, _ = train(engine, one, 2)
    again, _ = train(engine, one, 1)
    same(train(engine, one, 2, again)[0], state)
    assert not np.array_equal(state.weights[0][0], before[0])
    assert engine.lent.task.state[:2] == ("module.inner.3.bias", "module.seen")

    now = [*module.parameters(), *module.buffers()]
    assert all(a is b for a, b in zip(tensors, now, strict=True))
    assert [t.data_ptr() for t in now] == memory
    assert all(torch.equal(a, b) for a, b in zip(before, now, strict=True))
    assert module.seen is module.alias
    assert module.calls == 0
    assert [m.training for m in task.step.modules()] == modes
    assert module.inner[0].weight.grad is grad
    assert module.inner[3].weight.grad is None
    assert not module.inner[3].bias.requires_grad
    assert module.inner[0].weight.requires_grad
    assert handle.id in module._forward_hooks
    assert np.random.get_state()[1].tolist() == generators[0]
    assert torch.equal(torch.get_rng_state(), generators[1])
    assert torch.get_num_threads() == threads


def test_generators_are_seeded_for_an_epoch_and_handed_back():
    def draw():
        return random.random(), np.random.random(), float(torch.rand(()))

    before = random.getstate()
    for seed, epoch in ((0, 0), (0, 1), (1, 0)):
        drawn = []
        for _ in range(2):
            with seeded(seed, epoch, torch.device("cpu")):
                drawn.append(draw())
        assert drawn[0] == drawn[1]
    assert random.getstate() == before


def test_a_diverged_member_stops(engine):
    one = config("SGD", learning_rate=1e37)
    state, measured = train(engine, one)
    assert state.alive.tolist() == [False]
    assert measured.trained.tolist() == [1]
    assert not np.isfinite(measured.values["loss"][0, 0])
    assert np.isnan(measured.values["loss"][0, 1:]).all()
    again, more = train(engine, one, state=state)
    same(again, state)
    assert more.trained.tolist() == [0]


class Broken(nn.Module):
    """Fails in its fifth batch."""

    def __init__(self):
        super().__init__()
        self.inner, self.calls = network(), 0

    def forward(self, x):
        self.calls += 1
        if self.calls == 5:
            raise RuntimeError("out of ideas\nand more")
        return self.inner(x)


def test_a_module_that_raises_ends_its_trial_in_one_sentence():
    engine = make_engine(loop_task(Broken))
    with pytest.raises(TrialError, match=r"failed in a trial: RuntimeError: out of ideas$"):
        train(engine, config())
    assert engine.lent.task.step.module.calls == 0


def test_what_an_accelerator_cannot_take_trains_on_the_cpu(monkeypatch):
    """Here it is PyTorch itself, which has none."""
    if torch.cuda.is_available():
        pytest.skip("there is one")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    task = loop_task()
    assert make_engine(task).device == "CPU (PyTorch)"
    assert {p.device.type for p in task.step.parameters()} == {"cpu"}


def test_a_rule_of_one_s_own_is_refused(engine):
    with pytest.raises(InputError, match=r"Mine is a rule of somebody's own.*leave Mine out"):
        engine.prepare({0: Config("Mine", "torch", {"learning_rate": 0.1}, "constant", 0)})


def test_a_stream_gives_the_training_of_its_batches(engine):
    """Of which the last is smaller."""
    x, y = classes_data()
    order = engine.lent.task.order

    def opened(seed, epoch):
        for e in range(epoch, EPOCHS):
            rows = order(seed, e)
            for i in range(0, EXAMPLES, BATCH):
                yield x[rows[i : i + BATCH]], y[rows[i : i + BATCH]]

    first = (x[:BATCH], y[:BATCH], None)
    stream = Stream("stream", STEPS, BATCH, EXAMPLES, first, opened, by_seed=True)
    streamed = make_engine(loop_task(lambda: network(norm=True), training=stream))
    one = config(learning_rate=0.01)
    (state, measured), (other, expected) = train(streamed, one), train(engine, one)
    same(state, other)
    for name, values in measured.values.items():
        np.testing.assert_array_equal(values, expected.values[name])
    parts = {part_name(i) for i in range(PARTS)}
    assert set(streamed.sets) == {"validation", "test"} | parts


def test_what_remains_of_an_epoch_is_left_out_where_asked():
    task = loop_task(drop_last=True)
    sizes = []
    task.step.module.register_forward_pre_hook(
        lambda module, args: sizes.append((module.training, len(args[0])))
    )
    state, _ = train(make_engine(task), config(), 2)
    assert [size for training, size in sizes if training] == [BATCH] * 2 * (EXAMPLES // BATCH)
    assert state.step.tolist() == [2 * (EXAMPLES // BATCH)]


TWINS = [
    config("SGD", learning_rate=0.1, momentum=0.9, schedule="cosine", clip_norm=1.0),
    config(learning_rate=0.01, ema=0.9),
    config("AdamW", learning_rate=0.01, weight_decay=0.1, accumulation=2),
    config("ScheduleFreeAdamW", dialect="optax", learning_rate=0.01, warmup=0.2),
]


@pytest.fixture(scope="module")
def twins():
    """The same task in the loop and lowered."""
    data = {"validation_data": classes_data(1), "epochs": EPOCHS, "batch_size": BATCH}
    made = [nn.functional.cross_entropy, partial(network, norm=True)]

    def task():
        return torch_task(made[1], *classes_data(), loss=made[0], **data)

    lowered = task()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("steepest.tasks.torch.task.lowered", lambda task: task)
        return make_engine(task()), make_engine(lowered)


@pytest.mark.slow
@pytest.mark.usefixtures("compiled_quickly")
@pytest.mark.parametrize("one", TWINS, ids=lambda c: c.rule)
def test_the_loop_gives_the_curves_of_a_compiled_population(twins, one):
    loop, compiled = twins
    assert isinstance(compiled, CompiledEngine)
    (state, measured), (other, expected) = train(loop, one), train(compiled, one)
    for name in ("training_loss", "loss", "accuracy"):
        np.testing.assert_allclose(
            measured.values[name], expected.values[name], rtol=3e-5, atol=2e-6, err_msg=name
        )
    for mine, theirs in zip(state.weights, other.weights, strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=3e-4, atol=3e-5)
    for mine, theirs in zip(state.variables[:-1], other.variables[:-1], strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=3e-4, atol=3e-5)


def test_measures_and_times(engine):
    one = config(learning_rate=0.01, ema=0.8)
    population, program = Population.of([one]), engine.prepare({0: one})[0]
    state, measured = train(engine, one)
    parts = {part_name(i) for i in range(PARTS)}
    assert set(engine.sets) == {"training", "validation", "test"} | parts
    found = program.measure(population, state, "validation")[0]
    assert {n: np.float32(v) for n, v in found.items()} == {
        n: measured.values[n][0, -1] for n in ("loss", "accuracy")
    }
    assert program.measure(population, state, "test")[0] != found
    (seconds,) = program.update_seconds(population, program.begin(population))
    assert 0 < seconds < 1
    assert engine.packages == ("torch",)
    assert engine.device.endswith("(PyTorch)")
    assert accuracy(torch.eye(2), torch.tensor([0, 0])) == 0.5


def test_bfloat16_is_kept_to_the_bit(tmp_path):
    engine = make_engine(
        loop_task(
            lambda: network().to(torch.bfloat16),
            loss=lambda output, y: nn.functional.cross_entropy(output.float(), y),
        )
    )
    engine.lent.task.step.types = (torch.bfloat16, torch.int64)
    one = config(learning_rate=0.01)
    whole, _ = train(engine, one)
    same(train(engine, one, state=train(engine, one, 2)[0])[0], whole)
    assert whole.weights[0].dtype.name == "bfloat16"
