"""Digests of values, arrays, functions and classes, the same in any process.

Code is told by its bytecode and what it refers to, so neither comments nor docstrings matter, nor
where a file lies; another version of Python has other bytecode. Memory addresses, the order of
sets and dictionaries and the names of modules are left out.
"""

import dis
import functools
import hashlib
import inspect
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np

# Whose code is told by its name: it changes with a version, and those are recorded.
FOREIGN = {
    *sys.stdlib_module_names,
    *("flax", "jax", "jaxlib", "keras", "numpy", "optax", "scipy", "sklearn", "tensorflow"),
    *("torch", "torchvision"),
}
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...))
# What is never the same twice, and changes nothing.
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+|\b0x[0-9a-fA-F]{6,}|\bid=\d+")


def digest(*parts: Any) -> str:
    """Return a digest of plain values, as `Reader.read` returns them."""
    return hashlib.sha256(repr(parts).encode("utf-8", "backslashreplace")).hexdigest()[:32]


def digest_array(array: np.ndarray[Any, Any]) -> str:
    """Return a digest of an array's shape, type and values; contiguous ones are not copied."""
    found = hashlib.sha256(repr((array.shape, array.dtype.name)).encode())
    if array.dtype.kind == "O":  # whose bytes are addresses
        found.update(without_addresses(repr(array.tolist())).encode("utf-8", "backslashreplace"))
    elif array.size:
        # As bytes, since bfloat16 cannot be looked at by others.
        found.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return found.hexdigest()[:32]


def without_addresses(text: str) -> str:
    """Return what an object or a program says of itself, without where it lies in memory."""
    return _ADDRESS.sub("", text)


def is_own(thing: Any) -> bool:
    """Whether a function or class is a person's own, or of a package that is not well known."""
    module = str(getattr(thing, "__module__", None) or "builtins")
    return module.split(".")[0] not in FOREIGN


@dataclass
class Reader:
    """Reads nested things into nested tuples of plain values, the same for the same things.

    `special(thing)` may put something else in the place of a thing, such as what matters of it.
    """

    special: Callable[[Any], Any] = lambda thing: thing
    seen: dict[int, tuple[int, Any]] = field(default_factory=dict)  # a place, and kept alive

    def read(self, value: Any) -> Any:
        """Return `value` as plain values; what was met before as where it was met."""
        if isinstance(value, np.generic):
            return value.item()
        if isinstance(value, Enum):
            return ("enum", value.name)
        if isinstance(value, _PLAIN):
            return value
        if isinstance(value, list | tuple):
            return tuple(self.read(one) for one in value)
        if id(value) in self.seen:
            return ("again", self.seen[id(value)][0])
        self.seen[id(value)] = len(self.seen), value
        changed = self.special(value)
        if changed is not value:
            return self.read(changed)
        if isinstance(value, Mapping):
            entries = {repr(self.read(key)): one for key, one in value.items()}
            return ("mapping", *((key, self.read(entries[key])) for key in sorted(entries)))
        if isinstance(value, set | frozenset):
            return ("set", *sorted(repr(self.read(one)) for one in value))
        if isinstance(value, np.ndarray):
            return ("array", digest_array(value))
        return self._thing(value)

    def _thing(self, value: Any) -> Any:
        if isinstance(value, type):
            return self._class(value)
        if isinstance(value, CodeType):
            return self._code(value)
        if isinstance(value, MethodType):
            return self.read(value.__func__)
        if isinstance(value, functools.partial):
            return ("partial", *map(self.read, (value.func, value.args, value.keywords)))
        # Compiled functions (jax.jit, tf.function) wrap the one that was written.
        inner = getattr(value, "python_function", None) or getattr(value, "__wrapped__", None)
        if inner is not None and inner is not value and callable(value):
            return self.read(inner)
        if isinstance(value, FunctionType):
            return self._function(value)
        if isinstance(value, ModuleType | BuiltinFunctionType) or not hasattr(value, "__dict__"):
            return _named(value)
        if hasattr(value, "__array__") and hasattr(value, "shape"):
            try:
                return ("array", digest_array(np.asarray(value)))
            except Exception:  # a tensor that is traced or on another device
                return ("array", str(value.shape), str(getattr(value, "dtype", "")))
        if not is_own(type(value)) and hasattr(value, "__name__"):  # such as NumPy's functions
            return _named(value)
        kind = self.read(type(value))
        if not is_own(type(value)):
            return ("a", kind)
        return ("a", kind, self.read({k: v for k, v in vars(value).items() if _is_constant(v)}))

    def _function(self, function: FunctionType) -> Any:
        if not is_own(function):
            return _named(function)
        code = function.__code__
        given = [("default", one) for one in function.__defaults__ or ()]
        given += sorted((function.__kwdefaults__ or {}).items())
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
            try:
                given.append((name, cell.cell_contents))
            except ValueError:  # not yet assigned
                continue
        space = function.__globals__
        given += [(name, space[name]) for name in _globals(code) if name in space]
        # What can be changed on the way, such as a list to count in, is no part of the code.
        return (
            "function",
            self._code(code, function.__doc__),
            *((name, self.read(one)) for name, one in given if _is_constant(one) or _is_code(one)),
        )

    def _code(self, code: CodeType, doc: str | None = None) -> Any:
        constants = code.co_consts
        if doc is not None and constants and constants[0] == doc:
            constants = (None, *constants[1:])  # as there is without one
        return (
            code.co_code.hex(),
            (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount),
            code.co_names,
            code.co_varnames,
            code.co_freevars,
            tuple(self.read(one) for one in constants),
        )

    def _class(self, kind: type) -> Any:
        found: list[Any] = [kind.__name__]
        for base in kind.__mro__:
            if not is_own(base):
                found.append(f"{base.__module__.split('.')[0]} {base.__qualname__}")
                break  # whatever is below is told by this one
            for name, value in sorted(vars(base).items()):
                value = getattr(value, "__func__", value)  # of a staticmethod or classmethod
                if isinstance(value, property):
                    value = tuple(f for f in (value.fget, value.fset) if f)
                if _is_code(value) or (_is_constant(value) and not name.startswith("__")):
                    found.append((name, self.read(value)))
        return ("class", *found)


def _globals(code: CodeType) -> list[str]:
    """Return the names of a module that code, and functions within it, read."""
    found = {i.argval for i in dis.get_instructions(code) if i.opname == "LOAD_GLOBAL"}
    for one in code.co_consts:
        if isinstance(one, CodeType):
            found.update(_globals(one))
    return sorted(found)


def _is_constant(value: Any) -> bool:
    if isinstance(value, tuple | frozenset):
        return all(_is_constant(one) or _is_code(one) for one in value)
    return isinstance(value, (*_PLAIN, np.generic, np.ndarray, Enum)) or hasattr(value, "shape")


def _is_code(value: Any) -> bool:
    """Whether `value` is something that is called: also an object that has a configuration."""
    if isinstance(value, tuple) and value:
        return all(_is_code(one) for one in value)
    return (
        inspect.isroutine(value)
        or isinstance(value, type | functools.partial)
        or hasattr(value, "__wrapped__")
        or hasattr(value, "get_config")
    )


def _named(value: Any) -> Any:
    """Return what is known of code that is not a person's own."""
    name = getattr(value, "__qualname__", None) or getattr(value, "__name__", None)
    if name is None:
        return ("a", type(value).__name__, without_addresses(repr(value)))
    return ("named", str(getattr(value, "__module__", "")).split(".")[0], str(name))
