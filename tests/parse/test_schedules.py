"""Schedules that a baseline brings have the rates that the framework itself gives, step by step."""

import jax
import keras
import numpy as np
import pytest
from frameworks import task
from planned import planned

from steepest import from_keras, from_torch
from steepest.codegen import code
from steepest.engines.keras_fit.optimizers import own_names
from steepest.errors import InputError
from steepest.parse.baseline import read_baseline
from steepest.records import Config
from steepest.rules import step as steps
from steepest.rules.custom_schedules import OWN_SCHEDULES
from steepest.rules.schedules import rate
from steepest.storage.facts import schedule_of
from steepest.tasks.keras.task import run_code

O = keras.optimizers  # noqa: E741
S = O.schedules
STEPS = 300
MADE = [
    S.PiecewiseConstantDecay([100, 200], [0.1, 0.02, 0.5]),
    S.PiecewiseConstantDecay([100.0], [1.0, 0.25]),
    S.InverseTimeDecay(0.1, 50, 0.5),
    S.InverseTimeDecay(0.1, 50, 0.5, staircase=True),
    S.CosineDecayRestarts(0.1, 30),
    S.CosineDecayRestarts(0.1, 40, t_mul=1.0, m_mul=0.9, alpha=0.1),
    S.CosineDecayRestarts(0.1, 25, t_mul=1.5, m_mul=0.8),
    S.PolynomialDecay(0.1, 120, end_learning_rate=0.01, power=2.0),
    S.PolynomialDecay(0.1, 70, end_learning_rate=0.01, power=0.5, cycle=True),
    S.PolynomialDecay(0.001, 120, end_learning_rate=0.1),
    S.CosineDecay(0.01, 100, warmup_target=0.1, warmup_steps=50),
    S.CosineDecay(0.01, 100, alpha=0.2, warmup_target=0.1, warmup_steps=50),
    S.CosineDecay(0.1, 100, alpha=1.5),
    S.ExponentialDecay(0.1, 100, 1.3),
    S.ExponentialDecay(0.1, 100, 0.5, staircase=True),
    S.CosineDecay(0.0, 100, warmup_target=0.1, warmup_steps=50),
]


class Own(S.LearningRateSchedule):
    """A schedule as people write it, without a configuration."""

    def __init__(self, top):
        self.top = top

    def __call__(self, step):
        step = keras.ops.cast(step, "float32")
        return self.top * keras.ops.minimum((step + 1) / 40, (40 / (step + 1)) ** 0.5)


class Branches(S.LearningRateSchedule):
    """It takes one number at a time."""

    def __call__(self, step):
        return 0.1 if int(step) < 7 else 0.01


def taken(config, count=STEPS):
    """Return the rates that steps are taken with."""
    numbers, _ = steps.prepare(config.schedule, config.numbers, count)
    return [float(rate(config.schedule, np.float32(i), numbers)) for i in range(count)]


def built(config, count=STEPS):
    """Return the optimizer of the code to paste."""
    names = own_names(config.schedule, count)
    return run_code(code(config, task().facts, "keras"), None, names)


def theirs(schedule):
    """Return the rates of the framework's own object."""
    if isinstance(schedule, Branches):
        return [float(schedule(i)) for i in range(STEPS)]
    return np.asarray(jax.jit(jax.vmap(schedule))(np.arange(STEPS, dtype=np.int32)))


@pytest.mark.parametrize("made", MADE, ids=lambda made: type(made).__name__)
def test_each_step_has_the_rate_of_keras(made):
    config = from_keras(O.SGD(made))
    np.testing.assert_allclose(taken(config), theirs(made), rtol=2e-5, atol=1e-7)
    # What is stored is read again, and what is pasted has the same rates.
    assert schedule_of("it", config.schedule) == config.schedule
    again = built(config)
    np.testing.assert_allclose(theirs(again._learning_rate), theirs(made), rtol=2e-5, atol=1e-7)


