"""Where a best configuration lies: at an edge, beyond which nothing was tried, or where it is SGD
in other words."""

from typing import TypeGuard

from steepest.records import Config, ContestantRecord, Stage, StudyRecord
from steepest.spaces import Float, from_dict

LARGE = 100.0  # an ε that no range of ours reaches, and that leaves nothing of squared gradients
EDGE = 0.1  # the share of a range that a person gave, at either end
RATE = "learning_rate"


def is_special_case(study: StudyRecord, name: str, config: Config) -> bool:
    """Return whether an optimizer was shown what momentum SGD found, and that is its best.

    An ε so large that nothing else divides is in no range of ours.
    """
    asked, epsilon = study.optimizers[name], config.hyperparameters.get("epsilon", 0.0)
    ours = not asked.baseline and "epsilon" not in (asked.given or ())
    return ours and _real(epsilon) and float(epsilon) >= LARGE


def in_other_words(study: StudyRecord, name: str) -> bool:
    """Return whether what was confirmed of an optimizer is SGD in its terms."""
    confirmed = study.confirmed(name)
    return bool(confirmed) and is_special_case(study, name, confirmed[0].config)


def edges_of(study: StudyRecord, name: str, config: Config) -> tuple[str, ...]:
    """Return the hyperparameters whose value in `config` lies at the end of what was searched.

    Of a range that the person gave, that is its end. The learning rate has no range else: it is at
    the edge where it is the highest or the lowest of those that were tried with the same other
    values, of which there are two at the least.
    """
    asked = study.optimizers[name]
    if is_special_case(study, name, config):
        return ()
    if asked.given is None or asked.effective is not None:
        return _of_old_searches(study, name, config)
    found: list[str] = []
    for key, data in asked.space.items():
        space, value = from_dict(data), config.hyperparameters.get(key)
        if not isinstance(space, Float) or not _real(value):
            continue
        if key in (asked.given or ()):
            if not EDGE <= space.position(float(value)) <= 1 - EDGE:
                found.append(key)
        elif key == RATE and _outmost(study, name, config, float(value)):
            found.append(key)
    return tuple(found)


def _outmost(study: StudyRecord, name: str, config: Config, value: float) -> bool:
    rest = _rest(config)
    tried = [
        float(rate)
        for t in study.trials
        if t.optimizer == name
        and t.stage is Stage.SEARCH
        and _rest(t.config) == rest
        and _real(rate := t.config.hyperparameters.get(RATE))
    ]
    return len(set(tried)) > 1 and not min(tried) < value < max(tried)


def _rest(config: Config) -> dict[str, object]:
    return {n: v for n, v in config.hyperparameters.items() if n not in (RATE, "decay_steps")}


def _of_old_searches(study: StudyRecord, name: str, config: Config) -> tuple[str, ...]:
    """Return the same of a file before format 7, whose ranges were ours and grew."""
    asked = study.optimizers[name]
    found: list[str] = []
    tried = [t.config for t in study.trials if t.optimizer == name and t.stage is Stage.SEARCH]
    for key, data in asked.ranges.items():
        space, value = from_dict(data), _searched(asked, key, config)
        if not isinstance(space, Float) or value is None:
            continue
        # Below a momentum of 0 there is nothing to find, so that end is no edge.
        natural = space.low == 0 and value < (space.low + space.high) / 2
        ends = [space.position(value)]
        grew = key in asked.expanded and key in asked.space
        first = from_dict(asked.space[key]) if grew else None
        if isinstance(first, Float):
            known = [v for one in tried if (v := _searched(asked, key, one)) is not None]
            outmost = bool(known) and not min(known) < value < max(known)
            ends += [first.position(value)] if outmost else []
        if not natural and not all(EDGE <= one <= 1 - EDGE for one in ends):
            found.append(key)
    return tuple(found)


def _searched(asked: ContestantRecord, key: str, config: Config) -> float | None:
    """Return a hyperparameter as it was searched; None where a file has no number."""
    value = config.hyperparameters.get(key)
    if not _real(value):
        return None
    momentum = config.hyperparameters.get("momentum")
    if key == RATE and asked.effective and _real(momentum) and momentum < 1:
        return float(value) / (1 - float(momentum))  # the range is that of η/(1 − μ)
    return float(value)


def _real(value: object) -> TypeGuard[float]:
    """Return whether a file has a number where a number belongs."""
    return isinstance(value, int | float) and not isinstance(value, bool)
