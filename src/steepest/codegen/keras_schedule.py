"""A learning-rate schedule as Keras source: one of its own where it has it, else a small class."""

from steepest.codegen import pieces
from steepest.codegen.spelling import checked, literal
from steepest.records import Config, TaskFacts
from steepest.rules.custom_schedules import OWN_SCHEDULES, is_factor, is_own
from steepest.rules.keras_schedules import scaled

SCALED = '''class Scaled(keras.optimizers.schedules.LearningRateSchedule):
    """Your own schedule, with other rates by one factor."""

    def __call__(self, step):
        return {times} * {name}(step)

    def get_config(self):
        return {{}}
'''


TABLE = '''class Table(keras.optimizers.schedules.LearningRateSchedule):
    """Your own schedule, a rate for each step, as it need not be one that can be compiled."""

    def __call__(self, step):
        place = keras.ops.minimum(keras.ops.cast(step, "int32"), {last})
        return keras.ops.take(keras.ops.convert_to_tensor(RATES, "float32"), place)

    def get_config(self):
        return {{}}
'''


def _brought(config: Config, total: int) -> tuple[str, list[str]]:
    """Return a schedule that is no word: Keras' own class, or a person's object or function."""
    rate = float(checked(config)["learning_rate"])
    if is_factor(config.schedule):
        last = pieces.factor_length(config, total)
        rates = f"RATES = [{literal(rate)} * factor / LARGEST for factor in FACTORS]\n"
        parts = pieces.brought_source(config, total)
        return "Table()", [*parts, rates, TABLE.format(last=last)]
    if not is_own(config.schedule):
        call = scaled(config.schedule, rate)
        given = ", ".join(f"{key}={literal(value)}" for key, value in call.keywords.items())
        return f"keras.optimizers.schedules.{call.name}({given})", []
    name, known = pieces.identifier(config), OWN_SCHEDULES.get(config.schedule)
    times = rate / known.peak if known else 1.0
    parts = pieces.brought_source(config, total)
    if times == 1.0:
        return name, parts
    return "Scaled()", [*parts, SCALED.format(times=times, name=name)]


def keras_schedule(config: Config, task: TaskFacts, rate: str) -> tuple[str, list[str]]:
    """Return the learning-rate schedule as an expression, and the class that it may need."""
    if pieces.brought(config):
        return _brought(config, task.steps)
    n = pieces.schedule_of(config, task.steps)
    module = "keras.optimizers.schedules"
    warmup = n.get("warmup_steps")
    length = pieces.steps(n.get("decay_steps", 1.0))
    if config.schedule == "cosine":
        end = f", alpha={literal(n['final'])}" if n["final"] else ""
        if warmup:
            text = (
                f"{module}.CosineDecay(\n        0.0, decay_steps={length}{end}, "
                f"warmup_target={rate}, warmup_steps={pieces.steps(warmup)}\n    )"
            )
            return text, []
        return f"{module}.CosineDecay({rate}, decay_steps={length}{end})", []
    if not warmup and config.schedule == "linear":
        end = f"{rate} * {literal(n['final'])}" if n["final"] else "0.0"
        return (
            f"{module}.PolynomialDecay({rate}, decay_steps={length}, end_learning_rate={end})",
            [],
        )
    if not warmup and config.schedule == "exponential":
        return (
            f"{module}.ExponentialDecay({rate}, decay_steps={length}, "
            f"decay_rate={literal(n['final'])})",
            [],
        )
    if not warmup and config.schedule == "step":
        return (
            f"{module}.ExponentialDecay(\n        {rate}, decay_steps="
            f"{pieces.steps(n['drop_steps'])}, decay_rate={literal(n['drop'])}, "
            "staircase=True\n    )",
            [],
        )
    body = {
        "constant": "1.0",
        "linear": f"{literal(1 - n.get('final', 0.0))} * (1 - keras.ops.minimum(s / {length}, "
        f"1.0)) + {literal(n.get('final'))}",
        "exponential": f"{literal(n.get('final'))} ** (s / {length})",
        "step": f"{literal(n.get('drop'))} ** (s // {pieces.steps(n.get('drop_steps', 1.0))})",
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
