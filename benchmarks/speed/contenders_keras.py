"""The tools around Keras' `fit`, on the backend of this process."""

import logging
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

from speed.clock import FitTimes, Run, Stopwatch, fit_clock
from speed.works import SEED, Adam, Work


def hide_tensorflow() -> None:
    """Make TensorFlow look as if it was not installed, unless it is the backend.

    Keras on another backend would import it in the first `fit`, where that would count.
    """
    if os.environ.get("KERAS_BACKEND") != "tensorflow":
        sys.modules["tensorflow"] = None  # type: ignore[assignment]


def run_keras_tuner(work: Work, trials: Sequence[Adam]) -> Run:
    """Let KerasTuner's RandomSearch draw each trial once."""
    watch = Stopwatch()
    import keras
    import keras_tuner

    import_seconds = watch.lap()
    times = FitTimes()
    training, validation = work.data()

    def build(hp: Any) -> Any:
        index = hp.Choice("index", list(range(len(trials))))
        keras.utils.set_random_seed(SEED)
        return work.compiled(keras, trials[index], f"trial_{index}")

    with tempfile.TemporaryDirectory() as directory:
        tuner = keras_tuner.RandomSearch(
            build, objective="val_loss", max_trials=len(trials), seed=SEED, directory=directory
        )
        # It gives up after 20 draws of what it has tried already, and would miss the last trials.
        tuner.oracle._max_collisions = 1000 * len(trials)
        tuner.search(
            *training,
            validation_data=validation,
            epochs=work.epochs,
            batch_size=work.batch_size,
            callbacks=[fit_clock(keras, times)],
            verbose=0,
        )
        seconds = watch.lap()
    return times.run(import_seconds, seconds)


def run_optuna(work: Work, trials: Sequence[Adam]) -> Run:
    """Let Optuna run the enqueued trials, each a call of `fit`."""
    watch = Stopwatch()
    import keras
    import optuna

    import_seconds = watch.lap()
    times = FitTimes()
    (x, y), validation = work.data()

    def objective(trial: Any) -> float:
        adam = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "beta_1": trial.suggest_float("beta_1", 0.5, 0.99),
            "epsilon": trial.suggest_float("epsilon", 1e-9, 1e-2, log=True),
        }
        keras.utils.clear_session()  # as in Optuna's own Keras examples
        keras.utils.set_random_seed(SEED)
        history = work.compiled(keras, adam, f"trial_{trial.number}").fit(
            x,
            y,
            validation_data=validation,
            epochs=work.epochs,
            batch_size=work.batch_size,
            callbacks=[fit_clock(keras, times)],
            verbose=0,
        )
        return float(history.history["val_loss"][-1])

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="minimize")
    for adam in trials:
        study.enqueue_trial(adam)
    study.optimize(objective, n_trials=len(trials))
    seconds = watch.lap()
    if [trial.params for trial in study.trials] != list(trials):
        raise RuntimeError("Optuna did not run the trials that it was given")
    return times.run(import_seconds, seconds)


def run_ray(work: Work, trials: Sequence[Adam]) -> Run:
    """Let Ray Tune run the trials, each on one core, as many at a time as there are cores.

    That is what `tune.Tuner` does by itself. `ray.init` and the imports of Ray's own processes
    count, as they are part of every search with it. A further trial: the time from the end of the
    first wave to that of the last one, by trial of the later waves.
    """
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_AIR_NEW_OUTPUT"] = "0"
    watch = Stopwatch()
    import ray
    from ray import tune

    import_seconds = watch.lap()
    started, wave = time.perf_counter(), len(os.sched_getaffinity(0))
    ends: list[float] = []

    class Ends(tune.Callback):  # type: ignore[misc]
        def on_trial_complete(self, iteration: int, trials: Any, trial: Any, **info: Any) -> None:
            ends.append(time.perf_counter() - started)

    def train(config: dict[str, Any], data: Any) -> dict[str, float]:
        hide_tensorflow()
        import keras

        keras.utils.set_random_seed(SEED)
        (x, y), validation = data
        history = work.compiled(keras, trials[config["index"]]).fit(
            x,
            y,
            validation_data=validation,
            epochs=work.epochs,
            batch_size=work.batch_size,
            verbose=0,
        )
        return {name: float(values[-1]) for name, values in history.history.items()}

    ray.init(
        num_cpus=wave, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    with tempfile.TemporaryDirectory() as directory:
        tuner = tune.Tuner(
            tune.with_parameters(train, data=work.data()),
            param_space={"index": tune.grid_search(list(range(len(trials))))},
            tune_config=tune.TuneConfig(metric="val_loss", mode="min"),
            run_config=tune.RunConfig(storage_path=directory, verbose=0, callbacks=[Ends()]),
        )
        results = tuner.fit()
        seconds = watch.lap()
    ray.shutdown()
    accuracy = {r.config["index"]: float(r.metrics["val_accuracy"]) for r in results}
    later = len(ends) - wave
    each = (ends[-1] - ends[wave - 1]) / later if later > 0 else None
    return Run(import_seconds, seconds, each, accuracy, trial_seconds=ends)


def whole_waves(count: int) -> int:
    """Return how many trials Ray is given instead of `count`: full waves, two at least."""
    wave = len(os.sched_getaffinity(0))
    return wave * max(2, -(-count // wave))
