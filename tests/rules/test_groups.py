"""A rate of its own for parts of a model: the steps of real parameter groups and partitions."""

import importlib

import numpy as np
import pytest

from steepest.errors import InputError
from steepest.parse.groups import read_groups
from steepest.records import Config, Parameter
from steepest.rules import OWN, RULES, step
from steepest.rules.groups import check_parts, depth, factors_of, parts_of
from steepest.rules.recipe import completed
from steepest.spaces import Choice, Float

STEPS, RATE = 25, 0.01
PARAMETERS = (
    Parameter("backbone.0.weight", (4, 3), "kernel"),
    Parameter("backbone.0.bias", (4,), "bias"),
    Parameter("backbone.1.weight", (4, 4), "kernel"),
    Parameter("head.weight", (2, 4), "head"),
)
GROUPS = {"backbone": 0.1, "backbone.1": 3.0}
TIMES = (0.1, 0.1, 3.0, 1.0)


def config(rule, dialect, schedule="constant", groups=GROUPS, **given):
    values = {**RULES[rule].settings(dialect), "learning_rate": RATE, **given}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    values |= {name: float(value) for name, value in read_groups(groups).items()}
    return Config(rule, dialect, values, schedule, 0)


def made(kind):
    random = np.random.default_rng(3)
    weights = [random.normal(size=one.shape).astype(kind) for one in PARAMETERS]
    gradients = [
        [random.normal(size=one.shape).astype(kind) for one in PARAMETERS] for _ in range(STEPS)
    ]
    return weights, gradients


def ours(one, kind=np.float64, framework="torch"):
    """Return weights after all steps. Arithmetic in NumPy, in double precision where asked."""
    weights, gradients = made(kind)
    plan = step.make_plan(one, PARAMETERS, framework)
    numbers, complements = step.prepare(one.schedule, one.numbers, STEPS)
    if kind == np.float64:
        numbers = {n: np.float64(one.numbers[n]) for n in numbers if n in one.numbers} | {
            n: np.float64(v) for n, v in numbers.items() if n not in one.numbers
        }
        complements = {n: 1 - numbers[n] for n in complements}
    memory = step.begin(plan, weights, numbers, complements)
    for i, g in enumerate(gradients):
        weights, memory = step.step(plan, g, weights, memory, kind(i), numbers, complements)
    return weights


