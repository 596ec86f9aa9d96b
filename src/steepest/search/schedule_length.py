"""The length of a trial's schedule: a half-length training is a training of its own.

Under a schedule that decays, the rate is still high half-way, and a trial that will be good once it
has fallen looks bad. So a half-length trial has the whole schedule, warm-up included, drawn
together to its length, and what goes on starts anew: it costs a half more than to go on.

A plateau follows from the curve, so a half-length trial is what the whole training begins with, and
goes on from there. On six pairs of task and optimizer (`docs/method.md`) that ranked configurations
better than to halve the patience. Only beside schedules for which trials start anew anyway, a
half-length trial has half the patience.
"""

from dataclasses import replace

from steepest.records import Config, TaskFacts
from steepest.search.search_space import SearchSpace


def with_schedule_length(
    config: Config, space: SearchSpace, facts: TaskFacts, epochs: int
) -> Config:
    """Return `config` with a schedule of so many epochs; the task's where that is the whole.

    A length that the person gave, or has searched, stays.
    """
    if "decay_steps" in (*space.contestant.fixed, *space.ranges):
        return config
    values = {n: v for n, v in config.hyperparameters.items() if n != "decay_steps"}
    if epochs < facts.epochs:
        values["decay_steps"] = float(epochs * facts.steps_per_epoch)
    return replace(config, hyperparameters=values)
