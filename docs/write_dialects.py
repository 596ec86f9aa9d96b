"""Write docs/dialects.md: what is measured of every rule in every dialect. Takes ten minutes.

    pip install ".[test,oracles]" && python docs/write_dialects.py

The words are from the rules; the figures are taken when this runs, by the oracles that the tests
use (tests/oracles.py, tests/codegen/test_exported.py), in all cases and not a few.
"""

import importlib.metadata
import os
import sys
import warnings
from collections.abc import Iterable
from pathlib import Path

os.environ["KERAS_BACKEND"] = "jax"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
ROOT = Path(__file__).parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/codegen"), str(ROOT / "tests/rules")]
warnings.filterwarnings("ignore")

import frameworks  # noqa: E402
import numpy as np  # noqa: E402
import oracles  # noqa: E402
import test_conformance  # noqa: E402
import test_exported  # noqa: E402
from _pytest.outcomes import Skipped  # noqa: E402

from steepest.codegen import code, spell  # noqa: E402
from steepest.codegen.spelling import NAMES  # noqa: E402
from steepest.records import Config  # noqa: E402
from steepest.rules import FRAMEWORKS, RULES  # noqa: E402

OUT = Path(__file__).parent / "dialects.md"
INTRO = """# Dialects

Written by `python docs/write_dialects.py`; do not edit.

The same name is different arithmetic in Keras, PyTorch and Optax. Steepest has each optimizer
in all three: `dialect="torch"` tunes PyTorch's numbers, and the code to paste does what was
measured, by the framework's own class where that is the same algorithm, else by a class that is
written out.

Figures are from {versions}, float32, on a CPU.
"""
TWISTS = """## What differs

`weight_decay` is what the built-in's argument of that name means: *decoupled* shrinks the
weights beside the rule, *coupled* adds to the gradient (L2). Every Keras optimizer decays all
variables unless told otherwise. Defaults are the framework's own; where it has none, as Optax for
most learning rates, or no class, they are what Steepest tries first.
"""
ORACLE = """## Each rule against the framework's own class

A model with an embedding, a convolution, a layer normalization, a hidden layer and a head; 100
steps; the framework walks its own path and our rule is given the same gradients. The figure is
the largest difference of any weight at any step, as a share of the largest weight of its array.
A wrong twist is off by more than 5e-4 in some setting (`tests/rules/test_oracles.py` flips
every one of them). *drop* is a learning rate that falls to
a tenth half-way.

PyTorch takes bias corrections in double precision and Keras and Optax in float32, which is the
1e-5 of Adam and its kin at the first steps. PyTorch's Muon multiplies matrices in bfloat16,
which keeps three digits: Steepest does so in the weights' own type, and so does the class that
it writes. Optax' RAdam takes a small number as the difference of two large ones in float32, which
is its 6e-4.
"""
EXPORT = """## The exported code against what was measured

The source is run in its framework, along its own path: 100 steps, its own gradients (PyTorch
has its own copy of the model). The figure is the largest difference between its losses and
ours, over the recipes of `tests/codegen/test_exported.py`: none; cosine with warm-up,
global clipping and decay; step decay with clipping array by array and decay on all weights;
linear with accumulation and coupled decay; exponential with warm-up, an average and clipping by
value; warm-up with accumulation and decay. Of ScheduleFreeAdamW with PyTorch's arithmetic and of
the optimizers below it, over two of these: cosine, and linear. *class* is where the framework's own
class is another algorithm, or absent, and one is written out. Schedule-Free's 2e-4 in PyTorch is
its rounding of tiny gradients, divided by roots hardly larger, under accumulation. SOAP is here
without its bases (max_precond_dim=1), as those are arbitrary in directions without gradient, which
no two machines agree on; with them it is held to its authors' arithmetic in double precision.
"""
CONFORMANCE = """## What every rule must do

`tests/rules/test_conformance.py`, over every dialect and every flag turned the other way.
"""


