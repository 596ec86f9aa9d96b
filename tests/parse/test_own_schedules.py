"""Schedules of one's own that optimizers are compared under: read, drawn, told, exported."""

import math
from dataclasses import replace

import numpy as np
import pytest
from planned import planned

from steepest import codegen
from steepest.errors import InputError
from steepest.options import Options
from steepest.parse.own_schedules import read_schedules
from steepest.plan import check_plan, make_plan
from steepest.records import Config, TaskFacts
from steepest.rules import step
from steepest.rules.custom_schedules import OWN_SCHEDULES, is_factor, shown, stretches
from steepest.rules.schedules import rate
from steepest.spaces import Choice
from steepest.storage.facts import schedule_of

STEPS, RATE = 30, 0.2
FACTS = TaskFacts("toy", "mse", (), 10, STEPS * 8, 8, 0, 1, 8)


def falling(step, total):
    return 3.0 * (1 - step / total) ** 2


def warm(step):
    return min(1.0, (step + 1) / 10) if step < 20 else 0.5


def listed(step):
    return [0.1, 0.5, 0.25, *[0.125] * (STEPS - 2)][step]


def taken(name, count=STEPS, **more):
    numbers, _ = step.prepare(name, {"learning_rate": RATE, **more}, count)
    return [float(rate(name, np.float32(i), numbers)) for i in range(count + 1)]


def expected(function):
    given = (STEPS,) if function is falling else ()
    values = np.array([function(i, *given) for i in range(STEPS + 1)])
    return RATE * values / values.max()


@pytest.mark.parametrize("function", [falling, warm, listed])
def test_it_is_a_factor_on_the_rate_over_its_largest_value(function):
    (name,) = read_schedules(function)
    assert shown(name) == function.__name__
    assert is_factor(name)
    assert schedule_of("it", name) == name
    np.testing.assert_allclose(taken(name), expected(function), rtol=1e-6)
    assert max(taken(name)) == pytest.approx(RATE)


def test_a_function_of_the_total_is_drawn_together_and_one_of_the_step_is_not():
    (of_total,), (of_step,) = read_schedules(falling), read_schedules(warm)
    assert stretches(of_total)
    assert not stretches(of_step)
    half = [RATE * (1 - i / 10) ** 2 for i in range(11)]
    found = taken(of_total, decay_steps=10.0)
    np.testing.assert_allclose(found[:11], half, rtol=1e-6)
    assert found[11:] == [0.0] * (STEPS - 10)
    assert taken(of_step, decay_steps=10.0) == taken(of_step)
    members = {"learning_rate": np.array([RATE, 1.0]), "decay_steps": np.array([10.0, 30.0])}
    numbers, _ = step.prepare(of_total, members, STEPS)
    np.testing.assert_allclose(numbers["rates"][0, :11], half, rtol=1e-6)
    np.testing.assert_allclose(numbers["rates"][1], expected(falling) / RATE, rtol=1e-6)
    own = {True: "PiecewiseConstantDecay([9], [1.0, 0.1])", False: "cosine"}
    _, settings = planned("SGD", 4, schedule=own[True])
    assert not settings.own_horizon
    assert planned("SGD", 4, schedule=[own[True], own[False]])[1].own_horizon
    assert planned("SGD", 4, schedule=falling)[1].own_horizon
    assert not planned("SGD", 4, schedule=warm)[1].own_horizon


def test_several_are_searched():
    found, settings = planned("SGD,Adam", 4, schedule=["cosine", falling])
    for one in found:
        assert one.space["schedule"] == Choice(("cosine", *read_schedules(falling)))
    assert settings.schedule == "constant"
    (one,), settings = planned("SGD", 4, schedule=falling)
    assert (one.schedule,) == (settings.schedule,) == read_schedules(falling)
    (one,), _ = planned({"SGD": {"schedule": Choice(("step", warm))}}, 4)
    assert one.space["schedule"] == Choice(("step", *read_schedules(warm)))
    (one,), _ = planned("SGD", 4, recipe={"schedule": warm})
    assert (one.schedule,) == read_schedules(warm)


