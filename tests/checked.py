"""Annotations that hold in all tests, the shapes and types of arrays among them, at little cost.

jaxtyping checks each call, and makes the check of a function within a function anew whenever that
is made: a sixteenth of all tests' time. A fault in a shape shows in a test's first calls.
"""

import functools

import jaxtyping

CALLS = 20  # of a function that are checked in each test
MADE = 2  # of a function within a function, which is another one each time

MODULES = (
    "steepest.data.order",
    "steepest.engines.compiled.evaluation",
    "steepest.engines.compiled.parts",
    "steepest.engines.compiled.placement",
    "steepest.engines.compiled.training",
    "steepest.engines.population",
    "steepest.engines.state",
    "steepest.rules.step",
    "steepest.tasks.keras.traced_task",
    "steepest.tasks.torch.order",
    "steepest.tasks.torch.traced_task",
)
_calls: dict = {}


def begin() -> None:
    """Begin to count: a test begins."""
    _calls.clear()


def install() -> None:
    """Have annotations checked in what is imported from now on, in this process."""
    whole = jaxtyping.jaxtyped

    def sparing(*args, **kwargs):
        made = whole(*args, **kwargs)
        return functools.partial(_sparing, made) if kwargs and not args else made

    jaxtyping.jaxtyped = sparing  # which the hook writes before each function
    jaxtyping.install_import_hook(MODULES, "beartype.beartype")


def _sparing(checked, made):
    """Return what the first calls in a test are checked of; of a class, the first instances."""
    if isinstance(made, type):
        plain = made.__init__
        made = checked(made)
        if made.__init__ is not plain:
            made.__init__ = _first(made.__init__, plain)
        return made
    if not callable(made):
        return checked(made)
    if "<locals>" in made.__qualname__:
        return checked(made) if _count(made.__code__) <= MADE else made
    return _first(checked(made), made)


def _first(strict, plain):
    @functools.wraps(plain)
    def sparing(*args, **kwargs):
        return (strict if _count(plain) <= CALLS else plain)(*args, **kwargs)

    return sparing


def _count(what):
    _calls[what] = _calls.get(what, 0) + 1
    return _calls[what]
