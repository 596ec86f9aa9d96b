"""A population that trains through Keras' own `fit`, one member after the other, on any backend.

    for each member, for each epoch:
        fit on the examples in the member's order; evaluate on the validation set

The optimizer is made by the very code that is there to paste, so what is measured is what is
pasted. Members do not know of each other: what one was is put into the model before it trains and
taken out after, and the model itself is handed back as the person had it.
"""

import importlib
import importlib.metadata
from collections.abc import Callable, Mapping

from steepest.data.stream import Data
from steepest.engines.compiled.width import budget
from steepest.engines.keras_fit.lent_model import LentModel
from steepest.engines.keras_fit.program import FitProgram
from steepest.engines.protocol import Key, Program, unheard
from steepest.records import Config
from steepest.tasks.keras.fit_task import BACKENDS, FitTask

# TensorFlow is one import, but several distributions have it.
_DISTRIBUTIONS = {
    "jax": ("jax",),
    "tensorflow": ("tensorflow", "tensorflow-cpu", "tensorflow-macos", "tf-nightly"),
    "torch": ("torch",),
}


class FitEngine:
    """Trains populations of a task that only Keras' `fit` can train."""

    workers = 1  # the model is one, and `fit` uses the cores itself
    lockstep: bool | None = False

    def __init__(self, task: FitTask, *, memory: int | None = None) -> None:
        self.lent = LentModel(task)
        self.memory = budget(memory)
        self.facts = task.facts
        backend = task.keras.backend.backend()
        self.packages = _packages(backend)
        self.device = _device_name(backend)

    @property
    def sets(self) -> Mapping[str, Data]:
        """What trained weights can be measured on, by name."""
        return self.lent.sets

    def prepare(
        self,
        configs: Mapping[Key, Config],
        epochs: int = 0,  # noqa: ARG002
        ready: Callable[[], None] = unheard,  # noqa: ARG002
    ) -> Mapping[Key, Program]:
        """Return the programs. What they compile is compiled when a trial starts.

        Raises:
            InputError: there is no Keras code for a rule, or Keras' own is wrong on this backend.
        """
        for config in configs.values():
            self.lent.optimizers.source(config)
        return {key: FitProgram(self.lent) for key in configs}


def _packages(backend: str) -> tuple[str, ...]:
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


def _device_name(backend: str) -> str:
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
