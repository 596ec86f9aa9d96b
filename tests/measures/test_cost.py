"""What state takes, beside Keras' own optimizers; and times, on hand-made studies."""

import math
from dataclasses import replace

import numpy as np
import pytest
from curved import curved
from made import STUDY

import steepest.measures.state as state
from steepest.measures.cost import cost, step_noise, steps_differ
from steepest.measures.state import Shape, state_bytes
from steepest.measures.verdict import judge
from steepest.records import Config, Parameter
from steepest.reports.measure_tables import cost_table
from steepest.rules import RULES
from steepest.rules.step import begin, make_plan, prepare

WEIGHTS = (
    Parameter("embedding/embeddings", (50, 8), "embedding"),
    Parameter("conv/kernel", (3, 8, 16), "kernel"),
    Parameter("conv/bias", (16,), "bias"),
    Parameter("dense/kernel", (16, 32), "kernel"),
    Parameter("dense/bias", (32,), "bias"),
    Parameter("scale", (), "other"),
)
COUNT = sum(math.prod(one.shape) for one in WEIGHTS)
CASES = [
    ("SGD", {}),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "nesterov": True}),
    ("SGD", {"momentum": 0.9, "ema": 0.99}),
    ("Adam", {}),
    ("Adam", {"amsgrad": True}),
    ("Adam", {"accumulation": 4}),
    ("AdamW", {}),
    ("RMSprop", {}),
    ("RMSprop", {"momentum": 0.9}),
    ("RMSprop", {"centered": True}),
    ("Nadam", {}),
    ("Adamax", {}),
    ("Adagrad", {}),
    ("Adadelta", {}),
    ("Adafactor", {}),
    ("Ftrl", {}),
    ("Lion", {}),
    ("Lamb", {}),
    ("Muon", {"routing": "keras"}),
    ("ScheduleFreeAdamW", {}),
]
SPELLED = {"ema": "ema_momentum", "accumulation": "gradient_accumulation_steps"}


def at_defaults(name, given=None, dialect="keras"):
    values = {**RULES[name].settings(dialect), **(given or {})}
    return Config(name, dialect, values, "constant", 0)


@pytest.mark.parametrize(("name", "given"), CASES)
def test_state_is_what_keras_own_optimizer_keeps(name, given):
    keras = pytest.importorskip("keras")
    arguments = {SPELLED.get(k, k): v for k, v in given.items() if k != "routing"}
    if "ema" in given:
        arguments["use_ema"] = True
    optimizer = getattr(keras.optimizers, name)(**arguments)
    variables = [
        keras.Variable(np.ones(one.shape, np.float32), name=one.path.replace("/", "_"))
        for one in WEIGHTS
    ]
    for variable, one in zip(variables, WEIGHTS, strict=True):
        variable._path = one.path  # by which Muon knows an embedding
    optimizer.build(variables)
    own = [
        v
        for v in optimizer.variables
        if v.path.rsplit("/", 1)[-1] not in ("iteration", "learning_rate")
    ]
    kept = sum(math.prod(v.shape) for v in own)
    if name == "Adafactor":  # Keras also keeps a whole array for what it factors
        kept -= sum(math.prod(one.shape) for one in WEIGHTS if len(one.shape) > 1)
    numbers = state_bytes(at_defaults(name, given), WEIGHTS) / 4
    assert abs(numbers - kept) <= 2 * len(WEIGHTS)  # but for single numbers
    assert kept > 2 * len(WEIGHTS) or (name, given) == ("SGD", {})


def test_known_sizes():
    assert state_bytes(at_defaults("SGD"), WEIGHTS) == 0
    assert state_bytes(at_defaults("Adam"), WEIGHTS) == 2 * COUNT * 4
    assert state_bytes(at_defaults("Adam", {"ema": 0.9, "accumulation": 2}), WEIGHTS) == 16 * COUNT
    matrix = WEIGHTS[3]
    assert state_bytes(at_defaults("Adafactor"), [matrix]) == (16 + 32) * 4
    assert state_bytes(at_defaults("Muon"), [matrix]) == 16 * 32 * 4
    assert state_bytes(at_defaults("Muon", {"accumulation": 2}), [matrix]) == 2 * 16 * 32 * 4
    large = [Parameter("huge", (10**7, 10**7), "kernel")]
    assert state_bytes(at_defaults("Adam"), large) == 8 * 10**14  # nothing is allocated
    assert state_bytes(at_defaults("Muon"), large) == 4 * 10**14


