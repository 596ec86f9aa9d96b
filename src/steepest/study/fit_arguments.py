"""The arguments that `compare` has not, or not for this model, each with what to do instead."""

import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from steepest.errors import InputError, nearest, quoted

# What takes the place of an argument, and the values of it that change nothing and so are taken.
_INSTEAD: Mapping[str, tuple[str, tuple[Any, ...]]] = {
    "initial_epoch": (
        "every trial trains from its first epoch; to start from the model's weights as they are, "
        "give initial_weights='given'",
        (None, 0),
    ),
    "validation_batch_size": (
        "the validation set is evaluated whole, in batches of batch_size, which changes no result; "
        "leave it out, or give validation_data as a stream with batches of its own",
        (None,),
    ),
    "validation_freq": (
        "trials are evaluated after every epoch, as optimizers are compared by it; leave it out",
        (None, 1),
    ),
    "learning_rate": (
        "the learning rate is tuned for each optimizer; fix it as in "
        "optimizers='Adam(learning_rate=0.001)', or give today's optimizer as baseline=",
        (),
    ),
    "lr": (
        "the learning rate is tuned for each optimizer; fix it as in "
        "optimizers='Adam(learning_rate=0.001)', or give today's optimizer as baseline=",
        (),
    ),
    "optimizer": (
        "optimizers= takes the names of those to tune, and baseline= the optimizer of today",
        (),
    ),
    "criterion": ("the loss of a PyTorch module is loss=, as in loss=nn.CrossEntropyLoss()", ()),
    "scheduler": (
        "schedule= names the schedule of all, as in schedule='cosine'; one that you use today "
        "comes with its optimizer, by baseline=steepest.from_torch(scheduler, every=len(loader))",
        (None,),
    ),
    "device": (
        "trials train on the device that JAX has; leave it out",
        (None,),
    ),
    "train_loader": ("training data is the second argument, before all names", ()),
    "val_loader": ("validation data is validation_data=, a loader or (x, y)", (None,)),
    "valid_loader": ("validation data is validation_data=, a loader or (x, y)", (None,)),
    "test_loader": ("test data is test_data=, a loader or (x, y)", (None,)),
    "workers": ("streams are read ahead by a thread, as Keras 3 does it; leave it out", (1,)),
    "use_multiprocessing": ("streams are read by a thread; leave it out", (False,)),
    "max_queue_size": ("streams are read ahead as memory allows; leave it out", (10,)),
}
# What has a meaning for the models of one framework alone.
_OF_TORCH = {
    "loss": "the loss is the one that the model was compiled with; call compile(loss=...)",
    "metrics": (
        "metrics are those that the model was compiled with; call compile(metrics=[...]), and say "
        "by metric= which of them decides"
    ),
    "step": "a Keras model has a step of its own where it has a train_step; leave step out",
}
_OF_KERAS = {
    "class_weight": (
        "a loss of PyTorch weighs classes itself, as in loss=nn.CrossEntropyLoss(weight=...); "
        "leave class_weight out"
    ),
    "sample_weight": (
        "put the weights into the batches, and weigh with them in step=, a function of the module "
        "and the batch that returns the loss; leave sample_weight out"
    ),
}


def check_framework(torch: bool, given: Mapping[str, Any]) -> None:
    """Raise `InputError` for an argument that has no meaning for the model's framework.

    `torch` says whether the model is PyTorch's, `given` has the arguments by name.
    """
    whose = "PyTorch modules" if torch else "Keras models"
    for name, instead in (_OF_KERAS if torch else _OF_TORCH).items():
        if given[name] is not None:
            raise InputError(f"{name} is not for {whose}: {instead}")


def names_of(function: Callable[..., Any]) -> list[str]:
    """Return the arguments that a function takes by name."""
    kinds = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    parameters = inspect.signature(function).parameters.values()
    return [one.name for one in parameters if one.kind not in kinds]


def check_arguments(
    more: Sequence[Any], unknown: Mapping[str, Any], known: Collection[str]
) -> None:
    """Raise `InputError` for what `compare` does not take, with what to do instead."""
    if more:
        raise InputError(
            f"compare was given {quoted(more[0])} as its seventh argument by position, but takes "
            "model, x, y, batch_size, epochs and verbose so, as fit does; name the others, as in "
            "validation_split=0.2"
        )
    for name, value in unknown.items():
        if name not in _INSTEAD:
            raise InputError(f"compare has no argument {quoted(name)}; {_meant(name, known)}")
        instead, nothing = _INSTEAD[name]
        if not any(type(value) is type(one) and value == one for one in nothing):
            raise InputError(f"compare has no argument {name}: {instead}")


def _meant(name: str, known: Collection[str]) -> str:
    hint = nearest(name, known)
    return hint if hint.startswith("did") else "help(steepest.compare) tells what there is"


def progress_of(verbose: Any, progress: bool | None) -> bool | None:
    """Return whether progress is to be shown; None where it depends on the terminal.

    Raises:
        InputError: `verbose` is nothing that `fit` takes.
    """
    if not isinstance(verbose, int | str) or verbose not in (0, 1, 2, "auto"):
        raise InputError(f"verbose is {quoted(verbose)}, but must be 0, 1, 2 or 'auto'")
    if progress is not None or verbose == "auto":
        return progress
    return bool(verbose)
