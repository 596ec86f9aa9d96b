"""How easy the house is to live in, in numbers: `python docs/measure_house.py [TREE ...]`.

For each tree (a checkout; by default this one) it prints the files of `src/steepest` and their
lines, import circles, file names that are words of our own, the widest functions, the lines of the
README, and two walks: of an option, as the files that name it, and of a person's `x`, as the files
whose functions were handed that very array by `steepest.compare`, and how often they gave it back.
"""

import ast
import os
import statistics
import subprocess
import sys
from pathlib import Path

OPTION = "practical"
# File names where the field has a word, as they stood in version 0.6.0.
OWN_WORDS = frozenset(
    """
    later past new ground shelf plain tell hand_over alone own asking afterwards horizon trials
    probe layout member sets question differences digests stopping watching elsewhere endings
    survival tried sentence several compared call running matching spent measured checked
    readback told words limit wanted trying searching remembered
    """.split()  # noqa: SIM905
)
WALK = """
import os, sys
os.environ["KERAS_BACKEND"] = "jax"
import keras, numpy as np, steepest, tempfile
x = np.random.default_rng(0).normal(size=(64, 4)).astype("float32")
y = x[:, 0] * x[:, 1]
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
model.compile(loss="mse")
files, returns = [], 0
def seen(value, depth=0):
    if value is x:
        return True
    if depth < 2 and isinstance(value, (tuple, list)):
        return any(seen(one, depth + 1) for one in value)
    if depth < 2 and isinstance(value, dict):
        return any(seen(one, depth + 1) for one in value.values())
    return False
def profile(frame, event, value):
    global returns
    name = frame.f_code.co_filename
    if "/steepest/" not in name or event not in ("call", "return"):
        return
    if event == "call":
        count = frame.f_code.co_argcount + frame.f_code.co_kwonlyargcount
        given = [frame.f_locals.get(n) for n in frame.f_code.co_varnames[:count]]
        if any(seen(one) for one in given):
            short = name.split("/steepest/", 1)[1]
            if short not in files:
                files.append(short)
    elif seen(value):
        returns += 1
sys.setprofile(profile)
steepest.compare(model, x, y, validation_split=0.25, epochs=1, optimizers="SGD", budget="quick",
                 out=tempfile.mkdtemp(), progress=False)
sys.setprofile(None)
print(f"{len(files)} files, {returns} returns: {', '.join(files)}")
"""


def modules(source: Path) -> dict[str, Path]:
    """Return each file of a package by its dotted name."""
    found = {}
    for path in source.rglob("*.py"):
        parts = path.relative_to(source).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def imports(name: str, files: dict[str, Path]) -> set[str]:
    """Return the modules of the package that a module imports, inside functions too."""
    found = set()
    for node in ast.walk(ast.parse(files[name].read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "steepest":
            inside = (node.module or "")[len("steepest.") :]
            for alias in node.names:
                whole = f"{inside}.{alias.name}".lstrip(".")
                found |= {whole} if whole in files else {inside} & files.keys()
        elif isinstance(node, ast.Import):
            found |= {a.name[9:] for a in node.names if a.name.startswith("steepest.")}
    return found - {name}


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Return the groups of modules that reach each other (Tarjan 1972)."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in graph[name]:
            if other not in index:
                visit(other)
                low[name] = min(low[name], low[other])
            elif other in stack:
                low[name] = min(low[name], index[other])
        if low[name] == index[name]:
            at = stack.index(name)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    sys.setrecursionlimit(10_000)
    for name in graph:
        if name not in index:
            visit(name)
    return found


def widest(files: dict[str, Path], count: int = 5) -> list[str]:
    """Return the functions with most arguments."""
    found = []
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                inner = node.args
                every = [*inner.posonlyargs, *inner.args, *inner.kwonlyargs]
                arguments = [a for a in every if a.arg not in ("self", "cls")]
                found.append((len(arguments), f"{name}.{node.name}"))
    return [f"{name} {wide}" for wide, name in sorted(found, reverse=True)[:count]]


def naming(option: str, files: dict[str, Path]) -> list[str]:
    """Return the files that name an option: as an argument, an attribute, a keyword or a key."""
    found = []
    for name, path in files.items():
        for node in ast.walk(ast.parse(path.read_text())):
            said = (
                getattr(node, key, None)
                for key in ("id", "attr", "arg", "value")
                if node is not None
            )
            if any(one == option or one == f"--{option}" for one in said if isinstance(one, str)):
                found.append(name)
                break
    return sorted(found)


def measure(tree: Path) -> None:
    """Print the numbers of a checkout."""
    files = modules(tree / "src/steepest")
    lines = {name: len(path.read_text().splitlines()) for name, path in files.items()}
    graph = {name: imports(name, files) for name in files}
    longest = max(lines, key=lambda name: lines[name])
    words = sorted(name for name, path in files.items() if path.stem in OWN_WORDS)
    option = naming(OPTION, files)
    print(f"files {len(files)}, lines {sum(lines.values()):,}")
    print(f"median file {statistics.median(lines.values()):.0f} lines, largest {longest} ", end="")
    print(f"{lines[longest]}, under 60 lines {sum(n < 60 for n in lines.values())}")
    found = circles(graph)
    print(f"import circles {len(found)}", *(" ↔ ".join(one) for one in found), sep="; ")
    print(f"files named by words of our own {len(words)}: {', '.join(words)}")
    print(f"widest functions: {', '.join(widest(files))}")
    print(f"README {len((tree / 'README.md').read_text().splitlines())} lines")
    print(f"walk of the option {OPTION}: {len(option)} files: {', '.join(option)}")
    surroundings = {**os.environ, "PYTHONPATH": str(tree / "src"), "KERAS_BACKEND": "jax"}
    walk = subprocess.run(
        [sys.executable, "-c", WALK], env=surroundings, capture_output=True, text=True
    )
    print(f"walk of x: {walk.stdout.strip() or walk.stderr.strip()[-300:]}")


if __name__ == "__main__":
    for place in map(Path, sys.argv[1:] or [Path(__file__).parent.parent]):
        print(f"# {place}")
        measure(place.resolve())
