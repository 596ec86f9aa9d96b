"""Write docs/commands.md from the commands' own help: `python docs/write_commands.py`."""

from pathlib import Path

import click

from steepest.cli import cli

WIDTH = 90


def write() -> str:
    """Return the text of docs/commands.md."""
    parts = [
        "# Commands\n",
        "Written by `python docs/write_commands.py` from `--help`; do not edit.\n",
    ]
    for name, command in {"": cli, **cli.commands}.items():
        title = f"steepest {name}".strip()
        context = click.Context(
            command,
            info_name=title,
            terminal_width=WIDTH,
            max_content_width=WIDTH,
            help_option_names=["-h", "--help"],
        )
        parts.append(f"## `{title}`\n\n```text\n{command.get_help(context)}\n```\n")
    parts.append(
        "## Exit codes\n\n| code | meaning |\n| --- | --- |\n"
        "| 0 | done, also where the verdict is a tie or that nothing trained |\n"
        "| 1 | of `steepest diff` alone: the studies differ |\n"
        "| 2 | something given cannot be used; one sentence on standard error says what to do |\n"
        "| 130 | stopped by Ctrl-C; trials of finished rungs are in the study file |\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    (Path(__file__).parent / "commands.md").write_text(write())
