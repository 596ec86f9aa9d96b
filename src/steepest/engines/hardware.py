"""What JAX trains on, named for the study file: how many devices, which, and how exactly."""

import os
from collections.abc import Sequence
from typing import Any

import jax

# Values of jax_default_matmul_precision at which an NVIDIA GPU rounds the factors of float32
# products to TF32, ten bits after the point; "high" and "highest" do not.
TF32 = (None, "default", "fastest", "tensorfloat32")
AMPERE = 8  # the first compute capability that has TF32


def device_name(devices: Sequence[Any]) -> str:
    """Return a name such as "1 × NVIDIA H200, float32 products in TF32"."""
    name = f"{len(devices)} × {devices[0].device_kind}"
    return f"{name}, float32 products in TF32" if _in_tf32(devices[0]) else name


def _in_tf32(device: Any) -> bool:
    major = str(getattr(device, "compute_capability", "0")).split(".")[0]  # AMD's are "gfx..."
    if device.platform != "gpu" or not major.isdigit() or int(major) < AMPERE:
        return False
    off = os.environ.get("NVIDIA_TF32_OVERRIDE") == "0"
    return not off and getattr(jax.config, "jax_default_matmul_precision", None) in TF32
