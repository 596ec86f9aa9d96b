"""The ranges, which are Steepest's own, and configurations in them."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from steepest.records import Config
from steepest.rules import find_rule
from steepest.spaces import Float

OPTIMIZERS = ("SGD", "Adam", "RMSprop")
FEW = 2  # the others tune the learning rate and one more, momentum or β₁: the fewer the easier


def ranges(optimizer: str, count: int | None = None) -> dict[str, Float]:
    """Return the ranges of an optimizer's hyperparameters, all or the first `count`."""
    return dict(list(find_rule(optimizer).spaces.items())[:count])


def version() -> str:
    """Return a digest of all ranges, so that searches of others are done again."""
    every = repr([ranges(optimizer) for optimizer in OPTIMIZERS])
    return hashlib.sha256(every.encode()).hexdigest()[:6]


def make_config(optimizer: str, values: dict[str, Any], seed: int) -> Config:
    """Return a configuration: `values`, and Keras' defaults for what they leave out."""
    rule = find_rule(optimizer)
    return Config(rule.name, "keras", {**rule.settings("keras"), **values}, "constant", seed)


def at(optimizer: str, point: Sequence[float], seed: int, count: int | None = None) -> Config:
    """Return the configuration at a point of the unit cube."""
    spaces = ranges(optimizer, count).items()
    values = {name: space.at(u) for (name, space), u in zip(spaces, point, strict=True)}
    return make_config(optimizer, values, seed)


def to_key(config: Config) -> str:
    """Return what a configuration is but for its seed, as a text that `from_key` reads."""
    return json.dumps([config.rule, config.schedule, dict(sorted(config.hyperparameters.items()))])


def from_key(key: str, seed: int) -> Config:
    """Return the configuration that `to_key` wrote down, with a seed."""
    rule, schedule, values = json.loads(key)
    return Config(rule, "keras", values, schedule, seed)
