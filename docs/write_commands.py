"""Write docs/commands.md from the commands' own help: `python docs/write_commands.py`."""

from pathlib import Path

import click

from steepest.cli import cli

WIDTH = 90
EXAMPLES = """## Examples

```shell
steepest compare my_task.py                 # a file that defines model, x, y, validation_data
steepest compare net.py                     # for PyTorch: Net, train, validation, loss
steepest compare package.module:function    # or a function that returns them in a dictionary
steepest compare digits --seeds 10          # as many seeds as it takes, up to ten
steepest compare digits --budget thorough   # 20 full trainings an optimizer, up to ten seeds
steepest compare digits --time 10m          # end in time, with the results so far
steepest compare digits --optimizers "SGD(nesterov=True),AdamW,Lion,Muon" --schedule cosine
steepest compare digits --recipe "warmup=0.05, clip_norm=Float(0.1, 10, log=True)" --dialect torch
steepest compare digits --metric accuracy --practical 5%      # what decides, and what would matter
steepest compare digits --baseline "keras.optimizers.Adam(1e-3)"   # what you use today
steepest compare digits diabetes text       # a study for each task, and a comparison over all
KERAS_BACKEND=torch steepest compare my_task.py --memory 4GB   # another backend, through Keras' fit
steepest code runs/text --framework torch   # source to paste
steepest report runs/text --markdown        # or --json, --csv, --html; --open shows the page
steepest export runs/text --optuna sqlite:///study.db  # or --tensorboard DIR, --mlflow URI
steepest lr digits --optimizer "SGD(momentum=0.9)"     # one learning rate, in seconds
steepest suggest my_task.py                 # an optimizer to start with, without training
steepest atlas --html atlas.html            # what was measured of optimizers on many tasks
steepest explain adam sgd                   # side by side
steepest tasks                              # what is built in
```

`examples/my_task.py` is a complete task file. `--json` prints one JSON object on standard output.
"""


def write() -> str:
    """Return the text of docs/commands.md."""
    parts = [
        "# Commands\n",
        "Written by `python docs/write_commands.py` from `--help`; do not edit.\n",
        EXAMPLES,
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
        "| 0 | done, also where nothing is decided yet, or nothing trained |\n"
        "| 1 | of `steepest diff` alone: the studies differ |\n"
        "| 2 | something given cannot be used; one sentence on standard error says what to do |\n"
        "| 130 | stopped by Ctrl-C; what was trained is in the study file |\n"
    )
    return "\n".join(parts)


if __name__ == "__main__":
    (Path(__file__).parent / "commands.md").write_text(write())
