"""KerasTuner: its Hyperband oracle, asked and told as its tuner does it."""

from typing import Any

from benchmarks.verdicts.others import Diary, Search, told
from benchmarks.verdicts.spaces import FEW, OPTIMIZERS, make_config, ranges
from benchmarks.verdicts.training import Run

FACTOR = 3


def hyperband(diary: Diary, first: int, name: str) -> Search:
    """Ask the oracle for a trial, train it from where its predecessor stood, tell the loss.

    Brackets follow each other until the budget is spent, as with as many `hyperband_iterations`.
    What it would recommend is `get_best_hyperparameters`: the best loss of all trials, also of
    those that were trained for a few epochs only. Only the epochs that a trial adds are counted.
    """
    import keras_tuner

    class Oracle(keras_tuner.oracles.HyperbandOracle):  # type: ignore[misc, name-defined]
        """The oracle, which keeps nothing on disk."""

        def save(self) -> None:
            pass

        def _save_trial(self, trial: Any) -> None:
            pass

    space = keras_tuner.HyperParameters()
    choice = space.Choice("optimizer", list(OPTIMIZERS))
    assert choice in OPTIMIZERS
    for optimizer in OPTIMIZERS:
        with space.conditional_scope("optimizer", [optimizer]):
            for key, low, high, log in _scales(optimizer):
                space.Float(key, low, high, sampling="log" if log else "linear")
    oracle = Oracle(
        objective=keras_tuner.Objective("val_loss", "min"),
        max_epochs=diary.epochs,
        factor=FACTOR,
        hyperband_iterations=None,
        seed=first,
        hyperparameters=space,
        max_consecutive_failed_trials=10**9,
    )
    oracle.verbose = 0
    runs: dict[str, Run] = {}
    while not diary.over:
        trials = _round(oracle)
        for trial in trials:
            values = trial.hyperparameters.values
            if "tuner/trial_id" in values:
                before = runs[values["tuner/trial_id"]]
                run = Run(before.config, values["tuner/epochs"])
            else:
                run = Run(_config(values, first + len(runs)), values["tuner/epochs"])
            runs[trial.trial_id] = run
        yield [runs[trial.trial_id] for trial in trials]
        for trial in trials:
            run = runs[trial.trial_id]
            diary.spent += run.stop - trial.hyperparameters.values["tuner/initial_epoch"]
            oracle.update_trial(trial.trial_id, {"val_loss": told(run.value)})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            diary.note(run, told(run.value))
            diary.note_complete(run, told(run.value))


def _round(oracle: Any) -> list[Any]:
    """Return the trials of a bracket's next round.

    Asked for at once, as none depends on another's loss: they are those that the oracle gives when
    each is told before the next is asked for.
    """
    trials = [oracle.create_trial("0")]
    values = trials[0].hyperparameters.values
    size = oracle._get_size(values["tuner/bracket"], values["tuner/round"])
    trials += [oracle.create_trial(str(i)) for i in range(1, size)]
    if any(trial.status != "RUNNING" for trial in trials):
        raise RuntimeError(f"the oracle says {[trial.status for trial in trials]}")
    return trials


def _scales(optimizer: str) -> list[tuple[str, float, float, bool]]:
    """Return name, low, high and whether it is logarithmic, of what an optimizer tunes."""
    found = []
    for name, space in ranges(optimizer, FEW).items():
        low, high = sorted((space.low, space.high))
        if space.complement:
            found.append((f"{optimizer} 1-{name}", 1 - high, 1 - low, space.log))
        else:
            found.append((f"{optimizer} {name}", low, high, space.log))
    return found


def _config(values: dict[str, Any], seed: int) -> Any:
    optimizer = values["optimizer"]
    chosen = {}
    for name, space in ranges(optimizer, FEW).items():
        kept = f"{optimizer} 1-{name}" if space.complement else f"{optimizer} {name}"
        chosen[name] = 1 - values[kept] if space.complement else values[kept]
    return make_config(optimizer, chosen, seed)
