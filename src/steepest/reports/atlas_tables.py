"""The atlas as tables and sentences, which its page in the docs and its page in HTML share."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from steepest import text
from steepest.priors.atlas import Atlas
from steepest.reports.numbers import MISSING, number

LEVELS = ("0.01", "0.03", "0.1", "0.3")
WITHIN = tuple(f"≤\N{NO-BREAK SPACE}{level}\N{NO-BREAK SPACE}%" for level in (1, 3, 10, 30))


@dataclass(frozen=True)
class Table:
    """A title, a sentence on how to read it, a row of headings, and rows of cells."""

    title: str
    how: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def percent(value: float | None) -> str:
    """Return a share in per cent, a dash where there is none."""
    if value is None or not math.isfinite(value):
        return MISSING
    return text.percent(value)


def basis(atlas: Atlas) -> str:
    """Return what was trained, in a sentence or two."""
    tasks, figures = atlas.tasks, atlas.figures
    families: dict[str, int] = {}
    for task in tasks:
        families[task.family] = families.get(task.family, 0) + 1
    weights = [task.parameters for task in tasks]
    steps = [task.steps for task in tasks]
    counted = ", ".join(f"{count} of {family}" for family, count in families.items())
    return (
        f"{figures['trainings']:,} trainings in full, from first weights to the last epoch: "
        f"{len(tasks)} tasks ({counted}) and {len(figures['optimizers'])} optimizers. Models have "
        f"{min(weights):,} to {max(weights):,} weights and train for {min(steps):,} to "
        f"{max(steps):,} steps, on one kind of machine. Data are real and small."
    )


def names(atlas: Atlas) -> list[str]:
    """Return the optimizers, best mean rank first."""
    ranks = atlas.figures["ranks"]
    every = list(atlas.figures["optimizers"])
    return sorted(every, key=lambda name: (ranks[name]["mean"] or math.inf, name))


def optimizers_table(atlas: Atlas) -> Table:
    """Return ranks, excess of the best configuration, and shares of tasks near the best."""
    ranks, rows = atlas.figures["ranks"], []
    for name in names(atlas):
        one, rank = atlas.figures["optimizers"][name], ranks[name]
        rows.append(
            (
                name,
                _interval(rank),
                str(rank["first"]),
                percent(one["median"]),
                percent(one["ninety"]),
                *(percent(one["within"][level]) for level in LEVELS),
            )
        )
    return Table(
        "Which optimizer is best, tuned",
        "Each optimizer at its best configuration with a constant rate, of about fifty. A rank is "
        "one more than the number of optimizers whose loss is lower by more than 3 %, so several "
        f"share it; mean and 95 % interval over {ranks['tasks']} tasks with all optimizers. Excess "
        "is over the lowest loss of any optimizer; the last columns are shares of tasks on which "
        "it is at most 1, 3, 10 and 30 %.",
        (
            "optimizer",
            "mean rank",
            "shares first",
            "excess, median",
            "90 % point",
            *WITHIN,
        ),
        tuple(rows),
    )


def _interval(one: Mapping[str, float | None]) -> str:
    if one["mean"] is None:
        return MISSING
    if one["low"] is None or one["high"] is None:
        return f"{one['mean']:.1f}"
    return f"{one['mean']:.1f} ({one['low']:.1f} to {one['high']:.1f})"


def tuning_table(atlas: Atlas) -> Table:
    """Return what defaults lose, how wide good rates are, and what else tuning gives."""
    rows = []
    for name in names(atlas):
        one = atlas.figures["optimizers"][name]
        rows.append(
            (
                name,
                percent(one["default_median"]),
                percent(one["default_ninety"]),
                MISSING if one["width"] is None else f"{one['width']:.1f}",
                f"{percent(one['second_gain'])} ({one['second']})",
                percent(one.get("cosine_gain")),
                "never" if one["time"] is None else f"{percent(one['time'])}",
            )
        )
    return Table(
        "What defaults lose, and what tuning gives",
        "The default is Keras'. Good rates end within 10 % of the optimizer's best on its line of "
        "rates, 0.4 decades apart, all else at its default (SGD with momentum 0.9). The gain of a "
        "second hyperparameter is the loss that tuning it beside the rate takes off; part of it is "
        "that more was tried. The gain of a cosine is that of rates on the line with a cosine "
        "schedule against constant ones. The last column is the share of the epochs after which "
        "the optimizer's best is within 10 % of the task's lowest loss. Medians over tasks.",
        (
            "optimizer",
            "excess of the default",
            "90 % point",
            "good rates, decades",
            "gain of a second one",
            "gain of a cosine",
            "time to the best",
        ),
        tuple(rows),
    )


def by_family(atlas: Atlas) -> list[int]:
    """Return the places of the tasks, family by family."""
    order = list(dict.fromkeys(task.family for task in atlas.tasks))
    return sorted(range(len(atlas.tasks)), key=lambda i: order.index(atlas.tasks[i].family))


def heat_table(atlas: Atlas) -> Table:
    """Return each optimizer's excess on each task, family by family."""
    every, rows = names(atlas), []
    for i in by_family(atlas):
        task = atlas.tasks[i]
        cells = [percent(atlas.figures["excess"][name][i]) for name in every]
        rows.append((task.what, task.family, number(task.best, 3), *cells))
    return Table(
        "Optimizers × tasks",
        "Excess of each optimizer's best configuration over the best of all, whose loss stands "
        "beside the task.",
        ("task", "family", "lowest loss", *every),
        tuple(rows),
    )


