"""Every error and outcome has its cure in docs/messages.md, and nothing stands there unsaid."""

import ast
import functools
import runpy
from pathlib import Path

from steepest.records import Outcome

ROOT = Path(__file__).parent.parent
WRITER = runpy.run_path(str(ROOT / "docs/write_messages.py"))
# All of the source is read once, for whoever asks.
WRITER["messages"] = functools.cache(WRITER["messages"])
WRITER["write"].__globals__["messages"] = WRITER["messages"]
SAMPLE = """
class Outcome:
    ENDED = "it " "ended"
def check(x):
    if x < 0:
        raise InputError(f"x is {x!r}, but must be {'above' if x else 'at'} 0")
    raise click.UsageError("give x" if x else "give y")
    return TaskError("one " + f"of {x}")
    raise cannot(jax, error, "it does not fit")
    log.warning("no %s", x)
    raise StudyFileError(message)
"""


def test_all_messages_are_found(tmp_path):
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/some.py").write_text(SAMPLE)
    found = WRITER["messages"](tmp_path)
    assert {group: sorted(said) for group, said in found.items()} == {
        "Outcomes of trials": ["it ended"],
        "Command line": [
            "give x",
            "give y",
            "it does not fit: {…}",
            "one of {…}",
            "x is {…}, but must be {…} 0",
        ],
        "Warnings": ["no {…}"],
    }
    assert [one.rpartition(" ")[2] for one in WRITER["unread"](tmp_path)] == ["message"]


def test_every_message_has_a_cure_and_every_cure_a_message():
    said = {one for group in WRITER["messages"]().values() for one in group}
    cures = WRITER["cures"]()
    assert len(said) > 200
    assert set(cures) == said, "run python docs/write_messages.py"
    assert not [one for one, cure in cures.items() if len(cure.split()) < 3]


def test_the_page_is_as_written():
    """docs/messages.md is what `python docs/write_messages.py` writes."""
    assert (ROOT / "docs/messages.md").read_text() == WRITER["write"]()
    assert (ROOT / "docs/messages.toml").read_text() == WRITER["write_cures"](WRITER["cures"]())


def test_messages_are_written_where_they_are_raised():
    """Else the page would lack them; words from elsewhere are named in PASSED_ON."""
    assert not WRITER["unread"]()


def test_all_errors_of_ours_are_looked_for():
    tree = ast.parse((ROOT / "src/steepest/errors.py").read_text())
    classes = {node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)}
    assert classes <= WRITER["ERRORS"]


def test_every_outcome_is_on_the_page():
    page = (ROOT / "docs/messages.md").read_text()
    for outcome in Outcome:
        assert f"- `{outcome.value}`\n" in page.replace("  \n", "\n")
