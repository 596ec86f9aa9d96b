"""What the charts have in common: matplotlib, and SVG that is the same when drawn again."""

from pathlib import Path
from typing import Any

OURS, OTHERS, SOFT = "#c2410c", "#475569", "#cbd5e1"


def pyplot() -> Any:
    """Return `matplotlib.pyplot`, set up for quiet charts."""
    import matplotlib

    matplotlib.use("svg")
    from matplotlib import pyplot as plt

    plt.rcParams.update(
        {
            "svg.hashsalt": "steepest",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.sans-serif": ["DejaVu Sans", "Verdana", "sans-serif"],
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "axes.titlelocation": "left",
            "figure.facecolor": "white",
        }
    )
    return plt


def save(figure: Any, file: Path) -> None:
    """Write `figure` as SVG, without the date, so that the same numbers give the same file."""
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, format="svg", metadata={"Date": None}, bbox_inches="tight")
