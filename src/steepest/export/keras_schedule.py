"""A learning-rate schedule as Keras source: one of its own where it has it, else a small class."""

from steepest.export import pieces
from steepest.records import Config, TaskFacts


def keras_schedule(config: Config, task: TaskFacts, rate: str) -> tuple[str, list[str]]:
    """Return the learning-rate schedule as an expression, and the class that it may need."""
    n = pieces.schedule_of(config, task.steps)
    module = "keras.optimizers.schedules"
    warmup = n.get("warmup_steps")
    length = pieces.steps(n.get("decay_steps", 1.0))
    if config.schedule == "cosine":
        end = f", alpha={n['final']!r}" if n["final"] else ""
        if warmup:
            text = (
                f"{module}.CosineDecay(\n        0.0, decay_steps={length}{end}, "
                f"warmup_target={rate}, warmup_steps={pieces.steps(warmup)}\n    )"
            )
            return text, []
        return f"{module}.CosineDecay({rate}, decay_steps={length}{end})", []
    if not warmup and config.schedule == "linear":
        end = f"{rate} * {n['final']!r}" if n["final"] else "0.0"
        return (
            f"{module}.PolynomialDecay({rate}, decay_steps={length}, end_learning_rate={end})",
            [],
        )
    if not warmup and config.schedule == "exponential":
        return (
            f"{module}.ExponentialDecay({rate}, decay_steps={length}, decay_rate={n['final']!r})",
            [],
        )
    if not warmup and config.schedule == "step":
        return (
            f"{module}.ExponentialDecay(\n        {rate}, decay_steps="
            f"{pieces.steps(n['drop_steps'])}, decay_rate={n['drop']!r}, staircase=True\n    )",
            [],
        )
    body = {
        "constant": "1.0",
        "linear": f"{1 - n.get('final', 0.0)!r} * (1 - keras.ops.minimum(s / {length}, 1.0)) "
        f"+ {n.get('final')!r}",
        "exponential": f"{n.get('final')!r} ** (s / {length})",
        "step": f"{n.get('drop')!r} ** (s // {pieces.steps(n.get('drop_steps', 1.0))})",
    }[config.schedule]
    w = pieces.steps(float(warmup or 0))
    text = (
        f"class Schedule({module}.LearningRateSchedule):\n"
        f'    """Warm-up in a line, then {config.schedule}."""\n\n'
        "    def __call__(self, step):\n"
        '        step = keras.ops.cast(step, "float32")\n'
        f"        s = keras.ops.maximum(step - {w}, 0.0)\n"
        f"        factor = {body}\n"
        f"        return {rate} * keras.ops.where(step < {w}, step / {w}, factor)\n\n"
        "    def get_config(self):\n        return {}\n"
    )
    return "Schedule()", [text]
