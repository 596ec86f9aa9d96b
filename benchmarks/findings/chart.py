"""The learning-rate curves of F3 and F4."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from speed.chart import OTHERS, OURS, pyplot, save

from findings.characters import AROUND, NAMES
from findings.finding import Finding

COLORS = {"SGD": OTHERS, "momentum": "#0369a1", "Adam": OURS, "Lion": "#4d7c0f"}


def draw(findings: Iterable[Finding], file: Path) -> None:
    """Draw the loss at the end against the learning rate: mean of the seeds, least and largest.

    A training that diverged counts as the loss of the initial weights, as in F4; the decade either
    side of the best rate is drawn thicker.
    """
    found = [one.numbers for one in findings if "losses" in one.numbers]
    if not found:
        raise SystemExit("nothing to draw: the chart is of F3")
    (numbers,) = found
    initial = np.array(numbers["untrained"])
    plt = pyplot()
    figure, ax = plt.subplots(figsize=(6.5, 3.4), layout="constrained")
    for name, rates in numbers["rates"].items():
        losses = np.fmin(np.array(numbers["losses"][name], float), initial)  # [rates, seeds]
        mean, color = losses.mean(axis=1), COLORS[NAMES[name]]
        best = int(mean.argmin())
        near = slice(max(0, best - AROUND), best + AROUND + 1)
        ax.fill_between(rates, losses.min(axis=1), losses.max(axis=1), color=color, alpha=0.2, lw=0)
        ax.plot(rates, mean, color=color, linewidth=1)
        ax.plot(rates[near], mean[near], color=color, linewidth=2.5, label=NAMES[name])
    ax.axhline(initial.mean(), color="black", linewidth=0.8, linestyle=":")
    ax.set_xscale("log")
    ax.legend(loc="upper left", bbox_to_anchor=(0.02, 0.93), frameon=False)
    ax.set_xlabel("learning rate (thick: a decade either side of the best)")
    ax.set_ylabel("validation loss, nats (dotted: initial)")
    ax.set_title(f"Character transformer, 500 steps, {len(initial)} seeds")
    save(figure, file)
    plt.close(figure)
