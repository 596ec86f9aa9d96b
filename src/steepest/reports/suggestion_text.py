"""A suggestion of the atlas as text: what to start with, what it rests on, how sure it is."""

from collections.abc import Iterator, Mapping, Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from steepest.codegen import code
from steepest.priors.atlas import WORST, Atlas
from steepest.priors.left_out import USUAL, Record, Suggested
from steepest.priors.suggestion import ALIKE, Pick
from steepest.records import Config, TaskFacts
from steepest.text import listed, many, setting

FORMAT = 1  # of the JSON
WIDTH = 100  # letters of a line
FAR = 3.0  # times as large as the largest of the like tasks, or as small: further is said
CLOSE, NEAR = 0.03, 0.1  # above the best
DEFAULTS = ("Adam", "RMSprop", "SGD")  # whose defaults are told of


def call(pick: Pick) -> str:
    """Return a configuration as a call, such as AdamW(0.003, weight_decay=0.01)."""
    rest = [f"{k}={setting(v)}" for k, v in pick.values.items() if k != "learning_rate"]
    return f"{pick.rule}({', '.join([setting(pick.values['learning_rate']), *rest])})"


def advice(atlas: Atlas, found: Suggested) -> list[str]:
    """Return what to start with and what that rests on, a sentence or two each."""
    first, *more = found.picks
    far = list(_distance(atlas, found))
    guess = ", which is a guess for a task of this size" if far else ""
    told = [f"Start with {call(first)}{guess}.", *far, _like(atlas, found), how_sure(found)]
    if more:
        told.append(f"Next: {', then '.join(call(one) for one in more)}.")
    return [*told, *_defaults(found)]


def _like(atlas: Atlas, found: Suggested) -> str:
    """Say which tasks are like it."""
    some = [atlas.tasks[i] for i in found.like]
    shape, count = found.shape, many(len(some), "task")
    weights = _span([task.parameters for task in some], "weights")
    steps = _span([task.steps for task in some], "steps")
    if not any(task.kind == shape.kind for task in some):
        return (
            f"No task of the atlas has a {shape.kind}, so this rests on all of its {count}, of "
            "other kinds of models: take it for a guess."
        )
    if len(found.judged) > len(found.like):
        return (
            f"Only {count} of the atlas, too few to judge by, {'has' if len(some) == 1 else 'have'}"
            f" a {shape.kind} ({weights}; {steps}), so what follows is of all "
            f"{len(found.judged)}."
        )
    if all((task.kind, task.goal) == (shape.kind, shape.goal) for task in some):
        return f"The atlas has {count} like yours ({shape.kind}, {shape.goal}; {weights}; {steps})."
    return (
        f"Few tasks of the atlas are like yours ({shape.kind}, {shape.goal}), so it rests on "
        f"{count} with a {shape.kind} for whatever goal ({weights}; {steps})."
    )


def _span(values: Sequence[int], what: str) -> str:
    low, high = min(values), max(values)
    return f"{low:,} {what}" if low == high else f"{low:,} to {high:,} {what}"


def how_sure(found: Suggested) -> str:
    """Say how such suggestions did on what is judged, each made without the task's family."""
    record, count = found.record, len(found.record.tasks)
    close, near = (_within(record.suggested, share) for share in (CLOSE, NEAR))
    usual = _within(record.usual, NEAR)
    told = (
        f"How sure: made for each of the {count} without any task of its family, the first "
        "suggestion ended "
        f"within {_percent(CLOSE)} of the best known loss on {close} and within {_percent(NEAR)} "
        f"on {near} ({_middle(record.suggested)}); the default {USUAL}(0.001) ended within "
        f"{_percent(NEAR)} on {usual} ({_middle(record.usual)})."
    )
    if float(np.median(record.suggested)) >= float(np.median(record.usual)):
        return f"{told} So there it is no better than that default."
    if near < count / 2:
        return f"{told} So it is where to begin a search, not what to end with."
    return told


def _within(excess: Any, share: float) -> int:
    return int((excess <= share).sum())