def exponents_table(atlas: Atlas) -> Table:
    """Return how the best rate moves with what varies in a series."""
    rows = []
    for varies, one in atlas.figures["exponents"].items():
        adam, sgd = (
            ", ".join(f"{slope:.2f}" for slope in one["optimizers"].get(name, {}).values())
            for name in ("Adam", "SGD")
        )
        series = {name for slopes in one["optimizers"].values() for name in slopes}
        low, high = one["low"], one["high"]
        interval = MISSING if low is None or high is None else f"{low:.2f} to {high:.2f}"
        rows.append(
            (
                varies,
                f"{one['mean']:.2f}",
                interval,
                str(len(one["optimizers"])),
                str(len(series)),
                adam or MISSING,
                sgd or MISSING,
            )
        )
    return Table(
        "How the best rate moves",
        "The exponent a of rate ∝ numberᵃ: 0.5 means that four times the number asks for twice the "
        "rate, −1 that it asks for a quarter. Mean over optimizers with its 95 % interval, which "
        "is of optimizers alone: each series is one model with one data set, so other models may "
        "differ by more. Of Adam and SGD each series by itself. Where not all optimizers were "
        "trained on a variation, it counts here alone."
        + ("" if rows else " No series has been trained yet."),
        ("number", "exponent", "95 % interval", "optimizers", "series", "Adam", "SGD"),
        tuple(rows),
    )


def scaling_table(atlas: Atlas) -> Table:
    """Return whether one rate for all tasks is better scaled by a size of the task."""
    ways = ("one rate", "batch size", "steps", "weights")
    rows = [
        (name, *(f"{percent(one[way]['median'])} / {percent(one[way]['ninety'])}" for way in ways))
        for name in names(atlas)
        for one in [atlas.figures["scaling"][name]]
    ]
    return Table(
        "One rate for all, or scaled",
        "All but the rate at its default (SGD with momentum 0.9). Excess over the optimizer's best "
        "rate, median / 90 % point, above 100 % counted as that: of one rate, the best for the "
        "other families, and of one that moves with the batch size, the steps or the weights as "
        "it does in the other families.",
        ("optimizer", "one rate", *(f"by {way}" for way in ways[1:])),
        tuple(rows),
    )


def suggestions_table(atlas: Atlas) -> Table:
    """Return how first suggestions do on tasks that were left out."""
    figures = atlas.figures["suggestions"]
    rows = [
        (
            what,
            percent(figures[key]["median"]),
            percent(figures[key]["ninety"]),
            *(percent(figures[key]["within"][level]) for level in LEVELS),
        )
        for what, key in (
            ("first suggestion, the task's family left out", "family"),
            ("Adam(0.001), the default", "usual"),
        )
    ]
    return Table(
        "How good `steepest suggest` is",
        f"On each of {figures['tasks']} tasks, what is suggested without training by the tasks of "
        "the other families, which also settle how likeness and large excesses count. Excess over "
        "the lowest loss of any optimizer, and shares of tasks.",
        ("", "excess, median", "90 % point", *WITHIN),
        tuple(rows),
    )


def tasks_table(atlas: Atlas) -> Table:
    """Return the tasks."""
    return Table(
        "The tasks",
        "A series is one task with one number changed; all of a series count as one.",
        ("task", "what", "family", "weights", "examples", "batch", "steps"),
        tuple(
            (
                task.name,
                task.what,
                task.family,
                f"{task.parameters:,}",
                f"{task.examples:,}",
                str(task.batch_size),
                f"{task.steps:,}",
            )
            for task in atlas.tasks
        ),
    )
