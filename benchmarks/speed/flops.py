"""Floating-point operations of a step, counted twice, and the machine's peak."""

import importlib.util
import math
import time
from collections.abc import Callable
from typing import Any

from speed.population import one_step

SIZES = (1024, 2048)
PEAK_SECONDS = 0.4  # for each library and size, in each round


def count_flops(task: Any, trial: dict[str, float]) -> dict[str, float]:
    """Return the FLOPs of one member's step.

    "compiled" is what XLA counts in the compiled step, element-wise work and Adam included.
    "matrix" is our own count of the matrix products and convolutions of forward and backward pass,
    and checks it: it is lower by the element-wise work, and higher by the zeros around images.
    """
    import jax

    step, gradient, (weights, memory, variables, batch, done) = one_step(task, trial)
    compiled = jax.jit(step).lower(weights, memory, variables, batch, done).compile()
    costs: Any = compiled.cost_analysis()
    jaxpr = jax.make_jaxpr(gradient)(weights, variables, batch)
    return {
        "compiled": float(costs["flops"]),
        "matrix": float(_products(jaxpr.jaxpr)),
    }


def _products(jaxpr: Any) -> int:
    """Return the FLOPs of matrix products and convolutions in `jaxpr` and what it calls."""
    total = 0
    for equation in jaxpr.eqns:
        name = equation.primitive.name
        if name == "dot_general":
            (contracted, _), _ = equation.params["dimension_numbers"]
            left = equation.invars[0].aval.shape
            depth = math.prod(left[axis] for axis in contracted)
            total += 2 * depth * math.prod(equation.outvars[0].aval.shape)
        elif name == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            features = kernel[equation.params["dimension_numbers"].rhs_spec[0]]
            each = math.prod(kernel) // features
            total += 2 * each * math.prod(equation.outvars[0].aval.shape)
        times = equation.params.get("length", 1) if name == "scan" else 1
        for value in equation.params.values():
            for inner in value if isinstance(value, (list, tuple)) else [value]:
                inner = getattr(inner, "jaxpr", inner)
                if hasattr(inner, "eqns"):
                    total += times * _products(inner)
    return total


Product = tuple[Callable[[], Any], Callable[[Any], Any]]  # one product, and what waits for it


def peak() -> tuple[float, str]:
    """Return FLOP/s of the fastest square float32 matrix product, and whose it is."""
    found = [(_rate(*make(size), size), f"{name} {size}") for name, make in _MAKERS.items()
             if importlib.util.find_spec(name) for size in SIZES]  # fmt: skip
    return max(found)


def _rate(product: Any, wait: Any, size: int) -> float:
    wait(product())
    times: list[float] = []
    began = time.perf_counter()
    while time.perf_counter() - began < PEAK_SECONDS or len(times) < 3:
        started = time.perf_counter()
        wait(product())
        times.append(time.perf_counter() - started)
    return 2 * size**3 / min(times)


def _numpy(size: int) -> Product:
    import numpy as np

    a = np.random.default_rng(0).random((size, size), np.float32)
    out = np.empty_like(a)
    return lambda: np.matmul(a, a, out=out), lambda done: done


def _jax(size: int) -> Product:
    import jax
    import jax.numpy as jnp

    a = jnp.asarray(_arrays(size))
    product = jax.jit(lambda a: a @ a)
    return lambda: product(a), jax.block_until_ready


def _torch(size: int) -> Product:
    import torch

    a = torch.from_numpy(_arrays(size))
    out = torch.empty_like(a)
    return lambda: torch.mm(a, a, out=out), lambda done: done


def _arrays(size: int) -> Any:
    import numpy as np

    return np.random.default_rng(0).random((size, size), np.float32)


_MAKERS = {"numpy": _numpy, "jax": _jax, "torch": _torch}
