"""A process that has imported the frameworks, and becomes by `fork` each one a test asks for.

Python, JAX and Keras take seconds to start, and the tests start a hundred processes. Nothing has
run in the process that is forked: JAX has no device yet, and there is no thread to lose.
`processes.py` asks; this module is run as `python -m forking SOCKET plain`, and once more as
`python -m forking SOCKET torch` for processes that use PyTorch, whose import takes seconds too.

A request is a line of JSON (module or file, arguments, environment, directory) with three file
descriptors, and a fourth for a study's worker, whose pipe it is; the answers are the process's
number, and once it has ended, its exit code and its CPU seconds.
"""

import contextlib
import gc
import importlib
import io
import json
import os
import runpy
import select
import signal
import socket
import sys
import warnings

import compiling
import processes

HEAVY = (
    "click", "jax", "jax.numpy", "jinja2", "keras", "numpy",
    "rich.console", "rich.live", "rich.table", "scipy.linalg", "scipy.stats", "sqlite3",
    "steepest.cli", "steepest.study", "steepest.engines", "steepest.reports.page.page",
    "steepest.reports.terminal", "steepest.search", "steepest.tasks.load",
    "steepest.workers.processes", "steepest.workers.trainer",
)  # fmt: skip
TORCH = (
    "torch", "torch.export", "torch._dynamo", "torch.utils.data",
    "steepest.tasks.torch.task", "steepest.tasks.torch.lowering.verify",
)  # fmt: skip
LARGEST = 2**20


def serve(place: str, modules: tuple[str, ...]) -> list[str] | None:
    """Answer requests until the one who asks is gone; return, in a fork, what is to be run."""
    for name in modules:
        importlib.import_module(name)
    document = importlib.import_module("steepest.reports.page.document")
    document._library()  # compressed and compiled once, for the page of each study
    document.environment().get_template("report.html.j2")
    gc.freeze()  # else the first collection in each fork copies all pages
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # who waits has ended, and nobody waits for it
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the tests
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(place)
        listener.listen(16)
        print("ready", flush=True)
        while True:
            ready, _, _ = select.select([listener, sys.stdin], [], [])
            if listener not in ready:  # the end of our standard input: the tests are over
                return None
            asking, _ = listener.accept()
            if _fork() == 0:
                listener.close()
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                found = _answer(asking)
                if found is not None:
                    return found
                os._exit(0)
            asking.close()


def _fork() -> int:
    with warnings.catch_warnings(action="ignore"):  # JAX warns of its threads, which are none yet
        return os.fork()


def _answer(asking: socket.socket) -> list[str] | None:
    """Fork once more; wait for that one and tell of it, or return in it what is to be run."""
    text, descriptors, _, _ = socket.recv_fds(asking, LARGEST, 4)
    while not text.endswith(b"\n"):
        text += asking.recv(LARGEST)
    asked = json.loads(text)
    number = _fork()
    if number:
        for one in descriptors:
            os.close(one)
        asking.sendall(f"{number}\n".encode())
        _, status, used = os.wait4(number, 0)
        code, seconds = os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime
        if len(descriptors) > 3:
            os.environ.update(asked["environment"])
            processes.note_worker(seconds)
        with contextlib.suppress(BrokenPipeError):  # who asked is gone
            asking.sendall(f"{code} {seconds}\n".encode())
        return None
    asking.close()
    for target, one in enumerate(descriptors[:3]):
        os.dup2(one, target)
        os.close(one)
    _begin(asked)
    command: list[str] = asked["command"]
    if len(descriptors) > 3:
        os.setsid()
        command = [*command[:-1], str(descriptors[3])]
    return command


def _begin(asked: dict) -> None:
    """Make all that a process has from its start as it is in a new one."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(asked["environment"])
    os.chdir(asked["directory"])
    sys.stdin = sys.__stdin__ = open(0, closefd=False)  # noqa: SIM115
    for number, name in ((1, "stdout"), (2, "stderr")):
        made = io.TextIOWrapper(
            open(number, "wb", buffering=-1, closefd=False),  # noqa: SIM115
            encoding="utf-8",
            errors="backslashreplace" if name == "stderr" else "strict",
            line_buffering=name == "stderr" or os.isatty(number),
        )
        setattr(sys, name, made)
        setattr(sys, f"__{name}__", made)


def main() -> None:
    command = serve(sys.argv[1], (*HEAVY, *(TORCH if sys.argv[2] == "torch" else ())))
    if command is None:
        return
    if command[0] == "-P":  # a worker, which finds what its driver does
        places = os.environ["PYTHONPATH"].split(os.pathsep)
        sys.path[:] = [*places, *(place for place in sys.path if place not in places)]
        sys.argv = command[2:]
        with compiling.quickly() if compiling.ASKED in os.environ else contextlib.nullcontext():
            runpy.run_module(command[2], run_name="__main__", alter_sys=True)
        return
    with processes.workers_are_forked():
        _run(command)


def _run(command: list[str]) -> None:
    if command[0] == "-m":
        sys.path[0] = os.getcwd()
        sys.argv = command[1:]
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.path[0] = os.path.dirname(os.path.abspath(command[0]))
        sys.argv = command
        runpy.run_path(command[0], run_name="__main__")


if __name__ == "__main__":
    main()
