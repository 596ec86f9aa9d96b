"""Steepest finds the right optimizer, and its hyperparameters, for your model, with the evidence.

    study = steepest.compare(model, x, y, validation_data=(x_val, y_val), epochs=20)
    print(study)
    model.compile(optimizer=study.best.optimizer(), loss=..., metrics=...)

Names are fetched on first use, so `import steepest` is quick and loads no framework. Where Keras
would be imported on a TensorFlow that is not installed, it chooses JAX (`KERAS_BACKEND`).
"""

import importlib
from typing import TYPE_CHECKING, Any

from steepest import backend as _backend
from steepest.version import __version__

_HOMES = {
    "rule": "steepest.rules.custom",
    "optimizer": "steepest.rules.optimizer",
    "from_torch": "steepest.parse.baseline",
    "from_keras": "steepest.parse.baseline",
    "Rule": "steepest.rules.rule",
    "Optimizer": "steepest.rules.optimizer",
    "Config": "steepest.records",
    "Choice": "steepest.spaces",
    "Study": "steepest.study",
    "Float": "steepest.spaces",
    "InputError": "steepest.errors",
    "LearningRate": "steepest.study.learning_rate",
    "Recommendation": "steepest.study",
    "StudySet": "steepest.study.study_set",
    "Suggestion": "steepest.study.suggest",
    "SteepestError": "steepest.errors",
    "StudyFileError": "steepest.errors",
    "TaskError": "steepest.errors",
    "compare": "steepest.study.compare",
    "compatibility": "steepest.study.study_set",
    "learning_rate": "steepest.study.learning_rate",
    "read": "steepest.study",
    "suggest": "steepest.study.suggest",
}

__all__ = [
    "Choice",
    "Config",
    "Float",
    "InputError",
    "LearningRate",
    "Optimizer",
    "Recommendation",
    "Rule",
    "SteepestError",
    "Study",
    "StudyFileError",
    "StudySet",
    "Suggestion",
    "TaskError",
    "__version__",
    "compare",
    "compatibility",
    "from_keras",
    "from_torch",
    "learning_rate",
    "optimizer",
    "read",
    "rule",
    "suggest",
]

if TYPE_CHECKING:
    from steepest.errors import InputError as InputError
    from steepest.errors import SteepestError as SteepestError
    from steepest.errors import StudyFileError as StudyFileError
    from steepest.errors import TaskError as TaskError
    from steepest.parse.baseline import from_keras as from_keras
    from steepest.parse.baseline import from_torch as from_torch
    from steepest.records import Config as Config
    from steepest.rules.custom import rule as rule
    from steepest.rules.optimizer import Optimizer as Optimizer
    from steepest.rules.optimizer import optimizer as optimizer
    from steepest.rules.rule import Rule as Rule
    from steepest.spaces import Choice as Choice
    from steepest.spaces import Float as Float
    from steepest.study import Recommendation as Recommendation
    from steepest.study import Study as Study
    from steepest.study import read as read
    from steepest.study.compare import compare as compare
    from steepest.study.learning_rate import LearningRate as LearningRate
    from steepest.study.learning_rate import learning_rate as learning_rate
    from steepest.study.study_set import StudySet as StudySet
    from steepest.study.study_set import compatibility as compatibility
    from steepest.study.suggest import Suggestion as Suggestion
    from steepest.study.suggest import suggest as suggest


_backend.choose_early()  # `import steepest, keras` is to work without TensorFlow


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'steepest' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
