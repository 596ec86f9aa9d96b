"""What runs in a worker's process: `python -m steepest.workers.process PIPE`."""

import os
import queue
import signal
import socket
import sys
import threading
from functools import cache

from steepest.workers.pipe import receive, transmit
from steepest.workers.trainer import Trainer, answer
from steepest.workers.wire import unpack


def main(number: int) -> None:
    """Answer the messages that come by the pipe with this number, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = socket.socket(fileno=number)
    messages: queue.Queue[bytes] = queue.Queue()

    def listen() -> None:
        try:
            while True:
                messages.put(receive(pipe))
        except (OSError, EOFError):  # the driver is gone, and with it who would hear
            os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    share, memory = unpack(messages.get())
    work = messages.get()

    @cache
    def build() -> Trainer:
        return Trainer(work, share, memory)

    transmit(pipe, answer(build, b""))
    while True:
        transmit(pipe, answer(build, messages.get()))


if __name__ == "__main__":
    main(int(sys.argv[1]))
