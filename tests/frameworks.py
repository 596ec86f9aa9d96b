"""One small model in three frameworks, and the loops that hold our steps against theirs.

The model has an embedding, a convolution, a normalization, a hidden layer and a head, so every role
of a parameter is there. Its gradients come from JAX; PyTorch has its own copy of the model.
"""

import functools

import jax
import jax.numpy as jnp
import keras
import numpy as np

from steepest.records import Config
from steepest.rules import RULES, step
from steepest.rules.recipe import completed
from steepest.tasks.keras.task import keras_task
from steepest.tasks.torch.lowering.quick import quick

WORDS, LENGTH, CLASSES, BATCH, STEPS = 20, 8, 3, 16, 100


def data():
    """Return sequences of words `[1600, 8]` and the class of each."""
    random = np.random.default_rng(0)
    x = random.integers(0, WORDS, (BATCH * STEPS, LENGTH))
    y = (x[:, :4].sum(1) * 3 // (4 * WORDS)).clip(0, CLASSES - 1)
    return x.astype("int32"), y.astype("int32")


def keras_model():
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((LENGTH,), dtype="int32"),
            layers.Embedding(WORDS, 6, name="embedding"),
            layers.Conv1D(8, 3, name="conv"),
            layers.LayerNormalization(name="norm"),
            layers.Activation("tanh"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(12, activation="tanh", name="hidden"),
            layers.Dense(CLASSES, name="head"),
        ]
    )
    model.compile(loss=keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return model


@functools.cache
def shared_model():
    """Return a model for those who set all its weights before they read one."""
    return keras_model()


@functools.cache
def task():
    x, y = data()
    return keras_task(
        keras_model(), x, y, validation_data=(x[:32], y[:32]), epochs=1, batch_size=BATCH
    )


@functools.cache
def gradient():
    """Return the compiled function from weights and a batch's number to loss and gradients."""
    x, y = data()
    x, y = (jnp.asarray(a).reshape(STEPS, BATCH, *a.shape[1:]) for a in (x, y))
    state = [jnp.asarray(s) for s in task().initialize(0)[1]]

    @jax.jit
    def run(weights, i):
        def loss(w):
            return task().loss(w, state, (x[i], y[i], None))[0]

        return jax.value_and_grad(loss)(weights)

    return run


def initial():
    """Return the initial weights, with biases that are not zero."""
    return [w.copy() for w in _initial()]


@functools.cache
def _initial():
    random = np.random.default_rng(5)
    weights = task().initialize(3)[0]
    return [w + 0.02 * random.normal(size=w.shape).astype("float32") for w in weights]


def config(rule, dialect="keras", schedule="constant", **given):
    """Return a configuration of `rule` in a dialect, at its defaults but for what is given."""
    values = {**RULES[rule].settings(dialect), **given}
    values |= completed(rule, values, RULES[rule].dialect(dialect).decay, schedule)
    return Config(rule, dialect, values, schedule, 0)


def our_steps(one, count=STEPS, gradients=None):
    """Return our losses and weights after each step, along our own path or given gradients."""
    plan = step.make_plan(one, task().facts.weights)
    numbers, complements = step.prepare(one.schedule, one.numbers, count)
    advance, walk = _program(plan)
    weights = [jnp.asarray(w) for w in initial()]
    memory = step.begin(plan, weights, numbers, complements)
    if gradients is not None:  # then it is one program for all steps
        given = [np.stack(each) for each in zip(*gradients[:count], strict=True)]
        path, evaluated = walk(weights, memory, given, numbers, complements)
        path = [list(each) for each in zip(*map(np.asarray, path), strict=True)]
        return np.zeros(count), path, [np.asarray(w) for w in evaluated]
    losses, path, evaluated = [], [], weights
    for i in range(count):
        loss, g = gradient()(weights, i)
        weights, memory, evaluated = advance(
            weights, memory, g, jnp.float32(i), numbers, complements
        )
        losses.append(float(loss))
        path.append([np.asarray(w) for w in weights])
    return np.array(losses), path, [np.asarray(w) for w in evaluated]


_PROGRAMS = {}


def _program(plan):
    """Return the compiled step of a plan, and a walk of many, which is compiled where it is used.

    Configurations that differ in numbers share them.
    """
    numbers = tuple(sorted(plan.numbers))
    rest = repr((plan.schedule, plan.framework, plan.words, plan.flags))
    key = (id(plan.rule), numbers, rest, plan.decayed)
    if key not in _PROGRAMS:

        @functools.partial(jax.jit, compiler_options=quick())
        def advance(weights, memory, g, done, numbers, complements):
            weights, memory = step.step(plan, g, weights, memory, done, numbers, complements)
            return weights, memory, step.shown(plan, weights, memory, numbers, complements)

        @functools.partial(jax.jit, compiler_options=quick())
        def walk(weights, memory, gradients, numbers, complements):
            def one(carry, given):
                done, g = given
                carry = step.step(plan, g, *carry, done, numbers, complements)
                return carry, carry[0]

            steps = jnp.arange(len(gradients[0]), dtype="float32")
            carry, path = jax.lax.scan(one, (weights, memory), (steps, gradients))
            return path, step.shown(plan, *carry, numbers, complements)

        _PROGRAMS[key] = (advance, walk), plan  # which keeps the rule, so its `id` is no other's
    return _PROGRAMS[key][0]


def run_source(source, **names):
    """Run exported source, as a person would who pasted it; return its names."""
    namespace = dict(names)
    exec(compile(source, "<exported>", "exec"), namespace)
    return namespace


def keras_steps(source, count=STEPS):
    """Return the losses and weights that exported Keras source gives."""
    model = shared_model()
    optimizer = run_source(source, model=model)["optimizer"]
    return keras_optimizer_steps(optimizer, model, count)


def keras_optimizer_steps(optimizer, model, count=STEPS, rates=None):
    for variable, value in zip(model.trainable_variables, initial(), strict=True):
        variable.assign(value)
    optimizer.build(model.trainable_variables)
    apply = jax.jit(optimizer.stateless_apply, compiler_options=quick())
    state = [v.value for v in optimizer.variables]
    weights = [jnp.asarray(w) for w in initial()]
    losses, path, gradients = [], [], []
    at = [v is optimizer._learning_rate for v in optimizer.variables]
    for i in range(count):
        if rates is not None:
            state = [
                jnp.float32(rates[i]) if rate else s for s, rate in zip(state, at, strict=False)
            ]
        loss, g = gradient()(weights, i)
        weights, state = apply(state, g, weights)
        losses.append(float(loss))
        gradients.append(g)
        path.append([np.asarray(w) for w in weights])
    return np.array(losses), path, gradients


def as_tree(weights):
    """Return weights as a nested dictionary by path, as JAX libraries have them."""
    tree = {}
    for parameter, w in zip(task().facts.weights, weights, strict=True):
        layer, name = parameter.path.split("/")[-2:]
        tree.setdefault(layer, {})[name] = w
    return tree


def as_list(tree):
    return [tree[p.path.split("/")[-2]][p.path.split("/")[-1]] for p in task().facts.weights]


def optax_steps(source, count=STEPS):
    """Return the losses and weights that exported Optax source gives."""
    return optax_optimizer_steps(run_source(source)["optimizer"], count)


def optax_optimizer_steps(optimizer, count=STEPS):
    params = as_tree([jnp.asarray(w) for w in initial()])
    state = optimizer.init(params)

    @functools.partial(jax.jit, compiler_options=quick())
    def apply(g, state, params):
        updates, state = optimizer.update(g, state, params)
        return jax.tree.map(lambda p, u: p + u, params, updates), state

    losses, path, gradients = [], [], []
    for i in range(count):
        loss, g = gradient()(as_list(params), i)
        params, state = apply(as_tree(g), state, params)
        losses.append(float(loss))
        gradients.append(g)
        path.append([np.asarray(w) for w in as_list(params)])
    return np.array(losses), path, gradients


def torch_model():
    import torch

    class Model(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding = torch.nn.Embedding(WORDS, 6)
            self.conv = torch.nn.Conv1d(6, 8, 3)
            self.norm = torch.nn.LayerNorm(8, eps=1e-3)
            self.hidden = torch.nn.Linear(8, 12)
            self.head = torch.nn.Linear(12, CLASSES)

        def forward(self, x):
            x = self.conv(self.embedding(x).transpose(1, 2)).transpose(1, 2)
            x = torch.tanh(self.norm(x)).mean(1)
            return self.head(torch.tanh(self.hidden(x)))

    model = Model()
    with torch.no_grad():
        for p, w in zip(model.parameters(), torch_order(initial()), strict=True):
            p.copy_(torch.tensor(np.array(w)))
    return model


def turned(w):
    """Return a kernel [..., in, out] as PyTorch has it, or back: all axes in reverse."""
    return np.transpose(w)


def torch_order(weights):
    """Return our weights as `torch_model().parameters()` has them."""
    return [
        w if p.role == "embedding" else turned(w)
        for p, w in zip(task().facts.weights, weights, strict=True)
    ]


def torch_steps(source, count=STEPS):
    """Return the losses and weights that exported PyTorch source gives."""
    import torch

    model = torch_model()
    names = run_source(source, model=model)
    take = names.get("step")
    x, y = (torch.tensor(a).long() for a in data())
    losses, path = [], []
    for i in range(count):
        rows = slice(i * BATCH, (i + 1) * BATCH)
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        losses.append(float(loss.detach()))
        if take:
            take(loss)
        else:
            loss.backward()
            names["optimizer"].step()
            names["optimizer"].zero_grad()
        path.append(torch_order([p.detach().numpy().copy() for p in model.parameters()]))
    return np.array(losses), path, names


def torch_optimizer_steps(make, count=STEPS, rates=None, only=None):
    """Return the weights and gradients of a PyTorch optimizer on gradients from JAX."""
    import torch

    order = task().facts.weights
    chosen = [i for i, p in enumerate(order) if only is None or only(p)]
    weights = torch_order(initial())
    params = [torch.nn.Parameter(torch.tensor(np.array(weights[i]))) for i in chosen]
    optimizer = make(params)
    current = [jnp.asarray(w) for w in initial()]
    path, gradients = [], []
    for i in range(count):
        if rates is not None:
            for group in optimizer.param_groups:
                group["lr"] = rates[i]
        _, g = gradient()(current, i)
        theirs = torch_order([np.asarray(a) for a in g])
        for p, k in zip(params, chosen, strict=True):
            p.grad = torch.tensor(np.array(theirs[k]))
        optimizer.step()
        found = {k: p.detach().numpy().copy() for p, k in zip(params, chosen, strict=True)}
        back = torch_order([found.get(k, np.asarray(w).T) for k, w in enumerate(current)])
        current = [jnp.asarray(back[k]) if k in found else current[k] for k in range(len(current))]
        gradients.append(g)
        path.append([np.asarray(w) for w in current])
    return path, gradients


def apart(ours, theirs):
    """Return the largest difference of two paths, as a share of each array's largest weight."""
    return max(
        float(np.abs(a - b).max() / np.abs(b).max())
        for one, other in zip(ours, theirs, strict=True)
        for a, b in zip(one, other, strict=True)
    )
