"""An optimizer on one screen, a few side by side, or many on a list."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.padding import Padding
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from steepest.codegen.spelling import NAMES
from steepest.reports.explain.facts import compared, explained
from steepest.rules import FRAMEWORKS, Rule
from steepest.text import setting

ASIDE = 3  # optimizers that fit side by side; more are a list
CODE = Syntax("", "python", theme="ansi_dark", background_color="default")


def render(rules: Sequence[Rule]) -> RenderableType:
    """Return one optimizer explained, up to three side by side, or a list of more."""
    if len(rules) == 1:
        return _one(explained(rules[0]))
    told = compared(rules)
    return _aside(told) if len(rules) <= ASIDE else _list(told)


def text(rules: Sequence[Rule], width: int = 100) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(rules), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _one(told: Mapping[str, Any]) -> RenderableType:
    parts: list[RenderableType] = [
        *_headed(told),
        _Formula(told["formula"]),
        Text(""),
        *_said(told["remark"]),
        *_hyperparameters(told),
        _facts(told),
    ]
    for framework, dialect in told["dialects"].items():
        parts += [Text(""), *_dialect(framework, dialect)]
    if told["differences"]:
        parts += [Text(""), Text("Another algorithm under the same name", style="bold")]
        parts += [_item(one["sentence"]) for one in told["differences"]]
    return Group(*parts)


def _headed(told: Mapping[str, Any]) -> list[RenderableType]:
    return [Text(told["title"], style="bold"), *_said(told["paper"], "dim"), *_said(told["does"])]


def _said(words: str, style: str = "") -> list[RenderableType]:
    return [Text(words, style=style), Text("")] if words else []


class _Formula:
    """A formula as it stands; where a line is too long, what is said beside it goes below it."""

    def __init__(self, formula: str) -> None:
        self.formula = formula

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for line in self.formula.splitlines():
            parts = [line] if cell_len(line) + 4 <= options.max_width else re.split(r" {2,}", line)
            for i, part in enumerate(parts):
                yield Padding(Text(part, style="cyan"), (0, 0, 0, 12 if i else 4), expand=False)


class _Call:
    """A call on one line if it fits, or else with all its arguments on one, or each on its own."""

    def __init__(self, dialect: Mapping[str, Any]) -> None:
        self.call, self.code = dialect["call"], dialect["code"]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width - 4
        name, _, arguments = self.call[:-1].partition("(")
        text = self.code.partition("optimizer = ")[2].rstrip()
        if len(self.call) <= room:
            text = self.call
        elif len(arguments) + 4 <= room:
            text = f"{name}(\n    {arguments}\n)"
        code = CODE.highlight(text)
        code.rstrip()
        yield Padding(code, (0, 0, 0, 4), expand=False)


def _hyperparameters(told: Mapping[str, Any]) -> list[RenderableType]:
    table, meanings = _table(), Table.grid(padding=(0, 2, 0, 0))
    table.add_column("hyperparameter", no_wrap=True)
    for framework in FRAMEWORKS:
        table.add_column(NAMES[framework], justify="right", no_wrap=True)
    table.add_column("searched")
    meanings.add_column(no_wrap=True)
    for one in told["hyperparameters"]:
        defaults = [_default(one, framework) for framework in FRAMEWORKS]
        searched = one["searched"]
        words = "" if searched is None else searched["words"]
        if searched and searched["from_trials"] > 1:
            words += f", from {searched['from_trials']} trials on"
        table.add_row(*map(Text, (one["name"], *defaults, words)))
        if one["meaning"]:
            meanings.add_row(Text(one["name"]), Text(one["meaning"]))
    return [table, Text(""), meanings, Text("")]


def _default(one: Mapping[str, Any], framework: str) -> str:
    if framework in one["fixed"]:
        return f"{setting(one['fixed'][framework])} fixed"
    if framework in one["must_be_given"]:
        return "give one"
    value = one["defaults"][framework]
    return "-" if value is None else setting(value)


def _facts(told: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for topic, lines in (
        ("Memory", [told["memory"]["words"]]),
        ("Strengths", told["strengths"]),
        ("Weaknesses", told["weaknesses"]),
        ("Measured", told["measured"]),
        ("When", [told["when"]]),
        ("Tune first", [told["tune"]]),
        ("Weight decay", [told["weight_decay"]]),
    ):
        if any(lines):
            table.add_row(Text(topic), _lines(lines))
    return table


def _lines(lines: Iterable[str]) -> RenderableType:
    many = [line for line in lines if line]
    return Group(*(_item(line) for line in many)) if len(many) > 1 else Text("".join(many))


def _item(line: str) -> Table:
    """Return a line of a list, whose continuation stands under its beginning."""
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text("·"), Text(line))
    return table


def _dialect(framework: str, dialect: Mapping[str, Any]) -> list[RenderableType]:
    name = Text(NAMES[framework], style="bold")
    if not dialect["call"]:
        return [name, Text(f"{dialect['none']}."), *_notes(dialect)]
    if dialect["tf_code"]:
        name.append(f"   in TensorFlow tf.{dialect['class']}, the same", style="not bold dim")
    return [name, _Call(dialect), *_notes(dialect)]


def _notes(dialect: Mapping[str, Any]) -> list[RenderableType]:
    note = dialect["note"]
    return [Text(note)] if note and note.rstrip(".") not in str(dialect["none"]) else []


def _table() -> Table:
    return Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")


def _aside(told: Mapping[str, Any]) -> RenderableType:
    """Return a column for each optimizer; the formulas, which must not be folded, come before."""
    parts: list[RenderableType] = []
    for one in told["optimizers"]:
        parts += [Text(one["title"], style="bold"), _Formula(one["formula"]), Text("")]
    table = _table()
    table.add_column("", no_wrap=True, style="bold")
    for one in told["optimizers"]:
        table.add_column(Text(one["name"]), ratio=1)
    for topic, cells in told["rows"].items():
        table.add_row(Text(topic), *map(_lines, cells))
        table.add_row()
    return Group(*parts, table)


def _list(told: Mapping[str, Any]) -> RenderableType:
    table = _table()
    table.add_column("optimizer", no_wrap=True, style="bold")
    for topic in ("memory", "when to use it", "tune first"):
        table.add_column(topic, ratio=1)
    for i, one in enumerate(told["optimizers"]):
        cells = (told["rows"][t][i] for t in ("memory", "when to use it", "tune first"))
        table.add_row(Text(one["name"]), *map(_lines, cells))
    more = "All there is to say of one: steepest explain NAME."
    return Group(table, Text(""), Text(more, style="dim"))
