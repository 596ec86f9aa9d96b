"""Exported source with a rate of its own for parts of a model takes the steps of the study."""

from dataclasses import replace

import frameworks
import numpy as np
import pytest

from steepest.codegen import code
from steepest.errors import InputError
from steepest.records import Config, Parameter
from steepest.rules import FRAMEWORKS, RULES, step
from steepest.rules.recipe import completed

pytestmark = pytest.mark.usefixtures("compiled_quickly")

STEPS = 25
PARTS = {"rate_factor[conv]": 0.1, "rate_factor[hidden]": 3.0, "rate_factor[norm]": 0.0}
RECIPES = [
    {"schedule": "cosine", "warmup": 0.2, "clip_norm": 0.3, "weight_decay": 0.1},
    {"weight_decay": 0.1, "decay_on": "all", "accumulation": 2},
    {"schedule": "linear", "weight_decay": 0.1, "decay": "coupled", "ema": 0.9},
]


def asked(rule, dialect, recipe, parts=PARTS):
    values = {**RULES[rule].settings(dialect), "learning_rate": 0.005, **recipe}
    schedule = values.pop("schedule", "constant")
    if "epsilon" in RULES[rule].defaults and "epsilon" not in RULES[rule].dialect(dialect).fixed:
        values["epsilon"] = 1e-5
    if rule == "SOAP":  # without a full rank, its axes are rounding's choice
        values["max_precond_dim"] = 1
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    return Config(rule, dialect, {**values, **parts}, schedule, 0)


def facts():
    return replace(frameworks.task().facts, training_examples=frameworks.BATCH * STEPS)


def cases():
    for turn, rule in enumerate(("AdamW", "SGD", "Nadam", "Muon", "ScheduleFreeAdamW", "Lion")):
        for dialect in FRAMEWORKS:
            for framework in FRAMEWORKS:
                if dialect in ("keras", framework):
                    yield rule, dialect, framework, turn % len(RECIPES)
    for recipe in range(len(RECIPES)):
        for framework in FRAMEWORKS:
            yield "Adam", framework, framework, recipe


@pytest.mark.slow
@pytest.mark.parametrize(("rule", "dialect", "framework", "recipe"), list(cases()), ids=str)
def test_exported_code_takes_the_steps_that_were_measured(rule, dialect, framework, recipe):
    pytest.importorskip({"torch": "torch", "optax": "optax"}.get(framework, "keras"))
    one = asked(rule, dialect, RECIPES[recipe])
    losses, path, _ = frameworks.our_steps(one, STEPS)
    theirs = getattr(frameworks, f"{framework}_steps")(code(one, facts(), framework), STEPS)
    np.testing.assert_allclose(losses, theirs[0], atol=3e-5)
    assert frameworks.apart(path, theirs[1]) < 3e-4


@pytest.mark.parametrize("rule", sorted(set(RULES) - {"Prodigy"}))
def test_every_rule_has_parameter_groups_in_pytorch(rule):
    """On made gradients, which costs little: in two dialects, both ways to decay, a factor of 0."""
    torch = pytest.importorskip("torch")
    small = {"rate_factor[body]": 0.1, "rate_factor[body.1]": 3.0}
    recipes = (
        {"schedule": "cosine", "warmup": 0.2, "weight_decay": 0.1},
        {"schedule": "linear", "final": 0.1, "weight_decay": 0.1, "decay": "coupled"},
        {
            "weight_decay": 2.0,
            "clip_norm": 100.0,
        },  # which falls on weights before the first step already
    )
    for dialect in ("keras", "torch"):
        for recipe in recipes:
            divides = RULES[rule].divides_by_rate
            given = {k: v for k, v in recipe.items() if not (divides and k == "warmup")}
            refuses = divides or RULES[rule].rate_once
            parts = small if refuses else {**small, "rate_factor[head.bias]": 0.0}
            body = torch.nn.Sequential(torch.nn.Linear(5, 6), torch.nn.Linear(6, 4))
            model = torch.nn.ModuleDict({"body": body, "head": torch.nn.Linear(4, 2)})
            follow_in_torch(torch, asked(rule, dialect, given, parts), model)


