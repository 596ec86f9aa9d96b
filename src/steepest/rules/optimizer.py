"""A rule on its own: an optimizer for any JAX loop, with no task or study in sight."""

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from steepest.errors import InputError, quoted
from steepest.records import Config, Parameter
from steepest.rules import FRAMEWORKS, find_rule, step
from steepest.rules.groups import check_parts
from steepest.rules.plateau import PLATEAU
from steepest.rules.recipe import RECIPE, SCHEDULE_NUMBERS, check_rate, completed


class OptimizerState(NamedTuple):
    """What an optimizer remembers: the steps done, and arrays."""

    count: Any  # int32 scalar
    memory: Any


class Optimizer(NamedTuple):
    """Pure functions in the shape of an Optax transformation, and a name.

    `init(params)` returns a state; `update(grads, state, params)` returns what to add to the
    parameters, and the new state. `shown(params, state)` are the parameters to evaluate: averages,
    where the optimizer keeps some, else the same.
    """

    init: Callable[..., Any]
    update: Callable[..., Any]
    shown: Callable[..., Any]
    name: str


def optimizer(
    name: str,
    *,
    dialect: str = "keras",
    steps: int | None = None,
    **hyperparameters: Any,
) -> Optimizer:
    """Return the optimizer `name`, for parameters in any nested lists, tuples and dictionaries.

        adam = steepest.optimizer("adam", learning_rate=1e-3)
        state = adam.init(params)
        updates, state = adam.update(grads, state, params)
        params = jax.tree.map(lambda p, u: p + u, params, updates)

    Args:
        name: such as "adam" or "SGD".
        dialect: whose arithmetic and defaults it has: "keras", "torch" or "optax".
        steps: the length of the training, for a schedule or a warm-up.
        hyperparameters: the rule's own, and the recipe's: schedule, warmup, clip_norm,
            weight_decay, accumulation, ema, ... Numbers may be traced, so a learning rate can be
            differentiated or mapped over.

    Weight decay, and Muon, ask what a parameter is: its role is read from its path and axes, as
    "bias", "norm", "embedding", "head" or else a kernel, which has at least two axes.

    Raises:
        InputError: an unknown name or hyperparameter, or a value out of bounds.
    """
    rule = find_rule(name)
    if dialect not in FRAMEWORKS:
        raise InputError(
            f"there is no dialect {quoted(dialect)}; known are {', '.join(FRAMEWORKS)}"
        )
    schedule = str(hyperparameters.pop("schedule", "constant"))
    traced = {k: v for k, v in hyperparameters.items() if isinstance(v, jax.Array | np.ndarray)}
    plain = {k: rule.check(k, v) for k, v in hyperparameters.items() if k not in traced}
    for key in traced:
        if key in (*SCHEDULE_NUMBERS, "accumulation"):
            raise InputError(f"{key} is an array, but must be a plain number; give float({key})")
        if key not in rule.defaults and key not in RECIPE:
            rule.check(key, 0.0)
    for key in hyperparameters:
        if key in rule.dialect(dialect).fixed:
            raise InputError(
                f"{rule.name} has no {key} in {dialect}; choose another dialect, or leave {key} out"
            )
    whole = isinstance(steps, Integral) and not isinstance(steps, bool)
    if steps is not None and not (whole and steps >= 1):
        raise InputError(f"steps is {quoted(steps)}, but must be a whole number from 1 on")
    rule.check("schedule", schedule)
    if schedule == PLATEAU:
        raise InputError(
            "a plateau looks at the validation loss, which an optimizer on its own does not see; "
            "leave schedule out, and give a learning_rate that is an array"
        )
    values = {**rule.settings(dialect), **plain, **dict.fromkeys(traced, 0.5)}
    values |= completed(rule.name, values, rule.dialect(dialect).decay, schedule)
    lacks = schedule != "constant" or "warmup" in values
    if steps is None and lacks and "decay_steps" not in values:
        raise InputError(f"a {schedule} schedule or a warm-up needs a length; give steps=1000")
    for key in step.SHARES:
        if steps is None and values.get(key):
            raise InputError(
                f"{rule.name}'s {key} is a share of the training, which needs a length; give "
                f"steps=1000, or {key}=0"
            )
    check_rate(rule.name, rule.divides_by_rate, {**values, "schedule": schedule})
    config = Config(rule.name, dialect, values, schedule, 0)
    numbers, complements = step.prepare(schedule, config.numbers, steps or 1)
    numbers = {**numbers, **traced}
    complements = {**complements, **{k: 1 - v for k, v in traced.items()}}
    numbers, complements = jax.tree.map(jnp.asarray, (numbers, complements))

    def flat(params: Any) -> tuple[list[Any], Any, step.Plan]:
        leaves, tree = jax.tree.flatten(params)
        paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        leaves = [jnp.asarray(leaf) for leaf in leaves]
        if whole := [x for x in leaves if not jnp.issubdtype(x.dtype, jnp.inexact)]:
            raise InputError(
                f"a parameter has the type {whole[0].dtype}, but must have floats; cast it with "
                "astype(jnp.float32)"
            )
        known = [_parameter(path, leaf) for path, leaf in zip(paths, leaves, strict=True)]
        check_parts(known, config.numbers)
        return leaves, tree, step.make_plan(config, known)

    def init(params: Any) -> OptimizerState:
        leaves, _, plan = flat(params)
        memory = step.begin(plan, leaves, numbers, complements)
        return OptimizerState(jnp.zeros((), jnp.int32), memory)

    def update(grads: Any, state: OptimizerState, params: Any) -> tuple[Any, OptimizerState]:
        leaves, tree, plan = flat(params)
        done = state.count.astype(jnp.float32)
        gradients = [jnp.asarray(g) for g in jax.tree.leaves(grads)]
        after, memory = step.step(plan, gradients, leaves, state.memory, done, numbers, complements)
        updates = [new - old for new, old in zip(after, leaves, strict=True)]
        return jax.tree.unflatten(tree, updates), OptimizerState(state.count + 1, memory)

    def shown(params: Any, state: OptimizerState) -> Any:
        leaves, tree, plan = flat(params)
        return jax.tree.unflatten(
            tree, step.shown(plan, leaves, state.memory, numbers, complements)
        )

    return Optimizer(init, update, shown, rule.name)


def _parameter(path: Any, leaf: Any) -> Parameter:
    name = jax.tree_util.keystr(path, simple=True, separator="/")
    words = name.lower()
    if "bias" in words:
        role = "bias"
    elif leaf.ndim < 2:
        role = "norm" if "norm" in words or "scale" in words else "other"
    elif "norm" in words:
        role = "norm"
    elif "embed" in words:
        role = "embedding"
    else:
        role = "head" if "head" in words else "kernel"
    return Parameter(name, tuple(leaf.shape), role)
