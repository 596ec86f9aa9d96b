"""The cost of one update of Adam for ten million parameters, beside the frameworks' own.

    pip install ".[bench]" && python benchmarks/update_cost.py

All in one run, in turn, rounds of them: our Adam, `keras.optimizers.Adam` on JAX (its
`stateless_apply`, compiled), `optax.adam` (compiled), `torch.optim.Adam(fused=True)`, and the
memory-bandwidth limit: reading gradient, weight, m and v and writing weight, m and v, measured as a
product in place that moves as many bytes. JAX can write into the buffers of the old weights when
they are given back to it (donated); each contender is timed with and without that.
"""

import argparse
import os
import time
from functools import partial
from typing import Any

os.environ["KERAS_BACKEND"] = "jax"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import jax
import jax.numpy as jnp
import keras
import numpy as np
import optax
import torch

import steepest

SHAPES = [(2500, 1000)] * 4  # ten million float32
UPDATES = 5  # in a round


def arrays(seed):
    random = np.random.default_rng(seed)
    return [random.normal(size=s).astype("float32") for s in SHAPES]


def ours(donate):
    made = steepest.optimizer("adam", learning_rate=1e-3)
    return _jax(made.init, made.update, donate)


def of_optax(donate):
    made = optax.adam(1e-3)
    return _jax(made.init, made.update, donate)


def _jax(init, update, donate):
    weights = [jnp.asarray(a) for a in arrays(0)]
    gradients = [jnp.asarray(a) for a in arrays(1)]

    def apply(weights, state, gradients):
        updates, state = update(gradients, state, weights)
        return [w + u for w, u in zip(weights, updates, strict=True)], state

    run = jax.jit(apply, donate_argnums=(0, 1) if donate else ())
    place = {"w": weights, "s": jax.jit(init)(weights)}

    def once():
        place["w"], place["s"] = run(place["w"], place["s"], gradients)

    return once, lambda: jax.block_until_ready(place["w"])


def of_keras(donate):
    variables = [keras.Variable(a) for a in arrays(0)]
    gradients = [jnp.asarray(a) for a in arrays(1)]
    made = keras.optimizers.Adam(1e-3)
    made.build(variables)
    run = jax.jit(made.stateless_apply, donate_argnums=(0, 2) if donate else ())
    place = {
        "w": [jnp.array(v.value) for v in variables],
        "s": [jnp.array(v.value) for v in made.variables],
    }

    def once():
        place["w"], place["s"] = run(place["s"], gradients, place["w"])

    return once, lambda: jax.block_until_ready(place["w"])


def of_torch():
    params = [torch.nn.Parameter(torch.tensor(a)) for a in arrays(0)]
    for p, g in zip(params, arrays(1), strict=True):
        p.grad = torch.tensor(g)
    return torch.optim.Adam(params, lr=1e-3, fused=True).step, lambda: None


def scaled_in_place():
    """A product with one number in place, which reads and writes 28 bytes a parameter."""
    count = sum(int(np.prod(s)) for s in SHAPES) * 7 // 2
    values = torch.ones(count)
    return lambda: values.mul_(1.000001), lambda: None


CONTENDERS: dict[str, Any] = {
    "Steepest's Adam": partial(ours, True),
    "Steepest's Adam, not donated": partial(ours, False),
    "keras.optimizers.Adam (JAX)": partial(of_keras, True),
    "keras.optimizers.Adam (JAX), not donated": partial(of_keras, False),
    "optax.adam": partial(of_optax, True),
    "optax.adam, not donated": partial(of_optax, False),
    "torch.optim.Adam(fused=True)": of_torch,
    "memory-bandwidth limit": scaled_in_place,
}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    made = {name: make() for name, make in CONTENDERS.items()}
    for once, wait in made.values():  # compiled and warm before anything is timed
        once()
        once()
        wait()
    times: dict[str, list[float]] = {name: [] for name in made}
    for _ in range(rounds):
        for name, (once, wait) in made.items():
            started = time.perf_counter()
            for _ in range(UPDATES):
                once()
            wait()
            times[name].append((time.perf_counter() - started) / UPDATES)
    first = np.array(times["Steepest's Adam"])
    print("| | ms an update, median (quartiles) | ratio to Steepest's, median (quartiles) |")
    print("| --- | --- | --- |")
    for name, values in times.items():
        ms = np.percentile(np.array(values) * 1e3, [50, 25, 75])
        ratio = np.percentile(np.array(values) / first, [50, 25, 75])
        shown = "" if name == "Steepest's Adam" else "{:.2f} ({:.2f}–{:.2f})".format(*ratio)
        print(f"| {name} | {ms[0]:.1f} ({ms[1]:.1f}–{ms[2]:.1f}) | {shown} |")


if __name__ == "__main__":
    main()
