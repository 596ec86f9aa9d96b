"""Searches of older studies: they go on with the start lists that they began with."""

from dataclasses import replace

from steepest.errors import InputError
from steepest.parse.contestant import Contestant
from steepest.priors import start_lists
from steepest.records import ContestantRecord
from steepest.rules import find_rule
from steepest.spaces import Space, Value


def check_version(version: int) -> None:
    """Raise `InputError` for lists that a later version of Steepest brought."""
    if version > start_lists.VERSION:
        raise InputError(
            f"the study began with version {version} of the start lists, and this version of "
            f"Steepest has those up to {start_lists.VERSION}; go on with the version that began "
            "it, or choose another directory with out"
        )


def with_lists_of(version: int, one: Contestant, known: ContestantRecord) -> Contestant:
    """Return a contestant that searches what it did with older lists.

    What a list has several values of is searched, however few the trials, so another list may
    search other hyperparameters.
    """
    rule = find_rule(one.rule)
    if one.baseline or version == start_lists.VERSION:
        return one
    fixed: dict[str, Value] = dict(one.fixed)
    space: dict[str, Space] = dict(one.space)
    for key in _listed(rule.name, start_lists.VERSION) ^ _listed(rule.name, version):
        if key in one.given:
            continue
        if key in space and key in known.fixed:
            del space[key]
            fixed[key] = known.fixed[key]
        elif key in fixed and key in known.space and key in rule.spaces:
            del fixed[key]
            space[key] = rule.spaces[key]
    ranges = {key: space[key] for key in rule.spaces if key in space}
    return replace(one, fixed=fixed, space={**ranges, **space})


def _listed(rule: str, version: int) -> set[str]:
    return {key for entry in start_lists.start_list(rule, version) for key in entry}
