"""The loop that one writes by hand in PyTorch, and the tools around it or in its place."""

import logging
import os
import tempfile
import time
import warnings
from collections.abc import Sequence
from typing import Any

from speed.clock import Run, Stopwatch, further
from speed.works import SEED, Adam, Work

AT_ONCE = 512  # validation rows in a forward pass; more does not make it faster


def run_torch(work: Work, trials: Sequence[Adam]) -> Run:
    """Train the trials one after another; the choice of threads before that does not count."""
    watch = Stopwatch()
    import torch

    import_seconds = watch.lap()
    threads = faster_threads(torch, work, trials[0])
    torch.set_num_threads(threads)
    watch.lap()
    training, validation = torch_data(torch, work)
    accuracy, each, trial_watch = [], [], Stopwatch()
    for adam in trials:
        accuracy.append(train_torch(torch, work, adam, training, validation, work.epochs))
        each.append(trial_watch.lap())
    seconds = watch.lap()
    return Run(
        import_seconds,
        seconds,
        further(each),
        dict(enumerate(accuracy)),
        trial_seconds=each,
        threads=threads,
    )


def run_optuna_loop(work: Work, trials: Sequence[Adam]) -> Run:
    """Let Optuna run the enqueued trials, each the loop."""
    watch = Stopwatch()
    import optuna
    import torch

    import_seconds = watch.lap()
    threads = faster_threads(torch, work, trials[0])
    torch.set_num_threads(threads)
    watch.lap()
    training, validation = torch_data(torch, work)
    accuracy, each, trial_watch = [], [], Stopwatch()

    def objective(trial: Any) -> float:
        adam = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "beta_1": trial.suggest_float("beta_1", 0.5, 0.99),
            "epsilon": trial.suggest_float("epsilon", 1e-9, 1e-2, log=True),
        }
        accuracy.append(train_torch(torch, work, adam, training, validation, work.epochs))
        each.append(trial_watch.lap())
        return accuracy[-1]

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(direction="maximize")
    for adam in trials:
        study.enqueue_trial(adam)
    study.optimize(objective, n_trials=len(trials))
    return Run(
        import_seconds,
        watch.lap(),
        further(each),
        dict(enumerate(accuracy)),
        trial_seconds=each,
        threads=threads,
    )


