"""What Keras runs on: the packages whose versions decide what comes out, and the device."""

import importlib
import importlib.metadata

from steepest.tasks.fitted import BACKENDS

# TensorFlow is one import, but several distributions have it.
_DISTRIBUTIONS = {
    "jax": ("jax",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly"),
    "torch": ("torch",),
}


def packages(backend: str) -> tuple[str, ...]:
    """Return the distributions that a training through Keras on `backend` depends on."""
    found = [name for name in _DISTRIBUTIONS[backend] if _is_installed(name)]
    if not found:  # under a name of its own
        found = importlib.metadata.packages_distributions().get(backend, [])[:1]
    return ("keras", *found[:1], *(("jaxlib",) if backend == "jax" else ()))


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def device(backend: str) -> str:
    """Return what Keras trains on by default, such as "CPU (TensorFlow)"."""
    return f"{_device(backend)} ({BACKENDS[backend]})"


def _device(backend: str) -> str:
    if backend == "jax":
        jax = importlib.import_module("jax")
        return str(jax.devices()[0].device_kind)
    if backend == "torch":
        torch = importlib.import_module("torch")
        if torch.cuda.is_available():
            return str(torch.cuda.get_device_name())
        return "MPS" if torch.backends.mps.is_available() else "CPU"
    tensorflow = importlib.import_module("tensorflow")
    found = tensorflow.config.list_physical_devices("GPU")
    if not found:
        return "CPU"
    details = tensorflow.config.experimental.get_device_details(found[0])
    return str(details.get("device_name", "GPU"))
