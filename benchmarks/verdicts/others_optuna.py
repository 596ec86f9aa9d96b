"""Optuna: the TPE sampler, trials trained to the end or stopped by the Hyperband pruner."""

from typing import Any

from benchmarks.verdicts.others import Diary, Search, told
from benchmarks.verdicts.spaces import FEW, OPTIMIZERS, make_config, ranges
from benchmarks.verdicts.training import Run

FACTOR = 3


def tpe(diary: Diary, first: int, name: str) -> Search:
    """Ask for a trial, train it to the end, tell its loss."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=first))
    while not diary.over:
        trial = study.ask()
        run = Run(_suggest(trial, first + trial.number), diary.epochs)
        yield [run]
        diary.spent += diary.epochs
        study.tell(trial, told(run.value))
        diary.note(run, told(run.value))


def tpe_hyperband(diary: Diary, first: int, name: str) -> Search:
    """Ask for a trial, report each epoch, stop where the pruner says so.

    Epochs are reported from 1. The pruner looks at powers of 3 alone, so the epochs between are
    trained in one go and reported one by one. What it would recommend is the best trial that was
    trained to the end, `study.best_trial`.
    """
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        study_name=name,  # which the pruner's brackets depend on
        sampler=optuna.samplers.TPESampler(seed=first),
        pruner=optuna.pruners.HyperbandPruner(
            min_resource=1, max_resource=diary.epochs, reduction_factor=FACTOR
        ),
    )
    count = 0
    while not diary.over:
        trial = study.ask()
        run = Run(_suggest(trial, first + count), 0)
        count += 1
        pruned = False
        while not pruned and run.stop < diary.epochs:
            reported, run.stop = run.stop, _next_look(run.stop, diary.epochs)
            yield [run]
            for epoch in range(reported + 1, run.stop + 1):
                diary.spent += 1
                trial.report(told(run.losses[epoch - 1]), epoch)
                pruned = run.value == float("inf") or trial.should_prune()
                if pruned:
                    break
        if pruned:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
        else:
            study.tell(trial, run.value)
            diary.note(run, run.value)


def _suggest(trial: Any, seed: int) -> Any:
    optimizer = trial.suggest_categorical("optimizer", OPTIMIZERS)
    values = {}
    for name, space in ranges(optimizer, FEW).items():
        low, high = sorted((space.low, space.high))
        if space.complement:
            rest = trial.suggest_float(f"{optimizer} 1-{name}", 1 - high, 1 - low, log=space.log)
            values[name] = 1 - rest
        else:
            values[name] = trial.suggest_float(f"{optimizer} {name}", low, high, log=space.log)
    return make_config(optimizer, values, seed)


def _next_look(done: int, epochs: int) -> int:
    """Return the next epoch at which the pruner may stop a trial, or the last one."""
    look = 1
    while look <= done:
        look *= FACTOR
    return min(look, epochs)
