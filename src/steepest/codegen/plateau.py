"""The schedule `plateau` as source, beside the optimizer whose learning rate it lowers.

Keras gets its callback and PyTorch its scheduler. Optax' `reduce_on_plateau` counts updates and
scales what they are, which is no learning rate where a rule reads it, so its source has a function
for the end of an epoch: there it is asked for its scale, which sets the rate.
"""

from collections.abc import Iterator

from steepest.codegen.callback_calls import call, torch_plateaus
from steepest.codegen.parts import factors
from steepest.codegen.spelling import checked, literal
from steepest.records import CallbackRecord, Config, TaskFacts
from steepest.rules.plateau import PLATEAU, plateau_of

OPTAX = '''plateau = optax.contrib.reduce_on_plateau(
    factor={factor}, patience={patience}, rtol=0.0, atol={delta}, cooldown={rest}, min_scale={least}
)
seen = plateau.init(jnp.zeros(()))  # of the validation losses


def after_epoch(state, seen, loss):
    """Return both with the learning rate of the next epoch, given the validation loss."""
    _, seen = plateau.update({{}}, seen, value=jnp.asarray(loss))
    return optax.tree_utils.tree_set(state, learning_rate={rate} * seen.scale), seen
'''


def beside(config: Config, task: TaskFacts, framework: str) -> list[str]:
    """Return the lines that follow the optimizer in Keras and PyTorch; none for others, nor for
    another schedule."""
    if framework == "keras":
        return [f"plateau = keras.callbacks.{call(one)}" for one in plateau_of(config, task)]
    if framework == "torch":
        return list(torch_plateau(config, task))
    return []


def torch_plateau(config: Config, task: TaskFacts) -> Iterator[str]:
    """Yield the lines of PyTorch's scheduler, for an `optimizer`; none for another schedule."""
    parts = bool(factors(config))
    for one in plateau_of(config, task):
        if parts and one.min_lr:  # as a share of each group's own rate
            rate = float(checked(config)["learning_rate"])
            one = _with_share(one, one.min_lr / rate)
        yield from torch_plateaus([one], parts)


def _with_share(one: CallbackRecord, share: float) -> CallbackRecord:
    return CallbackRecord(**{**vars(one), "min_lr": share})


def optax_plateau(config: Config, task: TaskFacts) -> str:
    """Return the function that lowers the rate in a state of `inject_hyperparams`."""
    (one,) = plateau_of(config, task)
    return OPTAX.format(
        rate=literal(checked(config)["learning_rate"]),
        delta=literal(one.min_delta or 1e-30),  # it has to be above 0
        patience=one.patience,
        factor=literal(one.factor),
        least=literal(float(checked(config).get("final", 0.0))),
        rest=max(one.cooldown, 1) - 1,  # of Keras' epochs of cooldown the last one counts
    )


def is_plateau(config: Config) -> bool:
    """Return whether the schedule is one."""
    return config.schedule == PLATEAU
