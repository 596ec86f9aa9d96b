"""The chart: excess against cost, a panel a task."""

import math
from pathlib import Path
from typing import Any

from benchmarks.speed.chart import OTHERS, OURS, SOFT, pyplot, save
from benchmarks.verdicts.others import GRID
from benchmarks.verdicts.results import Found, median, quartiles
from benchmarks.verdicts.steepest_study import BUDGETS

STYLES = {"marker": ("o", "s", "^"), "line": ("-", "--", ":", "-.")}
FLOOR = 0.002  # an excess below it is drawn there


def draw(found: dict[str, Found], file: Path) -> None:
    """Draw each tool's median excess by cost, and each budget's with its quartiles."""
    plt = pyplot()
    columns = min(4, len(found))
    rows = -(-len(found) // columns)
    figure, panels = plt.subplots(
        rows, columns, figsize=(3 * columns, 2.5 * rows), sharex=True, sharey=True, squeeze=False
    )
    for panel in panels.flat[len(found) :]:
        panel.set_visible(False)
    for panel, (task, one) in zip(panels.flat, found.items(), strict=False):
        _panel(panel, task, one)
    for panel in panels[:, 0]:
        panel.set_ylabel("excess over the oracle, %")
    for panel in panels[-1]:
        panel.set_xlabel("full trainings")
    shown: dict[str, Any] = {}
    for panel in panels.flat:
        handles, labels = panel.get_legend_handles_labels()
        shown |= dict(zip(labels, handles, strict=True))
    figure.legend(shown.values(), shown.keys(), loc="upper center", ncols=4, frameon=False)
    figure.tight_layout(rect=(0, 0, 1, 0.93 if rows > 1 else 0.85))
    save(figure, file)
    plt.close(figure)


def _panel(panel: Any, task: str, one: Found) -> None:
    panel.set_title(task)
    panel.set_xscale("log")
    panel.set_yscale("log")
    panel.axhline(2, color=SOFT, linewidth=0.8)  # what standard is to reach
    for i, (tool, curve) in enumerate(sorted(one["others"].items())):
        points = [(cost, median(curve[str(cost)])) for cost in GRID]
        points = [(cost, _percent(value)) for cost, value in points if math.isfinite(value)]
        panel.plot(
            *zip(*points, strict=True),
            color=OTHERS,
            linestyle=STYLES["line"][i % 4],
            linewidth=1.2,
            label=tool,
        )
    for i, budget in enumerate(BUDGETS):
        some = one["steepest"].get(budget, [])
        if not some:
            continue
        low, middle, high = (_percent(v) for v in quartiles([study["excess"] for study in some]))
        panel.errorbar(
            median([study["cost"] for study in some]),
            middle,
            yerr=[[middle - low], [high - middle]],
            color=OURS,
            marker=STYLES["marker"][i],
            markersize=5,
            linewidth=1,
            linestyle="none",
            label=f"Steepest, {budget}",
        )
    panel.set_xticks([3, 12, 48, 120], ["3", "12", "48", "120"])
    panel.minorticks_off()


def _percent(value: float) -> float:
    return 100 * max(value, FLOOR)
