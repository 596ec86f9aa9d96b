"""Processes that tests start: forked from one that has imported the frameworks, or new ones."""

import atexit
import contextlib
import functools
import importlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import types
from collections.abc import Mapping
from pathlib import Path

TESTS = Path(__file__).parent
# What is read when Python or a framework starts: where it is another, the process is a new one.
EARLY = ("CUDA", "JAX", "KERAS", "LD_", "OMP", "OPENBLAS", "PYTHON", "TF_", "XLA")
# Which Steepest, Keras and Ray set in the tests' own process, sooner or later; nothing forked has
# read them yet.
OURS = (
    "PYTHONBREAKPOINT",
    "TF_CPP_MIN_LOG_LEVEL",
    "TF_FORCE_GPU_ALLOW_GROWTH",
    "XLA_PYTHON_CLIENT_PREALLOCATE",
)
PLAIN = "STEEPEST_TESTS_FORK"  # "off": every process is a new one
SERVERS = "STEEPEST_TESTS_SERVERS"  # where those that are forked are found
_spent = []


class Forked:
    """A process that was forked: what tests use of `subprocess.Popen`."""

    def __init__(
        self, command, cwd, env, torch=False, stdin=None, stdout=None, stderr=None, pass_fds=()
    ):
        self.args, self.returncode = command, None
        self.stdout, theirs_out = _pipe(stdout)
        self.stderr, theirs_err = _pipe(stderr)
        nothing = os.open(os.devnull, os.O_RDONLY) if stdin is None else stdin
        asked = {"command": command[1:], "environment": dict(env), "directory": str(cwd)}
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(_server(torch)))
        text = json.dumps(asked).encode() + b"\n"
        given = [nothing, theirs_out, theirs_err, *pass_fds]
        sent = socket.send_fds(self._socket, [text], given)
        self._socket.sendall(text[sent:])
        for mine, given in ((nothing, stdin), (theirs_out, stdout), (theirs_err, stderr)):
            if mine != given:
                os.close(mine)
        self._answers = self._socket.makefile()
        self.pid = int(self._answers.readline())
        self._ended = threading.Event()
        threading.Thread(target=self._wait, daemon=True).start()

    def _wait(self):
        code, _, seconds = self._answers.readline().partition(" ")
        self._code = int(code) if code else -signal.SIGKILL  # the server itself is gone
        if "-P" not in self.args:  # a worker has noted it itself
            _spent.append(float(seconds or 0))
        self._answers.close()
        self._socket.close()
        self._ended.set()

    def poll(self):
        if self._ended.is_set():
            self.returncode = self._code
        return self.returncode

    def wait(self, timeout=None):
        if not self._ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self.poll()

    def communicate(self, timeout=None):
        """Wait for the end; return what was written, where we wanted it."""
        found, readers = {}, []

        def read(name, stream):
            with stream:
                found[name] = stream.read()

        for name in ("stdout", "stderr"):
            if (stream := getattr(self, name)) is not None:
                readers.append(threading.Thread(target=read, args=(name, stream), daemon=True))
                readers[-1].start()
        self.wait(timeout)
        for one in readers:
            one.join(timeout)
        return found.get("stdout"), found.get("stderr")

    def send_signal(self, number):
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # dead, and nobody has told us yet
                os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    terminate = functools.partialmethod(send_signal, signal.SIGTERM)


Process = Forked | subprocess.Popen


def _pipe(wanted):
    """Return our end of what a process writes, if we want it, and its end."""
    if wanted != subprocess.PIPE:
        return None, wanted
    mine, theirs = os.pipe()
    return os.fdopen(mine, encoding="utf-8"), theirs


def start(
    *command, cwd=None, env: Mapping[str, str] | None = None, new=False, torch=False, **streams
):
    """Start a process of Python, whose output is text.

    All that are forked hash alike: of two that must agree, let one be `new`. One that uses PyTorch
    and says so (`torch`) is forked from a process that has imported it.
    """
    command = [str(part) for part in command]
    env = dict(os.environ if env is None else env)
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    if not new and may_be_forked(command, env):
        return Forked(command, cwd or os.getcwd(), env, torch, **given)
    return subprocess.Popen(command, cwd=cwd, env=env, text=True, **given)


def run(*command, cwd=None, env=None, timeout=300, new=False, torch=False):
    """Run a process of Python to its end."""
    process = start(*command, cwd=cwd, env=env, new=new, torch=torch)
    try:
        told, said = process.communicate(timeout=timeout)
    except BaseException:
        process.kill()
        process.wait()
        raise
    return subprocess.CompletedProcess(command, process.returncode, told, said)


