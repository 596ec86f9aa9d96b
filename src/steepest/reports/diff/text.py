"""The differences between two studies: one sentence, a section for each kind, or one JSON object.

Names and texts come out of files: they are shown as they are, markup and control characters too.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from steepest.records import Settings
from steepest.reports.diff.diff import Differences
from steepest.reports.diff.results import Change, Place, Results
from steepest.text import listed, many

LONGEST = 300  # characters of one value
DIGEST = 12  # and of a digest
MOST = 40  # differences shown of one section
SETTINGS = {field.name for field in fields(Settings)}
STUDIES = ("first", "second")
NAMES = {
    "question": "the question",
    "task": "the task or its data",
    "versions": "the versions",
    "hardware": "the hardware or how it was used",
    "course": "where they stopped",
}
TITLES = {
    "question": "The question",
    "task": "The task and its data",
    "versions": "Versions",
    "hardware": "Hardware",
    "course": "How they went",
}


def sentence(found: Differences) -> str:
    """Say whether the studies differ, and the likeliest of the reasons that are recorded."""
    there = [name for name in NAMES if getattr(found, name)]
    if found.same:
        who = [
            f"the {one} went on after a stop {many(len(told), 'time')}"
            for one, told in zip(STUDIES, found.resumed, strict=True)
            if told
        ]
        return "The same in all but times" + (f"; {listed(who)}." if who else ".")
    if found.results.same:
        others = listed([NAMES[name] for name in there])
        first = _few(getattr(found, there[0]))
        return f"The results are the same to the last bit, but not {others}: {first}."
    if not found.reasons:
        return "The results differ, and nothing that is recorded explains it" + _perhaps(found)
    first = found.reasons[0]
    more = [NAMES[name] for name in there if name != first]
    besides = f"; see also {listed(more)}" if more else ""
    what = _few(getattr(found, first)) if first in NAMES else ""
    if first == "course":
        return (
            f"One went further than the other ({what}); as far as both went, they are the "
            f"same{besides}."
        )
    why = {
        "question": f"because what was asked differs: {what}",
        "task": f"because the task or its data do: {what}",
        "versions": f"and the likeliest reason is the versions: {what}",
        "hardware": f"and the likeliest reason is the hardware or how it was used: {what}"
        + (", which changes the last bits" if _members(found) else ""),
        "clock": f"and the likeliest reason is the limit of {found.clock or 0:g} s, as how much is "
        "trained under it depends on the clock",
        "resumed": "and of what is recorded, only that a study went on after a stop can be a "
        f"reason ({_went_on(found)}), which changes nothing on the same machine with the same "
        "versions",
    }[first]
    return f"The results differ, {why}{besides}."


def _members(found: Differences) -> bool:
    return any(change.what == "members" for change in found.hardware)


def _went_on(found: Differences) -> str:
    return one_line(next((one for told in found.resumed[::-1] for one in told), ""))


def _perhaps(found: Differences) -> str:
    """Return what may be the reason although it is not recorded."""
    if found.unknown:
        return f"; but {found.unknown[0]}."
    if found.notes:
        return f"; but both have the note: {one_line(found.notes[0])}."
    return "."


def _few(changes: Sequence[Change]) -> str:
    lines = [_line(change) for change in changes[:2]]
    rest = len(changes) - len(lines)
    return ", ".join(lines) + (f" and {many(rest, 'more difference')}" if rest else "")


def _line(change: Change) -> str:
    if change.digest and None not in (change.old, change.new):
        return one_line(change.what)
    return f"{_name(change)} {' → '.join(_values(change, 60))}"


def _name(change: Change) -> str:
    return one_line(change.what.replace("_", " ") if change.what in SETTINGS else change.what)


def to_dict(found: Differences) -> dict[str, Any]:
    """Return what `steepest diff --json` prints."""
    reason = found.reasons[0] if found.reasons and not found.results.same else None
    return {
        "format_version": 1,
        "same": found.same,
        "same_results": found.results.same,
        "sentence": sentence(found),
        "reason": reason,
        **asdict(found),
    }


def render(found: Differences, old: str, new: str) -> RenderableType:
    """Return the differences for a rich console; `old` and `new` are what to call the studies."""
    parts: list[RenderableType] = [Text(sentence(found), style="bold")]
    if found.same:
        return Group(*parts)
    parts += [Text(f"{one_line(old)} → {one_line(new)}", style="dim")]
    for name, title in TITLES.items():
        changes = getattr(found, name)
        if changes:
            parts += [Text(""), Text(title, style="bold"), _table(changes)]
    if any(found.resumed):
        parts += [Text(""), Text("Went on after a stop", style="bold")]
    for which, told in zip(STUDIES, found.resumed, strict=True):
        parts += [Text(f"the {which}, {one_line(one)}") for one in told[:MOST]]
    parts += [Text(""), Text("Results", style="bold")]
    parts += [Text(line) for line in _results(found.results)]
    if found.results.verdict:
        parts += [_table(found.results.verdict)]
    if found.results.numbers and not found.question:
        parts += [Text(f"Note: {one}.", style="yellow") for one in found.unknown]
    return Group(*parts)


def text(found: Differences, old: str, new: str, width: int = 100) -> str:
    """Return the same as plain text without control characters."""
    console = Console(width=width, color_system=None, force_terminal=False, legacy_windows=False)
    with console.capture() as capture:
        console.print(render(found, old, new), soft_wrap=False)
    return "\n".join(line.rstrip() for line in capture.get().splitlines())


def _table(changes: Sequence[Change]) -> RenderableType:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    for ratio in (2, 3, 0, 3):
        table.add_column(overflow="fold", ratio=ratio or None)
    for change in changes[:MOST]:
        longest = DIGEST if change.digest else LONGEST
        old, new = _values(change, longest)
        table.add_row(*map(Text, (_name(change), old, "→", new)))
    if len(changes) > MOST:
        table.add_row(Text(f"and {len(changes) - MOST:,} more"))
    return table


def _results(results: Results) -> list[str]:
    if results.same:
        return [f"All {many(results.pairs, 'trial')} and the verdict are the same."]
    lines = []
    for change in results.initial[:1]:
        lines.append(f"Before any training: {_step(change)}.")
    for place, count, what in (
        (results.first_config, results.configs, "of another configuration"),
        (results.first_curve, results.curves, "of the same configuration with other numbers"),
        (results.first_further, results.further, "equal as far as both went, but ended otherwise"),
    ):
        if place is not None:
            lines.append(
                f"{many(count, 'trial')} of {results.pairs:,} {what}; the first is {_where(place)}."
            )
    if results.largest is not None and results.largest == results.first_curve:
        lines.append("No other number differs by more.")
    elif results.largest is not None:
        lines.append(f"The largest difference of a number is in {_where(results.largest)}.")
    for which, count in zip(STUDIES, results.only, strict=True):
        if count:
            lines.append(f"Only the {which} study has {many(count, 'more trial')}.")
    if not (results.numbers or results.further) and results.pairs:
        lines.insert(0, f"The {many(results.pairs, 'trial')} that both have are the same.")
    lines.append("The verdict differs:" if results.verdict else "The verdict is the same.")
    return lines


def _where(place: Place) -> str:
    a, b = place.numbers
    number = f"{a}" if a == b else f"{a} ({b} in the second)"
    epoch = f", epoch {place.epoch}" if place.epoch is not None else ""
    return (
        f"trial {number}, {one_line(place.optimizer)}, {place.stage}{epoch}: {_step(place.change)}"
    )


def _step(change: Change) -> str:
    by = f" ({_by(change)})" if change.relative is not None else ""
    return f"{one_line(change.what)} {' → '.join(_values(change))}{by}"


def _values(change: Change, longest: int = LONGEST) -> tuple[str, str]:
    """Return both values, with all digits where fewer would not tell them apart."""
    old, new = value_text(change.old, longest), value_text(change.new, longest)
    if old == new and isinstance(change.old, float) and isinstance(change.new, float):
        return repr(change.old), repr(change.new)
    return old, new


def _by(change: Change) -> str:
    relative = change.relative or 0.0
    if relative == float("inf"):
        return "one alone is finite"
    if relative < 1e-3:
        return f"by {relative:.1e} of it"
    return f"by {relative * 100:.3g} %"


def value_text(value: Any, longest: int = LONGEST) -> str:
    """Return a value of a study file for people, on one line, in characters that print."""
    if value is None:
        return "–"
    if isinstance(value, Mapping) and value.get("kind") == "Float":
        scale = [name for name in ("log", "complement") if value.get(name)]
        ends = f"{value_text(value.get('low'))} to {value_text(value.get('high'))}"
        return one_line(", ".join([ends, *scale]), longest)
    if isinstance(value, Mapping) and value.get("kind") == "Choice":
        value = value.get("values")
    if isinstance(value, str):
        return one_line(value, longest) if value else "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.9g}"
    if isinstance(value, list | tuple):
        return one_line(", ".join(value_text(one, 60) for one in value[:20]), longest) or "none"
    return one_line(json.dumps(value, default=str), longest)


def one_line(words: str, longest: int = LONGEST) -> str:
    """Return words on one line, with escapes for what would not print or turn the line around."""
    cut = words if len(words) <= longest else words[: longest - 1] + "…"
    return "".join(
        c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in cut
    )
