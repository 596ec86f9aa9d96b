"""What is written is run: README's code, the examples, the commands; and nothing is left out."""

import importlib.util
import inspect
import re
import runpy
from pathlib import Path

import click
import pytest

import steepest
from steepest.cli import cli
from steepest.rules import RULES
from steepest.tasks.load import load_task
from steepest.tasks.task_names import KERAS, TORCH

pytestmark = pytest.mark.usefixtures("compiled_quickly")

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "benchmarks/README.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
THEIRS = {"my_task.py", "net.py", "states/"}  # a reader's own file, and a directory beside a study


def blocks(text, language):
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(blocks(README, "python"))))
def test_the_code_in_the_readme_runs(number, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    block = blocks(README, "python")[number]
    if "import torch" in block or "steepest, torch" in block:
        pytest.importorskip("torch")
    exec(compile(block, f"README block {number}", "exec"), {})


@pytest.mark.slow
def test_the_code_in_the_page_on_pytorch_runs(tmp_path, monkeypatch, capsys):
    """Block after block, as it stands but for shorter trainings; three need what may be missing."""
    pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    found, names = blocks((ROOT / "docs/pytorch.md").read_text(), "python"), {"__name__": "page"}
    found[0] = found[0].replace("epochs=10\n", "epochs=2, full_trainings=4\n")
    for number, block in enumerate(found):
        needed = re.findall(r"(?m)^import (transformers|lightning|torchmetrics)$", block)
        if all(importlib.util.find_spec(one) for one in needed):
            exec(compile(block, f"docs/pytorch.md block {number}", "exec"), names)
    repeated, told = map(float, capsys.readouterr().out.splitlines()[-1].split())
    assert repeated == pytest.approx(told, rel=1e-4)


def test_the_page_on_adam_runs_and_prints_what_it_says(capsys):
    """Block after block; a comment after print() is what is printed."""
    pytest.importorskip("torch")
    text, names = (ROOT / "docs/adam-differs.md").read_text(), {}
    for number, block in enumerate(blocks(text, "python")):
        exec(compile(block, f"docs/adam-differs.md block {number}", "exec"), names)
        said = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        printed = capsys.readouterr().out.splitlines()
        assert said in ([], printed), number
    shares = [re.search(r"([\d.e-]+ %) of the way", line)[1] for line in printed]
    assert all(f" {share}" in text for share in shares)
    assert len(shares) == 3


@pytest.mark.slow
def test_the_page_on_fine_tuning_runs(tmp_path, monkeypatch, capsys):
    """Block after block, but for the first, which shows how groups are written."""
    monkeypatch.chdir(tmp_path)
    names = {"__name__": "page"}
    for number, block in enumerate(blocks((ROOT / "docs/fine-tuning.md").read_text(), "python")):
        if "compare(..." not in block:
            exec(compile(block, f"docs/fine-tuning.md block {number}", "exec"), names)
    out = capsys.readouterr().out
    rate, factor = map(float, out.splitlines()[0].split())
    assert rate > 0
    assert factor in (0.0, 0.1, 1.0)
    assert "class GroupedAdam(keras.optimizers.Adam):" in out
    assert '"backbone' in out or "times(n)" in out


@pytest.mark.slow
def test_the_page_by_hand_runs_and_prints_what_it_says(capsys):
    names = {}
    for number, block in enumerate(blocks((ROOT / "docs/by-hand.md").read_text(), "python")):
        exec(compile(block, f"docs/by-hand.md block {number}", "exec"), names)
        said = re.findall(r"^print\(.*\)  # (.*)$", block, flags=re.MULTILINE)
        assert capsys.readouterr().out.splitlines() == said, number


@pytest.mark.slow
def test_the_page_on_a_first_study_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    names = {}
    for number, block in enumerate(blocks((ROOT / "docs/keras.md").read_text(), "python")):
        exec(compile(block, f"docs/keras.md block {number}", "exec"), names)
    assert "keras.optimizers." in capsys.readouterr().out
    accuracy = names["model"].evaluate(names["x"][800:], names["label"][800:], verbose=0)[1]
    assert accuracy > 0.9
    assert (tmp_path / "runs/spirals/report.html").exists()


@pytest.mark.slow
def test_the_example_script_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(ROOT / "examples/in_a_script.py"))
    assert "keras.optimizers." in capsys.readouterr().out


