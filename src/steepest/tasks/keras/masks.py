"""The steps that a model masks, such as padding behind `Embedding(mask_zero=True)`: no loss sees
their labels, as if their sample weight were 0.
"""

from typing import Any

import numpy as np

from steepest.data import arrays
from steepest.data.arrays import Batch


def weighed(keras: Any, jax: Any, model: Any, batch: Batch, size: int) -> Batch:
    """Return `batch` with the model's own mask in its weights, for looking at labels below 0.

    Of a model with one output; `size` is of the batches that it takes. Others come back as they
    are.
    """
    x, y, sample_weight = batch
    if not isinstance(y, np.ndarray) or y.dtype.kind not in "if" or not (y < 0).any():
        return batch
    if sample_weight is not None and not isinstance(sample_weight, np.ndarray):
        return batch
    values = [
        [v.value for v in vs] for vs in (model.trainable_variables, model.non_trainable_variables)
    ]

    def mask(x: Any) -> Any:
        output, _ = model.stateless_call(*values, x)
        return keras.src.backend.get_keras_mask(output)  # Keras' own losses ask for it so

    count, found = arrays.size(batch), []
    try:
        run = jax.jit(mask)
        for start in range(0, count, size):
            places = np.minimum(np.arange(start, start + size), count - 1)
            found.append(run(arrays.map_arrays(lambda _, a: a[places], x, "x")))  # noqa: B023
            if found[0] is None:
                return batch
    except Exception:  # what stands in the way of calling it is said by what calls it next
        return batch
    seen = np.concatenate([np.asarray(one) for one in found])[:count].astype(np.float32)
    if sample_weight is None:
        return x, y, seen
    weight = sample_weight.reshape(sample_weight.shape + (1,) * (seen.ndim - sample_weight.ndim))
    try:
        return x, y, weight * seen
    except ValueError:  # weights of a wrong shape, which the trace tells of
        return batch
