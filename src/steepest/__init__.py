"""Steepest finds the right optimizer, and its hyperparameters, for your model, with the evidence.

    study = steepest.compare(model, x, y, validation_data=(x_val, y_val), epochs=20)
    print(study)
    model.compile(optimizer=study.best.optimizer(), loss=..., metrics=...)

Names are fetched on first use, so `import steepest` is quick and loads no framework.
"""

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.6.0"

_HOMES = {
    "rule": "steepest.rules.own",
    "optimizer": "steepest.rules.alone",
    "from_torch": "steepest.rules.readback",
    "from_keras": "steepest.rules.readback",
    "Rule": "steepest.rules.rule",
    "Optimizer": "steepest.rules.alone",
    "Config": "steepest.records",
    "Choice": "steepest.spaces",
    "Comparison": "steepest.comparison",
    "Float": "steepest.spaces",
    "InputError": "steepest.errors",
    "Recommendation": "steepest.comparison",
    "Several": "steepest.comparison.several",
    "SteepestError": "steepest.errors",
    "StudyFileError": "steepest.errors",
    "TaskError": "steepest.errors",
    "compare": "steepest.comparison",
    "compatibility": "steepest.comparison.several",
    "read": "steepest.comparison",
}

__all__ = [
    "Choice",
    "Comparison",
    "Config",
    "Float",
    "InputError",
    "Optimizer",
    "Recommendation",
    "Rule",
    "Several",
    "SteepestError",
    "StudyFileError",
    "TaskError",
    "__version__",
    "compare",
    "compatibility",
    "from_keras",
    "from_torch",
    "optimizer",
    "read",
    "rule",
]

if TYPE_CHECKING:
    from steepest.comparison import Comparison as Comparison
    from steepest.comparison import Recommendation as Recommendation
    from steepest.comparison import compare as compare
    from steepest.comparison import read as read
    from steepest.comparison.several import Several as Several
    from steepest.comparison.several import compatibility as compatibility
    from steepest.errors import InputError as InputError
    from steepest.errors import SteepestError as SteepestError
    from steepest.errors import StudyFileError as StudyFileError
    from steepest.errors import TaskError as TaskError
    from steepest.records import Config as Config
    from steepest.rules.alone import Optimizer as Optimizer
    from steepest.rules.alone import optimizer as optimizer
    from steepest.rules.own import rule as rule
    from steepest.rules.readback import from_keras as from_keras
    from steepest.rules.readback import from_torch as from_torch
    from steepest.rules.rule import Rule as Rule
    from steepest.spaces import Choice as Choice
    from steepest.spaces import Float as Float


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'steepest' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
