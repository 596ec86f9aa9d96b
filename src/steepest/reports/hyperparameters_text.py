"""A configuration in a line: all of its hyperparameters that are not the framework's defaults."""

from steepest.errors import InputError
from steepest.records import Config, StudyRecord
from steepest.reports.config_text import same
from steepest.rules import find_rule
from steepest.rules.custom_schedules import shown
from steepest.spaces import Value
from steepest.text import setting

FIRST = "learning_rate"


def unusual(study: StudyRecord, config: Config, name: str) -> dict[str, Value]:
    """Return what is not the framework's default, and what was searched, by name.

    The learning rate stands first. The length of a schedule is left out where it follows from the
    training's; all is there where the rule is not known here.
    """
    about = study.optimizers.get(name)
    asked = {} if about is None else {**about.space, **about.fixed}
    searched = () if about is None else about.space
    values = dict(config.hyperparameters)
    if config.schedule != "constant" or "schedule" in searched:
        values["schedule"] = shown(config.schedule)
    if "decay_steps" not in asked:
        values.pop("decay_steps", None)
    usual = _defaults(config)
    keys = [FIRST, *(k for k in searched if k != FIRST), *(k for k in values if k not in searched)]
    wanted = (FIRST, *searched)
    return {
        key: values[key]
        for key in dict.fromkeys(keys)
        if key in values
        and (key in wanted or key not in usual or not same(usual[key], values[key]))
    }


def told(study: StudyRecord, config: Config, name: str) -> str:
    """Return them as text, such as "learning_rate 0.05, momentum 0.9"."""
    found = unusual(study, config, name)
    return ", ".join(f"{key} {setting(value)}" for key, value in found.items())


def _defaults(config: Config) -> dict[str, Value]:
    try:
        return dict(find_rule(config.rule).settings(config.dialect))
    except (InputError, KeyError):
        return {}
