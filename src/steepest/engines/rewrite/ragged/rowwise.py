"""Which operations give a smaller batch's rows when they are run on a full one.

Such an operation is *plain*: where what it takes has the smaller program's values in its leading
part (`pairs.py`), so has what it gives, and in the places beyond there are copies again.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from steepest.engines.rewrite.ragged.pairs import Extents, Pair, equal, ragged_axes

Rule = Callable[[Pair], bool]


def _elementwise(pair: Pair) -> bool:
    whole = pair.outs[0]

    def fits(extents: Extents) -> bool:
        along = zip(extents, whole, strict=True)
        return not extents or all(extent in ((1, 1), out) for extent, out in along)

    return pair.alike() and all(map(fits, pair.ins)) and set(pair.outs) == {whole}


def _each_its_own(pair: Pair) -> bool:
    return pair.alike() and pair.ins == pair.outs


def _along(name: str) -> Rule:
    """Return the rule of operations along axes that a parameter names."""

    def rule(pair: Pair) -> bool:
        axes = pair.big.params[name]
        axes = axes if isinstance(axes, Iterable) else (axes,)
        touched = {axis % len(one) for one in pair.ins if one for axis in axes}
        return pair.alike() and not any(touched & set(ragged_axes(one)) for one in pair.ins)

    return rule


def _along_last(pair: Pair) -> bool:
    last = len(pair.ins[0]) - 1
    axis = pair.big.params.get("axis", last) % (last + 1)
    return pair.alike() and axis == last and last not in ragged_axes(pair.ins[0])


def _along_lasts(count: Callable[[Mapping[str, Any]], int]) -> Rule:
    """Return the rule of operations along so many of the last axes."""

    def rule(pair: Pair) -> bool:
        (given,) = pair.ins
        lasts = range(len(given) - count(pair.big.params), len(given))
        return pair.alike() and not set(lasts) & set(ragged_axes(given))

    return rule


def _repeated(pair: Pair) -> bool:
    reps = pair.big.params["reps"]
    return pair.alike() and all(reps[axis] == 1 for axis in ragged_axes(pair.ins[0]))


def _rearranged(pair: Pair) -> bool:
    return pair.alike()


def _broadcast(pair: Pair) -> bool:
    places = pair.big.params["broadcast_dimensions"]
    fits = ((1, 1), *(pair.outs[0][axis] for axis in places))
    return pair.alike("shape") and all(
        one in (fits[0], fit) for one, fit in zip(pair.ins[0], fits[1:], strict=True)
    )


def _reshaped(pair: Pair) -> bool:
    """An axis of examples may be split, or merged with others."""
    if not pair.alike("new_sizes") or pair.big.params.get("dimensions") is not None:
        return False
    before, after = list(pair.ins[0]), list(pair.outs[0])
    if any(0 in extent for extent in (*before, *after)):
        return False
    while before or after:
        # The next axes of both shapes that have as many places, in both programs.
        sides: tuple[list[Any], list[Any]] = ([], [])
        sizes = [np.ones(2, int), np.ones(2, int)]
        while True:
            side = 0 if sizes[0][0] <= sizes[1][0] else 1
            rest = (before, after)[side]
            if not rest:
                side, rest = 1 - side, (before, after)[1 - side]
            if not rest:
                return False
            extent = rest.pop(0)
            sides[side].append(extent)
            sizes[side] *= extent
            if (sizes[0] == sizes[1]).all() and (all(sides) or not (before and after)):
                break
        one, other = (tuple(extent for extent in side if extent != (1, 1)) for side in sides)
        if (ragged_axes(one) or ragged_axes(other)) and not _same_turns(pair, one, other):
            return False
    return True


def _same_turns(pair: Pair, before: Extents, after: Extents) -> bool:
    """Return whether examples come as many times along merged axes as along others."""
    turns: list[int] = []
    for extents in (before, after):
        axes = ragged_axes(extents)
        if len(axes) != 1:
            return False
        ahead = math.prod(n for n, _ in extents[: axes[0]])
        extent = extents[axes[0]]
        if not turns:
            turns.append(ahead * pair.layouts.turns_of(extent))
        known = turns[0] % ahead == 0 and pair.layouts.may_have(extent, turns[0] // ahead)
        if not known:
            return False
    return True


def _padded(pair: Pair) -> bool:
    edges = pair.big.params["padding_config"]
    return pair.alike() and all(edges[axis] == (0, 0, 0) for axis in ragged_axes(pair.ins[0]))


def _sliced(pair: Pair) -> bool:
    begins = equal(*(one.params["start_indices"] for one in (pair.big, pair.small)))
    strides = equal(*(one.params["strides"] for one in (pair.big, pair.small)))
    (given,), (out,) = pair.ins, pair.outs
    leading = all(
        out[axis] == given[axis] or pair.layouts.turns_of(given[axis]) == 1
        for axis in ragged_axes(given)
    )
    same = all(out[axis] == given[axis] for axis in ragged_axes(out))
    return begins and strides and leading and same


def _sliced_anywhere(pair: Pair) -> bool:
    # The first place is kept within the array, so it depends on how long that is.
    given, (out,) = pair.ins[0], pair.outs
    axes = {*ragged_axes(given), *ragged_axes(out)}
    return pair.alike("slice_sizes") and all(given[axis] == out[axis] for axis in axes)


def _written_anywhere(pair: Pair) -> bool:
    given, part = pair.ins[:2]
    axes = {*ragged_axes(given), *ragged_axes(part)}
    return pair.alike() and all(given[axis] == part[axis] for axis in axes)


def _gathered(pair: Pair) -> bool:
    # Where a place is outside of the array, what is taken depends on how long that is.
    numbers = pair.big.params["dimension_numbers"]
    given, places = pair.ins
    sizes = (pair.big.params["slice_sizes"], pair.small.params["slice_sizes"])
    promised = pair.big.params["unique_indices"] or pair.big.params["indices_are_sorted"]
    if not pair.alike("slice_sizes") or len(places) - 1 in ragged_axes(places):
        return False
    if promised and ragged_axes(places):  # what is beyond the smaller batch holds copies
        return False
    for axis, extent in enumerate(given):
        taken = (sizes[0][axis], sizes[1][axis])
        if extent[0] == extent[1]:
            fits = taken[0] == taken[1]
        elif axis in numbers.operand_batching_dims:
            fits = taken == (1, 1)
        else:
            fits = taken == extent and axis not in numbers.start_index_map
        if not fits:
            return False
    return True


def _multiplied(pair: Pair) -> bool:
    summed = pair.big.params["dimension_numbers"][0]
    return pair.alike() and not any(
        set(axes) & set(ragged_axes(one)) for axes, one in zip(summed, pair.ins, strict=True)
    )


def _convolved(pair: Pair) -> bool:
    numbers, groups = pair.big.params["dimension_numbers"], pair.big.params["batch_group_count"]
    of_examples = set(ragged_axes(pair.ins[0])) <= {numbers.lhs_spec[0]} and not ragged_axes(
        pair.ins[1]
    )
    return pair.alike() and of_examples and groups == 1


def _windowed(pair: Pair) -> bool:
    params = pair.big.params
    ones = ("window_dimensions", "window_strides", "base_dilation", "window_dilation")
    return pair.alike() and all(
        all(params[name][axis] == 1 for name in ones) and params["padding"][axis] == (0, 0)
        for axis in ragged_axes(pair.ins[0])
    )


def _counted(pair: Pair) -> bool:
    axis = pair.big.params["dimension"]
    return pair.alike("shape") and axis not in ragged_axes(pair.outs[0])


# fmt: off
ELEMENTWISE = (
    "abs", "acos", "acosh", "add", "add_any", "and", "asin", "asinh", "atan", "atan2", "atanh",
    "bessel_i0e", "bessel_i1e", "bitcast_convert_type", "cbrt", "ceil", "clamp", "clz",
    "convert_element_type", "copy", "cos", "cosh", "digamma", "div", "eq", "eq_to", "erf",
    "erf_inv", "erfc", "exp", "exp2", "expm1", "floor", "ge", "gt", "igamma", "igamma_grad_a",
    "igammac", "imag", "integer_pow", "is_finite", "le", "lgamma", "log", "log1p", "logistic",
    "le_to", "lt", "lt_to", "max", "min", "mul", "mulhi", "ne", "neg", "nextafter", "not", "or",
    "polygamma", "population_count", "pow", "real", "reduce_precision",
    "regularized_incomplete_beta", "rem", "round", "rsqrt", "select_n", "shift_left",
    "shift_right_arithmetic", "shift_right_logical", "sign", "sin", "sinh", "sqrt", "square",
    "stop_gradient", "sub", "tan", "tanh", "xor", "zeta",
)
# fmt: on
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(ELEMENTWISE, _elementwise),
    **dict.fromkeys(("device_put", "optimization_barrier"), _each_its_own),
    **dict.fromkeys(
        (
            *("argmax", "argmin", "reduce_and", "reduce_max", "reduce_min", "reduce_or"),
            *("reduce_prod", "reduce_sum", "reduce_xor"),
        ),
        _along("axes"),
    ),
    **dict.fromkeys(("cumlogsumexp", "cummax", "cummin", "cumprod", "cumsum"), _along("axis")),
    **dict.fromkeys(("concatenate", "sort"), _along("dimension")),
    **dict.fromkeys(("squeeze", "stack", "transpose"), _rearranged),
    **dict.fromkeys(("reduce_window_max", "reduce_window_min", "reduce_window_sum"), _windowed),
    "rev": _along("dimensions"),
    "split": _along("axis"),
    "unstack": _along("axis"),
    "tile": _repeated,
    "fft": _along_lasts(lambda params: len(params["fft_lengths"])),
    "cholesky": _along_lasts(lambda _: 2),
    "top_k": _along_last,
    "broadcast_in_dim": _broadcast,
    "reshape": _reshaped,
    "pad": _padded,
    "slice": _sliced,
    "dynamic_slice": _sliced_anywhere,
    "dynamic_update_slice": _written_anywhere,
    "gather": _gathered,
    "dot_general": _multiplied,
    "conv_general_dilated": _convolved,
    "iota": _counted,
}
