"""Calls that a person writes, such as Adam(1e-3): read as syntax, never run.

SGD,Adam(beta_1=0.9,learning_rate=Float(1e-4, 1e-1, log=True))
keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1e-3, 1000))
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from steepest.errors import InputError, quoted


@dataclass(frozen=True)
class Call:
    """A name with arguments: plain values, tuples and lists of them, or further calls."""

    name: str
    positional: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = field(default_factory=dict)
    called: bool = True  # False for a name alone


def read_calls(text: str) -> list[Call]:
    """Return the names and calls in `text`, which has commas between them.

    Raises:
        InputError: it is no list of names and calls with plain values.
    """
    try:
        tree = ast.parse(text.strip(), mode="eval").body
        return [_read(node) for node in (tree.elts if isinstance(tree, ast.Tuple) else [tree])]
    except InputError:
        raise
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise InputError(
            f"cannot read {quoted(text)}; write names with commas between them, such as SGD,Adam "
            "or SGD(nesterov=True),Adam"
        ) from None


def read_keywords(text: str) -> dict[str, Any]:
    """Return what `text` assigns, such as `warmup=0.05, clip_norm=1`.

    Raises:
        InputError: it is something else.
    """
    call, *more = read_calls(f"recipe({text})") if text.strip() else [Call("recipe")]
    if call.positional or more:
        raise InputError(f"cannot read {quoted(text)}; write name=value, with commas between")
    return dict(call.keywords)


def _read(node: ast.expr) -> Call:
    source = _short(ast.unparse(node))
    if _is_name(node):
        return Call(source, called=False)
    if not isinstance(node, ast.Call) or not _is_name(node.func):
        raise InputError(
            f"cannot read the optimizer {quoted(source)}; write a name such as Adam, or fix "
            "hyperparameters by name as in SGD(nesterov=True)"
        )
    keywords: dict[str, Any] = {}
    for keyword in node.keywords:
        name = str(keyword.arg)
        if name in keywords:
            raise InputError(f"in {source}, {name} is given twice; give it once")
        keywords[name] = _value(source, name, keyword.value)
    positional = tuple(_value(source, f"argument {i}", a) for i, a in enumerate(node.args, 1))
    return Call(ast.unparse(node.func), positional, keywords)


def _value(source: str, name: str, node: ast.expr) -> Any:
    if isinstance(node, ast.Call):
        return _read(node)
    if _is_name(node):  # model.parameters, jnp.float32: known by name alone
        return Call(ast.unparse(node), called=False)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise InputError(
            f"in {source}, {name} is {_short(ast.unparse(node))}, but must be a plain number, True "
            "or False, a word in quotes, or a range such as Float(1e-4, 1e-1, log=True)"
        ) from None


def _is_name(node: ast.expr) -> bool:
    """Return whether `node` is a name with dots, such as keras.optimizers.Adam."""
    while isinstance(node, ast.Attribute):
        node = node.value
    return isinstance(node, ast.Name)


def _short(text: str) -> str:
    return text if len(text) < 200 else text[:200] + "…"
