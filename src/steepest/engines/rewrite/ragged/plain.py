"""Which operations may stay as they are, those among them that hold programs."""

from typing import Any

from jax.extend import core

from steepest.engines.rewrite.equations import inner_programs
from steepest.engines.rewrite.loops import counts
from steepest.engines.rewrite.ragged.derivatives import directional
from steepest.engines.rewrite.ragged.pairs import Layouts, Pair, paired, same_value
from steepest.engines.rewrite.ragged.rowwise import RULES

CALLS = ("jit", "pjit", "closed_call", "core_call")
# Operations that hold programs, and those parameters which need not be the same: programs, which
# are compared, and what JAX derives from them.
HOLD = {
    **dict.fromkeys(CALLS, ("jaxpr", "call_jaxpr")),
    "checkpoint": ("jaxpr",),
    "remat2": ("jaxpr",),
    "cond": ("branches",),
    "while": ("cond_jaxpr", "body_jaxpr"),
    "custom_jvp_call": ("call_jaxpr", "jvp_jaxpr_fun"),
    "scan": ("jaxpr", "num_consts", "num_carry", "ft_in", "ft_out"),
}


def is_plain(pair: Pair, differentiated: bool = True) -> bool:
    """Return whether an operation, as it is, gives the smaller program's leading rows.

    So must its derivative, where it brings its own and is differentiated. A derivative is not.
    """
    name, params = pair.name, pair.big.params
    programs = inner_programs(params)
    if name.startswith("custom_vjp"):
        return False
    if programs:
        derived = HOLD.get(name, () if pair.is_ragged else tuple(programs))
        if not derived or not pair.alike(*derived):
            return False
        if name == "scan" and counts(params) != counts(pair.small.params):
            return False
        others = inner_programs(pair.small.params)
        return (
            programs.keys() == others.keys()
            and all(
                len(programs[n]) == len(others[n])
                and all(
                    _are_plain(one, other, pair.layouts, differentiated)
                    for one, other in zip(programs[n], others[n], strict=True)
                )
                for n in programs
            )
            and (name != "custom_jvp_call" or not differentiated or _has_plain_derivative(pair))
        )
    if not pair.is_ragged:
        return pair.alike()
    return name in RULES and RULES[name](pair)


def _has_plain_derivative(pair: Pair) -> bool:
    big, small = map(directional, (pair.big, pair.small))
    return _are_plain(big, small, pair.layouts, differentiated=False)


def _are_plain(big: Any, small: Any, layouts: Layouts, differentiated: bool) -> bool:
    """Return whether all operations of a program are plain, and its numbers the same."""
    consts = zip(getattr(big, "consts", ()), getattr(small, "consts", ()), strict=False)
    big, small = getattr(big, "jaxpr", big), getattr(small, "jaxpr", small)
    pairs = paired(big, small, layouts)
    literals = [
        (v.val, w.val)
        for pair in pairs
        for v, w in zip(pair.big.invars, pair.small.invars, strict=True)
        if isinstance(v, core.Literal)
    ]
    ends = zip(big.outvars, small.outvars, strict=True)
    literals += [(v.val, w.val) for v, w in ends if isinstance(v, core.Literal)]
    same = all(same_value(*both) for both in (*consts, *literals))
    return same and all(is_plain(pair, differentiated) for pair in pairs)
