"""The performance profiles of the atlas as a picture: SVG, without scripts.

Of each optimizer, the share of tasks on which its best configuration ends within so much of the
lowest loss of all (Dolan and Moré 2002).
"""

import math
from collections.abc import Sequence
from html import escape

import numpy as np

from steepest.priors.atlas import Atlas

WIDTH, HEIGHT = 640, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 12, 12, 40  # margins
LOW, HIGH = 0.001, 1.0  # of the excess, on a scale of logarithms
TICKS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
COLOURS = 8  # that the page has; then dashed ones


def profile(atlas: Atlas, name: str) -> list[tuple[float, float]]:
    """Return the corners of an optimizer's profile: an excess, and the share of tasks within it.

    A series counts as one task; tasks that it was not trained on do not count.
    """
    every = atlas.figures["excess"][name]
    excess = np.array([math.nan if value is None else value for value in every])
    known = ~np.isnan(excess)
    order = np.argsort(excess[known])
    weights = atlas.series_weights[known][order]
    shares = np.cumsum(weights) / weights.sum()
    return [(float(a), float(b)) for a, b in zip(excess[known][order], shares, strict=True)]


def profiles(atlas: Atlas, names: Sequence[str]) -> str:
    """Return the picture as SVG."""
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" class="profile" aria-label="Performance '
        'profiles; the shares are in the table above">'
    ]
    for share in SHARES:
        y = _y(share)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" class="end">{100 * share:.0f} %</text>')
    for tick in TICKS:
        x, word = _x(tick), f"{100 * tick:g} %"
        parts.append(f'<path class="grid" d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}"/>')
        kind = "end" if tick == HIGH else "start" if tick == LOW else "middle"
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 16}" class="{kind}">{word}</text>')
    parts.append(
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 4}" class="middle">excess over the '
        "lowest loss of all, at most</text>"
    )
    for i, name in enumerate(names):
        parts.append(
            f'<path class="line" d="{_path(profile(atlas, name))}" style="{stroke(i)}">'
            f"<title>{escape(name)}</title></path>"
        )
    return "".join([*parts, "</svg>"])


def stroke(i: int) -> str:
    """Return the style of the line of an optimizer by its place."""
    dashes = "" if i < COLOURS else f"; stroke-dasharray: {3 + 3 * (i // COLOURS)} 3"
    return f"stroke: var(--o{i % COLOURS}){dashes}"


def _path(corners: Sequence[tuple[float, float]]) -> str:
    at = sum(excess <= LOW for excess, _ in corners)
    share = corners[at - 1][1] if at else 0.0
    found = [f"M{LEFT} {_y(share):.1f}"]
    for excess, after in corners[at:]:
        if excess > HIGH:
            break
        found.append(f"H{_x(excess):.1f}V{_y(after):.1f}")
    return "".join([*found, f"H{WIDTH - RIGHT}"])


def _x(excess: float) -> float:
    share = math.log(excess / LOW) / math.log(HIGH / LOW)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def _y(share: float) -> float:
    return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)
