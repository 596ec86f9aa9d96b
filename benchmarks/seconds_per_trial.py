"""Seconds a trial: Steepest beside KerasTuner, Optuna and a plain PyTorch loop, in one run.

The work is the built-in digits task for 10 epochs: a perceptron 64-128-64-10 with relu, softmax
cross-entropy, batches of 32, the validation set evaluated after every epoch. A trial is one
training from fresh weights to the last epoch, with an Adam of its own (learning rate, beta_1 and
epsilon). All tools are given the same trials; those that take long run only the first of them
(`--slow-trials`), and the table says how many. Nothing is halved or stopped early.

Each tool runs in a process of its own, as they need different Keras backends, one tool at a time:
all of them once, then all once more, and so on. Ratios are taken within a round, so that a
machine that is slow for a minute does not favour anyone.

What is counted, for every tool: all from the imported packages to the last trial's last
evaluation. That is loading the data, building models, tracing, compiling, training, evaluating,
and whatever the tool does by default besides (KerasTuner writes checkpoints and its own records).
What is not counted: starting Python, imports, PyTorch's choice of threads, and the study file
that Steepest writes in a search, as its engine is called as the search calls it, but without a
search around it. TensorFlow is hidden from the tools on JAX, as Keras would import it in the
first `fit`, where that would count.

The columns, in seconds a trial:

- Compile included: all that is counted, divided by the trials that were run. What a tool does
  once, its first trial has to carry, so this depends on how many trials there are.
- Without compile: the same, less what compiling took. Steepest compiles once for all trials, and
  times that itself. For the tools around `fit`, which compile anew in every trial, it is
  estimated: each trial's first epoch minus the median of its later ones. PyTorch's loop compiles
  nothing.
- A further trial: what one more trial costs once the tool is under way. For Steepest that is the
  time in which all trials train, divided by their number; for the others the mean over all trials
  but the first, with the compile that each of them needs. It hardly depends on how many trials
  there are.

Every tool is left to use the cores in its own way: Steepest trains a member on each core, the
others train one trial after another and may split a step over cores. PyTorch trains with 1 thread
or with its default, whichever a short probe finds faster. To hold all tools to one core, run the
script under `taskset -c 0`. Everything runs on the CPU.

The mean final validation accuracy is taken over the trials that every tool ran. It differs a
little as the weights are drawn from different random streams, and shows that all did the same
work.

To repeat it (a few minutes; needs tensorflow-cpu, torch, keras-tuner, six, tensorboard and
optuna, which are the extra `bench`; KerasTuner imports six and tensorboard without asking for
them):

    python benchmarks/seconds_per_trial.py --trials 32 --slow-trials 6 --repeats 3 --json times.json
"""

import contextlib
import importlib.metadata
import importlib.util
import itertools
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import click

EPOCHS, BATCH_SIZE, SEED = 10, 32, 0

Adam = dict[str, float]  # the arguments of keras.optimizers.Adam that a trial sets


@dataclass(frozen=True)
class Run:
    """What one tool needed in one round, as its process tells it."""

    import_seconds: float
    seconds: float  # all trials, compile included
    compile_seconds: float  # part of those
    further_seconds: float | None  # of one more trial; None if there was only one
    accuracy: dict[int, float]  # of validation, after the last epoch, by trial
    trial_seconds: list[float] = field(default_factory=list)  # where trials train in turn
    threads: int | None = None

    @property
    def trials(self) -> int:
        return len(self.accuracy)

    @property
    def per_trial(self) -> float:
        return self.seconds / self.trials

    @property
    def per_trial_without_compile(self) -> float:
        return (self.seconds - self.compile_seconds) / self.trials


@dataclass(frozen=True)
class Tool:
    """A contender: how it is called, and what its process needs."""

    title: str
    run: Callable[[Sequence[Adam]], Run]
    modules: tuple[str, ...]
    backend: str = "jax"
    slow: bool = True  # runs only the first trials


class Stopwatch:
    """Tells the seconds since it was last asked."""

    def __init__(self) -> None:
        self.last = time.perf_counter()

    def lap(self) -> float:
        before, self.last = self.last, time.perf_counter()
        return self.last - before


