"""A rule at its defaults: what explaining it starts from."""

from collections.abc import Mapping

from steepest.records import Config
from steepest.rules import Rule
from steepest.rules.recipe import completed
from steepest.spaces import Value


def at_defaults(
    rule: Rule, framework: str = "keras", given: Mapping[str, Value] | None = None
) -> Config:
    """Return the configuration with a framework's own defaults, but for what is given."""
    values = {**rule.settings(framework), **(given or {})}
    values |= completed(rule.name, values, rule.dialect(framework).decay, "constant")
    return Config(rule.name, framework, values, "constant", 0)