def twists_table() -> list[str]:
    lines = [
        "| optimizer | framework | call | defaults | `weight_decay` | |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for rule in RULES.values():
        for framework in FRAMEWORKS:
            dialect = rule.dialects[framework]
            settings = rule.settings(framework)
            shown = [
                f"{argument.lstrip('-')} {settings[name]!r}".replace("False", "off")
                for name, argument in dialect.arguments.items()
                if name in settings and isinstance(settings[name], float | bool)
            ]
            lines.append(
                f"| {rule.name} | {NAMES[framework]} | "
                f"{f'`{dialect.call}`' if dialect.call else 'none'} | {', '.join(shown)} | "
                f"{(dialect.decay or 'none') if dialect.call else ''} | {dialect.note} |"
            )
    return lines


FEW = (1, 3)  # of the recipes: all of them take ten minutes for the rules that have them
Cases = dict[tuple[str, str, int, str], float]
Figures = dict[tuple[str, str, str], float]


def oracle_figures() -> Cases:
    """Return the largest difference of each case."""
    found: Cases = {}
    for case in oracles.cases():
        found[case] = oracles.difference(*case)
        print(*case, found[case], flush=True)
    return found


def oracle_table(found: Cases) -> list[str]:
    heads = [f"{NAMES[d]} {r}" for d in FRAMEWORKS for r in oracles.RATES]
    lines = [
        f"| optimizer | setting | {' | '.join(heads)} |",
        "| --- | --- |" + " --- |" * len(heads),
    ]
    for name in RULES:
        for i, setting in enumerate(oracles.settings(name)):
            cells = [found.get((name, d, i, r)) for d in FRAMEWORKS for r in oracles.RATES]
            figures = ["" if c is None else f"{c:.0e}" for c in cells]
            given = ", ".join(f"{k} {v}" for k, v in setting.items())
            lines.append(f"| {name} | {given} | {' | '.join(figures)} |")
    return lines


def asked(name: str, dialect: str) -> list[Config]:
    """Return the configurations of a rule that are exported."""
    recipes = [dict(recipe) for recipe in test_exported.RECIPES]
    last = list(RULES).index("ScheduleFreeAdamW")
    if list(RULES).index(name) > last or (name, dialect) == ("ScheduleFreeAdamW", "torch"):
        recipes = [recipes[i] for i in FEW]
    for recipe in recipes if RULES[name].divides_by_rate else []:
        recipe.pop("warmup", None)
    return [test_exported.asked(name, dialect, recipe) for recipe in recipes]


def export_figures(names: Iterable[str] = RULES) -> Figures:
    """Return the largest difference by rule, dialect and framework."""
    found: Figures = {}
    task = test_exported.facts(frameworks.STEPS)
    for name in names:
        for dialect in FRAMEWORKS:
            configs = asked(name, dialect)
            ours = [frameworks.our_steps(one)[0] for one in configs]
            for framework in FRAMEWORKS:
                run = getattr(frameworks, f"{framework}_steps")
                apart = [
                    float(np.abs(losses - run(code(one, task, framework))[0]).max())
                    for one, losses in zip(configs, ours, strict=True)
                ]
                found[name, dialect, framework] = max(apart)
                print(name, dialect, framework, max(apart), flush=True)
    return found


def export_table(found: Figures) -> list[str]:
    heads = [f"{NAMES[d]} → {NAMES[f]}" for d in FRAMEWORKS for f in FRAMEWORKS]
    lines = [f"| optimizer | {' | '.join(heads)} |", "| --- |" + " --- |" * len(heads)]
    for name in RULES:
        cells = []
        for dialect in FRAMEWORKS:
            for framework in FRAMEWORKS:
                figure = f"{found[name, dialect, framework]:.0e}"
                written = any(spell(one, framework).why for one in asked(name, dialect))
                cells.append(figure + (" class" if written else ""))
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def conformance_table() -> list[str]:
    checks = {
        name.removeprefix("test_").replace("_", " "): check
        for name, check in vars(test_conformance).items()
        if name.startswith("test_")
    }
    lines = [f"| optimizer | {' | '.join(checks)} |", "| --- |" + " --- |" * len(checks)]
    for name, rule in RULES.items():
        cells = []
        for check in checks.values():
            try:
                check(rule)
                cells.append("yes")
            except Skipped as why:
                cells.append(f"not asked: {why.msg}")
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def write(oracle: Cases, export: Figures) -> None:
    """Write docs/dialects.md with these figures."""
    packages = ("keras", "torch", "optax", "jax")
    versions = ", ".join(f"{p} {importlib.metadata.version(p).split('+')[0]}" for p in packages)
    parts = [
        INTRO.format(versions=versions),
        *(TWISTS, "\n".join(twists_table()) + "\n"),
        *(ORACLE, "\n".join(oracle_table(oracle)) + "\n"),
        *(EXPORT, "\n".join(export_table(export)) + "\n"),
        *(CONFORMANCE, "\n".join(conformance_table()) + "\n"),
    ]
    OUT.write_text("\n".join(parts))


if __name__ == "__main__":
    write(oracle_figures(), export_figures())
