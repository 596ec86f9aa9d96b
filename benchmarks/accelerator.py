"""Populations on an accelerator: are they right, how fast are they, and where does the time go?

    python benchmarks/accelerator.py --json accelerator.json
    python benchmarks/accelerator.py --works digits-mlp,text-lstm --sizes 32,128

One command, at most 8 minutes on one GPU, and nothing from a network: where a data set is not on
the machine, random data of its shapes takes its place, and the table says so. On a CPU it runs a
small version of itself.

For each work (speed/works.py, and a perceptron of 1024-1024), in this order:

- trials: seconds a trial of Adam for so many members at a time, from fresh weights to curves and
  states on the host, through `workers.local.train`, as a search does it. The first call is warm-up;
  of the others, the fastest.
- executing: what of that time the compiled program runs; the least that it reads and writes: each
  step, the weights and what the rule remembers, and the gradients twice.
- together: members of three optimizers by a program each, and by one program in one call, where
  the engine would do so; seconds of both, in turn, and of compiling.
- repeat: whether members train to the same bits a second time, and how many times as long it takes
  with XLA's deterministic operations.
- right: two members beside Keras' own `fit` on the same batches: the largest relative difference of
  the validation loss, after the first and after the last epoch. Its seconds a trial are Keras'.
- torch: the same trial as a PyTorch loop, and with each step as a CUDA graph.

Then `steepest compare --budget quick` on built-in tasks, cold and with the programs it left.

Work is done in a process of its own. On an accelerator the next one imports and compiles meanwhile,
the programs of all sizes at the same time, so "compile" is what one took beside others. Each part
has a time limit; a part that fails or passes it is noted, and the rest goes on. Results are written
as they come.
"""