def run_ray_loop(work: Work, trials: Sequence[Adam]) -> Run:
    """Let Ray Tune run the trials, each the loop on one core, as many at a time as there are cores.

    As in `contenders_keras.run_ray`, a further trial is taken from the waves after the first.
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
        import torch

        torch.set_num_threads(1)
        adam = trials[config["index"]]
        return {"accuracy": train_torch(torch, work, adam, *data, work.epochs)}

    import torch

    ray.init(
        num_cpus=wave, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR
    )
    with tempfile.TemporaryDirectory() as directory:
        tuner = tune.Tuner(
            tune.with_parameters(train, data=torch_data(torch, work)),
            param_space={"index": tune.grid_search(list(range(len(trials))))},
            tune_config=tune.TuneConfig(metric="accuracy", mode="max"),
            run_config=tune.RunConfig(storage_path=directory, verbose=0, callbacks=[Ends()]),
        )
        results = tuner.fit()
        seconds = watch.lap()
    ray.shutdown()
    accuracy = {r.config["index"]: float(r.metrics["accuracy"]) for r in results}
    later = len(ends) - wave
    each = (ends[-1] - ends[wave - 1]) / later if later > 0 else None
    return Run(import_seconds, seconds, each, accuracy, trial_seconds=ends)


def run_lightning(work: Work, trials: Sequence[Adam]) -> Run:
    """Train the trials one after another, each by a `Trainer` of its own, on DataLoaders.

    Without what it writes and prints by default: logs, checkpoints, bars and summaries.
    """
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.filterwarnings("ignore")
    watch = Stopwatch()
    import lightning
    import torch

    import_seconds = watch.lap()
    threads = faster_threads(torch, work, trials[0])
    torch.set_num_threads(threads)
    watch.lap()
    training, validation = (
        torch.utils.data.TensorDataset(*part) for part in torch_data(torch, work)
    )
    loader = torch.utils.data.DataLoader

    class Module(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self, adam: Adam) -> None:
            super().__init__()
            self.adam, self.model = adam, work.torch_model(torch)

        def training_step(self, batch: Any, _: int) -> Any:
            x, y = batch
            return _cross_entropy(torch, self.model(x), y)

        def validation_step(self, batch: Any, _: int) -> None:
            x, y = batch
            logits = self.model(x)
            self.log("loss", _cross_entropy(torch, logits, y))
            self.log("accuracy", (logits.argmax(-1) == y).float().mean(), batch_size=len(x))

        def configure_optimizers(self) -> Any:
            return adam_of(torch, self.model, self.adam)

    accuracy, each, trial_watch = [], [], Stopwatch()
    for adam in trials:
        torch.manual_seed(SEED)
        trainer = lightning.Trainer(
            max_epochs=work.epochs,
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            num_sanity_val_steps=0,
        )
        trainer.fit(
            Module(adam),
            loader(training, work.batch_size, shuffle=True),
            loader(validation, AT_ONCE),
        )
        accuracy.append(float(trainer.callback_metrics["accuracy"]))
        each.append(trial_watch.lap())
    return Run(
        import_seconds,
        watch.lap(),
        further(each),
        dict(enumerate(accuracy)),
        trial_seconds=each,
        threads=threads,
    )


def torch_data(torch: Any, work: Work) -> Any:
    """Return the data as tensors: whole numbers as int64, images with channels first."""

    def tensor(array: Any) -> Any:
        made = torch.from_numpy(array)
        if work.image and made.ndim == 4:
            made = made.permute(0, 3, 1, 2).contiguous()
        return made if made.is_floating_point() else made.long()

    return [[tensor(array) for array in part] for part in work.data()]


def faster_threads(torch: Any, work: Work, adam: Adam) -> int:
    """Return 1 or PyTorch's own number of threads, whichever trains faster, by a short probe."""
    choices: list[int] = sorted({1, torch.get_num_threads()})
    (x, y), (validation_x, validation_y) = torch_data(torch, work)
    training = x[: 16 * work.batch_size], y[: 16 * work.batch_size]
    validation = validation_x[:64], validation_y[:64]
    times: dict[int, list[float]] = {threads: [] for threads in choices}
    for _ in range(3):
        for threads in choices:
            torch.set_num_threads(threads)
            watch = Stopwatch()
            train_torch(torch, work, adam, training, validation, epochs=2)
            times[threads].append(watch.lap())
    return min(choices, key=lambda threads: min(times[threads]))


def train_torch(
    torch: Any, work: Work, adam: Adam, training: Any, validation: Any, epochs: int
) -> float:
    """Train one model; return its accuracy on the validation set.

    Batches are rows of one tensor, as a DataLoader would take longer than the training itself.
    """
    torch.manual_seed(SEED)
    x, y = training
    model = work.torch_model(torch)
    optimizer = adam_of(torch, model, adam)
    curves = []
    for _ in range(epochs):
        total = 0.0
        model.train()
        for rows in torch.randperm(len(x)).split(work.batch_size):
            loss = _cross_entropy(torch, model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            curves.append((total / len(x), *_evaluate(torch, model, validation)))
    return float(curves[-1][-1])


def adam_of(torch: Any, model: Any, adam: Adam) -> Any:
    """Return a trial's Adam."""
    return torch.optim.Adam(
        [parameter for parameter in model.parameters() if parameter.requires_grad],
        lr=adam["learning_rate"],
        betas=(adam["beta_1"], 0.999),
        eps=adam["epsilon"],
    )


def _cross_entropy(torch: Any, logits: Any, y: Any) -> Any:
    return torch.nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())


def _evaluate(torch: Any, model: Any, validation: Any) -> tuple[float, float]:
    """Return the loss and the accuracy of validation."""
    loss = right = 0.0
    for x, y in zip(*(part.split(AT_ONCE) for part in validation), strict=True):
        logits = model(x)
        loss += _cross_entropy(torch, logits, y).item() * len(x)
        right += (logits.argmax(-1) == y).float().mean().item() * len(x)
    return loss / len(validation[0]), right / len(validation[0])
