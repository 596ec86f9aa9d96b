"""The start lists of the atlas as tables: how they do, and whether searches should take them."""

from collections.abc import Mapping, Sequence
from typing import Any

from steepest.reports.atlas_tables import Table, percent
from steepest.reports.numbers import MISSING

HOW = {
    "listed": "start list",
    "today": "the search's first list",
    "usual": "the default and its neighbours",
    "random": "random points",
}


def lists_table(lists: Mapping[str, Any], order: Sequence[str], k: int) -> Table:
    """Return how start lists do on families that they were made without, beside other starts."""
    every = lists["optimizers"]
    rows = [
        (
            name,
            *(
                f"{percent(every[name]['judged'][str(k)][how]['median'])} / "
                f"{percent(every[name]['judged'][str(k)][how]['ninety'])}"
                for how in HOW
            ),
        )
        for name in order
        if name in every
    ]
    return Table(
        "Start lists: the first entry" if k == 1 else f"Start lists: the best of the first {k}",
        "Excess over the optimizer's own best configuration, median / 90 % point over tasks, above "
        "100 % counted as that. Lists are made without the family they are judged on.",
        ("optimizer", *HOW.values()),
        tuple(rows),
    )


def gains_table(lists: Mapping[str, Any], order: Sequence[str]) -> Table:
    """Return whether start lists of the atlas are better than those that searches start from."""
    every = lists["optimizers"]
    rows = [
        (
            name,
            *(_gain(every[name]["gains"].get(k)) for k in ("3", "5")),
            "yes" if every[name]["better"] else "no",
        )
        for name in order
        if name in every
    ]
    return Table(
        "Are start lists better than the search's first ones?",
        "By how many points of per cent the best of the first three, which a search begins with, "
        "and of the first five lies lower than that of the list that searches started from in "
        "version 1: mean and 95 % interval over families of tasks, each judged by a list that was "
        "made without it. Better is what is clearly so in the first three, by 5 points and more, "
        "and in five no worse: from these lists searches start since.",
        ("optimizer", "first 3", "first 5", "better"),
        tuple(rows),
    )


def _gain(one: Mapping[str, float | None] | None) -> str:
    if one is None or one["mean"] is None:
        return MISSING
    if one["low"] is None or one["high"] is None:
        return f"{100 * one['mean']:.1f}"
    return f"{100 * one['mean']:.1f} ({100 * one['low']:.1f} to {100 * one['high']:.1f})"
