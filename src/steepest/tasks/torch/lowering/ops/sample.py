"""Images sampled at places that are computed: `grid_sample` and `affine_grid`."""

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from steepest.tasks.torch.lowering.table import NotLoweredError, lowers

BILINEAR, NEAREST = 0, 1
ZEROS, BORDER = 0, 1


@lowers("aten.affine_grid_generator.default")
def affine_grid(theta: Any, size: Sequence[int], align_corners: bool) -> Any:
    """Return the places `[examples, h, w, 2]` of an affine map `[examples, 2, 3]`, 3-D likewise."""
    axes = []
    for count in reversed(size[2:]):  # x first
        line = np.linspace(-1, 1, count) if count > 1 else np.zeros(1)
        axes.append(line if align_corners else line * (count - 1) / count)
    grid = np.meshgrid(*axes[::-1], indexing="ij")[::-1]
    base = jnp.asarray(np.stack([*grid, np.ones_like(grid[0])], axis=-1), theta.dtype)
    places = base.reshape(-1, base.shape[-1]) @ jnp.swapaxes(theta, -2, -1)
    return places.reshape(theta.shape[0], *size[2:], len(size) - 2)


@lowers("aten.grid_sampler.default", "aten.grid_sampler_2d.default")
def grid_sample(
    x: Any, grid: Any, interpolation_mode: int, padding_mode: int, align_corners: bool
) -> Any:
    """Return `x` `[examples, channels, h, w]` at `grid` `[examples, h', w', 2]`, from -1 to 1."""
    if x.ndim != 4 or interpolation_mode > NEAREST or padding_mode > BORDER:
        raise NotLoweredError(
            "grid_sample is lowered for images, bilinear or nearest, no reflection"
        )
    height, width = x.shape[-2:]
    places = []
    for at, size in ((grid[..., 0], width), (grid[..., 1], height)):
        place = (at + 1) / 2 * (size - 1) if align_corners else ((at + 1) * size - 1) / 2
        if padding_mode == BORDER:  # outside of the image and on its edge there is no gradient
            inside = (place > 0) & (place < size - 1)
            place = jnp.where(inside, place, jnp.where(place >= size - 1, size - 1.0, 0.0))
        places.append(place.astype(x.dtype))
    across, down = places
    if interpolation_mode == NEAREST:
        return _at(x, jnp.round(down), jnp.round(across))
    top, left = jnp.floor(down), jnp.floor(across)
    parts = []
    for row, column in ((0, 0), (0, 1), (1, 0), (1, 1)):
        tall = down - top if row else top + 1 - down
        wide = across - left if column else left + 1 - across
        parts.append(_at(x, top + row, left + column) * (tall * wide)[:, None])
    return sum(parts[1:], parts[0])


def _at(x: Any, row: Any, column: Any) -> Any:
    """Return the values at whole places `[examples, h', w']`; zero outside of the image."""
    height, width = x.shape[-2:]
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    row, column = (
        jnp.clip(place, 0, size - 1).astype(jnp.int32)
        for place, size in ((row, height), (column, width))
    )
    flat = (row * width + column).reshape(x.shape[0], 1, -1)
    line = x.reshape(*x.shape[:2], -1)
    found = jnp.take_along_axis(line, flat, axis=-1).reshape(*x.shape[:2], *row.shape[1:])
    return jnp.where(inside[:, None], found, jnp.zeros((), x.dtype))
