"""What each measure says on three built-in tasks, and how the optimizers do over all three.

    python benchmarks/four_measures.py

runs `steepest compare digits diabetes text --seeds 5 --sweep 2`, about six minutes on two cores,
and prints Markdown. With `--of DIR`, of studies that are there already.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import steepest
from steepest.reports.numbers import with_interval
from steepest.reports.summary import summary

TASKS = ("digits", "diabetes", "text")
COMPARE = ("compare", *TASKS, "--seeds", "5", "--sweep", "2")


def table(study):
    """Return the measures of one study as Markdown, with what is not in the terminal's table."""
    found = summary(study.record, study.verdict, study.measures)
    decades = {name: with_interval(one.decade) for name, one in study.measures.sensitivity.items()}
    titles = (*found.titles, "excess, a decade around")
    rows = [(*row, decades.get(row[0], "-")) for row in found.rows]
    lines = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--of", type=Path)
    given = parser.parse_args().of
    with tempfile.TemporaryDirectory() as made:
        where = given or Path(made) / "three"
        if given is None:
            command = [sys.executable, "-m", "steepest", *COMPARE, "--out", str(where)]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        for task in TASKS:
            study = steepest.read(where / task)
            notes = summary(study.record, study.verdict, study.measures).notes
            print(f"**{task}.** {study.to_dict()['verdict']['sentence']}\n\n{table(study)}\n")
            print("; ".join(notes) + ".\n")
        print(steepest.compatibility([where]).to_markdown())


if __name__ == "__main__":
    main()
