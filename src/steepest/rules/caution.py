"""Cautious steps: of each step, only what goes against the newest gradient is taken.

Liang et al. 2024, "Cautious optimizers: improving training with one line of code".

    u = w′ − w                               the rule's step
    φ = 1 where u·g < 0, else 0
    w = w + u·φ / max(mean φ, 10⁻³)          the mean is over one array

As timm has it, whose mask is that of the momentum, m·g > 0, which is the same for Adam and its kin.
The authors' own default path multiplies m by m, so its mask is all ones and it changes nothing.
"""

from steepest.rules.arrays import Array, filled, maximum, size, total, where


def cautious(g: Array, w: Array, new: Array) -> Array:
    """Return `w` after the parts of a step to `new` that the gradient agrees with.

    The parts that are left are made longer, by as much as there are fewer of them.
    """
    moved = new - w
    mask = where(moved * g < 0, filled(w, 1.0), filled(w, 0.0))
    share = total(mask) / size(mask)
    return w + moved * mask / maximum(share, share * 0 + 1e-3)
