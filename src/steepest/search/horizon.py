"""Schedules and halving: a rung judges trials whose schedule ends there.

Under a schedule that decays, the rate is still high at an early rung, and a trial that will be good
once it has fallen looks bad. So each rung trains anew from the start, with the whole schedule,
warm-up included, drawn together to the rung's length. It costs a half more than to go on, and the
rungs are little trainings of the kind that is asked about.
"""

from dataclasses import replace

from steepest.records import Config, TaskFacts
from steepest.search.ground import Ground


def with_horizon(config: Config, ground: Ground, facts: TaskFacts, epochs: int) -> Config:
    """Return `config` with a schedule of so many epochs; its own where that is the whole.

    A length that the person gave, or has searched, stays.
    """
    if "decay_steps" in (*ground.contestant.fixed, *ground.space):
        return config
    values = {n: v for n, v in config.hyperparameters.items() if n != "decay_steps"}
    if epochs < facts.epochs:
        values["decay_steps"] = float(epochs * facts.steps_per_epoch)
    return replace(config, hyperparameters=values)
