"""What is written is run: README's code, the examples, the commands; and nothing is left out."""

import re
import runpy
from pathlib import Path

import click
import pytest

import steepest
from steepest.cli import cli
from steepest.rules import RULES
from steepest.tasks.load import NAMES, load_task

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
HOW = (ROOT / "docs/how-it-works.md").read_text()


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(len(blocks(README, "python"))))
def test_the_code_in_the_readme_runs(number, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks(README, "python")[number], f"README block {number}", "exec"), {})


def test_the_example_script_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples/in_a_script.py"))
    assert "keras.optimizers." in capsys.readouterr().out


def test_three_optimizers_by_hand_learn_to_tell_wines(capsys):
    runpy.run_path(str(ROOT / "examples/by_hand.py"))
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["SGD", "Adam", "RMSprop"]
    assert all(float(row.split()[2].rstrip(",")) < 0.1 for row in rows)


def test_the_example_task_loads_and_names_all_that_a_task_may_have():
    path = ROOT / "examples/my_task.py"
    assert load_task(str(path)).facts.training_examples == 525
    for name in NAMES:
        assert name in path.read_text()


def test_ci_runs_the_readme_s_test_command():
    command = 'pip install ".[test]" && pytest'
    assert command in README
    assert f"\n{command}\n" in (ROOT / ".ci/run").read_text()


def test_commands_are_as_written():
    """docs/commands.md is what `python docs/write_commands.py` writes."""
    write = runpy.run_path(str(ROOT / "docs/write_commands.py"))["write"]
    assert (ROOT / "docs/commands.md").read_text() == write()


def test_every_rule_has_its_figures():
    """The script that writes docs/dialects.md takes minutes, so it is not run here."""
    text = (ROOT / "docs/dialects.md").read_text()
    for name in RULES:
        assert text.count(f"| {name} | ") >= 3 + 1 + 1 + 1, name


def test_every_public_name_and_option_is_in_the_docs():
    docs = README + HOW + (ROOT / "docs/python.md").read_text()
    for name in steepest.__all__:
        assert f"`{name}" in docs or f"steepest.{name}" in docs, name
    options = (ROOT / "docs/commands.md").read_text()
    for command in cli.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in options


def test_links_lead_somewhere():
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text()):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name} links to {target}"
