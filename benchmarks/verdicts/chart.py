"""The chart: excess against cost, medians and 90 % points, over all tasks and those held out."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.chart import OTHERS, OURS, SOFT, pyplot, save
from benchmarks.verdicts.others import GRID
from benchmarks.verdicts.results import Found, pooled, spread
from benchmarks.verdicts.steepest_study import BUDGETS
from benchmarks.verdicts.tables import groups

STYLES = {"marker": ("o", "s", "^"), "line": ("-", "--", ":", "-.", (0, (1, 3)))}
FLOOR = 0.001  # an excess below it is drawn there
POINTS = ("median", "90 % point")


def draw(found: dict[str, Found], file: Path) -> None:
    """Draw each tool's excess by cost, and each budget's."""
    plt = pyplot()
    every = groups(found)
    figure, panels = plt.subplots(
        len(every), 2, figsize=(8, 3 * len(every)), sharex=True, sharey=True, squeeze=False
    )
    for row, (name, some) in zip(panels, every.items(), strict=True):
        for which, panel in enumerate(row):
            _panel(panel, pooled(some), which)
            panel.set_title(f"{len(some)} tasks, {name}: {POINTS[which]}")
        row[0].set_ylabel("excess over the best known, %")
    for panel in panels[-1]:
        panel.set_xlabel("full trainings")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="upper center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.9))
    save(figure, file)
    plt.close(figure)


def _panel(panel: Any, one: Found, which: int) -> None:
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.axhline((1, 5)[which], color=SOFT, linewidth=0.8)  # what standard is to reach
    for i, (tool, runs) in enumerate(sorted(one["others"].items())):
        points = [(c, spread([run["excess"][str(c)] for run in runs])[which]) for c in GRID]
        points = [(cost, _percent(value)) for cost, value in points if math.isfinite(value)]
        if points:
            panel.plot(
                *zip(*points, strict=True),
                color=OTHERS,
                linestyle=STYLES["line"][i % 5],
                linewidth=1.2,
                label=tool,
            )
    for name, some in one["steepest"].items():
        ours = name in BUDGETS
        panel.plot(
            float(np.median([study["cost"] for study in some])),
            _percent(spread([study["excess"] for study in some])[which]),
            color=OURS,
            fillstyle="full" if ours else "none",  # an earlier version's
            marker=STYLES["marker"][BUDGETS.index(name.split(", ")[-1])],
            markersize=6,
            linestyle="none",
            label=f"Steepest{', ' if ours else ' '}{name}",
        )
    panel.set_xticks([3, 7, 12, 24, 60, 200], ["3", "7", "12", "24", "60", "200"])
    panel.minorticks_off()


def _percent(value: float) -> float:
    return 100 * max(value, FLOOR)
