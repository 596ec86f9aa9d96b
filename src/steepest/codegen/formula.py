"""A rule's own source, simplified for one configuration, as part of a class to paste.

The formula is not written a second time: what is exported is the function that was measured, with
the flags of the configuration put in and the branches that they rule out left away.
"""

import ast
import functools
import inspect
import textwrap
from collections.abc import Callable, Mapping
from typing import Any

from steepest.rules import Rule, arrays
from steepest.rules.caution import cautious

_ARRAYS = {
    name for name, f in vars(arrays).items() if inspect.isfunction(f) and not name.startswith("_")
}


CAREFUL = """def careful(g, w, memory, t, h):
    new, memory = update(g, w, memory, t, h)
    return cautious(g, w, new), memory
"""


def source_of(
    rule: Rule, flags: Mapping[str, Any], careful: bool = False
) -> tuple[list[str], set[str]]:
    """Return the functions of `rule` as source, `begin` and `update` last, and the names that they
    need: array functions, which each framework spells in its own way. Of cautious steps, `careful`
    is what takes the place of `update`, and the last.

    `flags` are put in where the formula asks for them; `h` keeps the numbers.
    """
    found: dict[str, str] = {}
    needed: set[str] = set()
    for name in ("begin", "over_all", "update"):
        function = getattr(rule, name)
        if function is not None:
            _collect(function, flags, found, needed)
    if rule.begin is None:
        count = len(rule.memory(flags))
        zeros = ", ".join(["filled(w, 0.0)"] * count) + ("," if count == 1 else "")
        found = {"begin": f"def begin(w, h):\n    return ({zeros})\n", **found}
        needed.add("filled")
    if careful:
        _collect(cautious, flags, found, needed)
        found["careful"] = CAREFUL
    return list(found.values()), needed


def _collect(
    function: Callable[..., Any],
    flags: Mapping[str, Any],
    found: dict[str, str],
    needed: set[str],
) -> None:
    if function.__name__ in found:
        return
    source, calls = _folded(function, _Flags(flags))
    for name in calls:
        called = inspect.unwrap(function).__globals__.get(name)
        if name in _ARRAYS and called is getattr(arrays, name):
            needed.add(name)
        elif inspect.isfunction(called):
            _collect(called, flags, found, needed)
    found[function.__name__] = source


class _Flags(dict[str, Any]):
    """Flags to keep a source by: by what is written, as 1 and True are equal."""

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(repr(self))

    def __eq__(self, other: object) -> bool:
        return repr(self) == repr(other)


@functools.lru_cache(maxsize=1000)  # a page and its JSON ask for the same in three frameworks
def _folded(function: Callable[..., Any], flags: _Flags) -> tuple[str, tuple[str, ...]]:
    """Return the source of one function with the flags put in, and what it calls by name."""
    (tree,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    assert isinstance(tree, ast.FunctionDef)
    tree = _Fold(flags).visit(tree)
    if ast.get_docstring(tree):
        tree.body = tree.body[1:]
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    names = tuple(one.id for one in calls if isinstance(one, ast.Name))
    return ast.unparse(ast.fix_missing_locations(tree)) + "\n", names


class _Fold(ast.NodeTransformer):
    """Put in flags, and leave away what they rule out."""

    def __init__(self, flags: Mapping[str, Any]) -> None:
        self.flags = flags

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "complement":
            name = ast.Attribute(node.value.value, node.attr, ast.Load())
            return ast.BinOp(ast.Constant(1), ast.Sub(), name)  # in double precision
        own = isinstance(node.value, ast.Name) and node.value.id == "h"
        if own and node.attr in self.flags:
            return ast.Constant(self.flags[node.attr])
        self.generic_visit(node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.left, ast.Constant) and isinstance(node.ops[0], ast.Eq | ast.In):
            right = node.comparators[0]
            if isinstance(right, ast.Constant):
                return ast.Constant(node.left.value == right.value)
            if isinstance(right, ast.Tuple):
                return ast.Constant(node.left.value in [ast.literal_eval(e) for e in right.elts])
        return node

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Constant):
            return ast.Constant(not node.operand.value)
        return node

    def visit_BoolOp(self, node: ast.BoolOp) -> ast.expr:
        self.generic_visit(node)
        decisive = isinstance(node.op, ast.Or)  # the value that decides alone
        open_ = []
        for value in node.values:
            if not isinstance(value, ast.Constant):
                open_.append(value)
            elif bool(value.value) is decisive:
                return ast.Constant(decisive)
        if not open_:
            return ast.Constant(not decisive)
        return open_[0] if len(open_) == 1 else ast.BoolOp(node.op, open_)

    def visit_IfExp(self, node: ast.IfExp) -> ast.expr:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_If(self, node: ast.If) -> Any:
        self.generic_visit(node)
        if isinstance(node.test, ast.Constant):
            return node.body if node.test.value else node.orelse
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> Any:
        self.generic_visit(node)
        return ast.Assign([node.target], node.value) if node.value else None

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        self.generic_visit(node)
        node.returns = None
        for argument in node.args.args:
            argument.annotation = None
        ended = False
        body: list[ast.stmt] = []
        for statement in node.body:  # nothing after a return that is always reached
            if not ended:
                body.append(statement)
            ended = ended or isinstance(statement, ast.Return)
        node.body = body
        return node
