"""Is this PyTorch's? Told by the names of modules, so that PyTorch is not imported to ask."""

from typing import Any


def is_torch(thing: Any) -> bool:
    """Whether a thing, or a class, is PyTorch's or inherits from it: a module, a loader, a tensor.

    Keras' models are not, though on the torch backend they inherit from its modules.
    """
    kind = thing if isinstance(thing, type) else type(thing)
    packages = {str(base.__module__).split(".")[0] for base in kind.__mro__}
    return "torch" in packages and "keras" not in packages
