"""What the names in a task file mean: those of `fit` for a Keras model, or PyTorch's.

For Keras they are `model`, `x`, `y` and what else `fit` takes. For PyTorch, `Net` is a class or a
function that makes the module, or `model` a module that is made; `train`, `validation` and `test`
are loaders, data sets or `(x, y)`; `loss` is a function of output and target, or `step` one of
module and batch. What both have in common has one name: `epochs`, `batch_size` and the like.

`schedule` and `groups` say how optimizers are compared on it, as the options of these names do, for
what no option can say: a function, an object.
"""

import inspect
from collections.abc import Mapping
from typing import Any

from steepest.data.sources import is_stream
from steepest.errors import TaskError
from steepest.tasks.any_task import is_keras, is_of_torch

_BOTH = (
    *("validation_data", "validation_split", "test_data", "epochs", "batch_size"),
    *("steps_per_epoch", "validation_steps", "initial_weights", "shuffle", "callbacks"),
)
WANTED = ("schedule", "groups")  # of the study, and not of the task
KERAS = ("model", "x", "y", *_BOTH, "class_weight", "sample_weight")
# The argument that each name is. Where a file has two names of one argument, the first counts.
_TORCH: Mapping[str, str] = {
    "Net": "model",
    "model": "model",
    "train": "x",
    "x": "x",
    "y": "y",
    "validation": "validation_data",
    "test": "test_data",
    **{name: name for name in ("loss", "step", "metrics", *_BOTH)},
}
TORCH = tuple(_TORCH)
NAMES = tuple(dict.fromkeys((*KERAS, *TORCH, *WANTED)))
_DATA = ("train", "validation", "test", "x", "validation_data", "test_data")


def wanted(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was given by name of how optimizers are compared.

    Of what no schedule and no groups could be nothing is taken: scripts have a module `schedule`,
    or the groups of a cross-validation, by these names.
    """
    found = {name: given[name] for name in WANTED if given.get(name) is not None}
    schedule = found.get("schedule")
    able = isinstance(schedule, str | list | tuple) or callable(schedule)
    if not able or isinstance(schedule, type):
        found.pop("schedule", None)
    if not isinstance(found.get("groups"), str | Mapping):
        found.pop("groups", None)
    return found


def is_torch_task(given: Mapping[str, Any]) -> bool:
    """Whether what was given by name is a task for PyTorch, as far as its names tell."""
    model, net = given.get("model"), given.get("Net")
    if "model" in given and is_keras(model):
        return False
    if is_of_torch(model) or is_of_torch(net):
        return True
    if "model" in given:
        return False
    return "Net" in given or ("x" not in given and bool({"train", "loss"} & set(given)))


def keras_arguments(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return what `keras_task` takes of what was given by name.

    Raises:
        TaskError: something that is needed is not there; `where` says of what.
    """
    # The batches of a stream bring y, and a model that brings its loss itself may need none.
    without_y = is_stream(given.get("x")) or _brings_loss(given.get("model"))
    needed = ("model", "x") if without_y else ("model", "x", "y")
    missing = [name for name in needed if name not in given]
    if missing:
        raise TaskError(
            f"{where} does not define {' and '.join(missing)}; a task needs model, x, y and "
            "validation_data or validation_split, by these names, or for PyTorch Net, train, "
            "validation and loss"
        )
    return {name: value for name, value in given.items() if name in KERAS}


def torch_arguments(given: Mapping[str, Any], where: str) -> dict[str, Any]:
    """Return what `torch_task` takes of what was given by name.

    Raises:
        TaskError: something that is needed is not there; `where` says of what.
    """
    given = dict(given)
    needs = [name for name in _DATA if name in given and _needs_arguments(given[name])]
    for name in needs:  # `def train(model, loader)`, which is no data
        del given[name]
    if "model" in given and "Net" in given and _needs_arguments(given["Net"]):
        del given["Net"]
    if not {"loss", "step"} & set(given):
        given.pop("metrics", None)
    found: dict[str, Any] = {}
    for name, argument in _TORCH.items():
        if name in given and not (name == "y" and "train" in given):
            found.setdefault(argument, given[name])
    if "step" in found and "loss" in found:
        del found["loss"]  # what the last batch left in a script, or the step's own
    functions = f" ({' and '.join(needs)} is a function, and no data)" if needs else ""
    missing = [
        name
        for name, there in (
            ("Net", "model" in found),
            ("train", "x" in found),
            ("loss", bool({"loss", "step"} & set(found))),
        )
        if not there
    ]
    if missing:
        raise TaskError(
            f"{where} does not define {' and '.join(missing)}{functions}; a task for PyTorch "
            "needs Net (or model), train, validation (or validation_split) and loss (or step), by "
            "these names"
        )
    return found


def _needs_arguments(thing: Any) -> bool:
    """Whether a thing is a function or a class that cannot be called without arguments."""
    if not (inspect.isroutine(thing) or inspect.isclass(thing)):
        return False
    try:
        parameters = inspect.signature(thing).parameters.values()
    except (TypeError, ValueError):
        return True
    variable = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return any(one.default is one.empty and one.kind not in variable for one in parameters)


def _brings_loss(model: Any) -> bool:
    """Whether a Keras model has its loss by itself, in which labels may have no part."""
    if not is_keras(model):
        return False
    from steepest.tasks.keras.checks import is_own, own_step
    from steepest.tasks.keras.task import load_keras

    keras = load_keras()
    if not isinstance(model, keras.Model):
        return False
    return (
        model.loss is None or is_own(keras, model, "compute_loss") or bool(own_step(keras, model))
    )
