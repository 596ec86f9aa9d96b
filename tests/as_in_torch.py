"""Functions of tensors, or modules, in PyTorch and as lowered graphs: values and gradients."""

import jax
import numpy as np
import torch
from torch import nn

from steepest.tasks.torch.lowering.draws import FIXED
from steepest.tasks.torch.lowering.graph import capture


class Of(nn.Module):
    """A function as a module."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *leaves):
        return self.function(*leaves)


class Each(nn.Module):
    """Several functions, each of inputs of its own: one export for all of them."""

    def __init__(self, functions, inputs):
        super().__init__()
        self.functions, self.inputs = functions, inputs

    def forward(self, *leaves):
        sets = [leaves[n : n + self.inputs] for n in range(0, len(leaves), self.inputs)]
        out = [function(*own) for function, own in zip(self.functions, sets, strict=True)]
        return tuple(one for each in out for one in (each if isinstance(each, tuple) else (each,)))


def check_each(functions, *inputs, tolerance=1e-9):
    """Hold each of `functions`, by name, against PyTorch on the same `inputs`."""
    names = [f"{name}, input {n}" for name in functions for n in range(len(inputs))]
    module = Each(list(functions.values()), len(inputs))
    return check(module, *inputs * len(functions), tolerance=tolerance, names=names)


def check(thing, *inputs, tolerance=1e-9, names=None, key=FIXED):
    """Hold a lowering against PyTorch on `inputs` (tensors): outputs, buffers, all gradients.

    Floating inputs and the module's parameters are differentiated, along a random direction of
    each floating output. Compared to `tolerance` times the largest element. Returns the graph.
    """
    module = thing if isinstance(thing, nn.Module) else Of(thing)
    graph = capture(module, tuple(inputs))
    parameters = {n: t for n, t in module.named_parameters() if t.requires_grad}
    state = dict(module.named_buffers()) | dict(module.named_parameters())
    state = {n: t.detach().numpy().copy() for n, t in state.items() if n not in parameters}
    weights = {n: t.detach().numpy().copy() for n, t in parameters.items()}

    leaves = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs]
    expected = module(*[x * 1 if x.requires_grad else x for x in leaves])
    expected = list(expected) if isinstance(expected, tuple | list) else [expected]
    generator = np.random.default_rng(0)
    ways = [generator.standard_normal(o.shape) if o.requires_grad else None for o in expected]
    places = [n for n, x in enumerate(leaves) if x.requires_grad]

    def total(floats, weights):
        filled = [x.numpy() for x in inputs]
        for place, x in zip(places, floats, strict=True):
            filled[place] = x
        out, changed = graph.run({**state, **weights}, filled, key)
        along = sum([(o * w).sum() for o, w in zip(out, ways, strict=True) if w is not None], 0.0)
        return along, (out, changed)

    floats = [inputs[place].numpy() for place in places]
    with jax.enable_x64(True):
        step = jax.jit(jax.grad(total, argnums=(0, 1), has_aux=True))
        (given, by_name), (out, changed) = step(floats, weights)
    assert graph.outputs == len(expected) == len(out)
    names = names or [f"input {n}" for n in range(len(inputs))]
    for number, (mine, theirs) in enumerate(zip(out, expected, strict=True)):
        what = f"output {number} of {names[number * len(names) // len(out)]}"
        assert str(mine.dtype) == str(theirs.dtype).removeprefix("torch."), what
        same(mine, theirs, tolerance, what)
    buffers = dict(module.named_buffers()) | dict(module.named_parameters())
    for name in state:
        same(changed.get(name, state[name]), buffers[name], tolerance, name)

    pairs = [
        (o, torch.as_tensor(w, dtype=o.dtype))
        for o, w in zip(expected, ways, strict=True)
        if w is not None
    ]
    wanted = [*(leaves[n] for n in places), *parameters.values()]
    mine = [*given, *(by_name[name] for name in parameters)]
    labels = [*(names[n] for n in places), *parameters]
    if pairs:
        ends, along = zip(*pairs, strict=True)
        theirs = torch.autograd.grad(ends, wanted, along, allow_unused=True)
        for label, one, other in zip(labels, mine, theirs, strict=True):
            other = torch.zeros(one.shape) if other is None else other
            same(one, other, tolerance, f"gradient of {label}")
    return graph


def same(mine, theirs, tolerance, what):
    """Compare to `tolerance` times the largest element; NaN and infinities have to be the same."""
    mine, theirs = np.asarray(mine), theirs.detach().to(torch.float64).numpy(force=True)
    assert mine.shape == theirs.shape, what
    finite = np.abs(theirs[np.isfinite(theirs)])
    atol = tolerance * max(finite.max() if finite.size else 1.0, 1e-30)
    np.testing.assert_allclose(mine.astype(np.float64), theirs, rtol=0, atol=atol, err_msg=what)
