"""A configuration as Optax source: one gradient transformation for the recipe and the rule."""

from itertools import pairwise

from steepest.codegen import pieces
from steepest.codegen.array_functions import OPTAX
from steepest.codegen.nearness import spell_near
from steepest.codegen.spelling import Spelling, checked, flags_of, literal, spell
from steepest.records import Config, TaskFacts
from steepest.rules import find_rule

CLASS = '''def {name}({arguments}):
    """{title}"""
    rate = learning_rate if callable(learning_rate) else lambda count: learning_rate
    numbers = dict({numbers})

    def init(params):
        h = SimpleNamespace(**numbers)
        leaves = [jnp.asarray(w) for w in jax.tree.leaves(params)]
        return jnp.zeros((), jnp.int32), [begin(w, h) for w in leaves]

    def step(grads, state, params):
        count, memory = state
        lr = rate(count)
        h = SimpleNamespace(learning_rate=lr, next_learning_rate=rate(count + 1), **numbers)
        leaves, tree = jax.tree.flatten(params)
        own = {own}
{sums}        updates, after = [], []
        for g, w, m, extra in zip(jax.tree.leaves(grads), leaves, memory, own):
            t = (count + 1).astype(w.dtype)
            h.__dict__.update(extra)
            new, m = {update}(g.astype(w.dtype), {w}, m, t, h)
            updates.append(new - w)
            after.append(m)
        return jax.tree.unflatten(tree, updates), (count + 1, after)

    return optax.GradientTransformation(init, step)
'''

SUMS = """        each = zip(jax.tree.leaves(grads), leaves, memory)
        parts = [over_all(g, w, m, (count + 1).astype(w.dtype), h) for g, w, m in each]
        h.sums = [sum(column) for column in zip(*parts)]
"""

DECAYS = '''def decays(params):
    """Weight decay is for kernels and embeddings, not for biases and normalization."""
    return jax.tree_util.tree_map_with_path(
        lambda path, p: p.ndim >= 2 and "bias" not in jax.tree_util.keystr(path), params
    )
'''

MATRIX = '''NO_MATRICES = {words}  # words in paths that AdamW trains{hint}


def is_matrix(params):
    """Say of each parameter whether it is a matrix that Newton–Schulz is for."""
    return jax.tree_util.tree_map_with_path(
        lambda path, p: p.ndim == 2
        and not any(word in jax.tree_util.keystr(path).lower() for word in NO_MATRICES),
        params,
    )
'''

DIMENSIONS = '''def dimensions(params):
    """Give Muon the hidden matrices, [in, out], and nothing else."""
    matrix = optax.contrib.MuonDimensionNumbers(0, 1)
    return jax.tree.map(lambda yes: matrix if yes else None, is_matrix(params))
'''


