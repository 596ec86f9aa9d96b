"""Steepest's search with Optuna's TPE in the place of its model: halving by the loss at the rung,
new trials asked of TPE, the best trial confirmed."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from unittest import mock

import optuna

from steepest.records import Study
from steepest.search.ground import Ground, Values
from steepest.search.later import searched


@contextmanager
def instead() -> Iterator[None]:
    """Let the search do without its model while this lasts."""
    places = "steepest.search"
    with (
        mock.patch(f"{places}.later.fit", return_value=None),
        mock.patch(f"{places}.confirm.fit", return_value=None),
        mock.patch(f"{places}.loop.later", later),
    ):
        yield


def later(
    study: Study, grounds: Mapping[str, Ground], models: Mapping[str, Any], count: int
) -> dict[str, list[Values]]:
    """Return what TPE asks for. Trials that are shorter come in as pruned, as it ranks those."""
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    return {name: _asked(study, grounds[name], count) for name in models}


def _asked(study: Study, ground: Ground, count: int) -> list[Values]:
    tried = searched(study, ground.contestant.name)
    furthest = max(trial.epochs for trial in tried)
    names = list(ground.space)
    sides: dict[str, Any] = {n: optuna.distributions.FloatDistribution(0.0, 1.0) for n in names}
    with warnings.catch_warnings(action="ignore"):  # it calls two options experimental
        sampler = optuna.samplers.TPESampler(
            n_startup_trials=1, multivariate=True, constant_liar=True, seed=study.settings.seed
        )
    model = optuna.create_study(sampler=sampler)
    for trial in tried:
        point = ground.point(trial.config.hyperparameters)
        if point is None or not all(0 <= u <= 1 for u in point):
            continue
        score, done = min(study.settings.score(trial), 1e9), trial.epochs == furthest
        state = optuna.trial.TrialState.COMPLETE if done else optuna.trial.TrialState.PRUNED
        model.add_trial(
            optuna.trial.create_trial(
                params=dict(zip(names, point, strict=True)),
                distributions=sides,
                value=score if done else None,
                intermediate_values={} if done else {trial.epochs: score},
                state=state,
            )
        )
    asked = [model.ask(sides) for _ in range(count)]
    return [ground.values([one.params[name] for name in names]) for one in asked]