@pytest.mark.parametrize(
    ("rule", "call", "given", "theirs"),
    [
        ("AdamW", "AdamW", {"weight_decay": 0.1, "decay_on": "all"}, {"weight_decay": 0.1}),
        ("SGD", "SGD", {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1, "decay_on": "all"},
         {"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}),
        ("RMSprop", "RMSprop", {"momentum": 0.5}, {"alpha": 0.99, "momentum": 0.5}),
        ("Nadam", "NAdam", {}, {}),
    ],
)  # fmt: skip
def test_it_takes_the_steps_of_pytorchs_parameter_groups(rule, call, given, theirs):
    torch = pytest.importorskip("torch")
    if rule == "RMSprop":
        given = {**given, "rho": 0.99}
    weights, gradients = made(np.float64)
    tensors = [torch.nn.Parameter(torch.tensor(w)) for w in weights]
    groups = [{"params": [w], "lr": t * RATE} for w, t in zip(tensors, TIMES, strict=True)]
    optimizer = getattr(torch.optim, call)(groups, lr=RATE, **theirs)
    factor = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: 0.5 * (1 + np.cos(np.pi * min(s / STEPS, 1)))
    )
    for g in gradients:
        for tensor, one in zip(tensors, g, strict=True):
            tensor.grad = torch.tensor(one)
        optimizer.step()
        factor.step()
    found = ours(config(rule, "torch", "cosine", **given))
    for a, b in zip(found, tensors, strict=True):
        np.testing.assert_allclose(a, b.detach().numpy(), rtol=2e-6, atol=1e-9)


@pytest.mark.parametrize("rule", ["AdamW", "SGD", "Lion"])
def test_it_takes_the_steps_of_optax_partition(rule):
    optax = pytest.importorskip("optax")
    jax = importlib.import_module("jax")
    make = {
        "AdamW": lambda t: optax.adamw(t * RATE, weight_decay=0.1),
        "SGD": lambda t: optax.sgd(t * RATE, momentum=0.9),
        "Lion": lambda t: optax.lion(t * RATE, weight_decay=0.1),
    }[rule]
    more = {"momentum": 0.9} if rule == "SGD" else {"weight_decay": 0.1, "decay_on": "all"}
    weights, gradients = made(np.float32)
    optimizer = optax.multi_transform({str(t): make(t) for t in set(TIMES)}, [*map(str, TIMES)])
    weights = [jax.numpy.asarray(w) for w in weights]
    state, update = optimizer.init(weights), jax.jit(optimizer.update)
    for g in gradients:
        updates, state = update(g, state, weights)
        weights = optax.apply_updates(weights, updates)
    found = ours(config(rule, "optax", **more), np.float32, "optax")
    for a, b in zip(found, weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


@pytest.mark.slow
def test_it_takes_the_steps_of_an_optimizer_of_keras_for_each_part():
    keras = importlib.import_module("keras")
    weights, gradients = made(np.float32)
    variables = [keras.Variable(w) for w in weights]
    parts = [
        (keras.optimizers.AdamW(t * RATE, weight_decay=0.1), [i for i in range(4) if TIMES[i] == t])
        for t in set(TIMES)
    ]
    for optimizer, places in parts:
        optimizer.build([variables[i] for i in places])
    for g in gradients:
        for optimizer, places in parts:
            optimizer.apply([g[i] for i in places], [variables[i] for i in places])
    one = config("AdamW", "keras", weight_decay=0.1, decay_on="all")
    for a, b in zip(ours(one, np.float32, "keras"), variables, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=2e-4, atol=2e-6)


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"Prodigy", "Ftrl", "Rprop"}))
def test_a_part_at_zero_does_not_move_and_one_at_1_is_as_without(rule):
    given = {"weight_decay": 0.1}
    frozen = ours(config(rule, "keras", groups={"backbone": 0.0}, **given), np.float32, "keras")
    for a, b in zip(frozen[:3], made(np.float32)[0], strict=False):
        np.testing.assert_allclose(a, b, rtol=1e-6)
    assert np.abs(frozen[3] - made(np.float32)[0][3]).max() > 1e-4
    plain = ours(config(rule, "keras", groups=None, **given), np.float32, "keras")
    same = ours(config(rule, "keras", groups={"head": 1.0}, **given), np.float32, "keras")
    for a, b in zip(plain, same, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_transformation_of_ones_own_gets_the_rate_of_each_part():
    optax = pytest.importorskip("optax")
    import steepest

    steepest.rule(
        "Mine", lambda learning_rate: optax.adam(learning_rate),
        space={"learning_rate": Float(1e-4, 1e-1, log=True)},
    )  # fmt: skip
    try:
        values = {"learning_rate": RATE, **read_groups(GROUPS)}
        found = ours(Config("Mine", "optax", values, "constant", 0), np.float32, "optax")
        values |= {"accumulation": 5}
        gathered = ours(Config("Mine", "optax", values, "constant", 0), np.float32, "optax")
    finally:
        OWN.clear()
    weights, gradients = made(np.float32)
    made_ = optax.multi_transform({t: optax.adam(t * RATE) for t in set(TIMES)}, list(TIMES))
    for every, expected in ((1, found), (5, gathered)):
        own, state = list(weights), made_.init(weights)
        for i in range(0, STEPS, every):
            mean = [sum(g) / every for g in zip(*gradients[i : i + every], strict=True)]
            updates, state = made_.update(mean, state, own)
            own = optax.apply_updates(own, updates)
        for a, b in zip(expected, own, strict=True):
            np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6)


