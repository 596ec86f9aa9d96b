"""Plans of studies, from options as a person gives them."""

from steepest.options import Options
from steepest.plan import make_plan
from steepest.records import TaskFacts


def planned(optimizers, epochs, **asked):
    """Return contestants and settings for a task of so many epochs."""
    facts = TaskFacts("task", "mse", (), 1, 80, 8, 0, epochs, 8)
    return make_plan(Options(optimizers=optimizers, epochs=epochs, **asked), facts)