@contextlib.contextmanager
def workers_are_forked():
    """Let a study's workers be forked: those that are started meanwhile, and in forks (`forking`).

    A new one imports the frameworks for seconds. `test_conformance.py` starts such workers
    (`workers_are_new`), and so does a command that is `new`.
    """
    workers = sys.modules.get("steepest.workers.processes")
    if workers is None:
        workers = importlib.import_module("steepest.workers.processes")
    usual = workers.subprocess
    workers.subprocess = types.SimpleNamespace(**{**vars(usual), "Popen": _worker})
    try:
        yield
    finally:
        workers.subprocess = usual


@contextlib.contextmanager
def workers_are_new():
    """Let a study's workers that are started meanwhile be new processes."""
    before = os.environ.get(PLAIN)
    os.environ[PLAIN] = "off"
    try:
        yield
    finally:
        del os.environ[PLAIN]
        if before is not None:
            os.environ[PLAIN] = before


def _worker(command, *, pass_fds, env, stdin, stdout, stderr, start_new_session):
    """Start a worker as `subprocess.Popen` would; the number of its pipe is its last argument."""
    if os.environ.get(PLAIN) == "off" or not hasattr(socket, "send_fds"):
        how = {"pass_fds": pass_fds, "stdin": stdin, "start_new_session": start_new_session}
        return subprocess.Popen(command, env=env, stdout=stdout, stderr=stderr, **how)
    out, err = stdout.fileno(), stderr.fileno()
    return Forked(command, os.getcwd(), env, stdout=out, stderr=err, pass_fds=pass_fds)


def spent():
    """Return the CPU seconds of the processes that were forked and have ended."""
    return sum(_spent) + _spent_by_workers()


def note_worker(seconds):
    """Note the CPU seconds of a worker that has ended: who started it may be gone."""
    with _note().open("a") as file:
        file.write(f"{seconds}\n")


def _spent_by_workers():
    try:
        return sum(map(float, _note().read_text().split()))
    except FileNotFoundError:
        return 0.0


def _note():
    name = f"spent-{os.environ.get('PYTEST_XDIST_WORKER', '')}"
    return Path(os.environ.get(SERVERS, os.devnull)) / name


def may_be_forked(command, env):
    """Return whether a fork is as good as a new process: a module or a file of ours, no more."""
    if os.environ.get(PLAIN) == "off" or not hasattr(socket, "send_fds"):
        return False
    what = command[1:2]
    if command[0] != sys.executable or not what or (what[0] != "-m" and what[0].startswith("-")):
        return False

    def early(variables):
        names = {name for name in variables if name.startswith(EARLY)} - {*OURS}
        found = {name: variables[name] for name in names if variables[name]}
        places = found.pop("PYTHONPATH", "").split(os.pathsep)
        return found, [place for place in places if place not in ("", str(TESTS))]

    return early(env) == early(_environment())


def environment(**more):
    """Return the environment of a process that finds what the tests find."""
    places = [str(TESTS), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(places), **more}


_environment = functools.cache(environment)  # of the process that is forked


def share():
    """Make the place where processes that are forked are found by all workers of a test run.

    Each of them is started by the first who asks, and ends when whoever made the place has.
    """
    if SERVERS in os.environ or not hasattr(os, "mkfifo"):
        return
    place = Path(tempfile.mkdtemp(prefix="steepest-"))  # short: a socket's path has 107 bytes
    os.mkfifo(place / "alive")
    alive = os.open(place / "alive", os.O_RDWR)  # both ends, so that no open of it waits
    os.environ[SERVERS] = str(place)

    def end():
        os.environ.pop(SERVERS, None)
        os.close(alive)
        shutil.rmtree(place, ignore_errors=True)

    atexit.register(end)


@functools.cache
def _server(torch):
    """Return the socket of the process that is forked: of two, the one with PyTorch or without."""
    import fcntl  # where there are forks

    share()
    place, name = Path(os.environ[SERVERS]), "torch" if torch else "plain"
    with (place / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / name).exists():
            _start_server(place, name)
    return place / name


def _start_server(place, name):
    with (place / "alive").open("rb", buffering=0) as alive:
        process = subprocess.Popen(
            [sys.executable, "-m", "forking", str(place / name), name],
            cwd=place,
            env=_environment(),
            stdin=alive,
            stdout=subprocess.PIPE,
            text=True,
        )
    assert process.stdout is not None
    with process.stdout as told:
        assert told.readline() == "ready\n"
    process.returncode = 0  # nobody waits for it
