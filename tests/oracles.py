"""Every rule in every dialect against the framework's own class, on gradients of a real model.

The framework walks its own path; the rule is given the same gradients and walks beside it.
"""

import functools

import jax.numpy as jnp
import numpy as np
from frameworks import (
    STEPS,
    apart,
    config,
    keras_optimizer_steps,
    optax_optimizer_steps,
    our_steps,
    run_source,
    shared_model,
    torch_optimizer_steps,
)

from steepest.codegen.spelling import spell
from steepest.rules import RULES

# Settings that tell one twist from the other: tuned epsilons, momentum, flags.
SETTINGS = {
    "SGD": [
        {"learning_rate": 0.05},
        {"learning_rate": 0.05, "momentum": 0.9},
        {"learning_rate": 0.02, "momentum": 0.95, "nesterov": True},
    ],
    "Adam": [
        {"learning_rate": 0.003},
        {"learning_rate": 0.01, "beta_1": 0.5, "beta_2": 0.9, "epsilon": 1e-2},
        {"learning_rate": 0.01, "amsgrad": True, "beta_2": 0.9},
    ],
    "AdamW": [
        {"learning_rate": 0.003, "weight_decay": 0.1},
        {"learning_rate": 0.01, "beta_2": 0.9, "epsilon": 1e-2},
        {"learning_rate": 0.01, "amsgrad": True, "beta_2": 0.9, "weight_decay": 0.0},
    ],
    "RMSprop": [
        {"learning_rate": 0.003, "epsilon": 1e-4},
        {"learning_rate": 0.003, "rho": 0.99, "epsilon": 1e-2, "momentum": 0.8},
        {"learning_rate": 0.003, "centered": True, "epsilon": 1e-3},
    ],
    "Nadam": [{"learning_rate": 0.003}, {"learning_rate": 0.01, "beta_1": 0.6, "epsilon": 1e-2}],
    "NAdamW": [
        {"learning_rate": 0.003, "weight_decay": 0.1},
        {"learning_rate": 0.01, "beta_1": 0.6, "epsilon": 1e-2},
    ],
    "RAdam": [{"learning_rate": 0.003}, {"learning_rate": 0.01, "beta_2": 0.9, "epsilon": 1e-2}],
    "ADOPT": [{"learning_rate": 0.003}, {"learning_rate": 0.01, "beta_2": 0.9, "epsilon": 1e-2}],
    "Rprop": [
        {"learning_rate": 0.001},
        {"learning_rate": 0.02, "eta_plus": 1.1, "eta_minus": 0.7, "max_step_size": 0.01},
    ],
    "ASGD": [
        {"learning_rate": 0.05},
        {"learning_rate": 0.1, "lambd": 1e-2, "alpha": 0.5, "weight_decay": 0.03},
    ],
    "AdEMAMix": [
        {"learning_rate": 0.003},
        {"learning_rate": 0.01, "beta_3": 0.99, "alpha": 2.0, "weight_decay": 0.1},
    ],
    "Prodigy": [
        {"learning_rate": 1.0, "d0": 1e-4},
        {"learning_rate": 0.5, "beta_2": 0.9, "epsilon": 1e-3, "weight_decay": 0.1, "d0": 1e-3},
    ],
    "Adamax": [{"learning_rate": 0.003}, {"learning_rate": 0.01, "epsilon": 1e-2, "beta_2": 0.9}],
    "Adagrad": [
        {"learning_rate": 0.05, "epsilon": 1e-5},
        {"learning_rate": 0.05, "epsilon": 1e-2, "initial_accumulator_value": 0.01},
    ],
    "Adadelta": [{"learning_rate": 1.0}, {"learning_rate": 2.0, "rho": 0.8, "epsilon": 1e-3}],
    "Adafactor": [{"learning_rate": 0.05}, {"learning_rate": 0.3, "clip_threshold": 1.5}],
    "Ftrl": [
        {"learning_rate": 0.5},
        {"learning_rate": 0.5, "l1_regularization_strength": 1e-3, "beta": 0.1},
    ],
    "Lion": [{"learning_rate": 0.001}, {"learning_rate": 0.003, "beta_1": 0.7, "beta_2": 0.95}],
    "Lamb": [{"learning_rate": 0.01}, {"learning_rate": 0.01, "weight_decay": 0.3}],
    "Muon": [
        {"learning_rate": 0.01, "weight_decay": 0.0},
        {"learning_rate": 0.01, "weight_decay": 0.0, "momentum": 0.8, "nesterov": False},
    ],
    "ScheduleFreeAdamW": [
        {"learning_rate": 0.003, "epsilon": 1e-6},
        {"learning_rate": 0.003, "beta_1": 0.6, "epsilon": 1e-3, "weight_decay": 0.3},
    ],
    "ScheduleFreeSGD": [
        {"learning_rate": 0.5},
        {"learning_rate": 0.5, "beta_1": 0.6, "weight_decay": 0.03},
    ],
}
RATES = {
    "constant": np.ones(STEPS + 2),
    "cosine": 0.5 * (1 + np.cos(np.pi * np.minimum(np.arange(STEPS + 2) / STEPS, 1.0))),
    "drop": np.where(np.arange(STEPS + 2) < STEPS // 2, 1.0, 0.1),
}
# In no table: it tells which rate Schedule-Free averages by.
RISE = np.minimum(np.arange(STEPS + 2) / (STEPS // 2), 1.0)
RECIPES = {
    "rise": ("constant", {"warmup": 0.5}),
    "constant": ("constant", {}),
    "cosine": ("cosine", {}),
    "drop": ("step", {"drop": 0.1, "drop_every": 0.5}),
}


def settings(name):
    """Return the settings of a rule; one that is new is asked at its defaults."""
    return SETTINGS.get(name, [{}])


def rates_of(name, dialect):
    """Return the courses of the learning rate that a framework's class takes."""
    return tuple(RATES) if RULES[name].dialects[dialect].takes_schedules else ("constant",)


def cases():
    """Return (rule, dialect, setting, rate) for all that a framework has a class of."""
    for name, rule in RULES.items():
        for dialect, spoken in rule.dialects.items():
            if spoken.call is not None:
                for setting in range(len(settings(name))):
                    for rate in rates_of(name, dialect):
                        yield name, dialect, setting, rate


def configured(name, dialect, setting, rate):
    """Return the configuration of a case."""
    schedule, recipe = RECIPES[rate]
    given = dict(settings(name)[setting])
    if "weight_decay" in given or "weight_decay" in RULES[name].defaults:
        given["decay_on"] = "all"  # what the classes do by themselves
    if name == "Muon":
        given |= {"routing": "optax" if dialect == "optax" else "keras"}
    return config(name, dialect, schedule, **given, **recipe)


@functools.lru_cache(32)  # what is asked of one rule; all of them are half a gigabyte
def reference(name, dialect, setting, rate):
    """Return the path of the framework's own class in a case, and the gradients along it."""
    return _theirs(configured(name, dialect, setting, rate), rate)


def _theirs(one, rate):
    spelling = spell(one, one.dialect)
    rates = {**RATES, "rise": RISE}[rate] * one.hyperparameters["learning_rate"]
    arguments = dict(spelling.arguments)
    call = spelling.call
    if one.dialect == "keras":
        if "weight_decay" in one.hyperparameters:
            arguments["weight_decay"] = repr(one.hyperparameters["weight_decay"])
        if one.rule == "Muon":
            arguments["adam_weight_decay"] = "0.0"
        made = _build(f"import keras\nmade = {call}({_join(arguments)})")
        _, path, gradients = keras_optimizer_steps(made, shared_model(), rates=rates)
        return path, gradients
    if one.dialect == "optax":
        table = jnp.asarray(rates, jnp.float32)
        if RULES[one.rule].dialects["optax"].takes_schedules:
            arguments["learning_rate"] = "rate"
        source = f"import optax\nmade = {call}({_join(arguments)})"
        made = _build(source, rate=lambda count: table[count])
        _, path, gradients = optax_optimizer_steps(made)
        return path, gradients
    only = None
    if one.rule == "Muon":
        arguments.pop("adjust_lr_fn", None)
        only = lambda p: len(p.shape) == 2 and p.role in ("kernel", "head")  # noqa: E731
    source = f"import torch\nmake = lambda params: {call}(params, {_join(arguments)})"
    make = run_source(source)["make"]
    return torch_optimizer_steps(make, rates=rates, only=only)


def difference(name, dialect, setting, rate, one=None):
    """Return how far our path is from theirs, as a share of each array's largest weight."""
    asked = configured(name, dialect, setting, rate)
    path, gradients = reference(name, dialect, setting, rate)
    _, ours, _ = our_steps(one or asked, gradients=gradients)
    keep = moved(name, dialect)
    return apart([[w[i] for i in keep] for w in ours], [[w[i] for i in keep] for w in path])


def moved(name, dialect):
    """Return which arrays an oracle moves: PyTorch's Muon takes matrices alone."""
    from frameworks import task

    weights = task().facts.weights
    if (name, dialect) != ("Muon", "torch"):
        return range(len(weights))
    return [i for i, p in enumerate(weights) if len(p.shape) == 2 and p.role in ("kernel", "head")]


def _join(arguments):
    return ", ".join(f"{k}={v}" for k, v in arguments.items())


def _build(source, **names):
    return run_source(source, **names)["made"]
