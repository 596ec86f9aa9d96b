"""One step of training, given the gradients: the recipe around a rule.

    accumulate → clip → decay the weights (or add it to the gradients) → the rule, array by array →
    leave out what the gradient speaks against → average the weights

in this order, which is Keras'. Written in the same array functions as the rules, so the engine, the
optimizer that stands on its own, and the pictures of paths all take the same step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from jaxtyping import Shaped

from steepest.records import Config, Parameter, TaskFacts
from steepest.rules import Hyperparameters, Rule, find_rule
from steepest.rules.arrays import Array, filled, turned, where
from steepest.rules.caution import cautious
from steepest.rules.clipping import clipped, widened
from steepest.rules.groups import check_parts, factors_of, part_of, scaled
from steepest.rules.recipe import CLIPS, RECIPE, SCHEDULE_NUMBERS
from steepest.rules.schedules import rate, schedule_numbers
from steepest.rules.transformation import begin_all, maker, update_all

Memory = dict[str, Any]  # "rule", and where the recipe needs it "sum" and "average"
Numbers = Mapping[str, Any]  # scalars: the hyperparameters, and what the schedule runs on
DECAYED = ("kernel", "head", "embedding")
SHARES = ("slow_warmup",)  # hyperparameters that are shares of the training, counted in updates
NO_COMPLEMENT = {
    "decay_steps", "warmup_steps", "drop_steps", *SCHEDULE_NUMBERS, *CLIPS, *SHARES,
}  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """All of a step that is known before the numbers are: what is compiled once.

    `flags[i]` is what the formula reads of array i beside numbers; `decayed[i]` whether weight
    decay falls on it; `factors[i]` the number that its learning rate has as a factor, if one.
    `turned` arrays have their axes in PyTorch's order, `[out, in, ...]`, and the
    formula, whose order is Keras', looks at axes: so it is given them the other way round.
    """

    rule: Rule
    schedule: str
    framework: str
    words: Mapping[str, Any]
    numbers: frozenset[str]
    flags: tuple[Mapping[str, Any], ...]
    decayed: tuple[bool, ...]
    factors: tuple[str | None, ...]
    turned: bool = False

    def has(self, name: str) -> bool:
        """Return whether the recipe has this ingredient."""
        return name in self.numbers or name in self.words


def plan_of(config: Config, facts: TaskFacts) -> Plan:
    """Return the plan of `config`'s steps on the weights of a task.

    Raises:
        InputError: it has a learning rate for a part of the model that is not there.
    """
    check_parts(facts.weights, config.numbers)
    return make_plan(config, facts.weights, facts.framework)


def make_plan(config: Config, parameters: Sequence[Parameter], framework: str = "keras") -> Plan:
    """Return the plan of `config`'s steps on arrays of these kinds, as a framework orders axes."""
    rule = find_rule(config.rule)
    dialect = rule.dialect(config.dialect)
    choices = config.choices
    words = {name: value for name, value in choices.items() if name in RECIPE}
    own = {name: value for name, value in choices.items() if name not in RECIPE}
    static = {**rule.flags, **own, **dialect.fixed, **dialect.twists}
    every = words.get("decay_on") == "all"
    return Plan(
        rule,
        config.schedule,
        config.dialect,
        words,
        frozenset(config.numbers),
        tuple(
            {**static, **(rule.choose(one, static) if rule.choose else {})} for one in parameters
        ),
        tuple(every or one.role in DECAYED for one in parameters),
        factors_of(parameters, config.numbers),
        rule.looks_at_axes and framework == "torch",
    )


