"""Pictures of paths: an optimizer and a reference on each surface, as SVG to stand in a page."""

import io
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from steepest.reports.explain.paths import SURFACES, Path, Surface, tuned
from steepest.rules import RULES, Rule
from steepest.text import setting

REFERENCE = "SGD with momentum 0.9"
SEEN = 0.01  # how far from the valley's floor a crossing can be seen
# Colours of the page that the picture stands in: text and contours, the rule, the reference.
INK, RULE, OTHER = "#010203", "#010204", "#010205"
OF_PAGE = {INK: "currentColor", RULE: "var(--rule)", OTHER: "var(--reference)"}
GRID = 61


@dataclass(frozen=True)
class Picture:
    """A drawing with what is to be read beside it; `svg` holds no text that a person gave."""

    title: str
    svg: str
    alt: str
    legend: tuple[tuple[str, str], ...]  # name, and at which rate
    caption: str


def references() -> dict[str, Path]:
    """Return the reference's path on each surface."""
    sgd = RULES["SGD"]
    return {name: tuned(sgd, one, {"momentum": 0.9}) for name, one in SURFACES.items()}


def pictures(rule: Rule, beside: dict[str, Path], prefix: str) -> list[Picture]:
    """Return a picture of each surface; `prefix` keeps their ids apart on one page.

    Raises:
        ImportError: matplotlib is absent.
    """
    found = []
    for i, (name, surface) in enumerate(SURFACES.items()):
        paths = {rule.name: tuned(rule, surface), REFERENCE: beside[name]}
        said = _caption(surface, paths)
        legend = tuple((one, _short(surface, path)) for one, path in paths.items())
        ends = ". ".join(f"{one}: {short}" for one, short in legend)
        found.append(
            Picture(
                f"{name[:1].upper()}{name[1:]}: {surface.about}",
                _drawn(surface, paths[rule.name], beside[name], f"{prefix}-{i}-"),
                f"Paths of {rule.name} and of {REFERENCE} on a contour map. {said} {ends}.",
                legend,
                said,
            )
        )
    return found


def _short(surface: Surface, path: Path) -> str:
    """Return at which rate a path is walked, and how near to a minimum it ends."""
    apart = min(float(np.linalg.norm(path.points[-1] - m)) for m in surface.minima)
    ends = "at the minimum" if apart < 1e-3 else f"{apart:.2g} from the minimum"
    return f"rate {setting(path.rate)}, ends {ends}"


def _caption(surface: Surface, paths: dict[str, Path]) -> str:
    """Return what there is to see, counted on the paths."""
    does = {
        "narrow valley": "crosses the valley's floor",
        "saddle": "leaves the ridge",
        "Rosenbrock": "passes the bend",
    }[surface.name]
    if surface.name == "narrow valley":
        first, second = (_times(_crossings(path)) for path in paths.values())
    else:
        first, second = (_until(surface, path) for path in paths.values())
    name, other = paths
    said = f"never {does}" if first == "never" else f"{does} {first}"
    return f"{name} {said}; {other}, {second}."


def _crossings(path: Path) -> int:
    """Return how often a path visibly comes from one side of the valley's floor to the other."""
    across = path.points[:, 1] - 1
    sides = np.sign(across[np.abs(across) > SEEN])
    return int((sides[1:] != sides[:-1]).sum())


def _times(count: int) -> str:
    return {0: "never", 1: "once", 2: "twice"}.get(count, f"{count} times")


def _until(surface: Surface, path: Path) -> str:
    """Return when a path is half a unit off the saddle's ridge, or right of Rosenbrock's bend."""
    saddle = surface.name == "saddle"
    gone = np.abs(path.points[:, 1] - 2) > 0.5 if saddle else path.points[:, 0] > 0
    found = np.flatnonzero(gone)
    if not len(found):
        return "never"
    return f"after {found[0]} {'step' if found[0] == 1 else 'steps'}"


def _drawn(surface: Surface, path: Path, other: Path, prefix: str) -> str:
    import matplotlib
    from matplotlib.figure import Figure

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": prefix,
        "font.size": 9,
        "path.simplify": True,
        **{
            f"{part}.{key}": INK
            for part, key in (("axes", "edgecolor"), ("xtick", "color"), ("ytick", "color"))
        },
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(3.6, 3.0), layout="constrained")
        axes = figure.add_subplot()
        _contours(axes, surface)
        axes.plot(*np.array(surface.minima).T, "*", color=INK, markersize=7, zorder=7)
        for one, color, dashes in ((other, OTHER, (0, (3, 1.5))), (path, RULE, "solid")):
            x, y = one.points.T
            axes.plot(x, y, color=color, linestyle=dashes, linewidth=1.2, zorder=3)
            axes.plot(x, y, ".", color=color, markersize=2.5, zorder=3)
            axes.plot(x[-1], y[-1], "s", color=color, markersize=4.5, zorder=6)
        axes.plot(*surface.start, "o", color=INK, markersize=6, fillstyle="none", zorder=6)
        left, right, low, high = surface.window
        axes.set(xlim=(left, right), ylim=(low, high))
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True)
    return _inline(text.getvalue(), prefix)


def _contours(axes: Any, surface: Surface) -> None:
    left, right, low, high = surface.window
    x, y = np.meshgrid(np.linspace(left, right, GRID), np.linspace(low, high, GRID))
    values = surface.value(np.stack([x, y], axis=-1))
    top = float(values.max())
    levels = top * np.geomspace(1e-4, 0.7, 12)
    axes.contour(x, y, values, levels=levels, colors=INK, linewidths=0.6, alpha=0.35)


def _inline(svg: str, prefix: str) -> str:
    """Return the drawing as a part of a page: its colours the page's, its ids its own."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' xmlns(:\w+)?="[^"]*"', "", svg).replace("xlink:href", "href")
    svg = re.sub(r'\bid="', f'id="{prefix}', svg)
    svg = re.sub(r'href="#', f'href="#{prefix}', svg)
    svg = svg.replace("url(#", f"url(#{prefix}")
    svg = re.sub(r'<svg [^>]*?(viewBox="[^"]*")[^>]*>', r'<svg \1 aria-hidden="true">', svg)
    svg = re.sub(r"(\d+\.\d\d)\d+", r"\1", svg)
    for color, of_page in OF_PAGE.items():
        svg = svg.replace(color, of_page)
    return svg