def test_what_divides_by_the_rate_or_has_one_for_all_says_so():
    with pytest.raises(InputError, match="Ftrl divides by the learning rate, which is zero for a"):
        RULES["Ftrl"].check("rate_factor[a]", 0.0)
    assert RULES["Ftrl"].check("rate_factor[a]", 0.5) == 0.5
    with pytest.raises(InputError, match="Rprop reads its learning rate once, and a would move"):
        RULES["Rprop"].check("rate_factor[a]", 0.0)
    with pytest.raises(InputError, match="Prodigy estimates one learning rate for all arrays"):
        RULES["Prodigy"].check("rate_factor[a]", 0.5)


def test_a_part_is_a_layer_a_module_or_a_parameter():
    nested = Parameter("conv/kernel", (3,), "kernel", ("backbone", "block", "conv"))
    assert [depth(nested, p) for p in ("backbone", "block", "conv", "backbone/block")] == [
        1, 2, 3, 2,
    ]  # fmt: skip
    assert [depth(nested, p) for p in ("con", "kernel", "back", "head")] == [0, 0, 0, 0]
    assert depth(PARAMETERS[0], "backbone.0.weight") == 3
    assert depth(PARAMETERS[0], "0") == 0
    assert factors_of((nested,), ["rate_factor[backbone]", "rate_factor[block]"]) == (
        "rate_factor[block]",
    )
    assert parts_of(PARAMETERS) == ["backbone", "head", "backbone.0", "backbone.1"]
    assert parts_of([nested]) == ["backbone", "block", "conv"]
    check_parts(PARAMETERS, read_groups(GROUPS))
    check_parts((), read_groups({"unknown": 1.0}))
    with pytest.raises(InputError, match="did you mean backbone"):
        check_parts(PARAMETERS, read_groups({"backbon": 0.1}))
    with pytest.raises(
        InputError, match="no trainable part of that name; known are backbone, head"
    ):
        check_parts(PARAMETERS, read_groups({"zzz": 0.1}))
    with pytest.raises(InputError, match="all that it holds is in other groups"):
        check_parts(PARAMETERS, read_groups({"head": 0.1, "head.weight": 1.0}))


def test_groups_are_read_as_people_write_them():
    text = "backbone=0.1, backbone.l4=0.01..1,head=Choice((0.0,1.0)),x/y=Float(0.1,10,log=True)"
    assert read_groups(text) == {
        "rate_factor[backbone]": 0.1,
        "rate_factor[backbone.l4]": Float(0.01, 1, log=True),
        "rate_factor[head]": Choice((0.0, 1.0)),
        "rate_factor[x/y]": Float(0.1, 10, log=True),
    }
    assert read_groups({"a": "0.1..1", "b": 2}) == {
        "rate_factor[a]": Float(0.1, 1.0, log=True),
        "rate_factor[b]": 2.0,
    }
    assert read_groups(None) == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("backbone", "cannot read 'backbone'; write groups as in"),
        ("a=b", "groups has a='b', but must have a number from 0"),
        ("a=-1", "groups has a=-1.0, but must have a number from 0"),
        ({"a": True}, "groups has a=True, but must have a number from 0"),
        ({"a": Float(-1, 1)}, "groups has a=-1.0, but must have"),
        ({"a": Choice((0.1, "b"))}, "groups has a='b', but must have"),
        ({1: 0.1}, "groups has 1, but a part of a model is the name"),
        ({"a b": 0.1}, "rename the layer"),
        ("a=0.1,a=1", "groups has 'a' twice"),
        ("a=f(1)", "a is f, but must be a plain number"),
        ("a=f(1),b", "cannot read 'b'"),
        (3, "groups is 3, but must be a dictionary"),
    ],
)
def test_what_are_no_groups_is_refused(given, said):
    with pytest.raises(InputError) as error:
        read_groups(given)
    assert said in str(error.value)
