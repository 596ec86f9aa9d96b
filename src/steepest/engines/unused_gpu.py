"""An NVIDIA GPU that is in the machine and that JAX does not use: said at once, with the cure."""

import logging
import os
import shutil
import subprocess

import jax

log = logging.getLogger(__name__)

ASK = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")
PATIENCE = 10.0  # seconds that a driver may take to answer
CUDA_13 = 580  # the driver from which on JAX' packages of CUDA 13 run; older ones run those of 12


def tell_unused_gpu() -> None:
    """Say so where there is an NVIDIA GPU and JAX computes on the CPU.

    Not where the person keeps JAX off it, by JAX_PLATFORMS or CUDA_VISIBLE_DEVICES.
    """
    hidden = os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1", "NoDevFiles")
    if hidden or os.environ.get("JAX_PLATFORMS") or jax.default_backend() != "cpu":
        return
    found = _first_gpu()
    if found is None:
        return
    name, driver = found
    major = driver.split(".")[0]
    cuda = 13 if major.isdigit() and int(major) >= CUDA_13 else 12
    log.warning(
        "this machine has a GPU, %s, but JAX %s trains on the CPU; to use the GPU, run: pip "
        'install "jax[cuda%s]"',
        name,
        jax.__version__,
        cuda,
    )


def _first_gpu() -> tuple[str, str] | None:
    """Return name and driver of the first GPU that NVIDIA's driver tells of."""
    if shutil.which(ASK[0]) is None:
        return None
    try:
        told = subprocess.run(ASK, capture_output=True, text=True, timeout=PATIENCE, check=True)
    except (OSError, subprocess.SubprocessError, UnicodeDecodeError):
        return None
    lines = [line for line in told.stdout.splitlines() if line.strip()]
    if not lines:
        return None
    name, _, driver = lines[0].partition(",")
    return name.strip(), driver.strip()
