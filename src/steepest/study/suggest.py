"""`steepest.suggest`: an optimizer to start with, by the atlas alone, without training."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from steepest.amounts import make_whole
from steepest.priors.atlas import Atlas, load_atlas
from steepest.priors.left_out import Suggested
from steepest.priors.left_out import suggest as suggest_by
from steepest.priors.likeness import shape_of
from steepest.priors.suggestion import Pick
from steepest.records import Config, TaskFacts
from steepest.rules import RULES
from steepest.rules.recipe import completed
from steepest.spaces import Value
from steepest.study.fit_arguments import check_framework
from steepest.tasks.any_task import any_task, is_of_torch

COUNT = 3  # optimizers that are suggested
MEASURED_IN = "keras"  # whose arithmetic and defaults the atlas has
TINY = 1e-6  # an epsilon that is next to nothing
MOST = 20


@dataclass(frozen=True)
class Suggestion:
    """What to start with on a task, and what that rests on: print it."""

    atlas: Atlas
    facts: TaskFacts
    found: Suggested

    @property
    def config(self) -> Config:
        """The first suggestion, in the model's own framework."""
        return self.configs[0]

    @property
    def configs(self) -> tuple[Config, ...]:
        """All suggestions, best first."""
        return tuple(_config(one, self.facts.framework) for one in self.found.picks)

    def code(self, framework: str | None = None) -> str:
        """Return source of the first suggestion, by default for the model's own framework.

        Raises:
            InputError: an unknown framework.
        """
        from steepest.codegen import code

        return code(self.config, self.facts, framework or self.facts.framework)

    def to_dict(self) -> dict[str, Any]:
        """Return the object that `steepest suggest --json` prints."""
        from steepest.reports.suggestion_text import to_dict

        return to_dict(self.atlas, self.found, self.config, self.facts, self.facts.framework)

    def __str__(self) -> str:
        from steepest.reports.suggestion_text import text

        return text(self.atlas, self.found, self.config, self.facts, self.facts.framework)

    def __repr__(self) -> str:
        return f"<Suggestion {self.config.rule} for {self.facts.name}>"


def suggest(
    model: Any,
    x: Any,
    y: Any = None,
    batch_size: int | None = None,
    epochs: int = 10,
    *,
    count: int = COUNT,
    loss: Any = None,
    step: Any = None,
    metrics: Any = None,
    validation_data: Any = None,
    validation_split: float = 0.0,
    steps_per_epoch: int | None = None,
    class_weight: Mapping[int, float] | None = None,
    sample_weight: Any = None,
    name: str | None = None,
) -> Suggestion:
    """Suggest an optimizer to start with, by what was measured on other tasks; trains nothing.

    The answer takes about a second once the framework is imported. It says on how many tasks it
    rests and how often such suggestions were right; `steepest.compare` measures on your own data.

    Args:
        model: as `compare` takes it: a compiled Keras model, or a PyTorch module, its class or a
            function that makes it.
        x: as in `compare`. Nothing of the data counts but how much there is.
        y: labels.
        batch_size: examples a step, 32 by default.
        epochs: the length of a training.
        count: how many optimizers to suggest, best first.
        loss: of a PyTorch module.
        step: instead of it, for batches that are not `(x, y)`.
        metrics: of a PyTorch module.
        validation_data: what is left out of training; it may be left out, as nothing is measured.
        validation_split: the share of the examples that is not trained on.
        steps_per_epoch: batches an epoch, of a stream that does not say.
        class_weight: as in `fit`; not for PyTorch.
        sample_weight: as in `fit`; not for PyTorch.
        name: what to call the task.

    Raises:
        InputError: something given cannot be used.
        TaskError: the model, the data or the two together cannot be trained.
    """
    given = locals()
    torch = is_of_torch(model)
    check_framework(torch, given)
    check_count(count)
    make_whole("epochs", epochs, 1, 1_000_000)
    if validation_data is None and not validation_split:
        validation_data = x if y is None else (x, y)
    own = ("loss", "step", "metrics") if torch else ("class_weight", "sample_weight")
    task = any_task(
        model,
        x,
        y,
        validation_data=validation_data,
        validation_split=validation_split,
        epochs=epochs,
        batch_size=32 if batch_size is None else batch_size,
        steps_per_epoch=steps_per_epoch,
        name=name,
        **{argument: given[argument] for argument in own},
    )
    return run_suggest(task.facts, count)


def check_count(count: int) -> None:
    """Raise `InputError` for a number of suggestions that is none, or too many."""
    make_whole("count", count, 1, MOST)


def run_suggest(facts: TaskFacts, count: int = COUNT) -> Suggestion:
    """Return what to start with on a task of these facts, of what its framework has itself."""
    atlas = load_atlas()
    allowed = [name for name, rule in RULES.items() if rule.dialect(facts.framework).call]
    found = suggest_by(atlas, shape_of(facts), allowed, count)
    picks = tuple(replace(one, values=_spelled(one, facts.framework)) for one in found.picks)
    return Suggestion(atlas, facts, replace(found, picks=picks))


def _spelled(pick: Pick, framework: str) -> dict[str, Value]:
    """Return what differs from the framework's defaults, as it was measured with Keras' ones.

    Two epsilons that are both next to nothing are taken for the same.
    """
    measured = {**RULES[pick.rule].settings(MEASURED_IN), **pick.values}
    usual = RULES[pick.rule].settings(framework)
    return {
        name: value
        for name, value in measured.items()
        if name == "learning_rate"
        or name in pick.values
        or (name in usual and value != usual[name] and not _both_tiny(value, usual[name]))
    }


def _both_tiny(one: Value, other: Value) -> bool:
    return all(isinstance(value, float) and 0 < value <= TINY for value in (one, other))


def _config(pick: Pick, framework: str) -> Config:
    """Return a suggestion as the framework has it, the recipe around the rule included."""
    rule = RULES[pick.rule]
    values = {**rule.settings(framework), **pick.values}
    words = completed(pick.rule, values, rule.dialect(framework).decay, "constant")
    return Config(pick.rule, framework, {**values, **words}, "constant", 0)