def make_trials(count: int) -> list[Adam]:
    """Return the trials: points spread evenly over the ranges, and so is every first part of them.

    An additive recurrence (Roberts 2018, "The unreasonable effectiveness of quasirandom
    sequences"), so that it matters little that slow tools run only the first ones. The ranges are
    such that no trial diverges, as Steepest would stop it, and that it makes no difference that
    PyTorch's epsilon is not quite Keras'.
    """
    root = 1.2207440846057596  # of x⁴ = x + 1, for three dimensions
    points = [[(0.5 + i * root**-axis) % 1.0 for axis in (1, 2, 3)] for i in range(count)]
    return [
        {
            "learning_rate": 3e-4 * 100.0**a,
            "beta_1": 1.0 - 0.2 * 0.1**b,
            "epsilon": 1e-8 * 100.0**c,
        }
        for a, b, c in points
    ]


def load_data() -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Return the task's training and validation data, in the types that all frameworks take."""
    from steepest.tasks.samples import _digits_parts

    (x, y), (validation_x, validation_y), _ = _digits_parts(image=False)
    return (x.astype("float32"), y), (validation_x.astype("float32"), validation_y)


def run_steepest(trials: Sequence[Adam]) -> Run:
    """Train all trials in one compiled program, as `steepest.search` does."""
    watch = Stopwatch()
    import keras  # noqa: F401  # the task imports it when it is built, which is counted
    import sklearn.datasets  # noqa: F401  # and this

    from steepest.engines.compiled import compile_program, place
    from steepest.engines.state import begin
    from steepest.records import Config, Population
    from steepest.rules.contestant import contestants
    from steepest.tasks.samples import digits
    from steepest.workers import Job, train

    import_seconds = watch.lap()
    task = digits(epochs=EPOCHS)
    (adam,) = contestants("Adam", len(trials))
    configs = [
        Config(adam.rule, "keras", {**adam.defaults(), **values}, "constant", SEED)
        for values in trials
    ]
    population = Population.of(configs)
    program = compile_program(task, place(task), configs[0])
    job = Job(program, population, begin(task, population), EPOCHS)
    before = watch.lap()
    (slices,) = train([job], lambda planned, trained: None)
    training = watch.lap()
    accuracy = [float(a) for _, measured in slices for a in measured.values["accuracy"][:, -1]]
    return Run(
        import_seconds,
        before + training,
        program.compile_seconds,
        training / len(trials),
        dict(enumerate(accuracy)),
    )


