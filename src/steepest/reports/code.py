"""The line of code to paste, which then does what was measured."""

from steepest.records import Config, Study
from steepest.rules import RULES
from steepest.spaces import Value


def call(config: Config, framework: str = "keras") -> tuple[str, dict[str, Value]]:
    """Return the constructor that `framework` calls for `config`, and its arguments.

    Numbers are given in full, so that what is built is what was measured.
    """
    dialect = RULES[config.rule].dialects[framework]
    values = {dialect.arguments[name]: config.hyperparameters[name] for name in dialect.arguments}
    return dialect.call, values


def code(config: Config, study: Study, framework: str = "keras") -> str:
    """Return source that builds the optimizer of `config`, learning-rate schedule included."""
    name, values = call(config, framework)
    if config.schedule == "constant":
        arguments = [f"{key}={value!r}" for key, value in values.items()]
    else:
        rate, steps = values.pop("learning_rate"), total_steps(study)
        arguments = [
            f"learning_rate=keras.optimizers.schedules.CosineDecay({rate!r}, decay_steps={steps})",
            *(f"{key}={value!r}" for key, value in values.items()),
        ]
    inner = "".join(f"    {argument},\n" for argument in arguments)
    return f"import keras\n\noptimizer = {name}(\n{inner})\n"


def total_steps(study: Study) -> int:
    """Return the steps of one full training, over which a schedule runs."""
    return study.task.steps_per_epoch * study.task.epochs
