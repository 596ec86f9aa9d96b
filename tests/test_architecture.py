"""The floors: a room imports only from floors below its own, and whatever tells never trains."""

import ast
from pathlib import Path

import steepest

ROOT = Path(steepest.__file__).parent
FLOORS = {
    "errors": 0,
    "stopping": 1,
    "digests": 1,
    "plain": 0,
    "statistics": 1,
    "spaces": 1,
    "records": 2,
    "storage": 2,
    "differences": 3,
    "rules": 3,
    "tasks": 3,
    "halving": 3,
    "budget": 3,
    "export": 4,
    "question": 4,
    "engines": 5,
    "workers": 6,
    "search": 7,
    "measures": 8,
    "reports": 9,
    "watching": 10,
    "comparison": 10,
    "cli": 11,
    "__main__": 12,
    "__init__": 12,
}
# Neighbours that may meet, as one is made of the other.
FRIENDS = {("storage", "records"), ("budget", "halving")}
TELLERS = {"measures", "reports"}
DOERS = {"search", "workers", "engines", "tasks", "halving", "budget"}
DOORS = {  # a heavy package and the only places that import it
    "keras": {"tasks"},
    "sklearn": {"tasks", "search"},
    "jax": {"rules", "tasks", "engines"},
    "scipy": {"search", "statistics", "measures"},
    "rich": {"reports", "comparison", "cli"},
    "jinja2": {"reports"},
    "plotly": {"reports"},
    "matplotlib": {"reports"},
    "click": {"cli"},
    "sqlite3": {"storage"},
    "optuna": {"measures", "reports"},
    "pandas": {"reports"},
    "pyarrow": {"reports"},
    "tensorboard": {"reports"},
    "mlflow": {"reports"},
    "IPython": {"reports"},
    "http": {"watching"},
}


def room(path):
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def imports(path):
    """Return all modules that a file imports, inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
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


def test_every_file_has_a_floor():
    assert {room(path) for path in FILES} == set(FLOORS)


def test_imports_go_down():
    for path in FILES:
        mine = room(path)
        for name in imports(path):
            if not name.startswith("steepest."):
                continue
            other = name.split(".")[1]
            if other == mine or other == "__version__":
                continue
            lower = FLOORS[other] < FLOORS[mine]
            assert lower or (mine, other) in FRIENDS, f"{path} imports {name}"


def test_whatever_tells_never_trains():
    for path in FILES:
        if room(path) in TELLERS:
            for name in imports(path):
                parts = name.split(".")
                assert parts[0] != "steepest" or parts[1] not in DOERS, f"{path} imports {name}"


def test_heavy_packages_have_one_door():
    for path in FILES:
        for name in imports(path):
            package = name.split(".")[0]
            if package in DOORS:
                assert room(path) in DOORS[package], f"{path} imports {package}"


def test_files_stay_small_and_say_what_they_are():
    for path in FILES:
        text = path.read_text()
        assert len(text.splitlines()) <= 300, f"{path} is long; what second thing crept in?"
        assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"
