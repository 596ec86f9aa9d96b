"""The floors: a room imports only from floors below its own, and whatever tells never trains."""

import ast
import functools
from pathlib import Path

import steepest

ROOT = Path(steepest.__file__).parent
# The floors, from the ground up; docs/architecture.md draws them from here (docs/write_floors.py).
FLOORS = (
    ("errors", "text", "version"),
    ("amounts", "backend", "calls", "hashing", "memo", "signals", "spaces", "statistics"),
    ("command_text", "records", "storage"),
    ("data", "rules", "priors", "budget", "options"),
    ("parse", "tasks"),
    ("codegen", "plan"),
    ("engines",),
    ("checkpoints",),
    ("workers",),
    ("search",),
    ("measures",),
    ("reports",),
    ("exporters",),
    ("study", "serve"),
    ("cli",),
    ("__init__", "__main__"),
)
HEIGHTS = {name: height for height, names in enumerate(FLOORS) for name in names}
# Neighbours that may meet, as one is made of the other.
FRIENDS = {("storage", "records")}
TELLERS = {"measures", "reports", "exporters"}
DOERS = {"search", "workers", "engines", "tasks", "budget"}
DOORS = {  # a heavy package and the only places that import it
    "keras": {"tasks/keras"},
    "sklearn": set(),
    "torch": {"tasks/torch", "engines/torch_loop", "engines/keras_fit"},
    "jax": {"rules", "tasks", "engines", "checkpoints.py"},
    "scipy": {"search", "statistics", "measures", "engines/cores.py"},
    "threadpoolctl": {"engines/cores.py"},
    "rich": {"reports", "study", "cli"},
    "jinja2": {"reports"},
    "plotly": {"reports"},
    "matplotlib": {"reports"},
    "click": {"cli"},
    "sqlite3": {"storage"},
    "optuna": {"exporters"},
    "pandas": {"exporters"},
    "pyarrow": {"exporters"},
    "tensorboard": {"exporters"},
    "mlflow": {"exporters"},
    "IPython": {"reports"},
    "http": {"serve.py"},
    "ray": {"workers/on_ray.py"},
}


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


@functools.cache
def nodes(path):
    """Return all nodes of a file's syntax tree; the first one is the whole."""
    return list(ast.walk(ast.parse(path.read_text())))


def imports(path):
    """Return all modules that a file imports, inside functions too."""
    for node in nodes(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from names if node.module == "steepest" else [node.module]
        elif (
            isinstance(node, ast.Call)
            and ast.unparse(node.func) == "importlib.import_module"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield node.args[0].value


FILES = sorted(ROOT.rglob("*.py"))


def dotted(path):
    """Return a file as a module inside the package: "" is the package itself."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {dotted(path): path for path in FILES}


def reached(name):
    """Return the modules of the package that a module imports itself."""
    found = set()
    for node in nodes(MODULES[name]):
        if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "steepest":
            inside = node.module[len("steepest.") :]
            for alias in node.names:
                whole = f"{inside}.{alias.name}".lstrip(".")
                found |= {whole} if whole in MODULES else {inside} & MODULES.keys()
        elif isinstance(node, ast.Import):
            found |= {a.name[9:] for a in node.names if a.name.startswith("steepest.")}
    return found - {name}


@functools.cache
def graph():
    """Return what each module imports; not before a test asks, for each worker imports the file."""
    return {name: reached(name) for name in MODULES}


def test_every_file_has_a_floor():
    assert {room(path) for path in FILES} == set(HEIGHTS)


def test_imports_go_down():
    for path in FILES:
        mine = room(path)
        for name in imports(path):
            if not name.startswith("steepest."):
                continue
            other = name.split(".")[1]
            if other == mine:
                continue
            lower = HEIGHTS[other] < HEIGHTS[mine]
            assert lower or (mine, other) in FRIENDS, f"{path} imports {name}"


def test_no_files_import_each_other_in_a_circle():
    """Inside a room or out, in functions and for types too."""
    for start in graph():
        waiting, seen = [(start, ())], set()
        while waiting:
            name, way = waiting.pop()
            for other in graph()[name]:
                assert other != start, " imports ".join([*way, name, start])
                if other not in seen:
                    seen.add(other)
                    waiting.append((other, (*way, name)))


def test_whatever_tells_never_trains():
    """Neither directly nor through others."""
    for name, path in MODULES.items():
        if room(path) not in TELLERS:
            continue
        waiting, seen = [(name, ())], set()
        while waiting:
            at, way = waiting.pop()
            for other in graph()[at]:
                told = " imports ".join([*way, at, other])
                assert other.split(".")[0] not in DOERS, told
                if other not in seen:
                    seen.add(other)
                    waiting.append((other, (*way, at)))


def test_heavy_packages_have_one_door():
    for path in FILES:
        place = path.relative_to(ROOT).as_posix()
        for name in imports(path):
            doors = DOORS.get(name.split(".")[0], {place})
            assert any(place == door or place.startswith(f"{door}/") for door in doors), (
                f"{path} imports {name}"
            )


def test_pytorch_s_own_rooms_are_entered_by_who_needs_them():
    """Outside of them, imports of what imports PyTorch stand inside functions, or are for types."""
    inside = ("tasks.torch", "engines.torch_loop")
    for name, path in MODULES.items():
        if name.startswith(inside):
            continue
        for node in nodes(path)[0].body:
            if isinstance(node, ast.ImportFrom):
                module = str(node.module).removeprefix("steepest.")
                assert not f"{module}.".startswith(tuple(f"{one}." for one in inside)), path


def test_files_stay_small_and_say_what_they_are():
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= 300, f"{path} is long; what second thing crept in?"
        assert ast.get_docstring(nodes(path)[0]), f"{path} has no docstring"