def optax_code(config: Config, task: TaskFacts, exact: bool = True) -> str:
    """Return source that makes an Optax transformation which does what was measured."""
    spelling = (spell if exact else spell_near)(config, "optax")
    values = checked(config)
    own = bool(spelling.why) or spelling.call is None
    decay = values.get("weight_decay")
    masked = decay is not None and values.get("decay_on") != "all"
    if (
        not own
        and masked
        and spelling.decays
        and find_rule(config.rule).dialect("optax").mask is None
    ):
        own = True
        why = f"Optax' {spelling.call} has no mask for its weight decay"
        spelling = Spelling(spelling.call, spelling.arguments, False, why)
    parts = ["import jax\nimport jax.numpy as jnp\nimport optax\n"]
    if own:
        parts[0] = "from types import SimpleNamespace\n\n" + parts[0]
    parts.append("\n".join(pieces.headline(config, spelling, "optax")) + "\n")
    if masked:
        parts.append(DECAYS)
    if pieces.dynamic(config):
        parts.append(pieces.matrix_source(MATRIX, config))
    rate, schedule = _rate(config, task)
    parts += schedule
    links = _clips(config)
    by_hand = decay is not None and not spelling.decays
    if by_hand and values.get("decay") == "coupled":
        links.append(f"optax.add_decayed_weights({literal(decay)}{', decays' if masked else ''})")
    if own:
        parts.append(_class(config, task.steps, masked, by_hand))
        arguments = {n: literal(v) for n, v in pieces.numbers_of(config, task.steps).items()}
        call = pieces.class_name(config, "optax")
    else:
        call, arguments = str(spelling.call), dict(spelling.arguments)
        mask = find_rule(config.rule).dialect("optax").mask
        if spelling.decays and masked and mask:
            arguments[mask] = "decays"
    if call == "optax.contrib.muon" and values.get("routing") == "role":
        parts.append(DIMENSIONS)
        arguments["muon_weight_dimension_numbers"] = "dimensions"
    if rate:
        arguments["learning_rate"] = rate
    given = [f"{name}={value}" for name, value in arguments.items()]
    one = f"{call}({', '.join(given)})"
    if len(one) > 80:
        one = f"{call}(\n{pieces.indented([f'{part},' for part in given])}\n)"
    links.append(one)
    if by_hand and values.get("decay") == "decoupled" and not own:
        amount = (
            f"lambda count: -{literal(decay)} * {rate}(count)"
            if rate
            else (f"-{literal(decay)} * {literal(values['learning_rate'])}")
        )
        links.append(f"optax.add_decayed_weights({amount}{', decays' if masked else ''})")
    if len(links) == 1:
        parts.append(f"optimizer = {links[0]}\n")
    else:
        inner = "".join(f"{pieces.indented(link)},\n" for link in links)
        parts.append(f"optimizer = optax.chain(\n{inner})\n")
    if "accumulation" in values:
        count = values["accumulation"]
        parts.append(f"optimizer = optax.MultiSteps(optimizer, every_k_schedule={count})\n")
    parts += _evaluation(config, own)
    text = parts[0]
    for before, part in pairwise(parts):
        starts = ("def ", "class ", "NO_")
        block = part.startswith(starts) or before.startswith(starts)
        text += ("\n\n" if block else "\n" if not before.startswith("# ") else "") + part
    if "jax." not in text.replace("import jax.numpy", "").replace("import jax\n", ""):
        text = text.replace("import jax\n", "")
    if "jnp." not in text:
        text = text.replace("import jax.numpy as jnp\n", "")
    return text


def _clips(config: Config) -> list[str]:
    clip = pieces.clip_of(config)
    if clip is None:
        return []
    kind, limit = clip
    if kind == "clip_norm":
        return [f"optax.clip_by_global_norm({limit})"]
    if kind == "clip_value":
        return [f"optax.clip({limit})"]
    one = f"g * {limit} / jnp.maximum(jnp.linalg.norm(g.ravel()), {limit})"
    return [f"optax.stateless(lambda updates, _: jax.tree.map(lambda g: {one}, updates))"]


def _rate(config: Config, task: TaskFacts) -> tuple[str, list[str]]:
    """Return the name of the schedule, or nothing where the rate is constant, and its source."""
    if not pieces.changes(config, task.steps):
        return "", []
    if pieces.brought(config):
        return "learning_rate", _table(config, task)
    n, rate = pieces.schedule_of(config, task.steps), literal(checked(config)["learning_rate"])
    length = pieces.steps(n.get("decay_steps", 1.0))
    after = {
        "constant": f"optax.constant_schedule({rate})",
        "linear": f"optax.linear_schedule({rate}, {rate} * {literal(n.get('final'))}, {length})",
        "cosine": f"optax.cosine_decay_schedule({rate}, {length}, alpha={literal(n.get('final'))})",
        "exponential": f"optax.exponential_decay({rate}, {length}, {literal(n.get('final'))})",
        "step": f"optax.exponential_decay({rate}, "
        f"{pieces.steps(n.get('drop_steps', 1.0))}, {literal(n.get('drop'))}, staircase=True)",
    }[config.schedule]
    if "warmup_steps" in n:
        w = pieces.steps(n["warmup_steps"])
        after = (
            "optax.join_schedules(\n"
            f"    [\n        optax.linear_schedule(0.0, {rate}, {w}),\n        {after},\n    ],\n"
            f"    [{w}],\n)"
        )
    count = checked(config).get("accumulation")
    if not count:
        return "learning_rate", [f"learning_rate = {after}\n"]
    return "learning_rate", [
        f"by_batch = {after}\n",
        "def learning_rate(update):  # the schedule counts batches, of which an update takes "
        f"{count}\n    return by_batch(update * {count} + {int(count) - 1})\n",
    ]