def _middle(excess: Any) -> str:
    middle, ninety = (float(np.quantile(excess, q, method="higher")) for q in (0.5, 0.9))
    return f"median {_percent(middle)} above, nine of ten within {_percent(ninety)}"


def _percent(share: float) -> str:
    if share >= WORST:
        return "no bound, as one diverged"
    return f"{100 * share:.0f} %" if share >= 0.0995 else f"{100 * share:.2g} %"


def _defaults(found: Suggested) -> Iterator[str]:
    """Say what defaults lose there, and what tuning the same optimizer gives."""
    parts = [
        f"{name} {_percent(found.default[name])} (its best configuration "
        f"{_percent(found.tuned[name])})"
        for name in DEFAULTS
        if name in found.default
    ]
    if parts:
        yield f"Above the best there, in the median, as their defaults stand: {listed(parts)}."


def _distance(atlas: Atlas, found: Suggested) -> Iterator[str]:
    """Say where a task lies outside of what was measured."""
    some = [atlas.tasks[i] for i in found.like]
    sizes = (
        ("weights", found.shape.parameters, [task.parameters for task in some]),
        ("steps", found.shape.steps, [task.steps for task in some]),
    )
    for what, own, theirs in sizes:
        if own > FAR * max(theirs):
            yield (
                f"Yours has {own:,} {what}, {own / max(theirs):.0f} times the most of the tasks "
                "like it: nothing as large was measured."
                f"{_by_length(atlas) if what == 'steps' else ''}"
            )
        elif own * FAR < min(theirs):
            yield (
                f"Yours has {own:,} {what}, the least of the tasks like it {min(theirs):,}: "
                "nothing as small was measured."
            )


def text(atlas: Atlas, found: Suggested, config: Config, facts: TaskFacts, framework: str) -> str:
    """Return all of it for a terminal, without colours."""
    lines = [line for one in advice(atlas, found) for line in _wrapped(one)]
    source = code(config, facts, framework).rstrip()
    rests = (
        "Nothing was trained. steepest lr finds the learning rate on your own data in seconds, "
        "steepest compare the optimizer."
    )
    return "\n".join([*lines, "", source, "", *wrap(rests, WIDTH)])


def _by_length(atlas: Atlas) -> str:
    """Say how the best rate moves with the length of training, where that is clear."""
    one = atlas.figures.get("exponents", {}).get("epochs", {})
    low, high = one.get("low"), one.get("high")
    if low is None or high is None or low * high <= 0:
        return ""
    series = {name for slopes in one["optimizers"].values() for name in slopes}
    return (
        f" Where the length alone was varied, on {many(len(series), 'task')}, twice as many epochs "
        f"asked for {2 ** one['mean']:.2g} times the learning rate."
    )


def _wrapped(one: str) -> list[str]:
    """Return a paragraph in lines, none of which begins with the sign of per cent."""
    kept = one.replace(" %", "\N{NO-BREAK SPACE}%")
    return [line.replace("\N{NO-BREAK SPACE}", " ") for line in wrap(kept, WIDTH)]


def to_dict(
    atlas: Atlas, found: Suggested, config: Config, facts: TaskFacts, framework: str
) -> dict[str, Any]:
    """Return what `--json` prints."""
    return {
        "format_version": FORMAT,
        "atlas_version": atlas.version,
        "task": facts.name,
        "shape": vars(found.shape),
        "suggestions": [
            {"optimizer": one.rule, "hyperparameters": dict(one.values), "mean_excess": one.mean}
            for one in found.picks
        ],
        "like": [atlas.tasks[i].name for i in found.like],
        "enough_like": len({atlas.tasks[i].series for i in found.like}) >= ALIKE,
        "left_out": _record(found.record),
        "median_excess_of_best": dict(found.tuned),
        "median_excess_of_default": dict(found.default),
        "advice": advice(atlas, found),
        "code": code(config, facts, framework),
    }


def _record(record: Record) -> Mapping[str, Any]:
    return {
        "tasks": list(record.tasks),
        "suggested": [float(value) for value in record.suggested],
        "default_adam": [float(value) for value in record.usual],
    }