@pytest.mark.parametrize("made", [*MADE, Own(0.2)], ids=lambda made: type(made).__name__)
def test_code_for_other_frameworks_has_the_same_rates(made):
    torch = pytest.importorskip("torch")
    config, facts = from_keras(O.SGD(made)), task().facts
    count = min(STEPS, facts.steps + 1)
    names = dict.fromkeys(_identifiers(config), made)
    model = torch.nn.Linear(1, 1)
    given = {**names, "model": model}
    exec(code(config, facts, "torch"), given)
    rates = [given["factor"](i) * config.hyperparameters["learning_rate"] for i in range(count)]
    np.testing.assert_allclose(rates, theirs(made)[:count], rtol=2e-5, atol=1e-7)
    given = {**names}
    exec(code(config, facts, "optax"), given)
    rates = [float(given["learning_rate"](i)) for i in range(count)]
    np.testing.assert_allclose(rates, theirs(made)[:count], rtol=2e-5, atol=1e-7)


def _identifiers(config):
    own = OWN_SCHEDULES.get(config.schedule)
    return [config.schedule.removeprefix("own:").replace(":", "_")] if own else []


def test_another_rate_scales_all_of_it():
    """As a sweep does."""
    config = from_keras(O.SGD(S.PiecewiseConstantDecay([9], [0.1, 0.02])))
    values = {**config.hyperparameters, "learning_rate": 0.2}
    twice = Config(config.rule, config.dialect, values, config.schedule, 0)
    np.testing.assert_allclose(taken(twice), 2 * np.array(taken(config)), rtol=1e-6)
    assert "[0.2, 0.04]" in code(twice, task().facts, "keras")
    own = from_keras(O.SGD(Own(0.2)))
    values = {**own.hyperparameters, "learning_rate": own.hyperparameters["learning_rate"] / 2}
    half = Config(own.rule, own.dialect, values, own.schedule, 0)
    again = built(half)
    assert float(again._learning_rate(80)) == pytest.approx(float(Own(0.1)(80)))


@pytest.mark.parametrize("made", [Own(0.2), Branches()], ids=lambda made: type(made).__name__)
def test_a_persons_own_schedule_is_taken_as_it_is(made):
    optimizer = O.Adam(made)
    config = from_keras(optimizer)
    np.testing.assert_allclose(taken(config), theirs(made), rtol=1e-6)
    assert optimizer._learning_rate is made
    assert schedule_of("it", config.schedule) == config.schedule
    assert from_keras(O.Adam(made)) == config
    assert from_keras(O.Adam(Own(0.3))) != config
    assert built(config)._learning_rate is made


def test_a_function_is_a_number_or_looks_at_the_steps():
    config = from_keras(O.SGD(lambda: 0.25))
    assert (config.schedule, config.hyperparameters["learning_rate"]) == ("constant", 0.25)
    optimizer = O.SGD(lambda: 0.1 / (1 + float(optimizer.iterations.numpy())))
    optimizer.iterations.assign(5)
    config = from_keras(optimizer)
    np.testing.assert_allclose(taken(config, 20), [0.1 / (1 + i) for i in range(20)], rtol=1e-6)
    assert int(optimizer.iterations.numpy()) == 5
    again = built(config, 20)
    assert float(again._learning_rate(9)) == pytest.approx(0.01)


