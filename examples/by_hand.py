"""SGD, Adam and RMSprop by hand: one small network, one plain loop, three optimizers.

pip install scikit-learn && python examples/by_hand.py
"""

import jax
import jax.numpy as jnp
from sklearn.datasets import load_wine

import steepest

x, y = load_wine(return_X_y=True)  # 178 wines, 13 measurements, 3 growers
x = (x - x.mean(0)) / x.std(0)


def network(params, x):
    hidden = jnp.tanh(x @ params["hidden"]["kernel"] + params["hidden"]["bias"])
    return hidden @ params["head"]["kernel"] + params["head"]["bias"]


def loss(params, x, y):
    return -jnp.mean(jax.nn.log_softmax(network(params, x))[jnp.arange(len(y)), y])


a, b = jax.random.split(jax.random.key(0))
start = {
    "hidden": {"kernel": 0.3 * jax.random.normal(a, (13, 16)), "bias": jnp.zeros(16)},
    "head": {"kernel": 0.3 * jax.random.normal(b, (16, 3)), "bias": jnp.zeros(3)},
}
for optimizer in (
    steepest.optimizer("SGD", learning_rate=0.1, momentum=0.9),
    steepest.optimizer("Adam", learning_rate=0.01),
    steepest.optimizer("RMSprop", learning_rate=0.01),
):
    params, state = start, optimizer.init(start)
    for _ in range(50):
        gradient = jax.grad(loss)(params, x[::2], y[::2])  # every other wine trains it
        updates, state = optimizer.update(gradient, state, params)
        params = jax.tree.map(lambda p, u: p + u, params, updates)
    right = (network(params, x[1::2]).argmax(1) == y[1::2]).mean()  # the others test it
    print(f"{optimizer.name:8} loss {loss(params, x[::2], y[::2]):.4f}, {right:.1%} of new wines")
