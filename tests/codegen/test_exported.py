"""Exported source is run in its framework: it takes the steps that were measured."""

import re
from dataclasses import replace

import frameworks
import numpy as np
import pytest
import soap_reference
from made import STUDY

from steepest.codegen import array_functions, code, has_code, spell
from steepest.errors import InputError
from steepest.records import Config
from steepest.rules import FRAMEWORKS, RULES, arrays

pytestmark = pytest.mark.slow

STEPS = 60  # of which a warm-up is the first 6 or 8, and a drop is after 30
RATES = {"Adadelta": 1.0, "SGD": 0.05, "Adagrad": 0.05, "Ftrl": 0.5, "Prodigy": 1.0}
RECIPES = [
    {},
    {"schedule": "cosine", "warmup": 0.1, "clip_norm": 0.3, "weight_decay": 0.1},
    {"schedule": "step", "drop_every": 0.5, "clip_each": 0.2, "weight_decay": 0.1,
     "decay_on": "all"},
    {"schedule": "linear", "final": 0.1, "accumulation": 4, "weight_decay": 0.1,
     "decay": "coupled"},
    {"schedule": "exponential", "warmup": 0.13, "ema": 0.9, "clip_value": 0.01},
    {"warmup": 0.1, "accumulation": 2, "weight_decay": 0.1},
]  # fmt: skip


def asked(rule, dialect, recipe, **more):
    given = {"learning_rate": RATES.get(rule, 0.005), **recipe, **more}
    schedule = given.pop("schedule", "constant")
    if "epsilon" in RULES[rule].defaults and "epsilon" not in given:
        given["epsilon"] = 1e-5  # tiny gradients over tiny roots are all rounding
    if "epsilon" in RULES[rule].dialect(dialect).fixed:
        del given["epsilon"]
    if rule == "Prodigy":  # whose first steps are as small as their own rounding at 1e-6
        given["d0"] = 1e-4
    if rule == "SOAP":  # whose bases are arbitrary where a gradient has no full rank: see below
        given["max_precond_dim"] = 1
    return frameworks.config(rule, dialect, schedule, **given)


