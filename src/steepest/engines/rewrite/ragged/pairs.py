"""Two programs of one function side by side: for full batches, and for a smaller one.

An axis is *ragged* where its extents differ between the two. What is asked of a value in the full
program is that its part of the examples that count has the smaller one's values. That part leads
the axis, or each turn along it (`Layouts`). The places beyond hold copies of others.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jax.extend import core

Extents = tuple[tuple[int, int], ...]  # of each axis: in the full batch's program, in the other


class RefusedError(Exception):
    """The two programs differ in more than the batch's size, or in what nothing is known of."""


class Layouts:
    """Where the examples lie along ragged axes: by an axis' extents, the same in all of a program.

    Axes of time and examples that are merged, say, have the examples in many *turns*. The first
    operation that asks for an axis of some extents fixes them.

    Args:
        batch: the number of examples in both programs.
    """

    def __init__(self, batch: tuple[int, int]) -> None:
        self.batch = batch
        self.turns: dict[tuple[int, int], int] = {}

    def turns_of(self, extent: tuple[int, int]) -> int:
        """Return how many times the examples come along an axis; once, if nothing else is known."""
        return self.turns.setdefault(extent, 1)

    def may_have(self, extent: tuple[int, int], turns: int) -> bool:
        """Return whether an axis has so many turns, as it does from now on if nothing is known."""
        n, m = extent
        each = n // (self.batch[0] * turns)
        fits = (each * self.batch[0] * turns, each * self.batch[1] * turns) == (n, m)
        return fits and self.turns.setdefault(extent, turns) == turns

    def source(self, extent: tuple[int, int]) -> np.ndarray[Any, Any]:
        """Return the places, all in the smaller program, whose values an axis has in the full one.

        Beyond the smaller program's, places hold what the last example's have. So nothing there is
        not finite unless the smaller program has it too, nor is its derivative, which is multiplied
        by 0.
        """
        turn, row, rest, each = self._places(extent)
        m = self._rows(extent)[1]
        places: np.ndarray[Any, Any] = (turn * m + np.minimum(row, m - 1)) * each + rest
        return places

    def counting(self, extent: tuple[int, int]) -> np.ndarray[Any, Any]:
        """Return which places of an axis in the full program the smaller one has."""
        counts: np.ndarray[Any, Any] = self._places(extent)[1] < self._rows(extent)[1]
        return counts

    def _rows(self, extent: tuple[int, int]) -> tuple[int, int]:
        """Return what a turn has of: examples, or places if they are not as many for each."""
        return self.batch if self.may_have(extent, self.turns_of(extent)) else extent

    def _places(self, extent: tuple[int, int]) -> tuple[Any, Any, Any, int]:
        """Return the turn, the row and the rest of each place, and how many places a row has."""
        rows, turns = self._rows(extent)[0], self.turns_of(extent)
        each = extent[0] // (rows * turns)
        places = np.arange(extent[0])
        return places // (rows * each), places // each % rows, places % each, each


@dataclass(frozen=True)
class Pair:
    """One operation in both programs: `ins` and `outs` are extents of what it takes and gives."""

    big: Any
    small: Any
    layouts: Layouts
    ins: tuple[Extents, ...]
    outs: tuple[Extents, ...]

    @property
    def name(self) -> str:
        """The operation's name."""
        return str(self.big.primitive.name)

    @property
    def is_ragged(self) -> bool:
        """Whether it takes or gives anything of different shapes in the two programs."""
        return any(ragged_axes(one) for one in (*self.ins, *self.outs))

    def alike(self, *but: str) -> bool:
        """Return whether all parameters are the same in both programs, `but` some."""
        a, b = self.big.params, self.small.params
        return a.keys() == b.keys() and all(equal(a[n], b[n]) for n in a if n not in but)


def ragged_axes(extents: Extents) -> list[int]:
    """Return the axes whose extents differ."""
    return [axis for axis, (n, m) in enumerate(extents) if n != m]


def extents_of(big: Any, small: Any) -> Extents:
    """Return the extents of a value in both programs.

    Raises:
        RefusedError: the smaller program's is not a part of the other's.
    """
    a, b = big.aval, small.aval
    if a.dtype != b.dtype or a.ndim != b.ndim or any(map(int.__lt__, a.shape, b.shape)):
        raise RefusedError(f"{a} in one program is {b} in the other")
    return tuple(zip(a.shape, b.shape, strict=True))


def paired(big: Any, small: Any, layouts: Layouts) -> list[Pair]:
    """Return the operations of two programs that are the same but for shapes and numbers.

    What does not reach the results is left out.

    Raises:
        RefusedError: the programs differ otherwise, or have effects.
    """
    if big.effects or small.effects:
        raise RefusedError("the program has effects")
    known: dict[Any, Any] = {}
    extents: dict[Any, Extents] = {}

    def meet(variables: Any, others: Any) -> tuple[Extents, ...]:
        for v, w in zip(variables, others, strict=True):
            known[v], extents[v] = w, extents_of(v, w)
        return tuple(extents[v] for v in variables)

    def see(v: Any, w: Any) -> Extents:
        literal = isinstance(v, core.Literal)
        if literal != isinstance(w, core.Literal) or not (literal or known.get(v) is w):
            raise RefusedError("the programs are wired otherwise")
        return extents_of(v, w)

    if len(big.eqns) != len(small.eqns):
        raise RefusedError(f"{len(big.eqns)} operations in one program, {len(small.eqns)} in other")
    try:
        meet([*big.constvars, *big.invars], [*small.constvars, *small.invars])
        pairs = []
        for one, other in zip(_alive(big), _alive(small), strict=True):
            if one.primitive is not other.primitive:
                raise RefusedError(f"{one.primitive} in one program is {other.primitive}")
            ins = tuple(see(v, w) for v, w in zip(one.invars, other.invars, strict=True))
            pairs.append(Pair(one, other, layouts, ins, meet(one.outvars, other.outvars)))
        for v, w in zip(big.outvars, small.outvars, strict=True):
            see(v, w)
    except ValueError as error:
        raise RefusedError(f"the programs differ: {error}") from error
    return pairs


def _alive(jaxpr: Any) -> list[Any]:
    """Return the operations that the results need."""
    needed = {v for v in jaxpr.outvars if not isinstance(v, core.Literal)}
    found = []
    for equation in reversed(jaxpr.eqns):
        if any(v in needed for v in equation.outvars):
            found.append(equation)
            needed.update(v for v in equation.invars if not isinstance(v, core.Literal))
    return found[::-1]


def equal(a: Any, b: Any) -> bool:
    try:
        return a is b or bool(a == b)
    except Exception:  # arrays, say
        return False


def same_value(a: Any, b: Any) -> bool:
    """Return whether two constants of the programs are the same, to the bit."""
    if a is b:
        return True
    try:
        one, other = np.asarray(a), np.asarray(b)
    except Exception:  # traced, or of a type that NumPy does not have
        return False
    kinds = (one.dtype, one.shape) == (other.dtype, other.shape)
    return kinds and one.tobytes() == other.tobytes()
