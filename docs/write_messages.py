"""Write docs/messages.md: every message that the code can say, with its cure.

`python docs/write_messages.py` reads the messages from the source, and the cures from
docs/messages.toml. A message that is new is added there with an empty cure, which a test rejects:
fill it in and run this again. What no code says any more is dropped, and its cure is printed.
"""

import ast
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

DOCS = Path(__file__).parent
SOURCE = DOCS.parent / "src/steepest"
CURES = DOCS / "messages.toml"

# Where a message is said tells what a person was doing; the first that fits counts.
GROUPS = {
    "search/": "Training",
    "checkpoints": "Training",
    "engines/": "Training",
    "workers/": "Training",
    "rules/custom": "Rules of your own",
    "rules/optimizer": "An optimizer in your own loop",
    "rules/recipe": "Recipe and schedules",
    "rules/schedules": "Recipe and schedules",
    "rules/keras_schedules": "Recipe and schedules",
    "parse/own_schedules": "Recipe and schedules",
    "rules/groups": "What is asked: budget, metric, memory, recipe",
    "parse/groups": "What is asked: budget, metric, memory, recipe",
    "parse/schedule": "Reading an optimizer that exists",
    "parse/baseline": "Reading an optimizer that exists",
    "rules/": "Optimizers and spaces",
    "calls": "Optimizers and spaces",
    "parse/": "Optimizers and spaces",
    "spaces": "Optimizers and spaces",
    "amounts": "What is asked: budget, metric, memory, recipe",
    "options": "What is asked: budget, metric, memory, recipe",
    "plan": "What is asked: budget, metric, memory, recipe",
    "budget": "What is asked: budget, metric, memory, recipe",
    "tasks/load": "Task files",
    "tasks/task_names": "Task files",
    "data/arrays": "Data",
    "data/frames": "Data",
    "data/": "Data in streams",
    "tasks/keras/batch_sizes": "Data",
    "tasks/keras/class_weights": "Data",
    "tasks/keras/labels": "Data",
    "tasks/keras/texts": "Data",
    "tasks/torch/recommended": "Results and studies in Python",
    "tasks/torch/": "A PyTorch module and its data",
    "tasks/": "The model",
    "storage/": "Study files",
    "study/": "Results and studies in Python",
    "measures/": "Results and studies in Python",
    "codegen/": "Code for other frameworks",
    "exporters/": "Export and pages",
    "reports/": "Export and pages",
    "errors": "Export and pages",  # what a package is missing for
    "serve": "Watching",
    "cli/": "Command line",
}
ORDER = [
    "Outcomes of trials",
    "Command line",
    "Optimizers and spaces",
    "Recipe and schedules",
    "What is asked: budget, metric, memory, recipe",
    "The model",
    "Data",
    "Data in streams",
    "A PyTorch module and its data",
    "Task files",
    "Training",
    "Study files",
    "Results and studies in Python",
    "Code for other frameworks",
    "Export and pages",
    "Watching",
    "An optimizer in your own loop",
    "Reading an optimizer that exists",
    "Rules of your own",
    "Warnings",
]
ERRORS = {
    "ClickException",
    "InputError",
    "StudyFileError",
    "SteepestError",
    "TaskError",
    "TrialError",
    "UntraceableError",
    "UsageError",
}
# Functions that make an error of the sentence at this place among their arguments.
MAKERS = {"cannot": 2}
# Errors whose words come from elsewhere, by how the source spells their argument.
PASSED_ON = {
    "f'{otherwise}: {gist(error)}'",  # of cannot, above
    "gist(cause)",  # why JAX cannot trace a model, which then trains through fit
    "sentence(self.record, self.verdict)",  # the verdict that nothing trained
}


def messages(source: Path = SOURCE) -> dict[str, list[str]]:
    """Return the templates of all messages by group, what is filled in as {…}."""
    found: dict[str, list[str]] = {group: [] for group in ORDER}
    seen: set[str] = set()
    for path in sorted(source.rglob("*.py")):
        place = path.relative_to(source).as_posix()
        for group, said in _said(ast.parse(path.read_text()), place):
            if said not in seen:
                seen.add(said)
                found[group].append(said)
    return {group: said for group, said in found.items() if said}