def test_options_keep_what_text_can_say():
    assert Options(schedule=["cosine", "step"]).stored()["schedule"] == "cosine,step"
    assert Options(schedule=["cosine", warm]).stored()["schedule"] == [
        "cosine", {"object": "function"},
    ]  # fmt: skip
    text = "cosine,keras.optimizers.schedules.PiecewiseConstantDecay([9], [1.0, 0.1])"
    assert read_schedules(text) == (
        "cosine", "PiecewiseConstantDecay(boundaries=[9], values=[1.0, 0.1])",
    )  # fmt: skip
    check_plan(Options(schedule=text))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("cosin", "there is no schedule 'cosin'; did you mean cosine?"),
        ("foo(1)", "there is no schedule 'foo'"),
        ("cosine,cosine", "schedule has cosine twice"),
        ([], "schedule is an empty list"),
        (3, "there is no schedule 3"),
        (dict, "there is no schedule"),
        ("(", "cannot read the schedule '('"),
        (lambda a, b, c: 1, "takes 3 arguments, but must take the step, or"),
        (lambda: 1, "takes 0 arguments"),
        (lambda step, *, top: 1, "takes 2 arguments"),
        (lambda step: -1, "the schedule schedule gives -1.0 at step 0"),
        (lambda step: "high", "the schedule schedule fails at step 0: ValueError"),
        (lambda step, total: 1 / 0, "fails in a training of 100 steps: ZeroDivisionError"),
        (lambda step: 0.0, "is never above 0"),
        (lambda step, total: math.nan, "gives nan at step 0"),
        ("CosineDecay(1.0, 10, 0, 'a', 1, 2, 3)", "it takes initial_learning_rate, decay_steps"),
        ("CosineDecay(1.0)", "it lacks decay_steps"),
    ],
)
def test_what_is_no_schedule_is_refused(given, said):
    with pytest.raises(InputError) as error:
        read_schedules(given)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"schedule": lambda step: [1.0] * 5 + [][step]}, "fails at step 0"),
        ({"schedule": lambda step: [1.0, 1.0][step]}, "fails in a training of 30 steps: Index"),
        ({"schedule": lambda step: float(step >= 60)}, "never above 0 in a training of 30"),
        ({"schedule": warm, "recipe": {"warmup": 0.1}}, "warm is a schedule with numbers of its"),
        ({"schedule": ["cosine", warm], "recipe": {"final": 0.1}}, "leave final out"),
        ({"schedule": warm, "recipe": {"schedule": "cosine"}}, "beside the recipe and in it"),
        ({"schedule": falling, "optimizers": "Ftrl"}, None),
        ({"schedule": lambda s: float(s > 0), "optimizers": "Ftrl"}, "Ftrl divides by the"),
        ({"schedule": warm, "workers": 2}, "workers in other processes do not know it"),
        ({"schedule": "PiecewiseConstantDecay([9], [1, 0.1])", "workers": 2}, None),
    ],
)
def test_what_a_schedule_cannot_do_is_said_before_anything_trains(asked, said):
    options = Options(**{"optimizers": "SGD", **asked})
    if said is None:
        make_plan(options, FACTS)
        return
    with pytest.raises(InputError) as error:
        make_plan(options, FACTS)
    assert said in str(error.value)


@pytest.mark.parametrize("function", [falling, warm, listed])
def test_code_has_the_same_rates_in_each_framework(function):
    keras, optax = pytest.importorskip("keras"), pytest.importorskip("optax")
    (name,) = read_schedules(function)
    values = {"learning_rate": RATE, "momentum": 0.9, "nesterov": False}
    one = Config("SGD", "keras", values, name, 0)
    called = {f"{shown(name)}_{name[-8:]}": function}
    names = dict(called)
    source = codegen.code(one, FACTS, "optax")
    assert f"{shown(name)}_{name[-8:]} is your own schedule, a function" in source
    exec(source, names)
    found = [float(names["learning_rate"](i)) for i in range(STEPS + 1)]
    np.testing.assert_allclose(found, expected(function), rtol=1e-6)
    assert isinstance(names["optimizer"], optax.GradientTransformation)
    names = dict(called)
    exec(codegen.code(one, FACTS, "keras"), names)
    rates = names["optimizer"]._learning_rate
    assert isinstance(rates, keras.optimizers.schedules.LearningRateSchedule)
    found = [float(rates(i)) for i in range(STEPS + 1)]
    np.testing.assert_allclose(found, expected(function), rtol=1e-6)
    torch = pytest.importorskip("torch")
    names = {**called, "model": torch.nn.Linear(1, 1)}
    exec(codegen.code(replace(one, dialect="torch"), FACTS, "torch"), names)
    found = [RATE * names["factor"](i) for i in range(STEPS + 1)]
    np.testing.assert_allclose(found, expected(function), rtol=1e-6)


def test_schedules_of_keras_and_optax_are_taken():
    keras, optax = pytest.importorskip("keras"), pytest.importorskip("optax")
    schedules = keras.optimizers.schedules
    (name,) = read_schedules(schedules.CosineDecayRestarts(2.0, 7))
    assert name == "CosineDecayRestarts(initial_learning_rate=2.0, first_decay_steps=7.0)"
    made = schedules.CosineDecayRestarts(RATE, 7)
    theirs = [float(made(i)) for i in range(STEPS)]
    np.testing.assert_allclose(taken(name)[:STEPS], theirs, rtol=2e-5, atol=1e-7)
    (name,) = read_schedules(optax.warmup_cosine_decay_schedule(0.0, 5.0, 4, 20))
    theirs = optax.warmup_cosine_decay_schedule(0.0, RATE, 4, 20)
    found = [float(theirs(i)) for i in range(STEPS)]
    np.testing.assert_allclose(taken(name)[:STEPS], found, rtol=2e-5, atol=1e-7)

    class Own(schedules.LearningRateSchedule):
        def __call__(self, step):
            return 0.3 / (1.0 + keras.ops.cast(step, "float32"))

    (name,) = read_schedules(Own())
    assert name.startswith("of_step:Own:")
    np.testing.assert_allclose(taken(name), [RATE / (1 + i) for i in range(STEPS + 1)], rtol=1e-5)


def test_a_scheduler_of_pytorch_is_no_function_of_the_step():
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=0.1)
    with pytest.raises(InputError, match="an object of StepLR, but must be a word, a function"):
        read_schedules(torch.optim.lr_scheduler.StepLR(optimizer, 3))


def test_two_functions_of_one_name_are_two_schedules():
    def made(top):
        def same(step):
            return top / (1 + step)

        return same

    (a,), (b,) = read_schedules(made(1.0)), read_schedules(made(3.0))
    assert a != b
    assert OWN_SCHEDULES[a].thing is not OWN_SCHEDULES[b].thing
    assert read_schedules(made(1.0)) == (a,)