def follow_in_torch(torch, one, model):
    kinds = {name: "bias" if "bias" in name else "kernel" for name, _ in model.named_parameters()}
    weights = tuple(
        Parameter(name, tuple(p.shape), kinds[name]) for name, p in model.named_parameters()
    )
    task = replace(facts(), framework="torch", weights=weights)
    names = frameworks.run_source(code(one, task, "torch"), model=model)
    own = [p.detach().numpy().copy() for p in model.parameters()]
    plan = step.make_plan(one, weights, "torch")
    numbers, complements = step.prepare(one.schedule, one.numbers, STEPS)
    memory = step.begin(plan, own, numbers, complements)
    random = np.random.default_rng(0)
    for i in range(STEPS):
        g = [random.normal(size=w.shape).astype("float32") for w in own]
        own, memory = step.step(plan, g, own, memory, np.float32(i), numbers, complements)
        pairs = zip(model.parameters(), g, strict=True)
        names["step"](sum((p * torch.tensor(a)).sum() for p, a in pairs))
    for ours, theirs in zip(own, model.parameters(), strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=2e-5)


def test_built_in_optimizers_stay_where_they_were_exact():
    one = asked("AdamW", "torch", {})
    source = code(one, facts(), "torch")
    assert '"lr": 0.005 * 0.1' in source
    assert "torch.optim.AdamW(" in source
    assert "class" not in source
    one = asked("AdamW", "optax", {})
    assert "optax.partition({1.0: grouped(1.0), 0.1: grouped(0.1)" in code(one, facts(), "optax")
    one = asked("Adam", "keras", {})
    source = code(one, facts(), "keras")
    assert "class GroupedAdam(keras.optimizers.Adam):" in source
    assert "**dict.fromkeys(range(1, 3), 0.1),  # conv" in source
    assert "model." not in source


def test_parts_of_a_module_are_told_by_name_the_inner_first():
    weights = tuple(
        replace(w, path=".".join(w.path.split("/")[-2:]), layers=()) for w in facts().weights
    )
    task = replace(facts(), framework="torch", weights=weights)
    parts = {"rate_factor[conv]": 0.1, "rate_factor[conv.bias]": 2.0}
    one = asked("SGD", "torch", {}, parts)
    source = code(one, task, "torch")
    inner, outer = source.index('"conv.bias": 2.0'), source.index('"conv": 0.1')
    assert inner < outer
    pytest.importorskip("torch")
    model = frameworks.torch_model()
    optimizer = frameworks.run_source(source, model=model)["optimizer"]
    rates = {id(p): group["lr"] for group in optimizer.param_groups for p in group["params"]}
    found = {name: rates[id(p)] for name, p in model.named_parameters()}
    assert found["conv.weight"] == pytest.approx(0.0005)
    assert found["conv.bias"] == pytest.approx(0.01)
    assert found["head.weight"] == pytest.approx(0.005)
    assert len(rates) == len(list(model.parameters()))
    keras = code(one, task, "keras")
    assert "{i: times(v.path) for i, v in enumerate(model.trainable_variables)}" in keras


def test_layers_that_paths_do_not_name_are_told_by_those_in_them():
    weights = tuple(
        replace(w, layers=("backbone", *w.layers)) if i < 5 else w
        for i, w in enumerate(facts().weights)
    )
    one = asked("SGD", "keras", {}, {"rate_factor[backbone]": 0.1})
    source = code(one, replace(facts(), weights=weights), "optax")
    assert '"embedding": 0.1' in source
    assert '"conv": 0.1' in source
    assert '"backbone"' not in source


def test_a_part_that_is_not_there_is_said():
    one = asked("SGD", "keras", {}, {"rate_factor[backbone]": 0.1})
    with pytest.raises(InputError, match="no trainable part of that name"):
        code(one, facts(), "torch")
    evil = Config("SGD", "keras", {**one.hyperparameters, "rate_factor[a\nb]": 1.0}, "constant", 0)
    with pytest.raises(InputError, match="no hyperparameter"):
        code(evil, facts(), "torch")
