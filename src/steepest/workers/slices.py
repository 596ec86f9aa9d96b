"""A slice as a value: which members to train, where they stand, how far; and what came of it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from steepest.engines.state import Advance, Fresh, State
from steepest.records import Config
from steepest.workers.wire import pack, unpack


@dataclass(frozen=True)
class Slice:
    """Members of one program, to be trained up to an epoch wherever somebody can.

    `program` names what is compiled, so that a worker compiles it once. `lockstep` and `members`
    say how, as `engines/protocol.py` and the compiled engine have them: they decide last bits.
    A state comes with its memory as a list of arrays (`State.flat`).
    """

    program: str
    configs: tuple[Config, ...]
    state: State | None  # None: untrained, the worker draws the weights of each seed
    stop: int
    lockstep: bool | None = None
    members: int = 0

    def to_bytes(self) -> bytes:
        """Return it as bytes."""
        state = None if self.state is None else self.state.flat().tree()
        configs = [asdict(config) for config in self.configs]
        return pack([self.program, configs, state, self.stop, self.lockstep, self.members])

    @classmethod
    def from_bytes(cls, data: bytes) -> "Slice":
        """Return the slice that these bytes are."""
        program, configs, state, stop, lockstep, members = unpack(data)
        found = None if state is None else State(*state)
        return cls(program, tuple(Config(**one) for one in configs), found, stop, lockstep, members)


@dataclass(frozen=True)
class Trained:
    """What came of a slice: parts of its members with their states and curves, and failures."""

    parts: Sequence[tuple[Sequence[int], State, Advance]]
    failed: Mapping[int, str] = field(default_factory=dict)  # the reason, by place in the slice
    capacity: int = 1  # of the program, as `engines/protocol.py` has it
    whole: bool = False
    compile_seconds: float = 0.0

    def to_value(self) -> dict[str, Any]:
        """Return it as plain values and arrays."""
        parts = [
            [list(places), state.flat().tree(), dict(m.values), np.asarray(m.trained), m.seconds]
            for places, state, m in self.parts
        ]
        about = [self.capacity, self.whole, self.compile_seconds]
        return {"parts": parts, "failed": dict(self.failed), "program": about}

    @classmethod
    def from_value(cls, value: Mapping[str, Any]) -> "Trained":
        """Return what these values say was trained."""
        parts = [
            (places, State(*state), Advance(values, trained, seconds))
            for places, state, values, trained, seconds in value["parts"]
        ]
        return cls(parts, value["failed"], *value["program"])


def untrained(count: int) -> State:
    """Return the state of untrained members without its arrays: a worker draws them itself."""
    zeros = np.zeros(count, np.int32)
    return Fresh([], [], [], zeros, zeros.copy(), np.ones(count, bool))
