"""What JAX trains on, named for the study file: how many devices, which, and how exactly; and a
GPU brought up in time."""

import importlib.util
import logging
import os
import threading
from collections.abc import Sequence
from typing import Any

import jax

log = logging.getLogger(__name__)

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


def wake_gpu() -> None:
    """Begin to bring a GPU up, which takes seconds, while what comes next imports Keras."""
    if importlib.util.find_spec("jax_plugins") is None:
        return

    def wake() -> None:
        try:
            jax.device_put(0.0).block_until_ready()
        except Exception as error:  # whoever needs it meets it
            log.debug("the GPU was not woken: %s", error)

    threading.Thread(target=wake, name="wake").start()
