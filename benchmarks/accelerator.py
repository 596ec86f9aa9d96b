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
- executing: what of that time the compiled program runs.
- right: two members beside Keras' own `fit` on the same batches: the largest relative difference of
  the validation loss, after the first and after the last epoch. Its seconds a trial are Keras'.
- torch: the same trial as a PyTorch loop, and with each step as a CUDA graph.

Then `steepest compare --budget quick` on built-in tasks, cold and with the programs it left.

Work is done in a process of its own. Each part has a time limit; a part that fails or passes it is
noted, and the rest goes on. Results are written as they come.
"""

import argparse
import contextlib
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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--works", default="", help=f"of {','.join(WORKS)}")
    add("--sizes", default="", help="members at a time, such as 8,128")
    add("--parts", default=",".join(PARTS), help="of %(default)s; machine for one work alone")
    add("--work-seconds", type=float, default=WORK_SECONDS, help="then a work tries no more sizes")
    add("--compare", default=None, help="built-in tasks to compare on; '' for none")
    add("--once", action="store_true", help="compile one program for all sizes")
    add("--limit", type=float, default=ALL_SECONDS, help="seconds for all")
    add("--json", type=Path, help="write results here, as they come")
    add("--worker", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


# The process that works: a line of JSON for each part that begins, and for each that ends.


def say(**told: Any) -> None:
    print("@@" + json.dumps(told), flush=True)


# What trained in this process, by name of the work: task, engine, program and its members.
TRAINED: dict[str, Any] = {}


def work_through(given: argparse.Namespace) -> None:
    """Do the parts in the order of the command line."""
    sizes = [int(size) for size in given.sizes.split(",")]
    for name in given.works.split(","):
        for part in given.parts.split(","):
            say(begins=[name, part])
            started = time.perf_counter()
            try:
                found = PARTS[part](name, sizes, given)
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


def configs_of(count: int) -> list[Any]:
    from speed.works import SEED, make_trials

    from steepest.parse.contestant import contestants
    from steepest.records import Config

    (adam,) = contestants("Adam", count)
    defaults = adam.defaults()
    return [
        Config(adam.rule, "keras", {**defaults, **trial}, "constant", SEED)
        for trial in make_trials(count)
    ]


def run_members(engine: Any, program: Any, configs: Sequence[Any]) -> tuple[Any, float]:
    """Train all as a search does; return their curves and the seconds."""
    from steepest.engines.population import Population
    from steepest.workers.local import Job, train

    population = Population.of(configs)
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


def measure_trials(name: str, sizes: Sequence[int], given: argparse.Namespace) -> dict[str, Any]:
    """Return seconds a trial and the share of executing, by members at a time."""
    from speed.flops import _products
    from speed.population import make_task, one_step
    from speed.works import make_trials

    from steepest.engines import make_engine

    work, source = find_work(name)
    task = make_task(work)
    engine: Any = make_engine(task)
    began = time.perf_counter()
    program, found = None, {}
    import jax

    _, gradient, (weights, _, variables, batch, _) = one_step(task, make_trials(1)[0])
    flops = _products(jax.make_jaxpr(gradient)(weights, variables, batch).jaxpr) * task.facts.steps
    first_ones = [size for size in FIRST_SIZES if size in sizes]
    for size in [*first_ones, *sorted(set(sizes) - set(first_ones))]:
        if time.perf_counter() - began > given.work_seconds:
            break
        configs = configs_of(size)
        if program is None or not given.once:
            started = time.perf_counter()
            program = engine.prepare({"adam": configs[0]}, size * task.facts.epochs)["adam"]
            compiling = time.perf_counter() - started
        TRAINED.setdefault(name, (task, engine, program, size))
        _, first = run_members(engine, program, configs)
        seconds = [first]
        repeats = 0 if first > 8 else 2
        for _ in range(repeats):
            seconds.append(run_members(engine, program, configs)[1])
        with executing(program) as spent:
            _, whole = run_members(engine, program, configs)
        found[size] = {
            "seconds_a_trial": min(seconds[1:] or seconds) / size,
            "first": first,
            "compile": compiling,
            "executing": sum(spent) / whole,
            "executing_a_trial": sum(spent) / size,
            "calls": len(spent),
            "width": str(getattr(program, "width", "")),
            "gflops_a_second": flops * size / max(1e-9, sum(spent)) / 1e9,
        }
        say(partly=[name, "trials"], found={"data": source, "sizes": found})
    return {"data": source, "sizes": found, "epochs": task.facts.epochs, "flops_a_trial": flops}


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


def measure_right(name: str, sizes: Sequence[int], given: argparse.Namespace) -> dict[str, Any]:
    """Return how far two members are from Keras' `fit`, and the seconds of that."""
    import keras
    from speed.population import make_task

    from steepest.codegen import code
    from steepest.data.order import epoch_order
    from steepest.engines import make_engine
    from steepest.tasks.keras.task import run_code

    work, _ = find_work(name)
    if name in TRAINED:
        task, engine, program, size = TRAINED[name]
        configs = configs_of(size)
    else:
        task, size = make_task(work), min(32, max(sizes))
        engine = make_engine(task)
        configs = configs_of(size)
        program = engine.prepare({"adam": configs[0]}, size * task.facts.epochs)["adam"]
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