@pytest.mark.slow
def test_three_optimizers_by_hand_learn_to_tell_wines(capsys):
    runpy.run_path(str(ROOT / "examples/by_hand.py"))
    rows = capsys.readouterr().out.splitlines()
    assert [row.split()[0] for row in rows] == ["SGD", "Adam", "RMSprop"]
    assert all(float(row.split()[2].rstrip(",")) < 0.1 for row in rows)


def test_the_example_task_loads_and_names_all_that_a_task_may_have():
    path = ROOT / "examples/my_task.py"
    assert load_task(str(path)).facts.training_examples == 525
    for name in KERAS:
        assert name in path.read_text()


@pytest.mark.slow
def test_the_example_for_pytorch_loads_and_the_page_names_all_names():
    path = ROOT / "examples/net.py"
    page = (ROOT / "docs/pytorch.md").read_text()
    for name in TORCH:
        assert f"`{name}`" in page
    pytest.importorskip("torch")
    facts = load_task(str(path)).facts
    assert (facts.training_examples, facts.batch_size, facts.framework) == (525, 32, "torch")


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
    docs = README + (ROOT / "docs/python.md").read_text()
    for name in steepest.__all__:
        assert f"`{name}" in docs or f"steepest.{name}" in docs, name
    options = (ROOT / "docs/commands.md").read_text()
    for command in cli.commands.values():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.opts[0] in options
    python = (ROOT / "docs/python.md").read_text()
    for argument in inspect.signature(steepest.compare).parameters.values():
        if argument.kind not in (argument.VAR_POSITIONAL, argument.VAR_KEYWORD):
            assert f"`{argument.name}`" in python, argument.name


def anchors(path):
    """Return the names that GitHub gives to a page's headings."""
    titles = re.findall(r"^#+ (.*)$", path.read_text(), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_lead_somewhere():
    for path in PAGES:
        for target, anchor in re.findall(r"\]\(([^)#\s]*)#?([^)]*)\)", path.read_text()):
            if "://" in target:
                continue
            there = path.parent / target if target else path
            assert there.exists(), f"{path.name} links to {target}"
            assert not anchor or anchor in anchors(there), f"{path.name}: {target}#{anchor}"


def test_every_path_that_a_page_names_is_there():
    """From the repository's root, from src/steepest or beside the page."""
    for path in PAGES:
        named = re.findall(r"`([\w./-]+(?:\.(?:py|toml|md|json|db|svg)|/))`", path.read_text())
        commands = re.findall(r"python ((?:docs|benchmarks)/\w+\.py)", path.read_text())
        for name in {*named, *commands} - THEIRS:
            if "/" in name or name.endswith(".py"):
                places = (ROOT, ROOT / "src/steepest", path.parent)
                assert any((place / name).exists() for place in places), f"{path.name}: {name}"


def test_every_file_that_the_source_names_is_there():
    """From the repository's root, from src/steepest or beside the file that names it."""
    for path in (ROOT / "src").rglob("*.py"):
        for name in set(re.findall(r"`([\w/]+\.py)`", path.read_text())) - THEIRS:
            places = (ROOT, ROOT / "src/steepest", path.parent)
            assert any((place / name).exists() for place in places), f"{path}: {name}"


def test_the_floors_are_as_written():
    """docs/architecture.md has what `python docs/write_floors.py` writes."""
    write = runpy.run_path(str(ROOT / "docs/write_floors.py"))["write"]
    assert (ROOT / "docs/architecture.md").read_text() == write()


def test_what_a_reader_meets_first_is_short():
    assert len(README.splitlines()) <= 130
    assert len((ROOT / "docs/architecture.md").read_text().splitlines()) <= 150
    (transcript,) = re.findall(r"<!-- transcript: .*? -->\n```text\n(.*?)```", README, re.DOTALL)
    assert len(transcript.splitlines()) <= 15


def test_prose_wraps_at_100():
    """Tables and code do not; nor do the messages, which are quoted whole."""
    for path in PAGES:
        if path.name in ("messages.md", "dialects.md") or path.parent.name == "benchmarks":
            continue
        text = re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL)
        for line in text.splitlines():
            assert len(line) <= 100 or line.startswith(("|", "#", "!")), f"{path.name}: {line}"
