"""Workers that are processes of this machine, each with a pipe to the driver.

They are started anew and not forked, as JAX has threads, and run no line of the person's script.
Ctrl-C is the driver's alone. A worker ends when its pipe does, so none outlives its driver.
"""

import os
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from steepest.errors import in_one_line
from steepest.workers.pipe import receive, transmit
from steepest.workers.team import Team, Worker
from steepest.workers.wire import pack

PATIENCE = 60.0  # seconds that a message which has begun may stop on its way


class _Process:
    """A process, our end of its pipe, and where it writes what it says beside."""

    def __init__(self, command: Sequence[str], environment: dict[str, str]) -> None:
        self.pipe, theirs = socket.socketpair()
        self.log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115  # closed by `end`
        with theirs:
            self.process = subprocess.Popen(
                [*command, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=self.log,
                stderr=self.log,
                start_new_session=True,
            )
        self.pipe.settimeout(PATIENCE)

    def death(self) -> str:
        """Return why it ended, in a few words."""
        self.process.kill()
        code = self.process.wait()
        self.log.seek(0)
        said = [line for line in self.log.read().decode(errors="replace").splitlines() if line]
        if code < 0:
            return f"killed by signal {-code}, {signal.Signals(-code).name}"
        return in_one_line(f"exit code {code}: {said[-1][:200] if said else 'it said nothing'}")


class Processes(Team[_Process]):
    """So many processes on this machine.

    Args:
        work: the task as bytes.
        count: how many.
        memory: bytes that trials may take in all of them together; None for most of what is free.
    """

    def __init__(self, work: bytes, count: int, memory: int | None = None) -> None:
        super().__init__(count)
        self.name = f"{count} process{'es' if count > 1 else ''}"
        self.work = work
        self.gpus = _gpus()
        # Those of one GPU share its memory, on a CPU all share the machine's.
        self.greeting = pack([-(-count // max(1, len(self.gpus))), memory])
        self.selector = selectors.DefaultSelector()
        self.fill()

    def start(self, number: int) -> _Process:
        """Start a process, and tell it what to train."""
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_places())}
        if self.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = self.gpus[number % len(self.gpus)]
        command = [sys.executable, "-P", "-m", "steepest.workers.process"]
        made = _Process(command, environment)
        self.selector.register(made.pipe, selectors.EVENT_READ)
        self.send(made, self.greeting)
        self.send(made, self.work)
        return made

    def send(self, handle: _Process, message: bytes) -> None:
        """Give a process a message; of one that is dead, the pipe tells when it is read."""
        try:
            transmit(handle.pipe, message)
        except OSError:
            handle.process.kill()

    def hear(self, timeout: float) -> Sequence[tuple[Worker[_Process], bytes | None, str]]:
        """Return who said what, or is dead."""
        found: list[tuple[Worker[_Process], bytes | None, str]] = []
        by_pipe = {id(one.handle.pipe): one for one in self.workers}
        for key, _ in self.selector.select(timeout):
            worker = by_pipe[id(key.fileobj)]
            try:
                found.append((worker, receive(worker.handle.pipe), ""))
            except (OSError, EOFError):
                found.append((worker, None, worker.handle.death()))
        return found

    def end(self, handle: _Process) -> None:
        """Kill a process, and wait for its end."""
        if handle.pipe.fileno() >= 0:
            self.selector.unregister(handle.pipe)
        handle.pipe.close()
        handle.process.kill()
        handle.process.wait()
        handle.log.close()


def _places() -> list[str]:
    """Return where this process finds modules, for those that it starts."""
    return [str(Path(place).absolute()) for place in sys.path if place]


def _gpus() -> list[str]:
    """Return the GPUs of this machine that are NVIDIA's, as CUDA numbers them."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [one for one in chosen.split(",") if one.strip() not in ("", "-1")]
    if os.environ.get("JAX_PLATFORMS") == "cpu" or shutil.which("nvidia-smi") is None:
        return []
    told = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, check=False)
    return [str(i) for i, line in enumerate(told.stdout.splitlines()) if line.startswith("GPU ")]
