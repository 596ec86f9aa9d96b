"""A person's study beside the tasks of the atlas, in sentences, a row of its heat map and JSON."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from steepest.measures.among import TIED, Among, Pair, Rate
from steepest.priors.atlas import Atlas
from steepest.rules import find_rule
from steepest.text import many, percent, plain, setting

TITLE = "Your task among these"
WIDTH = 100  # letters of a line
FAR = 3.0  # times the largest or the smallest of the atlas: further is said


def text(found: Among, atlas: Atlas) -> str:
    """Return it for a terminal."""
    more = "steepest atlas shows all of it, and with this study and --html a page."
    return "\n".join(
        [
            TITLE,
            "",
            *(line for one in sentences(found, atlas) for line in wrap(one, WIDTH)),
            "",
            more,
        ]
    )


def sentences(found: Among, atlas: Atlas) -> list[str]:
    """Return what the atlas says beside a study, a sentence or two each."""
    return [
        _which(found, atlas),
        *_sizes(found, atlas),
        *(_pair(one) for one in found.pairs),
        *(_rate(rule, one) for rule, one in found.rates.items()),
        *_missing(found),
    ]


def _which(found: Among, atlas: Atlas) -> str:
    some, shape = [atlas.tasks[at] for at in found.like], found.shape
    what = f"{plain(found.task)} is a {shape.kind} for {shape.goal}"
    if all((one.kind, one.goal) == (shape.kind, shape.goal) for one in some):
        return f"{what}. {many(len(some), 'task')} of the atlas are like it."
    if all(one.kind == shape.kind for one in some):
        return (
            f"{what}. Few tasks of the atlas are, so it stands beside the {len(some)} with a "
            f"{shape.kind} for whatever goal."
        )
    return f"{what}. No task of the atlas is, so it stands beside all {len(some)}."


def _sizes(found: Among, atlas: Atlas) -> Iterator[str]:
    for what, own, theirs in (
        ("weights", found.shape.parameters, [one.parameters for one in atlas.tasks]),
        ("steps", found.shape.steps, [one.steps for one in atlas.tasks]),
    ):
        low, high = min(theirs), max(theirs)
        if low <= own <= high:
            fewer = sum(one < own for one in theirs)
            yield f"It has {own:,} {what}, more than {fewer} of the {len(theirs)} tasks."
        else:
            far = own > FAR * high or own * FAR < low
            yield (
                f"It has {own:,} {what}, outside of what was measured, {low:,} to {high:,}"
                f"{': take what follows with care' if far else ''}."
            )


def _pair(one: Pair) -> str:
    sure = "" if one.decided else ", which the study has not established"
    here = f"{one.behind} ends {percent(one.by)} above {one.ahead} here{sure}"
    there = (
        f"on like tasks {one.ahead} was lower by more than 3 % on {one.as_here} of {one.tasks}, "
        f"{one.behind} on {one.other_way}"
    )
    if one.by <= TIED:
        return f"{here}, less than counts as a difference there: {there}."
    if one.as_here > one.other_way and 2 * one.as_here > one.tasks:
        return f"{here}. That is usual: {there}."
    if one.other_way > one.as_here and 2 * one.other_way > one.tasks:
        return f"{here}. That is unusual: {there}."
    return f"{here}. The atlas does not settle which of them is lower: {there}."


def _rate(rule: str, one: Rate) -> str:
    where = "within" if one.inside else "below" if one.own < one.low else "above"
    own, low, high = (setting(float(f"{value:.2g}")) for value in (one.own, one.low, one.high))
    unit = " as η/(1 − momentum)" if "momentum" in find_rule(rule) else ""
    return (
        f"{rule}'s best learning rate, {own}{unit}, lies {where} the usual range: eight in ten of "
        f"the best ones on like tasks lie from {low} to {high}."
    )


def _missing(found: Among) -> Iterator[str]:
    if not found.excess:
        yield "The study has no tuned optimizer that the atlas has, so nothing else can be said."


def to_dict(found: Among, atlas: Atlas) -> dict[str, Any]:
    """Return what `steepest atlas STUDY --json` has of the study."""
    return {
        "task": found.task,
        "shape": vars(found.shape),
        "like": [atlas.tasks[at].name for at in found.like],
        "excess": dict(found.excess),
        "pairs": [vars(one) for one in found.pairs],
        "rates": {rule: {**vars(one), "inside": one.inside} for rule, one in found.rates.items()},
        "sentences": sentences(found, atlas),
    }
