"""Gradient clipping, as each framework does it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from steepest.rules.arrays import Array, maximum, minimum, norm, sqrt, total


def widened(x: Array, number: Array) -> Array:
    """Return `x` in the wider type of the two: half precision in single, which numbers have."""
    return x.astype(np.promote_types(x.dtype, number.dtype))


def clipped(framework: str, gradients: Sequence[Array], numbers: Mapping[str, Any]) -> list[Array]:
    """Return the gradients, clipped as the framework does it."""
    if "clip_norm" in numbers:
        limit = numbers["clip_norm"]
        whole = sqrt(sum((widened(total(g * g), limit) for g in gradients), start=limit * 0))
        if framework == "torch":  # torch.nn.utils.clip_grad_norm_
            scale = minimum(limit / (whole + 1e-6), limit * 0 + 1)
        else:
            scale = limit * minimum(1 / whole, 1 / limit)
        return [g * scale.astype(g.dtype) for g in gradients]
    if "clip_each" in numbers:
        limit = numbers["clip_each"]
        norms = [widened(norm(g), limit) for g in gradients]
        return [
            widened(g, limit) * limit / maximum(n, limit)
            for g, n in zip(gradients, norms, strict=True)
        ]
    if "clip_value" in numbers:
        limit = numbers["clip_value"]
        gradients = [widened(g, limit) for g in gradients]
        return [minimum(maximum(g, g * 0 - limit), g * 0 + limit) for g in gradients]
    return list(gradients)
