"""All that was trained, as arrays: what lists, suggestions and figures are computed from."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.atlas import design, store
from benchmarks.atlas.tasks import WORKS
from steepest.records import Config

USUAL = "Adam"
SEEDS = 3  # of an optimizer's better configurations, once its second round is done
CAP = 1.0  # an excess above it, or a divergence, counts as this much where excesses are averaged


@dataclass(frozen=True)
class Rule:
    """An optimizer's configurations on all tasks. What was not trained is NaN."""

    name: str
    configs: tuple[Config, ...]  # of seed 0
    losses: Any  # [configs, tasks]: the mean over seeds; infinite where one diverged
    first: Any  # [configs, tasks]: of seed 0 alone
    seeds: Any  # [configs, tasks]: how many
    training: Any  # [configs, tasks]: of seed 0
    accuracy: Any  # [configs, tasks]: of seed 0
    curves: Mapping[tuple[int, int], Any]  # of seed 0, by config and task

    @cached_property
    def measured(self) -> Any:
        """`[tasks]`: whether the first round is complete."""
        return ~np.isnan(self.first).any(axis=0)

    @cached_property
    def cosine(self) -> Any:
        """`[configs]`: whether the rate falls."""
        return np.array([design.is_cosine(one) for one in self.configs])

    @cached_property
    def line(self) -> tuple[int, ...]:
        """The configurations that differ from the first line's in the rate alone, by their rate."""
        fixed = design.PLANS[self.name].lines[0]
        usual = self.configs[0].hyperparameters
        return self._at({**usual, **fixed}, cosine=False)

    def _at(self, wanted: Mapping[str, Any], *, cosine: bool) -> tuple[int, ...]:
        found = []
        for i, one in enumerate(self.configs):
            values = {**one.hyperparameters, "learning_rate": wanted["learning_rate"]}
            if "final" in values:
                values["final"] = wanted["final"]
            if values == dict(wanted) and bool(self.cosine[i]) == cosine:
                found.append(i)
        rates = [float(self.configs[i].hyperparameters["learning_rate"]) for i in found]
        return tuple(found[i] for i in np.argsort(rates))

    @cached_property
    def rates(self) -> Any:
        """`[line]`: the learning rates of the line, as written."""
        return np.array([self.configs[i].hyperparameters["learning_rate"] for i in self.line])

    @cached_property
    def own_best(self) -> Any:
        """`[tasks]`: the lowest mean among its constant rates with the most seeds."""
        return lowest(self.losses[~self.cosine], self.seeds[~self.cosine])


@dataclass(frozen=True)
class Table:
    """All tasks that something is known of, and all optimizers."""

    tasks: tuple[str, ...]
    facts: tuple[Mapping[str, Any], ...]
    rules: Mapping[str, Rule]

    @cached_property
    def best(self) -> Any:
        """`[tasks]`: the lowest loss of any optimizer with a constant rate."""
        return np.nanmin([rule.own_best for rule in self.rules.values()], axis=0)

    @cached_property
    def families(self) -> Any:
        return np.array([one["family"] for one in self.facts])

    @cached_property
    def series(self) -> Any:
        return np.array([one["series"] for one in self.facts])

    @cached_property
    def weights(self) -> Any:
        """`[tasks]`: of a series, all tasks together count as one."""
        return np.array([1 / np.sum(self.series == one) for one in self.series])

    def excess(self, losses: Any, of: Any = None) -> Any:
        """Return by what share losses `[..., tasks]` lie above the best; NaN where not trained."""
        best = self.best if of is None else of
        with np.errstate(invalid="ignore"):
            return losses / best - 1


def of_tasks(table: Table, kept: Sequence[int]) -> Table:
    """Return the table of some tasks alone, by their places."""
    at, places = list(kept), {t: i for i, t in enumerate(kept)}
    rules = {}
    for name, rule in table.rules.items():
        arrays = {
            key: getattr(rule, key)[:, at]
            for key in ("losses", "first", "seeds", "training", "accuracy")
        }
        curves = {(c, places[t]): one for (c, t), one in rule.curves.items() if t in places}
        rules[name] = replace(rule, **arrays, curves=curves)
    return Table(tuple(table.tasks[t] for t in at), tuple(table.facts[t] for t in at), rules)


def lowest(losses: Any, seeds: Any) -> Any:
    """Return the lowest of each task `[configs, tasks]` among those with the most seeds."""
    usable = np.where(np.isnan(losses), np.inf, losses)
    most = np.where(np.isfinite(usable), seeds, 0).max(axis=0)
    found = np.where(seeds == most, usable, np.inf).min(axis=0)
    return np.where(np.isfinite(found), found, np.nan)


def read(folder: Path = store.DATA, optimizers: Iterable[str] = design.PLANS) -> Table:
    """Read all that was trained of tasks that have Adam, which suggestions are held against.

    An optimizer that nothing is known of is left out.
    """
    kept = [one for name in WORKS if (one := store.load(name, folder))]
    wanted = {store.key_of(one) for one in design.configs(USUAL)}
    kept = [one for one in kept if wanted <= {key for key, seed in one.runs if seed == 0}]
    rules = {}
    for name in optimizers:
        made = _rule(name, kept)
        if made.measured.any():
            rules[name] = made
    names, facts = tuple(one.name for one in kept), tuple(one.facts for one in kept)
    return Table(names, facts, on_equal_terms(rules))


def on_equal_terms(rules: Mapping[str, Rule]) -> dict[str, Rule]:
    """Leave out seeds beyond the first on tasks where not all optimizers have them.

    The lowest of many losses of one seed is lower than the lowest mean of three, so optimizers with
    more seeds would look worse for it.
    """
    behind = [rule.measured & (rule.seeds.max(axis=0) < SEEDS) for rule in rules.values()]
    if not behind:
        return {}
    few = np.any(behind, axis=0)
    return {
        name: replace(
            rule,
            losses=np.where(few, rule.first, rule.losses),
            seeds=np.where(few, np.minimum(rule.seeds, 1), rule.seeds),
        )
        for name, rule in rules.items()
    }


def _rule(name: str, kept: Sequence[store.TaskRuns]) -> Rule:
    every = tuple(design.configs(name))
    at = {store.key_of(one): i for i, one in enumerate(every)}
    shape = len(every), len(kept)
    losses: dict[tuple[int, int], list[float]] = {}
    first, training, accuracy = (np.full(shape, np.nan) for _ in range(3))
    curves = {}
    for t, one in enumerate(kept):
        for run in one.of(name):
            c = at.get(store.key_of(run.config))
            if c is None:
                continue
            losses.setdefault((c, t), []).append(run.loss)
            if run.config.seed == 0:
                first[c, t], training[c, t] = run.loss, run.training
                accuracy[c, t], curves[c, t] = run.accuracy, run.curve
    means, seeds = np.full(shape, np.nan), np.zeros(shape, int)
    for place, some in losses.items():
        means[place], seeds[place] = np.mean(some), len(some)
    return Rule(name, every, means, first, seeds, training, accuracy, curves)