import argparse
import concurrent.futures
import contextlib
import dataclasses
import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
SIZES = (1, 8, 32, 128, 512)
WORKS = (
    "digits-mlp", "transformer", "mlp-1024", "fashion-cnn", "text-lstm", "tabular-mlp", "digits-cnn"
)  # fmt: skip
PART_SECONDS = 75.0  # a part of a work
WORK_SECONDS = 25.0  # after which a work tries no further size
COMPARE_SECONDS = 25.0  # that are kept for each `compare`
ALL_SECONDS = 470.0
FIRST_SIZES = (128, 512, 1, 32)  # in this order; then the others
COMPARED = ("digits", "text")
DETERMINISTIC = {"xla_gpu_deterministic_ops": True}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--works", default="", help=f"of {','.join(WORKS)}")
    add("--sizes", default="", help="members at a time, such as 8,128")
    add("--parts", default=",".join(PARTS), help="of %(default)s; machine for one work alone")
    add("--work-seconds", type=float, default=WORK_SECONDS, help="then a work tries no more sizes")
    add("--compare", default=None, help="built-in tasks to compare on; '' for none")
    add("--limit", type=float, default=ALL_SECONDS, help="seconds for all")
    add("--json", type=Path, help="write results here, as they come")
    add("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# The process that works: a line of JSON for each part that begins, and for each that ends.


def say(**told: Any) -> None:
    print("@@" + json.dumps(told), flush=True)


# What is to be trained in this process, by name of the work.
READY: dict[str, "Ready"] = {}


@dataclasses.dataclass
class Ready:
    """A work with its programs, compiled for so many members at a time."""

    work: Any
    source: str
    task: Any
    engine: Any
    flops: int  # of the products of a trial
    programs: dict[int, tuple[Any, float]]  # and the seconds that compiling took
    repeatable: Any  # the engine and program with XLA's deterministic operations


def ready(name: str, given: argparse.Namespace) -> Ready:
    """Return a work with all that is compiled of it."""
    if name not in READY:
        READY[name] = prepare(name, [int(size) for size in given.sizes.split(",")], given)
    return READY[name]


def prepare(name: str, sizes: Sequence[int], given: argparse.Namespace) -> Ready:
    import jax
    from speed.flops import _products
    from speed.population import make_task, one_step
    from speed.works import make_trials

    from steepest.engines import make_engine

    work, source = find_work(name)
    task = make_task(work)
    engine: Any = make_engine(task)
    shared = engine.shared
    _, gradient, (weights, _, variables, batch, _) = one_step(task, make_trials(1)[0])
    flops = _products(jax.make_jaxpr(gradient)(weights, variables, batch).jaxpr) * task.facts.steps

    def compiled(size: int, more: dict[str, Any]) -> tuple[Any, Any, float]:
        own: Any = make_engine(task)
        if not on_cpu():
            own.lockstep = True  # as it is asked for, and nothing is measured first
        own.shared = dataclasses.replace(shared, options={**(shared.options or {}), **more} or None)
        started = time.perf_counter()
        program = own.prepare({"adam": configs_of(size)[0]}, size * task.facts.epochs)["adam"]
        return own, program, time.perf_counter() - started

    wanted: list[tuple[int, dict[str, Any]]] = [(size, {}) for size in sizes]
    if not on_cpu() and "repeat" in given.parts:
        wanted.append((repeated(sizes), DETERMINISTIC))
    with concurrent.futures.ThreadPoolExecutor(1 if on_cpu() else len(wanted)) as pool:
        made = list(pool.map(lambda one: compiled(*one), wanted))
    programs = {size: one[1:] for size, one in zip(sizes, made, strict=False)}
    return Ready(work, source, task, engine, flops, programs, (*made, None)[len(sizes)])


def repeated(sizes: Sequence[int]) -> int:
    return 128 if 128 in sizes else max(sizes)


def work_through(given: argparse.Namespace) -> None:
    """Get the works ready, wait for the turn, and do the parts in the order of the command line."""
    works, parts = given.works.split(","), given.parts.split(",")
    if {"trials", "together", "repeat", "right"} & set(parts):
        for name in works:
            with contextlib.suppress(Exception):  # the part that needs it says what is wrong
                ready(name, given)
    if "torch" in parts:
        with contextlib.suppress(ImportError):
            import torch  # noqa: F401
    say(ready=works)
    sys.stdin.readline()
    for name in works:
        for part in parts:
            say(begins=[name, part])
            started = time.perf_counter()
            try:
                found = PARTS[part](name, given)
            except Exception as error:
                text = f"{type(error).__name__}: {error}".strip()
                found = {"error": " ".join(text.split())[:400]}
            say(ends=[name, part], found=found, took=time.perf_counter() - started)


def find_work(name: str) -> tuple[Any, str]:
    """Return a work whose data is on this machine, or random data of the same shapes."""
    from dataclasses import replace

    from speed import data, models_keras
    from speed.works import WORKS as KNOWN
    from speed.works import Work

    if name == "mlp-1024":
        work = Work(
            "Digits, MLP 1024-1024",
            lambda keras, name: models_keras.perceptron(keras, 64, (1024, 1024), 10, name),
            lambda torch: torch.nn.Sequential(
                torch.nn.Linear(64, 1024), torch.nn.ReLU(), torch.nn.Linear(1024, 1024),
                torch.nn.ReLU(), torch.nn.Linear(1024, 10),
            ),
            data.digits, 10, 32,
        )  # fmt: skip
    else:
        work = KNOWN[name]
    if on_cpu():
        work = replace(work, epochs=2)
    missing = (SystemExit, Exception)
    if name == "fashion-cnn":  # which Keras would download
        with contextlib.suppress(ImportError):
            import keras

            keras.datasets.fashion_mnist.load_data = no_download
    try:
        parts: Any = work.data()
        source = "real"
    except missing:
        parts, source = made_up(name), "random"
    if on_cpu():
        parts = [(x[:320], y[:320]) for x, y in parts]
    return replace(work, data=lambda: parts), source


def no_download() -> Any:
    raise OSError("no data is downloaded here")


def made_up(name: str) -> Any:
    """Return random data that can be learnt: the class is where a fixed projection is largest."""
    shapes = {"fashion-cnn": (28, 28, 1), "tabular-mlp": (18,), "digits-cnn": (8, 8, 1)}
    counts = {"fashion-cnn": (4000, 1000), "tabular-mlp": (1850, 460)}
    shape, (training, validation) = shapes.get(name, (64,)), counts.get(name, (1077, 360))
    classes = 7 if name == "tabular-mlp" else 10
    random = np.random.default_rng(0)
    x = random.random((training + validation, *shape), np.float32)
    flat = x.reshape(len(x), -1) - 0.5
    y = (flat @ random.standard_normal((flat.shape[1], classes))).argmax(1).astype(np.int32)
    return (x[:training], y[:training]), (x[training:], y[training:])


def on_cpu() -> bool:
    import jax

    return jax.default_backend() == "cpu"


def configs_of(count: int, optimizer: str = "Adam") -> list[Any]:
    from speed.works import SEED, make_trials

    from steepest.parse.contestant import contestants
    from steepest.records import Config

    (one,) = contestants(optimizer, count)
    defaults = one.defaults()
    return [
        Config(
            one.rule,
            "keras",
            {**defaults, **{name: value for name, value in trial.items() if name in defaults}},
            "constant",
            SEED,
        )
        for trial in make_trials(count)
    ]


def run_members(
    engine: Any, program: Any, configs: Sequence[Any], which: Sequence[int] | None = None
) -> tuple[Any, float]:
    """Train all as a search does; return their curves and the seconds.

    `which` are the members' rules where the program is of several.
    """
    from steepest.engines.mixed import MixedPopulation
    from steepest.engines.population import Population
    from steepest.workers.local import Job, train

    population: Any = MixedPopulation.of(configs, which) if which else Population.of(configs)
    curves: dict[str, Any] = {}

    def end(members: Sequence[int], state: Any, measured: Any) -> None:
        for i in range(len(members)):
            state.take([i])  # as a search does, for the checkpoints
        for name, values in measured.values.items():
            shape = (len(population), values.shape[1])
            curves.setdefault(name, np.empty(shape))[list(members)] = values

    def begin(members: Sequence[int]) -> Any:
        return program.begin(population.take(members))

    job = Job(program, population, begin, end, engine.facts.epochs)
    started = time.perf_counter()
    train([job], engine.workers, lambda planned, trained: None)
    return curves, time.perf_counter() - started


def measure_trials(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return seconds a trial and the share of executing, by members at a time."""
    one = ready(name, given)
    facts, began, found = one.task.facts, time.perf_counter(), {}
    moved = facts.steps * bytes_a_step(one.programs)
    for size in sorted(one.programs, key=lambda s: (s not in FIRST_SIZES, *place(s))):
        if time.perf_counter() - began > given.work_seconds:
            break
        program, compiling = one.programs[size]
        configs = configs_of(size)
        _, first = run_members(one.engine, program, configs)
        seconds = [first]
        repeats = 0 if first > 8 else 2
        for _ in range(repeats):
            seconds.append(run_members(one.engine, program, configs)[1])
        with executing(program) as spent:
            _, whole = run_members(one.engine, program, configs)
        busy = max(1e-9, sum(spent))
        found[size] = {
            "seconds_a_trial": min(seconds[1:] or seconds) / size,
            "first": first,
            "compile": compiling,
            "executing": sum(spent) / whole,
            "executing_a_trial": sum(spent) / size,
            "calls": len(spent),
            "width": str(getattr(program, "width", "")),
            "gflops_a_second": one.flops * size / busy / 1e9,
            "gbytes_a_second": moved * size / busy / 1e9,
        }
        say(partly=[name, "trials"], found={"data": one.source, "sizes": found})
    return {
        "data": one.source,
        "sizes": found,
        "epochs": facts.epochs,
        "flops_a_trial": one.flops,
        "bytes_a_trial": moved,
    }


def place(size: int) -> tuple[int, int]:
    return (FIRST_SIZES.index(size) if size in FIRST_SIZES else 0, size)


def bytes_a_step(programs: dict[int, tuple[Any, float]]) -> int:
    """Return what a member's step reads and writes at least: its weights and what the rule
    remembers both ways, and the gradients written and read."""
    from steepest.engines.population import Population

    program, _ = next(iter(programs.values()))
    begun = program.begin(Population.of(configs_of(1)))
    weights = sum(array.nbytes for array in begun.weights)
    return 2 * begun.nbytes + 2 * weights


def measure_repeat(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return whether losses are the same a second time, and what XLA's own way to that costs."""
    one = ready(name, given)
    size = repeated(list(one.programs))
    program, configs = one.programs[size][0], configs_of(size)
    (first, _), (second, _) = (run_members(one.engine, program, configs) for _ in range(2))
    same = all(np.array_equal(first[n], second[n], equal_nan=True) for n in first)
    found: dict[str, Any] = {"same_bits": bool(same)}
    if one.repeatable is not None:
        engine, other, _ = one.repeatable
        times: dict[int, list[float]] = {0: [], 1: []}
        for turn in range(3):
            for which, (some, it) in enumerate(((one.engine, program), (engine, other))):
                with executing(it) as spent:
                    run_members(some, it, configs)
                if turn:
                    times[which].append(sum(spent))
        ratios = [b / a for a, b in zip(times[0], times[1], strict=True)]
        found["deterministic_operations_take"] = [round(ratio, 3) for ratio in ratios]
    return found


def measure_together(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds of three optimizers' trials, apart and in one call."""
    from steepest.engines.compiled.engine import CompiledEngine
    from steepest.engines.compiled.width import Width

    task, size = ready(name, given).task, 4 if on_cpu() else 8  # of each: as a search has
    asked = {optimizer: configs_of(size, optimizer) for optimizer in ("SGD", "Adam", "RMSprop")}
    configs = [config for some in asked.values() for config in some]
    found: dict[str, Any] = {"members_of_each": size}
    made: dict[str, tuple[Any, Any]] = {}
    for how in ("apart", "together"):
        own: Any = CompiledEngine(task, lockstep=True)
        if how == "apart":
            own._rules_a_program = lambda _: 1
        elif on_cpu():  # where it would not
            own._rules_a_program = len
        if on_cpu():
            own._width = lambda *_: Width(size, lockstep=True)
        started = time.perf_counter()
        first = {optimizer: some[0] for optimizer, some in asked.items()}
        made[how] = own, own.prepare(first, len(configs) * task.facts.epochs)
        found[f"{how}_compile"] = time.perf_counter() - started
    joint = made["together"][1]["SGD"].together
    if joint is None or len(joint.programs) < len(asked):
        return {**found, "one_program": False}
    rules = [program.config.rule for program in joint.programs]
    which = [rules.index(config.rule) for config in configs]
    seconds: dict[str, list[float]] = {"apart": [], "together": []}
    for _ in range(4):  # the first is warm-up
        engine, programs = made["apart"]
        times = [run_members(engine, programs[o], some)[1] for o, some in asked.items()]
        seconds["apart"].append(sum(times))
        seconds["together"].append(run_members(made["together"][0], joint, configs, which)[1])
    for how, some in seconds.items():
        found[f"{how}_seconds"] = [round(one, 4) for one in some[1:]]
    return {**found, "one_program": True}


@contextlib.contextmanager
def executing(program: Any) -> Iterator[list[float]]:
    """Gather the seconds in which the compiled program runs, waiting for each call."""
    import jax

    spent: list[float] = []
    kept = program.executable

    def timed(*given: Any) -> Any:
        jax.block_until_ready(given)
        started = time.perf_counter()
        done = jax.block_until_ready(kept(*given))
        spent.append(time.perf_counter() - started)
        return done

    program.executable = timed
    try:
        yield spent
    finally:
        program.executable = kept


def measure_right(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return how far two members are from Keras' `fit`, and the seconds of that."""
    import keras

    from steepest.codegen import code
    from steepest.data.order import epoch_order
    from steepest.tasks.keras.task import run_code

    one = ready(name, given)
    work, task, engine = one.work, one.task, one.engine
    size = repeated(list(one.programs))
    program, configs = one.programs[size][0], configs_of(size)
    curves, _ = run_members(engine, program, configs)
    model = work.compiled(keras)
    (x, y), validation = work.data()
    differences, times = [], []
    for member in (0, size - 1):
        config = configs[member]
        weights, state = task.initialize(config.seed)
        for variable, value in zip(model.trainable_variables, weights, strict=True):
            variable.assign(value)
        for variable, value in zip(model.non_trainable_variables, state, strict=True):
            variable.assign(value)
        optimizer = run_code(code(config, task.facts, "keras"), model)
        model.compile(optimizer=optimizer, loss=model.loss, metrics=["accuracy"])
        losses = []
        for epoch in range(min(3, work.epochs)):
            order = epoch_order(config.seed, epoch, len(x))
            started = time.perf_counter()
            model.fit(x[order], y[order], batch_size=work.batch_size, shuffle=False, verbose=0)
            evaluated = model.evaluate(*validation, batch_size=work.batch_size, verbose=0)
            times.append(time.perf_counter() - started)
            losses.append(evaluated[0])
        own = curves["loss"][member, : len(losses)]
        differences.append(np.abs(own / np.array(losses) - 1))
    table = np.array(differences)
    return {
        "first_epoch": float(table[:, 0].max()),
        "last_epoch": float(table[:, -1].max()),
        "keras_seconds_a_trial": float(min(times)) * work.epochs,
    }


def measure_torch(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds a trial of a PyTorch loop, and with a CUDA graph a step."""
    import torch
    from speed.contenders_torch import torch_data, train_torch
    from speed.works import make_trials

    work, _ = find_work(name)
    training, validation = torch_data(torch, work)
    adam = make_trials(1)[0]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    training = [a.to(device) for a in training]
    validation = [a.to(device) for a in validation]
    torch.set_default_device(device)
    try:
        train_torch(torch, work, adam, training, validation, 1)
        started = time.perf_counter()
        train_torch(torch, work, adam, training, validation, work.epochs)
        found = {"seconds_a_trial": time.perf_counter() - started, "device": device}
        if device == "cuda":
            with contextlib.suppress(Exception):
                found["graph_seconds_a_trial"] = graph_seconds(torch, work, adam, training)
    finally:
        torch.set_default_device("cpu")
    return found


def graph_seconds(torch: Any, work: Any, adam: dict[str, float], training: Any) -> float:
    """Return the seconds of a training, without evaluation, with each step a CUDA graph."""
    x, y = training
    model = work.torch_model(torch).train()
    optimizer = torch.optim.Adam(
        model.parameters(), lr=adam["learning_rate"], betas=(adam["beta_1"], 0.999),
        eps=adam["epsilon"], capturable=True,
    )  # fmt: skip
    some_x, some_y = x[: work.batch_size].clone(), y[: work.batch_size].clone()

    def step() -> None:
        optimizer.zero_grad(set_to_none=False)
        logits = model(some_x)
        torch.nn.functional.cross_entropy(logits.flatten(0, -2), some_y.flatten()).backward()
        optimizer.step()

    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    started = time.perf_counter()
    for _ in range(work.epochs):
        for rows in torch.randperm(len(x)).split(work.batch_size):
            if len(rows) == work.batch_size:
                some_x.copy_(x[rows])
                some_y.copy_(y[rows])
                graph.replay()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def measure_machine(name: str, given: argparse.Namespace) -> dict[str, Any]:
    """Return what the device does at best: a float32 matrix product, and a copy."""
    import jax
    import jax.numpy as jnp

    small = on_cpu()
    size, count = (1024, 2**22) if small else (8192, 2**29)
    device = jax.devices()[0]
    a = jax.random.normal(jax.random.key(0), (size, size))
    b = jax.random.normal(jax.random.key(1), (count,))

    def seconds(function: Any, *given: Any) -> float:
        jax.block_until_ready(function(*given))
        times = []
        for _ in range(5):
            started = time.perf_counter()
            jax.block_until_ready(function(*given))
            times.append(time.perf_counter() - started)
        return min(times)

    multiply = jax.jit(lambda a: a @ a)
    exact = jax.jit(lambda a: jnp.matmul(a, a, precision="highest"))
    copy = jax.jit(lambda b: b + 1)
    return {
        "device": device.device_kind,
        "jax": jax.__version__,
        "product_tflops": 2 * size**3 / seconds(multiply, a) / 1e12,
        "exact_product_tflops": 2 * size**3 / seconds(exact, a) / 1e12,
        "copy_gbytes": 2 * 4 * count / seconds(copy, b) / 1e9,
    }


PARTS: dict[str, Callable[[str, argparse.Namespace], dict[str, Any]]] = {
    "machine": measure_machine,
    "trials": measure_trials,
    "together": measure_together,
    "repeat": measure_repeat,
    "right": measure_right,
    "torch": measure_torch,
}


# The process that waits: it starts the others, gives them their turns, and limits them.


class Worker:
    """A process for some parts of a work: it gets ready, and begins when it is told to."""

    def __init__(self, given: argparse.Namespace, work: str, parts: Sequence[str]) -> None:
        self.work, self.parts = work, list(parts)
        command = [sys.executable, __file__, "--worker", "--sizes", given.sizes]
        command += ["--works", work, "--parts", ",".join(parts)]
        command += ["--work-seconds", str(given.work_seconds)]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=environment()
        )
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.errors: list[Any] = []
        for stream, put in (
            (self.process.stdout, self.lines.put),
            (self.process.stderr, self.errors.append),
        ):
            threading.Thread(target=read_into, args=(stream, put), daemon=True).start()

    def work_through(self, given: argparse.Namespace, found: Any, left: float) -> list[str]:
        """Let it do its parts until one passes its limit; return those that it left undone."""
        began, done, now, reason = time.perf_counter(), set[str](), self.parts[0], "it ended"
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.write("\n")
            self.process.stdin.flush()
        limit = began + min(left, PART_SECONDS + 30)  # with the start of the process
        while True:
            try:
                line = self.lines.get(timeout=max(0.1, limit - time.perf_counter()))
            except queue.Empty:
                reason = "it passed its limit of time"
                break
            if line is None:
                break
            if not line.startswith("@@"):
                continue
            told = json.loads(line[2:])
            if "begins" in told:
                now = told["begins"][1]
                limit = min(time.perf_counter() + PART_SECONDS, began + left)
            elif "partly" in told:
                note(given, found, self.work, now, told["found"])
            elif "ends" in told:
                note(given, found, self.work, now, {**told["found"], "took": told["took"]})
                done.add(now)
        self.end()
        if now not in done:
            before = found["works"].get(self.work, {}).get(now, {})
            said = " ".join("".join(filter(None, self.errors[-4:])).split())[-300:]
            note(given, found, self.work, now, {**before, "error": f"{reason}: {said}"})
            done.add(now)
        return [part for part in self.parts if part not in done]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()


def drive(given: argparse.Namespace) -> dict[str, Any]:
    """Run all parts, write what is found, and return it."""
    began = time.perf_counter()
    found: dict[str, Any] = {"argv": sys.argv[1:], "works": {}}
    works, compared = given.works.split(","), [*filter(None, given.compare.split(","))]
    parts = given.parts.split(",")
    todo = [(work, [p for p in parts if p != "machine" or work == works[0]]) for work in works]
    kept = 2 * COMPARE_SECONDS * len(compared)
    ahead: Worker | None = None  # the next one, which gets ready meanwhile
    while todo:
        left = given.limit - kept - (time.perf_counter() - began)
        if left < 15:
            for work, some in todo:
                for part in some:
                    note(given, found, work, part, {"error": "no time was left"})
            break
        (work, some), *todo = todo
        worker = ahead or Worker(given, work, some)
        ahead = Worker(given, *todo[0]) if todo and not given.small else None
        undone = worker.work_through(given, found, left)
        if undone:  # a process of their own, before the one that is ahead
            rest = Worker(given, work, undone)
            rest.work_through(given, found, given.limit - kept - (time.perf_counter() - began))
    if ahead is not None:
        ahead.end()
    for name in compared:
        with tempfile.TemporaryDirectory() as cache:
            for how in ("cold", "warm"):
                left = given.limit - (time.perf_counter() - began)
                note(given, found, f"compare {name}", how, compare_apart(name, cache, left))
    found["seconds"] = time.perf_counter() - began
    write(given, found)
    return found


def environment() -> dict[str, str]:
    path = [str(HERE), str(HERE.parent / "src"), os.environ.get("PYTHONPATH", "")]
    return {
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.4",  # as two of them are on the card
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "STEEPEST_CACHE": "off",
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
    }


def read_into(stream: Any, put: Callable[[Any], Any]) -> None:
    for line in stream:
        put(line)
    put(None)


def compare_apart(name: str, cache: str, left: float) -> dict[str, Any]:
    """Run `steepest compare` on a built-in task and return its seconds."""
    if left < 20:
        return {"error": "no time was left"}
    out = Path(cache) / f"run-{time.time_ns()}"
    command = [sys.executable, "-m", "steepest", "compare", name, "--out", str(out)]
    command += ["--budget", "quick"]  # which buys 5 s of training
    started = time.perf_counter()
    try:
        done = subprocess.run(
            command,
            env={**environment(), "STEEPEST_CACHE": cache},
            capture_output=True,
            text=True,
            check=False,
            timeout=left,
        )
    except subprocess.TimeoutExpired:
        return {"error": "it passed its limit of time"}
    seconds = time.perf_counter() - started
    if done.returncode:
        return {"error": done.stderr[-400:], "seconds": seconds}
    lines = done.stdout.splitlines()
    verdict = lines[: lines.index("")] if "" in lines else lines[:4]
    cost = [line for line in lines if line.startswith("Cost")]
    return {"seconds": seconds, "said": [*verdict, *cost]}


def note(given: argparse.Namespace, found: Any, work: str, part: str, what: Any) -> None:
    found["works"].setdefault(work, {})[part] = what
    error = what.get("error") if isinstance(what, dict) else None
    print(f"{work} {part}: {error or 'done'}", file=sys.stderr, flush=True)
    write(given, found)


def write(given: argparse.Namespace, found: Any) -> None:
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n")


def render(found: dict[str, Any]) -> str:
    """Return the tables."""
    lines = []
    lines += [json.dumps(p["machine"]) for p in found["works"].values() if "machine" in p]
    lines.append("")
    head = ("work", "data", "members", "ms a trial", "executing", "calls", "compile s", "GFLOP/s",
            "GB/s", "× torch", "× graph", "× Keras", "width")  # fmt: skip
    rows = [head]
    for work, parts in found["works"].items():
        trials = parts.get("trials", {})
        torch, right = parts.get("torch", {}), parts.get("right", {})
        rivals = (
            torch.get("seconds_a_trial"),
            torch.get("graph_seconds_a_trial"),
            right.get("keras_seconds_a_trial"),
        )
        for size, one in sorted(trials.get("sizes", {}).items(), key=lambda pair: int(pair[0])):
            own = one["seconds_a_trial"]
            times = [f"{rival / own:.1f}" if rival else "" for rival in rivals]
            rows.append(
                (work, trials["data"], str(size), f"{1e3 * own:.3f}", f"{one['executing']:.0%}",
                 str(one["calls"]), f"{one['compile']:.1f}", f"{one['gflops_a_second']:.0f}",
                 f"{one['gbytes_a_second']:.0f}", *times, one["width"])
            )  # fmt: skip
    widths = [max(len(row[i]) for row in rows) for i in range(len(head))]
    lines += ["  ".join(cell.rjust(w) for cell, w in zip(row, widths, strict=True)) for row in rows]
    lines.append("")
    for work, parts in found["works"].items():
        for part, what in parts.items():
            if part not in ("trials", "machine") or (part == "trials" and "error" in what):
                lines.append(f"{work} {part}: {json.dumps(what)}"[:500])
    lines.append(f"{found.get('seconds', 0):.0f} s in all")
    return "\n".join(lines)


def main() -> None:
    given = arguments()
    if given.worker:
        work_through(given)
        return
    import subprocess as apart

    probe = "import jax; print(jax.default_backend())"
    backend = apart.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    ).stdout.split()
    given.small = small = backend[-1:] == ["cpu"]
    given.works = given.works or ",".join(("digits-mlp", "text-lstm") if small else WORKS)
    given.sizes = given.sizes or ",".join(map(str, (1, 8) if small else SIZES))
    if given.compare is None:
        given.compare = "" if small else ",".join(COMPARED)
    print(render(drive(given)))


if __name__ == "__main__":
    main()
