"""Seconds a trial: Steepest beside KerasTuner, Optuna, Ray Tune and a plain PyTorch loop.

The works are Keras models, or with `--framework torch` the same as PyTorch modules: then Steepest
is beside the loop, Optuna and Ray Tune around the loop, and Lightning's Trainer.

    python benchmarks/seconds_a_trial.py --json all.json --chart benchmarks/seconds_a_trial.svg

or work by work, and the table of all at the end:

    python benchmarks/seconds_a_trial.py --works digits-mlp,tabular-mlp --json mlp.json
    python benchmarks/seconds_a_trial.py --from mlp.json cnn.json --chart all.svg

A trial is one training from fresh weights to the last epoch, with an Adam of its own (learning
rate, beta_1 and epsilon), validation after every epoch. The works are in speed/works.py. All tools
are given the same trials; those that take long run only the first of them (`--slow-trials`,
`--loop-trials`), and the table says how many. Nothing is halved or stopped early.

Each tool runs in a process of its own, one at a time: all of them once, then all once more, and so
on. Ratios are taken within a round, so that a machine that is slow for a minute favours nobody.

Counted, for every tool: all from the imported packages to the last trial's last evaluation. That
is loading the data, building models, tracing, compiling, training, evaluating, and whatever the
tool does by default besides (KerasTuner writes checkpoints and its own records; Ray starts its
processes, which import Keras themselves). Not counted: starting Python, imports of the process
itself, PyTorch's choice of threads, and the study file that Steepest writes in a search, as its
engine is called as the search calls it, but without a search around it.

The columns:

- Seconds a trial for 32 trials, all included: the time divided by 32. Tools with fewer trials are
  charged what they do once, plus 32 further trials, divided by 32: (once + 32 × further) / 32,
  where once is the measured time less that many further trials.
- A further trial: what one more costs once the tool is under way. Steepest: the time in which all
  trials train, by trial. Others: the mean over all trials but the first, with the compile that
  each of them needs. Ray: over all waves but the first, see contenders_keras.py.
- Accuracy: of validation after the last epoch, mean of the trials that all ran. It differs a
  little as weights are drawn from different random streams, and shows that all did the same work.

Steepest starts with an empty directory for compiled programs, and writes them; "compiled before"
is a second process after it with that directory. Every tool uses the cores in its own way: Steepest
trains a member on each core, Ray a trial on each, the others train one trial after another and may
split a step over cores. TensorFlow is hidden from tools on JAX and PyTorch. That Steepest exports,
lowers and proves a PyTorch module is counted too.
"""

import argparse
import contextlib
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from speed.apart import check_modules, environment, machine, run_apart, told
from speed.clock import Run
from speed.contenders import GROUPS, TOOLS, run_here
from speed.trials_table import draw, render
from speed.works import WORKS

Found = dict[str, list[dict[str, Run]]]  # work → rounds → tool → its run


def names(known: dict[str, Any]) -> Any:
    """Return what reads a list of names from the command line."""

    def read(text: str) -> list[str]:
        chosen = text.split(",")
        for name in chosen:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(known)}")
        return [name for name in known if name in chosen]

    return read


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    add = parser.add_argument
    add("--works", type=names(WORKS), default=list(WORKS), help=f"of {','.join(WORKS)}")
    add("--framework", choices=list(GROUPS), default="keras", help="whose models the works are")
    add("--tools", type=names(TOOLS), default=list(TOOLS), help=f"of {','.join(TOOLS)}")
    add("--trials", type=int, default=32, help="that Steepest runs, and the table is about")
    add("--loop-trials", type=int, default=8, help="that the PyTorch loop runs")
    add("--slow-trials", type=int, default=3, help="that the tools around fit run")
    add("--repeats", type=int, default=3, help="rounds")
    add("--json", type=Path, help="write all numbers here, after every round")
    add("--chart", type=Path, help="draw an SVG here")
    add("--from", dest="files", type=Path, nargs="+", help="measure nothing, show these files")
    add("--contender", nargs=3, metavar=("TOOL", "WORK", "COUNT"), help=argparse.SUPPRESS)
    return parser.parse_args()


def measure(given: argparse.Namespace) -> Found:
    """Let all tools do all works, in turn."""
    group = GROUPS[given.framework]
    chosen = [name for name in given.tools if name in group.tools]
    tools = [group.base, *(name for name in chosen if name != group.base)]
    modules = sorted({module for name in tools for module in TOOLS[name].modules})
    check_modules(modules)
    about = {"framework": given.framework, "trials": given.trials, **machine(modules)}
    print(told(about), file=sys.stderr)
    found: Found = {work: [] for work in given.works}
    for number in range(given.repeats):
        for work in given.works:
            found[work].append({})
            with tempfile.TemporaryDirectory() as cache:  # empty: the second finds what is left
                for name in tools:
                    tool = TOOLS[name]
                    count = tool.count(given.trials, given.loop_trials, given.slow_trials)
                    ours = name in (group.base, group.warm)
                    needs = environment(Path(cache) if ours else None, tool.backend)
                    command = ["--contender", name, work, str(count)]
                    run = Run.of(run_apart(__file__, command, needs))
                    found[work][-1][name] = run
                    print(
                        f"{number + 1} of {given.repeats}, {work}: {tool.title}: {run.trials} "
                        f"trials in {run.seconds:.1f} s",
                        file=sys.stderr,
                        flush=True,
                    )
        if given.json:
            given.json.write_text(json.dumps({**about, "works": plain(found)}, indent=1) + "\n")
    return found


def plain(found: Found) -> Any:
    return {
        work: [{name: run.to_dict() for name, run in runs.items()} for runs in rounds]
        for work, rounds in found.items()
    }


def merge(files: list[Path]) -> tuple[Found, str, int]:
    """Return the rounds of several files, their framework and number of trials, all the same."""
    found: Found = {}
    told_by: dict[str, Any] = {}
    for file in files:
        content = json.loads(file.read_text())
        works = content.pop("works")
        content.setdefault("framework", "keras")
        told_by = told_by or content
        if any(told_by[name] != content[name] for name in ("framework", "trials", "cores")):
            raise SystemExit(f"{file} has another framework, trials or cores than the first file")
        for work, rounds in works.items():
            found.setdefault(work, []).extend(
                {name: Run.of(run) for name, run in runs.items()} for runs in rounds
            )
    ordered = {work: found[work] for work in WORKS if work in found}
    return ordered, told_by["framework"], told_by["trials"]


def main() -> None:
    given = arguments()
    if given.contender:
        name, work, count = given.contender
        with contextlib.redirect_stdout(sys.stderr):  # tools may print; standard output is ours
            run = run_here(name, work, int(count))
        print(json.dumps(run.to_dict()))
        return
    if given.files:
        found, framework, count = merge(given.files)
    else:
        found, framework, count = measure(given), given.framework, given.trials
    print(render(found, GROUPS[framework], count))
    if given.chart:
        draw(found, GROUPS[framework], count, given.chart)


if __name__ == "__main__":
    main()