def _table(config: Config, task: TaskFacts) -> list[str]:
    """Return the rates of a schedule that a baseline brought, each step's of the training."""
    count = int(checked(config).get("accumulation", 1))
    # The schedule counts batches, of which an update may take several.
    batch = "update" if count == 1 else f"(update * {count} + {count - 1})"
    return [
        *pieces.brought_source(config),
        f"RATES = jnp.array([float({pieces.brought_rate(config)}) for step in "
        f"range({task.steps + 1})])\n",
        f"def learning_rate(update):\n    return RATES[jnp.minimum({batch}, {task.steps})]\n",
    ]


def _class(config: Config, total: int, masked: bool, by_hand: bool) -> str:
    rule, own = find_rule(config.rule), pieces.dynamic(config)
    inside = pieces.decays_inside(config)
    functions, needed = pieces.formula_of(config, inside)
    names = pieces.numbers_of(config, total)
    decay = checked(config).get("weight_decay")
    shrinks = by_hand and not inside and checked(config).get("decay") == "decoupled"
    extras = []
    amount = f"{literal(decay)} * d" if masked else literal(decay)
    over = "jax.tree.leaves(decays(params))" if masked else "leaves"
    if own:
        extras = ["{'matrix': yes} for yes in jax.tree.leaves(is_matrix(params))"]
    text_own = f"[{extras[0]}]" if extras else "[{}] * len(leaves)"
    w = "w"
    if inside or shrinks:
        key = "weight_decay" if inside else "shrink"
        text_own = f"[{{**e, '{key}': {amount}}} for e, d in zip({text_own}, {over})]"
        w = "w" if inside else "w - w * h.shrink * lr"
    text = CLASS.format(
        name=pieces.class_name(config, "optax"),
        title=rule.title,
        update=pieces.update_of(config),
        sums=SUMS if rule.over_all else "",
        arguments=", ".join(f"{n}={literal(v)}" for n, v in names.items()),
        numbers=", ".join(f"{n}={n}" for n in names if n != "learning_rate"),
        own=text_own,
        w=w,
    )
    shims = [OPTAX[name] for name in sorted(needed)]
    return "\n\n".join([*shims, *functions, text])


def _evaluation(config: Config, own: bool) -> list[str]:
    """Return what says which weights to evaluate, where they are not those that train."""
    values = checked(config)
    if "ema" in values:
        return [
            "def averaged(average, params):  # after each batch; at first, params\n"
            "    return optax.incremental_update(params, average, "
            f"{literal(1 - float(values['ema']))})\n"
        ]
    beta = pieces.averages(config, flags_of(config))
    if beta is None:
        return []
    if not own:
        return ["# Evaluate optax.contrib.schedule_free_eval_params(state, params).\n"]
    return [
        "def evaluated(params, state):\n"
        f'    """Return the averages that were evaluated; state is that of {config.rule}."""\n'
        "    leaves, tree = jax.tree.flatten(params)\n"
        f"    pairs = [(w - {literal(1 - beta)} * m[0]) / {literal(beta)} "
        "for w, m in zip(leaves, state[1])]\n"
        "    return jax.tree.unflatten(tree, pairs)\n"
    ]