def unread(source: Path = SOURCE) -> list[str]:
    """Return the errors whose message is neither written where they are made nor in PASSED_ON."""
    return [
        f"{path.relative_to(source)}:{call.lineno}: {ast.unparse(call.args[0])}"
        for path in sorted(source.rglob("*.py"))
        for call in _errors(ast.parse(path.read_text()))
        if ast.unparse(call.args[0]) not in PASSED_ON and not list(_templates(call.args[0]))
    ]


def _said(tree: ast.AST, place: str) -> Iterator[tuple[str, str]]:
    mine = next((group for start, group in GROUPS.items() if place.startswith(start)), None)
    for call in _errors(tree):
        if ast.unparse(call.args[0]) not in PASSED_ON:
            for said in _templates(call.args[0]):
                assert mine, f"{place} has no group in docs/write_messages.py"
                yield mine, said
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in MAKERS:
            for said in _templates(node.args[MAKERS[_name(node.func)]]):
                assert mine, f"{place} has no group in docs/write_messages.py"
                yield mine, f"{said}: {{…}}"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) == "log.warning":
            for said in _templates(node.args[0]):
                yield "Warnings", said.replace("%s", "{…}")
        elif isinstance(node, ast.ClassDef) and node.name == "Outcome":
            for line in node.body:
                if isinstance(line, ast.Assign):
                    yield "Outcomes of trials", next(_templates(line.value))


def _errors(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name(node.func) in ERRORS and node.args:
            yield node


def _name(function: ast.expr) -> str:
    return ast.unparse(function).rpartition(".")[2]


def _templates(node: ast.expr) -> Iterator[str]:
    """Return the texts that an expression can be; none where it is no literal."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else "{…}" for part in node.values
        )
    elif isinstance(node, ast.IfExp):
        yield from (*_templates(node.body), *_templates(node.orelse))
    elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        first = list(_templates(node.left)) or ["{…}"]
        second = list(_templates(node.right)) or ["{…}"]
        if first != second:
            yield from (one + two for one in first for two in second)


def cures() -> dict[str, str]:
    """Return what docs/messages.toml has, message by message."""
    groups = tomllib.loads(CURES.read_text()).values() if CURES.exists() else []
    return {said: cure for group in groups for said, cure in group.items()}


def write_cures(known: dict[str, str]) -> str:
    """Return the text of docs/messages.toml: all messages in order, with the cures there are."""
    parts = ["# What to do about each message; see docs/write_messages.py.\n"]
    for group, said in messages().items():
        parts.append(f"\n[{_quoted(group)}]\n")
        parts += [f"{_quoted(one)} = {_quoted(known.get(one, ''))}\n" for one in said]
    return "".join(parts)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a string of JSON is one of TOML


def write() -> str:
    """Return the text of docs/messages.md."""
    known = cures()
    parts = [
        "# Messages\n\n"
        "Written by `python docs/write_messages.py` from the source and `docs/messages.toml`; do "
        "not edit.\n\n"
        "Every message of Steepest, grouped by what you were doing, with its cure. `{…}` stands\n"
        "for a value that the message fills in. On the command line a message comes after\n"
        "`steepest:` on standard error, and the exit code is 2. From Python it is the text of an\n"
        "`InputError`, `TaskError` or `StudyFileError`, which are all `SteepestError`s. Errors of\n"
        "the operating system keep its own words, with the name of the file.\n"
    ]
    for group, said in messages().items():
        parts.append(f"\n## {group}\n\n")
        parts += [f"- `{one}`  \n  {known.get(one, '')}\n" for one in said]
    return "".join(parts)


if __name__ == "__main__":
    before = cures()
    CURES.write_text(write_cures(before))
    (DOCS / "messages.md").write_text(write())
    now = cures()
    for said in before.keys() - now.keys():
        print(f"dropped: {said}\n  {before[said]}")
    for said in (said for said, cure in now.items() if not cure):
        print(f"needs a cure in {CURES.name}: {said}")
    sys.exit(not all(now.values()))
