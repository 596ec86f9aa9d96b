"""An operation of PyTorch's against its lowering: values and gradients, mapped over members."""

import jax
import jax.numpy as jnp
import numpy as np
import torch

from steepest.tasks.torch.lowering import ops  # noqa: F401  (registers the operations)
from steepest.tasks.torch.lowering.table import find

MEMBERS = 2


def drawn(*shape, seed=0, ties=True):
    """Return float64 numbers for each member; with `ties`, halves, so that many are equal or 0."""
    found = torch.randn(MEMBERS, *shape, generator=torch.Generator().manual_seed(seed)).double()
    return Members((2 * found).round() / 2 if ties else found)


class Members:
    """An argument that each member has its own of, and that has a gradient."""

    def __init__(self, stacked):
        self.stacked = stacked


def _walk(thing, change):
    if isinstance(thing, list | tuple):
        return [_walk(one, change) for one in thing]
    if isinstance(thing, dict):
        return {name: _walk(one, change) for name, one in thing.items()}
    return change(thing)


def _filled(thing, values):
    rest = iter(values)
    return _walk(thing, lambda one: next(rest) if isinstance(one, Members) else one)


def _flat(found):
    return list(found) if isinstance(found, list | tuple) else [found]


def same(name, *arguments, tolerance=1e-12, results=None, **named):
    """Assert that `aten.<name>` and its lowering agree: results, and gradients of all `Members`.

    `results` says how many are compared, of an operation that gives more for its own gradient.
    """
    packet, _, overload = name.partition(".")
    theirs = getattr(getattr(torch.ops.aten, packet), overload or "default")
    operation = find(f"aten.{packet}.{overload or 'default'}")
    own = []
    _walk([arguments, named], lambda a: own.append(a) if isinstance(a, Members) else None)

    expected, gradients, cotangents = [], [], None
    for member in range(MEMBERS):
        leaves = [one.stacked[member].clone().requires_grad_() for one in own]
        filled = _filled([arguments, named], leaves)
        given = _flat(theirs(*filled[0], **filled[1]))[:results]
        expected.append([one.detach().numpy() for one in given])
        if cotangents is None:
            draw = torch.Generator().manual_seed(9)
            cotangents = [torch.randn(r.shape, generator=draw, dtype=torch.float64) for r in given]
        pairs = [(r, c) for r, c in zip(given, cotangents, strict=True) if r.requires_grad]
        if pairs:
            sums = sum((r * c).sum() for r, c in pairs)
            found = torch.autograd.grad(sums, leaves, allow_unused=True)
            gradients.append(
                [
                    np.zeros(x.shape) if g is None else g.numpy()
                    for x, g in zip(leaves, found, strict=True)
                ]
            )

    with jax.enable_x64(True):
        plain = _walk(
            [arguments, named],
            lambda a: jnp.asarray(a.numpy()) if isinstance(a, torch.Tensor) else a,
        )

        def run(values, weights):
            def call(values):
                filled = _filled(plain, values)
                keys = [jax.random.key(0)] if operation.random else []
                found = _flat(operation.function(*keys, *filled[0], **filled[1]))
                return found[: len(weights)]

            found, pull = jax.vjp(call, values)
            back = [
                w.astype(f.dtype)
                if jnp.issubdtype(f.dtype, jnp.floating)
                else np.zeros(f.shape, jax.dtypes.float0)
                for f, w in zip(found, weights, strict=True)
            ]
            return found, pull(back)[0]

        values = [jnp.asarray(one.stacked.numpy()) for one in own]
        weights = [jnp.asarray(c.numpy()) for c in cotangents]
        if values:
            found, back = jax.jit(jax.vmap(run, in_axes=(0, None)))(values, weights)
        else:
            found, back = jax.jit(run)(values, weights)
            found = [jnp.stack([one] * MEMBERS) for one in found]
    for member in range(MEMBERS):
        for result, wanted in zip(found, expected[member], strict=True):
            assert result[member].shape == wanted.shape
            if wanted.dtype.kind == "f":
                assert result.dtype == wanted.dtype
            np.testing.assert_allclose(
                np.asarray(result[member]), wanted, rtol=tolerance, atol=tolerance
            )
        if gradients:
            for result, wanted in zip(back, gradients[member], strict=True):
                np.testing.assert_allclose(
                    np.asarray(result[member]), wanted, rtol=tolerance, atol=tolerance
                )
