"""PyTorch's tensors as NumPy arrays of their own, and back."""

from typing import Any

import ml_dtypes
import numpy as np
import torch
from torch import Tensor

# Types that only ml_dtypes has for NumPy, and what has as many bytes.
_BEYOND = {
    torch.bfloat16: (torch.int16, ml_dtypes.bfloat16),
    torch.float8_e4m3fn: (torch.uint8, ml_dtypes.float8_e4m3fn),
    torch.float8_e5m2: (torch.uint8, ml_dtypes.float8_e5m2),
}


def to_array(tensor: Tensor) -> np.ndarray[Any, Any]:
    """Return a copy of a tensor's values, from any device."""
    tensor = tensor.detach().cpu()
    if tensor.dtype in _BEYOND:
        same_size, kind = _BEYOND[tensor.dtype]
        return np.array(tensor.contiguous().view(same_size).numpy(), order="C").view(kind)
    return np.array(tensor.resolve_conj().resolve_neg().numpy(), order="C")


def fill(tensor: Tensor, array: Any) -> None:
    """Write an array's values into a tensor, on any device, in whatever layout it has."""
    array = np.asarray(array)
    if tensor.dtype in _BEYOND:
        as_bytes = array.view({1: np.uint8, 2: np.int16}[array.dtype.itemsize])
        found = torch.from_numpy(np.array(as_bytes)).view(tensor.dtype)
    else:
        found = torch.from_numpy(np.array(array))  # a copy, as those of others may be read-only
    with torch.no_grad():
        tensor.copy_(found)
