"""Clocks of the tests' own, so that what a limit of time does depends on no machine."""

from dataclasses import dataclass


@dataclass
class Clock:
    """Stands still but for those who sleep."""

    now: float = 1000.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        """Let so much time pass, at once."""
        self.now += seconds
