"""A configuration as Optax source: one gradient transformation for the recipe and the rule."""

from itertools import pairwise

from steepest.codegen import pieces
from steepest.codegen.array_functions import OPTAX
from steepest.codegen.nearness import spell_near
from steepest.codegen.optax_schedule import optax_schedule
from steepest.codegen.parts import amounts, factors, parts_source
from steepest.codegen.plateau import is_plateau, optax_plateau
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


GROUPED = '''def grouped(by{more}):
    """Return the optimizer of a part of the model, whose learning rate is multiplied."""
    return {call}
'''

LABELS = '''def labels(params):
    """Say of each parameter in which part it is."""
    return jax.tree_util.tree_map_with_path(
        lambda path, _: times(jax.tree_util.keystr(path, simple=True, separator=".")), params
    )
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
    apart = bool(factors(config))
    if apart and not own and pieces.averages(config, flags_of(config)) is not None:
        own = True
        why = f"Optax' {spelling.call} does not give the averages of parts of a model"
        spelling = Spelling(spelling.call, spelling.arguments, False, why)
    parts = ["import jax\nimport jax.numpy as jnp\nimport optax\n"]
    if own:
        parts[0] = "from types import SimpleNamespace\n\n" + parts[0]
    parts.append("\n".join(pieces.headline(config, spelling, "optax")) + "\n")
    if masked:
        parts.append(DECAYS)
    if pieces.dynamic(config):
        parts.append(pieces.matrix_source(MATRIX, config))
    rate, schedule = optax_schedule(config, task)
    parts += schedule
    if apart:
        parts += [*parts_source(config, task, task.framework == "torch"), LABELS]
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
    steady = "learning_rate" if is_plateau(config) else literal(values["learning_rate"])
    if rate or is_plateau(config):
        arguments["learning_rate"] = rate or steady
    once = len(links)
    if apart and not own:
        arguments["learning_rate"] = (
            f"lambda count: {rate}(count) * by" if rate else f"{steady} * by"
        )
    given = [f"{name}={value}" for name, value in arguments.items()]
    one = f"{call}({', '.join(given)})"
    if len(one) > 80:
        one = f"{call}(\n{pieces.indented([f'{part},' for part in given])}\n)"
    links.append(one)
    if by_hand and values.get("decay") == "decoupled" and not own:
        amount = (
            f"lambda count: -{literal(decay)} * {rate}(count)"
            if rate
            else f"-{literal(decay)} * {steady}"
        )
        amount += " * by" if apart else ""
        links.append(f"optax.add_decayed_weights({amount}{', decays' if masked else ''})")
    if apart and not own:
        more = ", learning_rate" if is_plateau(config) else ""
        call = pieces.indented(_chain(links[once:])).lstrip()
        parts.append(GROUPED.format(more=more, call=call))
        each = ", ".join(f"{t}: grouped({t}{more})" for t in map(literal, amounts(config, task)))
        links[once:] = [f"optax.partition({{{each}}}, labels)"]
    parts += _whole(config, links)
    if "accumulation" in values:
        count = values["accumulation"]
        parts.append(f"optimizer = optax.MultiSteps(optimizer, every_k_schedule={count})\n")
    if is_plateau(config):
        parts.append(optax_plateau(config, task))
    parts += _evaluation(config, own)
    text = parts[0]
    for before, part in pairwise(parts):
        starts = ("def ", "class ", "NO_", "PARTS", "plateau")
        block = part.startswith(starts) or before.startswith(starts)
        text += ("\n\n" if block else "\n" if not before.startswith("# ") else "") + part
    if "jax." not in text.replace("import jax.numpy", "").replace("import jax\n", ""):
        text = text.replace("import jax\n", "")
    if "jnp." not in text:
        text = text.replace("import jax.numpy as jnp\n", "")
    return text


def _whole(config: Config, links: list[str]) -> list[str]:
    """Return the source of the optimizer: of a plateau, one whose learning rate can be set."""
    if not is_plateau(config):
        return [f"optimizer = {_chain(links)}\n"]
    rate, body = literal(checked(config)["learning_rate"]), pieces.indented(_chain(links)).lstrip()
    return [
        f"def make(learning_rate):\n    return {body}\n",
        f"optimizer = optax.inject_hyperparams(make)(learning_rate={rate})\n",
    ]


def _chain(links: list[str]) -> str:
    """Return transformations, one after the other, as an expression."""
    if len(links) == 1:
        return links[0]
    return f"optax.chain(\n{''.join(f'{pieces.indented(link)},' + chr(10) for link in links)})"


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
        w = "w" if inside else "w - w * h.shrink * h.learning_rate"
    if factors(config):
        rates = "'learning_rate': lr * t, 'next_learning_rate': rate(count + 1) * t"
        each = f"zip({text_own}, jax.tree.leaves(labels(params)))"
        text_own = f"[{{**e, {rates}}} for e, t in {each}]"
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
        state = "state.inner_state" if is_plateau(config) else "state"
        return [f"# Evaluate optax.contrib.schedule_free_eval_params({state}, params).\n"]
    return [
        "def evaluated(params, state):\n"
        f'    """Return the averages that were evaluated; state is that of {config.rule}."""\n'
        "    leaves, tree = jax.tree.flatten(params)\n"
        f"    pairs = [(w - {literal(1 - beta)} * m[0]) / {literal(beta)} "
        "for w, m in zip(leaves, state[1])]\n"
        "    return jax.tree.unflatten(tree, pairs)\n"
    ]
