"""A learning-rate schedule as Optax source: a function from updates to the learning rate."""

from steepest.codegen import pieces
from steepest.codegen.spelling import checked, literal
from steepest.records import Config, TaskFacts
from steepest.rules.custom_schedules import is_factor


def optax_schedule(config: Config, task: TaskFacts) -> tuple[str, list[str]]:
    """Return the name of the schedule, or nothing where the rate is constant, and its source."""
    if not pieces.changes(config, task.steps):
        return "", []
    if pieces.brought(config):
        return "learning_rate", _table(config, task)
    n, rate = pieces.schedule_of(config, task.steps), literal(checked(config)["learning_rate"])
    length = pieces.steps(n.get("decay_steps", 1.0))
    after = {
        "constant": f"optax.constant_schedule({rate})",
        "linear": f"optax.linear_schedule({rate}, {rate} * {literal(n.get('final'))}, {length})",
        "cosine": f"optax.cosine_decay_schedule({rate}, {length}, alpha={literal(n.get('final'))})",
        "exponential": f"optax.exponential_decay({rate}, {length}, {literal(n.get('final'))})",
        "step": f"optax.exponential_decay({rate}, "
        f"{pieces.steps(n.get('drop_steps', 1.0))}, {literal(n.get('drop'))}, staircase=True)",
    }[config.schedule]
    if "warmup_steps" in n:
        w = pieces.steps(n["warmup_steps"])
        after = (
            "optax.join_schedules(\n"
            f"    [\n        optax.linear_schedule(0.0, {rate}, {w}),\n        {after},\n    ],\n"
            f"    [{w}],\n)"
        )
    count = checked(config).get("accumulation")
    if not count:
        return "learning_rate", [f"learning_rate = {after}\n"]
    return "learning_rate", [
        f"by_batch = {after}\n",
        "def learning_rate(update):  # the schedule counts batches, of which an update takes "
        f"{count}\n    return by_batch(update * {count} + {int(count) - 1})\n",
    ]


def _table(config: Config, task: TaskFacts) -> list[str]:
    """Return the rates of a schedule that is no word, each step's of the training."""
    count = int(checked(config).get("accumulation", 1))
    rate, each = f"float({pieces.brought_rate(config)})", f"step in range({task.steps + 1})"
    if is_factor(config.schedule):
        rate = f"{literal(checked(config)['learning_rate'])} * "
        rate += pieces.brought_factor(config, task.steps)
    # The schedule counts batches, of which an update may take several.
    batch = "update" if count == 1 else f"(update * {count} + {count - 1})"
    return [
        *pieces.brought_source(config, task.steps),
        f"RATES = jnp.array([{rate} for {each}])\n",
        f"def learning_rate(update):\n    return RATES[jnp.minimum({batch}, {task.steps})]\n",
    ]