def measure_torch(name: str, sizes: Sequence[int], given: argparse.Namespace) -> dict[str, Any]:
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


def measure_machine(name: str, sizes: Sequence[int], given: argparse.Namespace) -> dict[str, Any]:
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


PARTS: dict[str, Callable[[str, Sequence[int], argparse.Namespace], dict[str, Any]]] = {
    "machine": measure_machine,
    "trials": measure_trials,
    "right": measure_right,
    "torch": measure_torch,
}


# The process that waits: it starts the other one, limits it, and starts it again.


def drive(given: argparse.Namespace) -> dict[str, Any]:
    """Run all parts, write what is found, and return it."""
    began = time.perf_counter()
    found: dict[str, Any] = {"argv": sys.argv[1:], "works": {}}
    works, compared = given.works.split(","), [*filter(None, given.compare.split(","))]
    parts = given.parts.split(",")
    todo = [(work, part) for work in works for part in parts if part != "machine"]
    todo = [(works[0], part) for part in parts if part == "machine"] + todo
    kept = 2 * COMPARE_SECONDS * len(compared)
    while todo:
        left = given.limit - kept - (time.perf_counter() - began)
        if left < 15:
            for work, part in todo:
                note(given, found, work, part, {"error": "no time was left"})
            break
        todo = work_apart(given, found, todo, left)
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
        "XLA_PYTHON_CLIENT_MEM_FRACTION": "0.8",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "STEEPEST_CACHE": "off",
        **os.environ,
        "KERAS_BACKEND": "jax",
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
    }


def work_apart(given: argparse.Namespace, found: Any, todo: Any, left: float) -> Any:
    """Run parts in a process until one passes its limit; return what is still to be done."""
    works = list(dict.fromkeys(work for work, _ in todo))
    first = works[0]
    parts = [part for work, part in todo if work == first]
    command = [sys.executable, __file__, "--worker", "--sizes", given.sizes]
    command += ["--works", first, "--parts", ",".join(parts)]
    command += ["--work-seconds", str(given.work_seconds)]
    command += ["--once"] if given.once else []
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    )
    lines: queue.Queue[str | None] = queue.Queue()
    errors: list[str] = []
    threading.Thread(target=read_into, args=(process.stdout, lines.put), daemon=True).start()
    threading.Thread(target=read_into, args=(process.stderr, errors.append), daemon=True).start()
    limit = time.perf_counter() + min(left, PART_SECONDS + 30)  # with the start of the process
    now, done, reason = parts[0], set(), "it ended"
    while True:
        try:
            line = lines.get(timeout=max(0.1, limit - time.perf_counter()))
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
            limit = min(time.perf_counter() + PART_SECONDS, limit + left)
        elif "partly" in told:
            note(given, found, first, now, told["found"])
        else:
            note(given, found, first, now, {**told["found"], "took": told["took"]})
            done.add(now)
    process.kill()
    process.wait()
    if now not in done:
        before = found["works"].get(first, {}).get(now, {})
        said = " ".join("".join(filter(None, errors[-4:])).split())[-300:]
        note(given, found, first, now, {**before, "error": f"{reason}: {said}"})
        done.add(now)
    return [(work, part) for work, part in todo if work != first or part not in done]


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
    cost = [line for line in done.stdout.splitlines() if line.startswith(("Cost", "Use "))]
    return {"seconds": seconds, "said": cost[:4]}


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
            "× torch", "× graph", "× Keras", "width")  # fmt: skip
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
                 *times, one["width"])
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
    small = backend[-1:] == ["cpu"]
    given.works = given.works or ",".join(("digits-mlp", "text-lstm") if small else WORKS)
    given.sizes = given.sizes or ",".join(map(str, (1, 8) if small else SIZES))
    if given.compare is None:
        given.compare = "" if small else ",".join(COMPARED)
    print(render(drive(given)))


if __name__ == "__main__":
    main()
