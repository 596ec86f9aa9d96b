"""Ctrl-C and SIGTERM: the first stops where nothing is lost, the second at once.

An exception raised in the middle of anything may be swallowed by a library that calls back from C,
and may leave work half done. So the first signal raises nothing: it is noted, and whoever trains
looks at safe points whether one came.
"""

import contextlib
import logging
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

log = logging.getLogger(__name__)

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopped(KeyboardInterrupt):
    """A person, or the system, asked to stop; all that was trained is kept.

    `code` is what a program exits with: 130 after Ctrl-C, 143 after SIGTERM.
    """

    def __init__(self, number: int = signal.SIGINT, said: str = "stopped") -> None:
        super().__init__(said)
        self.number = number

    @property
    def code(self) -> int:
        """128 and the number of the signal, as shells count."""
        return 128 + self.number


def _raise(number: int) -> NoReturn:
    raise Stopped(number)


# What a second signal does. The command line leaves the process, a notebook must not.
at_once: list[Callable[[int], Any]] = [_raise]


@dataclass
class Stop:
    """Whether somebody asked to stop."""

    asked: int = 0  # the signal
    keeps: bool = False  # whether there is something to keep, so that the first one waits

    def check(self) -> None:
        """Raise `Stopped` if somebody asked to stop."""
        if self.asked:
            raise Stopped(self.asked)


@contextlib.contextmanager
def listening() -> Iterator[Stop]:
    """Note signals from here on; handlers that are not Python's own are left alone.

    Outside of the main thread nothing can be noted, and signals do what they do.
    """
    stop = Stop()

    def heard(number: int, _: Any) -> None:
        if stop.asked:
            at_once[0](number)
        stop.asked = number
        if not stop.keeps:
            raise Stopped(number)
        log.warning(
            "stopping when the epochs in training are over; once more stops at once, without them"
        )

    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            found = signal.getsignal(number)
            ours = getattr(found, "steepest", False)
            if ours or found in (signal.default_int_handler, signal.SIG_DFL):
                before[number] = found
                signal.signal(number, heard)
    try:
        yield stop
    finally:
        for number, found in before.items():
            signal.signal(number, found)