@pytest.mark.parametrize("every", [1, 3])
def test_a_scheduler_of_pytorch_brings_its_optimizer(every):
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    makers = [
        lambda o: schedulers.StepLR(o, 10, 0.5),
        lambda o: schedulers.MultiStepLR(o, [5, 20]),
        lambda o: schedulers.ExponentialLR(o, 0.97),
        lambda o: schedulers.CosineAnnealingLR(o, 25, 0.01),
        lambda o: schedulers.CosineAnnealingWarmRestarts(o, 10, 2),
        lambda o: schedulers.LambdaLR(o, lambda step: 1 / (1 + step)),
        lambda o: schedulers.OneCycleLR(o, 0.5, total_steps=200, cycle_momentum=False),
        lambda o: schedulers.SequentialLR(
            o, [schedulers.LinearLR(o, 0.1), schedulers.ExponentialLR(o, 0.9)], [5]
        ),
    ]
    for make in makers:
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5, momentum=0.9)
        scheduler = make(optimizer)
        config = from_torch(scheduler, every=every)
        assert (config.rule, config.dialect) == ("SGD", "torch")
        found, expected = taken(config, 90), []
        for i in range(90):  # the person's own is where it was
            expected.append(scheduler.get_last_lr()[0])
            optimizer.step()
            if (i + 1) % every == 0:
                scheduler.step()
        np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_what_a_scheduler_of_pytorch_cannot_be_is_said():
    torch = pytest.importorskip("torch")
    schedulers = torch.optim.lr_scheduler
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5, momentum=0.9)
    plain = schedulers.StepLR(optimizer, 10)
    with pytest.raises(InputError, match=r"from_torch\(scheduler, every=1\)"):
        planned("SGD", 3, baseline=plain)
    with pytest.raises(InputError, match="every is 0"):
        from_torch(plain, every=0)
    with pytest.raises(InputError, match="looks at the losses"):
        from_torch(schedulers.ReduceLROnPlateau(optimizer), every=1)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.5, momentum=0.9)
    with pytest.raises(InputError, match="cycle_momentum=False"):
        from_torch(schedulers.OneCycleLR(optimizer, 0.5, total_steps=9), every=1)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Adam(PiecewiseConstantDecay([3, 6], [0.1, 0.01, 0.2]))", [0.1] * 4 + [0.01] * 3),
        ("optax.sgd(optax.piecewise_constant_schedule(0.1, {3: 0.5, 5: 2}))",
         [0.1] * 3 + [0.05] * 2 + [0.1]),
        ("optax.sgd(optax.polynomial_schedule(1.0, 0.0, 2, 4))", [1, 0.5625, 0.25, 0.0625, 0, 0]),
        ("optax.sgd(optax.linear_schedule(0.0, 0.4, 4))", [0, 0.1, 0.2, 0.3, 0.4, 0.4]),
        ("optax.sgd(optax.warmup_cosine_decay_schedule(0.5, 1.0, 2, 4))", [0.5, 0.75, 1, 0.5, 0]),
    ],
)  # fmt: skip
def test_texts_are_read_too(text, expected):
    config = read_baseline(text)
    assert taken(config, len(expected)) == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Adam(PiecewiseConstantDecay([3], [0.1]))", "one value more"),
        ("Adam(PiecewiseConstantDecay([3, 2], [0.1, 0.2, 0.3]))", "must grow"),
        ("Adam(PiecewiseConstantDecay(3, 0.1))", "must be a list"),
        ("Adam(PiecewiseConstantDecay(['a'], [0.1, 0.2]))", "must be a number"),
        ("Adam(InverseTimeDecay(0.1))", "lacks decay_steps, decay_rate"),
        ("Adam(InverseTimeDecay(0.1, 10, 'x'))", "must be a number"),
        ("Adam(InverseTimeDecay(0.1, 10, 1, staircase=3))", "True or False"),
        ("Adam(InverseTimeDecay(0.0, 10, 1))", "never above 0"),
        ("optax.sgd(optax.piecewise_constant_schedule(0.1, [3]))", "cannot read"),
    ],
)
def test_what_no_schedule_can_be_is_said(text, said):
    with pytest.raises(InputError, match=said):
        read_baseline(text)


def test_a_schedule_that_fails_or_gives_no_rate_is_said():
    class Fails(S.LearningRateSchedule):
        def __call__(self, step):
            raise ValueError("a wrong step")

    class Negative(S.LearningRateSchedule):
        def __call__(self, step):
            return 1.0 - step

    with pytest.raises(InputError, match="Fails fails at step 0: ValueError: a wrong step"):
        from_keras(O.SGD(Fails()))
    with pytest.raises(InputError, match=r"Negative gives -1.0 at step 2"):
        from_keras(O.SGD(Negative()))


@pytest.mark.parametrize(
    "text",
    [
        "PiecewiseConstantDecay(boundaries=__import__('os'), values=[1.0])",
        "own:x:zzz", "foo", "PolynomialDecay(initial_learning_rate=0.1)", "Own()", "(((", "",
    ],
)  # fmt: skip
def test_a_config_with_an_unknown_schedule_is_refused(text):
    values = from_keras(O.SGD(0.1)).hyperparameters
    with pytest.raises(InputError, match="is not known here"):
        planned("Adam", 3, baseline=Config("SGD", "keras", values, text, 0))
    with pytest.raises(InputError, match="no code"):
        code(Config("SGD", "keras", values, text, 0), task().facts)