def prepare(schedule: str, values: Numbers, total: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the numbers that steps run on and their complements, as float32.

    `values` are floats or float64 `[members]`; `total` are the steps of the whole training. What a
    schedule needs is counted in steps here, in double precision, and so are shares of the training.
    """
    every = {
        **{n: v for n, v in values.items() if n not in SCHEDULE_NUMBERS},
        **schedule_numbers(schedule, values, total),
        **{n: np.multiply(values[n], total) for n in SHARES if n in values},
    }
    members = [np.shape(v) for v in values.values()]
    shape = members[0] if members else ()
    table = every.pop("rates", None)
    wide = {n: np.broadcast_to(np.asarray(v, np.float64), shape) for n, v in every.items()}
    numbers = {n: v.astype(np.float32) for n, v in wide.items()}
    complements = {n: (1 - v).astype(np.float32) for n, v in wide.items() if _has_complement(n)}
    if table is not None:
        numbers["rates"] = table.astype(np.float32)  # [steps], or [members, steps]
    return numbers, complements


def _has_complement(name: str) -> bool:
    return name not in NO_COMPLEMENT and part_of(name) is None


def begin(plan: Plan, weights: Sequence[Array], numbers: Numbers, complements: Numbers) -> Memory:
    """Return what is remembered before the first step."""
    memory: Memory = {}
    if plan.rule.transformation is not None:
        memory["rule"] = begin_all(maker(plan.rule, plan.flags[0]), weights, numbers, plan.factors)
    else:
        memory["rule"] = [
            _begin_one(plan, i, w, numbers, complements) for i, w in enumerate(weights)
        ]
    if plan.has("accumulation"):
        memory["sum"] = [filled(w, 0.0) for w in weights]
    if plan.has("ema"):
        memory["average"] = [w + 0 for w in weights]
    return memory


def _begin_one(
    plan: Plan, i: int, w: Array, numbers: Numbers, complements: Numbers
) -> tuple[Array, ...]:
    w = turned(w) if plan.turned else w
    if plan.rule.begin is None:
        return tuple(filled(w, 0.0) for _ in plan.rule.memory(plan.flags[i]))
    return plan.rule.begin(w, Hyperparameters({**numbers, **plan.flags[i]}, complements))


def step(
    plan: Plan,
    gradients: Sequence[Array],
    weights: Sequence[Array],
    memory: Memory,
    done: Shaped[Any, ""],
    numbers: Numbers,
    complements: Numbers,
) -> tuple[list[Array], Memory]:
    """Return weights and memory after one more batch; `done` batches were before, a float."""
    after: Memory = dict(memory)
    due, updates, count = None, done, int(plan.words.get("accumulation", 1))
    rates = [
        rate(plan.schedule, at, numbers)
        for at in (done, done + count)  # of this update and of the next one
    ]
    if plan.has("accumulation"):
        gathered = [(g + s).astype(s.dtype) for g, s in zip(gradients, memory["sum"], strict=True)]
        due, updates = (done + 1) % count == 0, done // count
        after["sum"] = [where(due, filled(s, 0.0), s) for s in gathered]
        gradients = [s / count for s in gathered]
    gradients = clipped(plan.framework, gradients, numbers)
    numbers = {**numbers, "learning_rate": rates[0], "next_learning_rate": rates[1]}
    numbers |= {name: numbers[name] / count for name in SHARES if name in numbers}
    if plan.rule.transformation is not None:
        moved, after["rule"] = _transformed(plan, gradients, weights, memory["rule"], numbers)
    else:
        each = list(zip(gradients, weights, memory["rule"], strict=True))
        ready = [
            _ready(plan, i, g, w, m, updates + 1, numbers, complements)
            for i, (g, w, m) in enumerate(each)
        ]
        _add_up(plan, ready)
        pairs = [_one(plan, one, w, m) for one, (_, w, m) in zip(ready, each, strict=True)]
        moved, after["rule"] = [w for w, _ in pairs], [m for _, m in pairs]
    if due is not None:
        moved = [where(due, new, old) for new, old in zip(moved, weights, strict=True)]
        after["rule"] = _chosen(due, after["rule"], memory["rule"])
    if plan.has("ema"):
        first = where(updates == 0, done * 0, done * 0 + 1)
        old, new = first * numbers["ema"], 1 - first + first * complements["ema"]
        after["average"] = [
            (old * widened(a, old) + new * widened(w, new)).astype(a.dtype)
            for a, w in zip(memory["average"], moved, strict=True)
        ]
    return moved, after


def shown(
    plan: Plan, weights: Sequence[Array], memory: Memory, numbers: Numbers, complements: Numbers
) -> list[Array]:
    """Return the weights to evaluate: averages where there are any, else those that train."""
    if plan.has("ema"):
        return list(memory["average"])
    if plan.rule.shown is None:
        return list(weights)
    return [
        plan.rule.shown(w, m, Hyperparameters({**numbers, **flags}, complements))
        for w, m, flags in zip(weights, memory["rule"], plan.flags, strict=True)
    ]


def _ready(
    plan: Plan,
    i: int,
    g: Shaped[Any, "*shape"],
    w: Shaped[Any, "*shape"],
    memory: Sequence[Array],
    t: Array,
    numbers: Numbers,
    complements: Numbers,
) -> tuple[Array, Array, Any, Array, Hyperparameters]:
    """Return what the rule's functions take of array i, after weight decay.

    The arithmetic is in the array's type, as Keras has it. In half precision 0.999 is 1: PyTorch
    and Optax have more for the numbers, so there it is in single.
    """
    if plan.framework != "keras" and w.dtype.itemsize < 4:
        w, memory = w.astype("float32"), tuple(m.astype("float32") for m in memory)
    own = {name: v.astype(w.dtype) for name, v in numbers.items()}
    rest = {name: v.astype(w.dtype) for name, v in complements.items()}
    g, t = g.astype(w.dtype), t.astype(w.dtype)
    own, flags = {**scaled(own, plan.factors[i])}, plan.flags[i]
    decay: Any = 0.0
    if plan.has("weight_decay") and plan.decayed[i]:
        decay = own["weight_decay"]
        if plan.words["decay"] == "coupled":
            g, decay = g + decay * w, 0.0
        elif plan.rule.decays_itself is None or not plan.rule.decays_itself(flags):
            w = w - w * decay * own["learning_rate"]
    h = Hyperparameters({**own, **flags, "weight_decay": decay}, rest)
    return (turned(g), turned(w), memory, t, h) if plan.turned else (g, w, memory, t, h)


def _add_up(plan: Plan, ready: Sequence[tuple[Any, ...]]) -> None:
    """Give the rule's functions the sums over all arrays that it asks for."""
    if plan.rule.over_all is not None:
        kind = reduce(np.promote_types, (w.dtype for _, w, *_ in ready))
        parts = [[x.astype(kind) for x in plan.rule.over_all(*one)] for one in ready]
        sums = [sum(column[1:], start=column[0]) for column in zip(*parts, strict=True)]
        for _, w, _, _, h in ready:
            h.sums = tuple(one.astype(w.dtype) for one in sums)


def _one(
    plan: Plan,
    ready: tuple[Any, ...],
    w: Shaped[Any, "*shape"],
    memory: Sequence[Array],
) -> tuple[Shaped[Any, "*shape"], tuple[Array, ...]]:
    """Return one array and its memory after an update, in the types that they had before."""
    new, after = plan.rule.update(*ready)
    if plan.words.get("caution"):
        new = cautious(ready[0], ready[1], new)
    new = turned(new) if plan.turned else new
    if ready[1].dtype != w.dtype:
        after = tuple(a.astype(m.dtype) for a, m in zip(after, memory, strict=True))
        new = new.astype(w.dtype)
    return new, after


def _transformed(
    plan: Plan, gradients: Sequence[Array], weights: Sequence[Array], state: Any, numbers: Numbers
) -> tuple[list[Array], Any]:
    """Return weights and state after one update of a person's own transformation."""
    weights, decay = list(weights), None
    gradients = [g.astype(w.dtype) for g, w in zip(gradients, weights, strict=True)]
    if plan.has("weight_decay") and "weight_decay" not in plan.rule.defaults:
        decay = [numbers["weight_decay"] * d for d in plan.decayed]
    if decay and plan.words["decay"] == "coupled":
        gradients = [g + d * w for g, w, d in zip(gradients, weights, decay, strict=True)]
    elif decay:
        rates = [scaled(numbers, name)["learning_rate"] for name in plan.factors]
        weights = [w - w * d * r for w, d, r in zip(weights, decay, rates, strict=True)]
    make = maker(plan.rule, plan.flags[0])
    updates, state = update_all(make, gradients, state, weights, numbers, plan.factors)
    moved = [(w + u).astype(w.dtype) for w, u in zip(weights, updates, strict=True)]
    if plan.words.get("caution"):
        moved = [cautious(*each) for each in zip(gradients, weights, moved, strict=True)]
    return moved, state


def _chosen(due: Array, new: Any, old: Any) -> Any:
    """Return nested containers of arrays, new where the step was due."""
    if new is None:
        return None
    if isinstance(new, dict):
        return {key: _chosen(due, value, old[key]) for key, value in new.items()}
    if isinstance(new, list | tuple):
        parts = [_chosen(due, a, b) for a, b in zip(new, old, strict=True)]
        return type(new)(*parts) if hasattr(new, "_fields") else type(new)(parts)
    return where(due, new, old)
