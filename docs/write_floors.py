"""Write the floors into docs/architecture.md: `python docs/write_floors.py`.

They are FLOORS in tests/test_architecture.py. What a room does is the first line of its docstring.
"""

import ast
import textwrap
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- floors: python docs/write_floors.py -->\n", "<!-- /floors -->\n"
WIDTH = 100


def floors() -> tuple[tuple[str, ...], ...]:
    """Return the rooms of each floor, from the ground up."""
    tree = ast.parse((ROOT / "tests/test_architecture.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "FLOORS":
            found: tuple[tuple[str, ...], ...] = ast.literal_eval(node.value)
            return found
    raise LookupError("tests/test_architecture.py has no FLOORS")


def says(room: str) -> str:
    """Return the first line of a room's docstring, without its full stop."""
    place = ROOT / "src/steepest" / room
    path = place / "__init__.py" if place.is_dir() else place.with_suffix(".py")
    whole = ast.get_docstring(ast.parse(path.read_text())) or ""
    return whole.splitlines()[0].rstrip(".")


def picture() -> str:
    """Return the floors from the top down, a line a room."""
    lines = []
    for height, rooms in reversed(list(enumerate(floors()))):
        for i, room in enumerate(rooms):
            before = f"{height if i == 0 else '':>2}  {room:<12} "
            lines += textwrap.wrap(before + says(room), WIDTH, subsequent_indent=" " * len(before))
    return "```text\n" + "\n".join(lines) + "\n```\n"


def write() -> str:
    """Return the text of docs/architecture.md with the floors as they are."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    return before + BEGIN + picture() + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(write())