def cases():
    """Each rule in its three dialects and frameworks; each dialect has a recipe of the table.

    In turn, and one further after each two rules, so that a dialect gets each of them.
    """
    turn = 0
    for rule in RULES:
        for dialect in FRAMEWORKS:
            for framework in FRAMEWORKS:
                if dialect in ("keras", framework):
                    yield rule, dialect, framework, (turn + turn // len(RECIPES)) % len(RECIPES)
            turn += 1
    for recipe in range(1, len(RECIPES)):
        for framework in FRAMEWORKS:
            yield "AdamW", "torch", framework, recipe
            yield "SGD", "optax", framework, recipe


_measured = {}


def measured(one, steps):
    """Return our losses and weights, once for all frameworks that one configuration is held to."""
    key = repr((one, steps))
    if key not in _measured:
        for old in [*_measured][:-3]:  # of what a test asks in turn
            del _measured[old]
        _measured[key] = frameworks.our_steps(one, steps)
    return _measured[key]


def check(one, framework, loss=3e-5, weights=3e-4, steps=STEPS):
    pytest.importorskip({"torch": "torch", "optax": "optax"}.get(framework, "keras"))
    losses, path, shown = measured(one, steps)
    source = code(one, facts(steps), framework)
    theirs = getattr(frameworks, f"{framework}_steps")(source, steps)
    np.testing.assert_allclose(losses, theirs[0], atol=loss)
    assert frameworks.apart(path, theirs[1]) < weights
    return source, theirs, shown


def facts(steps):
    return replace(frameworks.task().facts, training_examples=frameworks.BATCH * steps)


@pytest.mark.parametrize(("rule", "dialect", "framework", "recipe"), list(cases()), ids=str)
def test_exported_code_takes_the_steps_that_were_measured(rule, dialect, framework, recipe):
    given = dict(RECIPES[recipe])
    if RULES[rule].divides_by_rate:
        given.pop("warmup", None)
    one = asked(rule, dialect, given)
    source, _, _ = check(one, framework)
    written = re.search(r"^(class \w+\(|def \w+\(learning_rate=)", source, flags=re.MULTILINE)
    if spell(one, framework).why:
        assert written
        assert "the class below is exact" in source.replace("\n# ", " ")
    elif framework == "torch":
        assert not written


def test_the_names_in_a_source_do_not_meet():
    """A formula's helper and a name of the recipe once were the same word."""
    one = asked("ScheduleFreeAdamW", "keras", {"ema": 0.9, "schedule": "exponential"})
    check(one, "torch", steps=20)


@pytest.mark.parametrize("framework", FRAMEWORKS)
@pytest.mark.parametrize("dialect", FRAMEWORKS)
def test_flags_are_exported(dialect, framework):
    recipe = {"schedule": "step", "drop_every": 0.5}
    check(asked("SGD", dialect, recipe, momentum=0.9, nesterov=True), framework)
    check(asked("Adam", dialect, recipe, amsgrad=True, beta_2=0.9, epsilon=1e-2), framework)
    check(asked("RMSprop", dialect, recipe, centered=True, momentum=0.5, epsilon=1e-3), framework)
    if dialect != "torch":
        # PyTorch does not tell an embedding, [in, out], from a kernel, [out, in].
        routing = "role" if (dialect, framework) == ("optax", "torch") else dialect
        one = asked("Muon", dialect, recipe, routing=routing, nesterov=False)
        check(one, framework, steps=20)


def test_an_array_function_is_there_in_all_frameworks():
    names = [set(getattr(array_functions, one)) for one in ("TORCH", "KERAS", "OPTAX")]
    assert names[0] == names[1] == names[2] <= set(vars(arrays))


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_the_bases_of_soap_are_exported(framework):
    """In double precision, on gradients of a full rank, and with decay after the step."""
    jax = pytest.importorskip("jax")
    one = soap_reference.configured(weight_decay=0.25, decay_on="all")
    source = code(one, STUDY.task, framework)
    with jax.enable_x64(True):
        path = {"keras": by_keras, "torch": by_torch, "optax": by_optax}[framework](source, 45)
    soap_reference.assert_same(path, soap_reference.theirs(decay=0.25)[:45])


def by_keras(source, steps):
    import jax
    import keras

    optimizer = frameworks.run_source(source)["optimizer"]
    variables = [
        keras.Variable(w, dtype="float64") for w in soap_reference.start(soap_reference.SHAPES)
    ]
    optimizer.build(variables)
    apply = jax.jit(optimizer.stateless_apply)
    state, weights, path = [v.value for v in optimizer.variables], [v.value for v in variables], []
    for done in range(steps):
        gradients = soap_reference.gradients([np.asarray(w) for w in weights], done)
        weights, state = apply(state, gradients, weights)
        path.append([np.asarray(w) for w in weights])
    return path


def by_torch(source, steps):
    torch = pytest.importorskip("torch")
    model = torch.nn.Module()
    for i, w in enumerate(soap_reference.start(soap_reference.SHAPES)):
        model.register_parameter(f"w{i}", torch.nn.Parameter(torch.tensor(w)))
    optimizer, path = frameworks.run_source(source, model=model)["optimizer"], []
    for done in range(steps):
        weights = [w.detach().numpy() for w in model.parameters()]
        for w, g in zip(model.parameters(), soap_reference.gradients(weights, done), strict=True):
            w.grad = torch.tensor(g)
        optimizer.step()
        path.append([w.detach().numpy().copy() for w in model.parameters()])
    return path


def by_optax(source, steps):
    import jax

    optimizer = frameworks.run_source(source)["optimizer"]
    weights = [jax.numpy.asarray(w) for w in soap_reference.start(soap_reference.SHAPES)]
    state, update, path = optimizer.init(weights), jax.jit(optimizer.update), []
    for done in range(steps):
        gradients = soap_reference.gradients([np.asarray(w) for w in weights], done)
        updates, state = update(gradients, state, weights)
        weights = [w + u for w, u in zip(weights, updates, strict=True)]
        path.append([np.asarray(w) for w in weights])
    return path


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_cautious_steps_are_exported(framework):
    recipe = {"caution": True, "weight_decay": 0.1, "schedule": "step", "drop_every": 0.5}
    source, _, _ = check(asked("AdamW", "torch", recipe), framework, steps=20)
    assert "takes whole steps and no cautious ones" in source
    check(asked("SGD", "torch", {**recipe, "decay": "coupled"}, momentum=0.9), framework, steps=20)


def test_the_average_is_what_is_evaluated_in_pytorch():
    pytest.importorskip("torch")
    one = asked("Adam", "torch", {"ema": 0.9, "accumulation": 4})
    _, (_, _, names), shown = check(one, "torch")
    theirs = [p.detach().numpy() for p in names["averaged_model"].module.parameters()]
    for a, b in zip(shown, frameworks.torch_order(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=3e-5)


def test_the_average_is_what_keras_ends_with():
    import keras

    one = asked("Adam", "keras", {"ema": 0.9})
    _, _, shown = frameworks.our_steps(one, 20)
    model = frameworks.keras_model()
    for variable, value in zip(model.trainable_variables, frameworks.initial(), strict=True):
        variable.assign(value)
    names = frameworks.run_source(code(one, facts(20), "keras"))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=names["optimizer"], loss=loss)
    x, y = (a[: 20 * frameworks.BATCH] for a in frameworks.data())
    model.fit(x, y, batch_size=frameworks.BATCH, shuffle=False, verbose=0)
    for a, b in zip(shown, model.trainable_variables, strict=True):
        np.testing.assert_allclose(a, np.asarray(b), atol=3e-5)


def test_the_averages_of_schedule_free_are_given():
    one = asked("ScheduleFreeAdamW", "optax", {"weight_decay": 0.1})
    steps = 20
    _, (_, path, names), shown = check(one, "torch", steps=steps)
    theirs = [names["evaluated"](p).numpy() for p in names["model"].parameters()]
    for a, b in zip(shown, frameworks.torch_order(theirs), strict=True):
        np.testing.assert_allclose(a, b, atol=3e-5)
    assert frameworks.apart([shown], [path[-1]]) > 1e-3  # they are not those that train
    names = frameworks.run_source(code(one, facts(steps), "optax"))
    params = frameworks.as_tree(frameworks.initial())
    state = names["optimizer"].init(params)
    evaluated = names["evaluated"](params, state)
    for a, b in zip(frameworks.as_list(evaluated), frameworks.initial(), strict=True):
        np.testing.assert_allclose(a, b, atol=1e-6)
    assert "def evaluated" in code(one, facts(steps), "keras")
    assert "schedule_free_eval_params" in code(asked(*(one.rule, "optax", {})), facts(9), "optax")


def of_a_module(facts):
    """Return the facts as they are of a PyTorch module with the same layers."""
    weights = [replace(one, path=f"body.{i}.weight") for i, one in enumerate(facts.weights)]
    return replace(facts, framework="torch", weights=tuple(weights))


def test_a_built_in_is_used_where_it_is_exact_and_named_where_it_is_not():
    facts = frameworks.task().facts
    assert "class" not in code(asked("SGD", "keras", {}), facts, "torch")
    other = code(asked("Adam", "keras", {}), facts, "torch")
    assert "PyTorch's Adam is another algorithm" in other
    assert "nearest built-in, which is not the same:\n#     torch.optim.Adam(" in other
    assert "PyTorch has no Lion" in code(asked("Lion", "keras", {}), facts, "torch")
    keras = code(asked("AdamW", "keras", {"weight_decay": 0.1}), facts, "keras")
    assert "exclude_from_weight_decay(var_names=['(^|/)beta(:[0-9]+)?$', " in keras
    of_torch = code(asked("AdamW", "torch", {"weight_decay": 0.1}), of_a_module(facts), "keras")
    assert "if len(one.shape) < 2]" in of_torch  # its paths are no names in Keras
    assert "var_names" not in of_torch
    nadam = code(asked("Nadam", "keras", {}), facts, "torch")
    assert "torch.optim.NAdam" in nadam
    assert "momentum_decay=1.0" in nadam


def test_where_names_do_not_tell_places_do():
    weights = tuple(
        replace(w, path=f"layer_{i}/variable_{i}")
        for i, w in enumerate(frameworks.task().facts.weights)
    )
    task = replace(frameworks.task().facts, weights=weights)
    source = code(asked("AdamW", "keras", {"weight_decay": 0.1}), task, "keras")
    model = frameworks.keras_model()
    optimizer = frameworks.run_source(source, model=model)["optimizer"]
    optimizer.build(model.trainable_variables)
    decays = [optimizer._use_weight_decay(v) for v in model.trainable_variables]
    assert decays == [w.role in ("kernel", "head", "embedding") for w in weights]
    same = replace(task, weights=tuple(replace(w, path="a/kernel") for w in weights))
    muon = code(asked("Muon", "keras", {}), same, "keras")
    assert "tells weights by path" in muon
    assert "MATRICES = [5]" in muon


def test_what_a_strangers_file_says_is_never_run():
    evil = Config("Adam", "keras", {"learning_rate": "__import__('os')"}, "constant", 0)
    with pytest.raises(InputError, match="must be a number"):
        code(evil, STUDY.task)
    evil = Config("Adam", "keras", {"learning_rate": 0.1, "decay": "x')"}, "constant", 0)
    with pytest.raises(InputError, match="must be one of"):
        code(evil, STUDY.task)
    unknown = Config("Nobody", "keras", {"learning_rate": 0.1}, "constant", 0)
    assert not has_code(unknown)
    with pytest.raises(InputError):
        code(unknown, STUDY.task)
    with pytest.raises(InputError, match="did you mean torch"):
        code(asked("Adam", "keras", {}), STUDY.task, "troch")


@pytest.mark.parametrize("framework", FRAMEWORKS)
def test_shortened_numbers_take_the_same_steps(framework):
    """Numbers of a search have 17 digits; those that change nothing in float32 are left out."""
    long = {"learning_rate": 0.0050000000474974513, "beta_2": 0.99912345678912345}
    one = asked("Adam", framework, {}, **long)
    source = code(one, frameworks.task().facts, framework)
    assert "0.00500" not in source
    assert "0.005," in source
    assert "0.999123456" in source
    assert "0.999123456789" not in source
    check(one, framework)
