"""Metrics: what is measured where nobody asked for anything, and which way is better."""

import re
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from steepest.tasks.torch.checks import no_loss
from steepest.tasks.torch.gathered import direction

UP = {
    *("accuracy", "acc", "auc", "auroc", "f1", "precision", "recall", "r2", "iou", "miou", "dice"),
    *("bleu", "rouge", "map", "ndcg", "mrr", "kappa", "mcc", "psnr", "ssim", "correct", "hits"),
}
DOWN = {
    *("error", "err", "mae", "mse", "rmse", "mape", "perplexity", "ppl", "wer", "cer", "loss"),
    *("nll", "brier", "ece", "fid", "entropy", "distance", "bce"),
}


def accuracy(output: Tensor, target: Tensor) -> Tensor:
    """Return the share of the examples whose largest output is that of their class."""
    return (output.argmax(dim=1) == target).float().mean()


def told_by_module(module: nn.Module, batch: Any) -> Any:
    """Take the step of a module that returns its loss itself, as those of Hugging Face do.

    The accuracy is told beside it where the module returns logits of classes.

    Raises:
        TaskError: it returns none.
    """
    if not isinstance(batch, Mapping):
        raise no_loss()
    found = module(**batch)
    told = found if isinstance(found, Mapping) else vars(found) if hasattr(found, "loss") else {}
    if not isinstance(told.get("loss"), Tensor):
        raise no_loss()
    logits, labels = told.get("logits"), batch.get("labels")
    if not are_classes(logits, labels):
        return told["loss"]
    return told["loss"], {"accuracy": accuracy(logits, labels)}


def are_classes(output: Any, target: Any) -> bool:
    """Whether targets are whole numbers `[n]`, and outputs `[n, classes]`."""
    return (
        isinstance(output, Tensor)
        and isinstance(target, Tensor)
        and output.is_floating_point()
        and not target.is_floating_point()
        and output.ndim == 2
        and output.shape[1] > 1
        and target.shape == output.shape[:1]
    )


def directions(names: tuple[str, ...], metrics: Mapping[str, Any]) -> dict[str, str]:
    """Return of the metrics that say so whether "up" or "down" is better.

    An object of torchmetrics says it itself (`higher_is_better`), a function by its name.
    """
    found = {}
    for name in names:
        own = direction(metrics.get(name))
        if own is not None:
            found[name] = own
            continue
        said = re.split(r"[\W_]+", name.lower())
        words = {*said, *(word.rstrip("0123456789") for word in said)}  # top5, f1
        if words & DOWN:
            found[name] = "down"
        elif words & UP:
            found[name] = "up"
    return found