@pytest.mark.parametrize("dialect", ["keras", "torch", "optax"])
@pytest.mark.parametrize("name", RULES)
def test_shapes_alone_begin_what_arrays_begin(name, dialect):
    config = at_defaults(name, {"ema": 0.9, "accumulation": 2}, dialect)
    wide = Parameter("wide", (130, 140), "kernel")  # which Optax' Adafactor factors
    for one in (*WEIGHTS, wide):
        plan = make_plan(config, [one])
        numbers, complements = prepare("constant", config.numbers, 1)
        array, shape = np.ones(one.shape, np.float32), Shape(one.shape)
        real, counted = (begin(plan, [w], numbers, complements) for w in (array, shape))
        assert [a.shape for a in real["rule"][0]] == [a.shape for a in counted["rule"][0]]
        for part in ("sum", "average"):
            assert counted[part][0].shape == real[part][0].shape


def test_a_rule_of_ones_own_is_not_known():
    assert state_bytes(Config("Mine", "keras", {}, "constant", 0), WEIGHTS) is None
    assert state_bytes(at_defaults("Adam"), ()) is None


def test_every_idle_array_has_its_name():
    for rule, array in state.IDLE.items():
        assert array in RULES[rule].memory({**RULES[rule].flags})


def study_of(seconds, update=None, **more):
    runs = {"SGD": [{"validation": (2, 1), "seconds": s} for s in seconds], **more}
    found = curved(2, runs)
    return replace(found, update_seconds={"SGD": update} if update is not None else {})


def costs(study):
    return cost(study, judge(study))


def test_a_step_and_the_share_of_its_update():
    found = costs(study_of([1.0, 2.0, 3.0], [0.018, 0.02, 0.022]))["SGD"]
    assert found.step.values == (0.05, 0.1, 0.15)
    assert found.update.mean == pytest.approx(0.02)
    assert found.share.mean == pytest.approx(0.2)
    assert 0 <= found.share.low < found.share.mean < found.share.high <= 1
    assert (found.state, found.weights) == (None, 40)  # shapes are not known, their number is


def test_no_share_of_an_update_as_long_as_a_step():
    found = costs(study_of([0.1, 0.1], [1.0, 2.0]))["SGD"]
    assert found.update.mean == pytest.approx(1.5)
    assert found.share is None


def test_no_share_is_told_that_is_lost_in_noise():
    told = [
        dict(cost_table(study, costs(study)).rows)["SGD"][-1]
        for update in ([0.018, 0.02, 0.022], [0.001, 0.039, 0.02])
        if (study := study_of([1.0, 2.0, 3.0], update))
    ]
    assert told == ["20 % ± 5 %", "20"]  # of the other, the last column is the update's time


@pytest.mark.parametrize(
    ("seconds", "apart"),
    [
        ([2.0, 2.02, 1.98], True),
        ([1.05, 1.0, 0.95], False),
        ([2.0, 5.0, 1.0], False),  # noisy itself
        ([2.0], True),  # one run, beside some that tell the noise
    ],
)
def test_steps_differ_by_more_than_timings_do_that_should_agree(seconds, apart):
    runs = [{"validation": (2, 1), "seconds": s} for s in seconds]
    asked = {"RMSprop": [{"validation": (2, 1), "seconds": s} for s in (1.0, 1.01, 0.99)]}
    study = study_of([1.0, 1.01, 0.99], Adam=runs, **asked)
    trials = [replace(t, config=replace(t.config, rule=t.optimizer)) for t in study.trials]
    study = replace(study, trials=tuple(trials))
    assert steps_differ(study, costs(study)) is apart


def test_the_same_arithmetic_tells_the_noise():
    runs = [{"validation": (2, 1), "seconds": s} for s in (1.5, 1.51, 1.49)]
    study = study_of([1.0, 1.01, 0.99], again=runs)  # the rule of both is SGD
    assert step_noise(study, costs(study)) == pytest.approx(0.5)
    assert not steps_differ(study, costs(study))


@pytest.mark.parametrize("update", [None, [], [math.nan], ["inf"]])
def test_an_update_that_was_not_timed(update):
    found = costs(study_of([1.0], update))["SGD"]
    assert (found.update, found.share) == (None, None)


def test_diverged_runs_say_nothing_of_a_step():
    study = study_of([1.0], [0.1], Adam=[(math.nan,)], Lion=[{"validation": (), "seconds": 0.0}])
    found = costs(study)
    assert found["Adam"].step.mean is None
    assert found["Lion"].step.mean is None
    assert found["Adam"].share is None


def test_the_shapes_of_the_weights():
    study = study_of([1.0])
    task = replace(study.task, weights=WEIGHTS)
    found = costs(replace(study, task=task))["SGD"]
    assert (found.state, found.weights) == (COUNT * 4, COUNT * 4)


def test_nothing_confirmed():
    assert costs(STUDY) == {}