def keras_model(keras: Any, adam: Adam, index: int) -> Any:
    """Return the task's model, compiled with a trial's Adam; its name tells the trial."""
    keras.utils.set_random_seed(SEED)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((64,)),
            layers.Dense(128, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ],
        name=f"trial_{index}",
    )
    model.compile(
        optimizer=keras.optimizers.Adam(**adam),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def further(each: Sequence[float]) -> float | None:
    """Return what a trial took that was not the first."""
    return statistics.fmean(each[1:]) if len(each) > 1 else None


@dataclass
class FitTimes:
    """What a callback saw of many calls of `fit`."""

    started: float = field(default_factory=time.perf_counter)
    epochs: list[list[float]] = field(default_factory=list)  # seconds, by trial
    ends: list[float] = field(default_factory=list)
    accuracy: dict[int, float] = field(default_factory=dict)

    def run(self, import_seconds: float, seconds: float) -> Run:
        extra = [first - statistics.median(rest) for first, *rest in self.epochs]
        each = [end - start for start, end in itertools.pairwise([self.started, *self.ends])]
        compile_seconds = sum(max(0.0, one) for one in extra)
        return Run(import_seconds, seconds, compile_seconds, further(each), self.accuracy, each)


def fit_clock(keras: Any, times: FitTimes) -> Any:
    """Return a callback that writes to `times`, also when it was copied, as KerasTuner does."""

    class FitClock(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_begin(self, logs: Any = None) -> None:
            times.epochs.append([])

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.began = time.perf_counter()

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            times.epochs[-1].append(time.perf_counter() - self.began)
            index = int(self.model.name.removeprefix("trial_"))
            times.accuracy[index] = float(logs["val_accuracy"])

        def on_train_end(self, logs: Any = None) -> None:
            times.ends.append(time.perf_counter())

    return FitClock()


def run_keras_tuner(trials: Sequence[Adam]) -> Run:
    """Let KerasTuner's RandomSearch draw each trial once, on the backend of this process."""
    watch = Stopwatch()
    import keras
    import keras_tuner
    import sklearn.datasets  # noqa: F401

    import_seconds = watch.lap()
    times = FitTimes()
    training, validation = load_data()

    def build(hp: Any) -> Any:
        index = hp.Choice("index", list(range(len(trials))))
        return keras_model(keras, trials[index], index)

    with tempfile.TemporaryDirectory() as directory:
        tuner = keras_tuner.RandomSearch(
            build, objective="val_loss", max_trials=len(trials), seed=SEED, directory=directory
        )
        # It gives up after 20 draws of what it has tried already, and would miss the last trials.
        tuner.oracle._max_collisions = 1000 * len(trials)
        tuner.search(
            *training,
            validation_data=validation,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
            callbacks=[fit_clock(keras, times)],
            verbose=0,
        )
        seconds = watch.lap()
    return times.run(import_seconds, seconds)


def run_optuna(trials: Sequence[Adam]) -> Run:
    """Let Optuna run the enqueued trials, each a call of Keras' `fit`."""
    watch = Stopwatch()
    import keras
    import optuna
    import sklearn.datasets  # noqa: F401

    import_seconds = watch.lap()
    times = FitTimes()
    (x, y), validation = load_data()

    def objective(trial: Any) -> float:
        adam = {
            "learning_rate": trial.suggest_float("learning_rate", 1e-4, 1e-1, log=True),
            "beta_1": trial.suggest_float("beta_1", 0.5, 0.99),
            "epsilon": trial.suggest_float("epsilon", 1e-9, 1e-2, log=True),
        }
        keras.utils.clear_session()  # as in Optuna's own Keras examples
        history = keras_model(keras, adam, trial.number).fit(
            x,
            y,
            validation_data=validation,
            epochs=EPOCHS,
            batch_size=BATCH_SIZE,
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


def run_torch(trials: Sequence[Adam]) -> Run:
    """Train the trials one after another in the loop that one writes by hand."""
    watch = Stopwatch()
    import sklearn.datasets  # noqa: F401
    import torch

    import_seconds = watch.lap()
    threads = faster_threads(torch, trials[0])
    torch.set_num_threads(threads)
    watch.lap()
    training, validation = torch_data(torch)
    accuracy, each, trial_watch = [], [], Stopwatch()
    for adam in trials:
        accuracy.append(train_torch(torch, adam, training, validation, EPOCHS))
        each.append(trial_watch.lap())
    seconds = watch.lap()
    return Run(
        import_seconds, seconds, 0.0, further(each), dict(enumerate(accuracy)), each, threads
    )


def torch_data(torch: Any) -> Any:
    return [[torch.from_numpy(array) for array in part] for part in load_data()]


def faster_threads(torch: Any, adam: Adam) -> int:
    """Return 1 or PyTorch's own number of threads, whichever trains faster."""
    choices: list[int] = sorted({1, torch.get_num_threads()})
    training, validation = torch_data(torch)
    times: dict[int, list[float]] = {threads: [] for threads in choices}
    for _ in range(3):
        for threads in choices:
            torch.set_num_threads(threads)
            watch = Stopwatch()
            train_torch(torch, adam, training, validation, epochs=3)
            times[threads].append(watch.lap())
    return min(choices, key=lambda threads: min(times[threads]))


def train_torch(torch: Any, adam: Adam, training: Any, validation: Any, epochs: int) -> float:
    """Train one model; return its accuracy on the validation set.

    Batches are rows of one tensor, as a DataLoader would take longer than the training itself.
    """
    torch.manual_seed(SEED)
    x, y = training
    model = torch_model(torch)
    optimizer = torch.optim.Adam(
        model.parameters(),
        lr=adam["learning_rate"],
        betas=(adam["beta_1"], 0.999),
        eps=adam["epsilon"],
    )
    cross_entropy = torch.nn.functional.cross_entropy
    curves = []
    for _ in range(epochs):
        total = 0.0
        model.train()
        for rows in torch.randperm(len(x)).split(BATCH_SIZE):
            loss = cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
        model.eval()
        with torch.no_grad():
            output = model(validation[0])
            validation_loss = cross_entropy(output, validation[1]).item()
            accuracy = (output.argmax(1) == validation[1]).float().mean().item()
        curves.append((total / len(x), validation_loss, accuracy))
    return float(curves[-1][-1])


def torch_model(torch: Any) -> Any:
    """Return the task's model, with Keras' initial weights; cross_entropy brings the softmax."""
    nn = torch.nn
    model = nn.Sequential(
        nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    for layer in model:
        if isinstance(layer, nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
    return model


_JAX = ("jax", "jaxlib", "keras", "sklearn")
_KERAS_TUNER = ("keras_tuner", "six", "tensorboard")
TOOLS = {
    "steepest": Tool("Steepest", run_steepest, ("steepest", *_JAX), slow=False),
    "keras-tuner-tensorflow": Tool(
        "KerasTuner, TensorFlow",
        run_keras_tuner,
        (*_KERAS_TUNER, "keras", "tensorflow"),
        backend="tensorflow",
    ),
    "keras-tuner-jax": Tool("KerasTuner, JAX", run_keras_tuner, (*_KERAS_TUNER, *_JAX)),
    "optuna-jax": Tool("Optuna, JAX", run_optuna, ("optuna", *_JAX)),
    "torch": Tool("PyTorch loop", run_torch, ("torch",), slow=False),
}
BASE = "steepest"


def run_here(name: str, count: int) -> None:
    """Run a tool in this process; print what it needed as one line of JSON."""
    if TOOLS[name].backend != "tensorflow":
        sys.modules["tensorflow"] = None  # type: ignore[assignment]  # as if it was not installed
    with contextlib.redirect_stdout(sys.stderr):  # tools may print; standard output is ours
        run = TOOLS[name].run(make_trials(count))
    finite = all(math.isfinite(accuracy) for accuracy in run.accuracy.values())
    if sorted(run.accuracy) != list(range(count)) or not finite:
        raise RuntimeError(f"{name} was to train {count} trials to the end; it gave {run.accuracy}")
    click.echo(json.dumps(asdict(run)))


def run_apart(name: str, count: int) -> Run:
    """Run a tool in a process of its own."""
    environment = {
        **os.environ,
        "KERAS_BACKEND": TOOLS[name].backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    # With a cache on disk, the second round would find what the first one compiled.
    environment.pop("JAX_COMPILATION_CACHE_DIR", None)
    command = [sys.executable, __file__, "--contender", name, "--trials", str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise click.ClickException(f"{TOOLS[name].title} failed:\n{done.stderr[-4000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    found["accuracy"] = {int(index): value for index, value in found["accuracy"].items()}
    return Run(**found)


def modules() -> list[str]:
    return sorted({module for tool in TOOLS.values() for module in tool.modules})


def check_modules() -> None:
    """Say what is missing before anything runs."""
    missing = [module for module in modules() if importlib.util.find_spec(module) is None]
    if missing:
        raise click.ClickException(
            f"these modules are missing: {', '.join(missing)}; they come with the extra `bench`"
        )


def versions() -> dict[str, str]:
    """Return the versions of what was measured, by module."""
    homes = importlib.metadata.packages_distributions()
    return {m: importlib.metadata.version(homes.get(m, [m])[0]) for m in modules()}


def per_trial(run: Run) -> float:
    return run.per_trial


def ratios(
    rounds: Sequence[dict[str, Run]], name: str, value: Callable[[Run], float | None] = per_trial
) -> list[float | None]:
    """Return how many times Steepest's value the tool's is, round by round."""
    pairs = [(value(runs[name]), value(runs[BASE])) for runs in rounds]
    return [mine / base if mine and base else None for mine, base in pairs]


def number(value: float) -> str:
    """Return a number with about as many digits as such a measurement carries."""
    return f"{value:.3f}" if value < 1 else f"{value:.2f}" if value < 10 else f"{value:.0f}"


def spread(values: Sequence[float | None]) -> str:
    """Return the median, and minimum and maximum where there are several values."""
    known = [value for value in values if value is not None]
    if not known:
        return "–"
    median = number(statistics.median(known))
    if len(known) == 1:
        return median
    return f"{median}\n{number(min(known))}–{number(max(known))}"


def further_seconds(run: Run) -> float | None:
    return run.further_seconds


def row(rounds: Sequence[dict[str, Run]], name: str, shared: int) -> list[str]:
    """Return what the table says of a tool."""
    runs = [found[name] for found in rounds]
    accuracy = statistics.fmean(run.accuracy[i] for run in runs for i in range(shared))
    return [
        f"{TOOLS[name].title}\n{runs[0].trials} trials",
        spread([run.per_trial for run in runs]),
        "1" if name == BASE else spread(ratios(rounds, name)),
        spread([run.per_trial_without_compile for run in runs]),
        spread([run.further_seconds for run in runs]),
        "1" if name == BASE else spread(ratios(rounds, name, further_seconds)),
        f"{accuracy:.3f}",
    ]


def render(rounds: Sequence[dict[str, Run]]) -> Any:
    """Return the table of all tools."""
    from rich import box
    from rich.table import Table

    shared = min(run.trials for run in rounds[0].values())
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    table = Table(
        title=f"Seconds a trial: digits, {EPOCHS} epochs, {cores} cores",
        caption=f"Rounds: {len(rounds)}; median, and minimum–maximum of several. Ratios are taken "
        "within a round. Tools with fewer trials ran the first ones of the same list, and their "
        "first trial carries more of what is done once. A further trial: one more, once the tool "
        "is under way. Compile is timed for Steepest and estimated for Keras' fit. Accuracy: of "
        f"validation after the last epoch, mean of the {shared} trials that all ran.",
        caption_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
    )
    table.add_column("Tool", no_wrap=True)
    for heading in (
        "Compile\nincluded",
        "×\nSteepest",
        "Without\ncompile",
        "A further\ntrial",
        "×\nSteepest",
        "Accuracy",
    ):
        table.add_column(heading, justify="right", no_wrap=True)
    for name in TOOLS:
        table.add_row(*row(rounds, name, shared))
    return table


def to_dict(rounds: Sequence[dict[str, Run]]) -> dict[str, Any]:
    """Return all numbers, and what they were measured with."""
    others = [name for name in TOOLS if name != BASE]
    return {
        "epochs": EPOCHS,
        "batch_size": BATCH_SIZE,
        "trials": make_trials(max(run.trials for run in rounds[0].values())),
        "machine": {
            "machine": platform.machine(),
            "system": platform.system(),
            "cores": os.cpu_count(),
            "python": platform.python_version(),
        },
        "versions": versions(),
        "rounds": [
            {
                name: {**asdict(run), "trials": run.trials, "seconds_per_trial": run.per_trial}
                for name, run in runs.items()
            }
            for runs in rounds
        ],
        "ratios": {
            name: {
                "compile_included": ratios(rounds, name),
                "further_trial": ratios(rounds, name, further_seconds),
            }
            for name in others
        },
    }


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--trials", type=click.IntRange(1), default=32, show_default=True)
@click.option(
    "--slow-trials",
    type=click.IntRange(1),
    default=6,
    show_default=True,
    help="How many of the trials the tools run that are based on Keras' fit.",
)
@click.option("--repeats", type=click.IntRange(1), default=3, show_default=True, help="Rounds.")
@click.option("--json", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write here.")
@click.option("--contender", type=click.Choice(list(TOOLS)), hidden=True)
def main(
    trials: int, slow_trials: int, repeats: int, file: Path | None, contender: str | None
) -> None:
    """Measure seconds a trial of Steepest, KerasTuner, Optuna and a PyTorch loop, side by side."""
    if contender:
        run_here(contender, trials)
        return
    check_modules()
    from rich.console import Console

    rounds: list[dict[str, Run]] = []
    for number in range(repeats):
        rounds.append({})
        for name, tool in TOOLS.items():
            run = run_apart(name, min(slow_trials, trials) if tool.slow else trials)
            rounds[-1][name] = run
            click.echo(
                f"round {number + 1} of {repeats}: {tool.title}: {run.per_trial:.3f} s a trial "
                f"({run.trials} trials in {run.seconds:.1f} s, imports {run.import_seconds:.1f} s)",
                err=True,
            )
        if file:
            file.write_text(json.dumps(to_dict(rounds), indent=2) + "\n")
    Console(width=None if sys.stdout.isatty() else 100).print(render(rounds))


if __name__ == "__main__":
    main()
