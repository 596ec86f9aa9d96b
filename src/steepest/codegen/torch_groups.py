"""Parameter groups as PyTorch source: what weight decay falls on, which matrices Muon trains, and
parts of the model with learning rates of their own.

Of a PyTorch module that was compared, the names of its parameters are known with their roles, so
the source tells them by name where a plain rule would not. For other models it goes by what is
usual.
"""

import json

from steepest.codegen import pieces
from steepest.codegen.parts import amounts, factors, parts_source
from steepest.codegen.spelling import checked, flags_of, literal
from steepest.records import Config, Parameter, TaskFacts
from steepest.rules import find_rule
from steepest.rules.step import DECAYED

DECAYS = '''NORMS = {
    id(p)
    for module in model.modules()
    if "norm" in type(module).__name__.lower()
    for p in module.parameters(recurse=False)
}


def decays(name, parameter):
    """Weight decay is for kernels and embeddings, not for biases and normalization."""
    return parameter.ndim >= 2 and "bias" not in name and id(parameter) not in NORMS
'''

MATRIX = '''NO_MATRICES = {words}  # words in names that AdamW trains{hint}


def is_matrix(name, parameter):
    """Say whether a parameter is a matrix that Newton–Schulz is for."""
    return parameter.ndim == 2 and not any(word in name.lower() for word in NO_MATRICES)
'''

OWN_DECAYS = '''def decays(name, parameter):
    """Weight decay is for kernels and embeddings, not for biases and normalization."""
    return {rule}
'''

OWN_MATRIX = '''# By name, what is left to AdamW: embeddings, heads and the like.
NO_MATRICES = {names}


def is_matrix(name, parameter):
    """Say whether a parameter is a matrix that Newton–Schulz is for."""
    return parameter.ndim == 2 and name not in NO_MATRICES
'''


def groups_source(config: Config, task: TaskFacts, key: str) -> tuple[str, list[str]]:
    """Return the source of parameter groups, if they are needed, and of what they ask.

    `key` is what a group calls its weight decay.
    """
    values, own = checked(config), pieces.dynamic(config)
    decay = values.get("weight_decay")
    masked = decay is not None and values.get("decay_on") != "all"
    rates = amounts(config, task) if factors(config) else []
    if not masked and not own and not rates:
        if decay is None or key == "weight_decay":
            return "", []
        return f'groups = [{{"params": list(model.parameters()), "decay": {literal(decay)}}}]\n', []
    functions = [_decays(task)] if masked else []
    functions += [_matrix(config, task)] if own else []
    functions += parts_source(config, task, by_name(task)) if rates else []
    tests: list[tuple[list[str], list[str]]] = [([], [])]
    if rates:
        rate = literal(values["learning_rate"])
        tests = [
            ([f"times(n) == {literal(t)}"], [f'"lr": {rate} * {literal(t)}'] if t != 1 else [])
            for t in rates
        ]
    if own:
        tests = [
            ([*t, f"{'' if yes else 'not '}is_matrix(n, p)"], [*e, f'"matrix": {yes}'])
            for t, e in tests
            for yes in (True, False)
        ]
    if masked:
        tests = [
            (
                [*t, f"{'' if yes else 'not '}decays(n, p)"],
                [*e, f'"{key}": {literal(decay if yes else 0.0)}'],
            )
            for t, e in tests
            for yes in (True, False)
        ]
    elif decay is not None:
        tests = [(t, [*e, f'"{key}": {literal(decay)}']) for t, e in tests]
    rows = ""
    for conditions, entries in tests:
        one = f'        "params": [p for n, p in named if {" and ".join(conditions)}],\n'
        one += f"        {', '.join(entries)},\n" if entries else ""
        rows += f"    {{\n{one}    }},\n"
    return f"named = list(model.named_parameters())\ngroups = [\n{rows}]\n", functions


def by_name(task: TaskFacts) -> bool:
    """Return whether the model's own parameters are known by the names that PyTorch gives."""
    return task.framework == "torch" and bool(task.weights)


def _decays(task: TaskFacts) -> str:
    if not by_name(task):
        return DECAYS
    others = {
        one.path: one.role in DECAYED
        for one in task.weights
        if (one.role in DECAYED) != (len(one.shape) >= 2 and "bias" not in one.path)
    }
    rule = 'parameter.ndim >= 2 and "bias" not in name'
    if not others:
        return OWN_DECAYS.format(rule=rule)
    named = _rows([f"{json.dumps(path)}: {decayed}" for path, decayed in others.items()])
    return f"# By name, whether they decay.\nOTHERS = {named}\n\n\n" + OWN_DECAYS.format(
        rule=f"OTHERS.get(name, {rule})"
    )


def _matrix(config: Config, task: TaskFacts) -> str:
    if not by_name(task):
        return pieces.matrix_source(MATRIX, config)
    choose = find_rule(config.rule).choose
    assert choose is not None
    flags = flags_of(config)

    def for_adamw(one: Parameter) -> bool:
        return len(one.shape) == 2 and not choose(one, flags)["matrix"]

    out = [json.dumps(one.path) for one in task.weights if for_adamw(one)]
    return OWN_MATRIX.format(names=_rows(out) if out else "()")


def _rows(parts: list[str]) -> str:
    """Return the parts of a set or a dictionary as source: in a line, or a line each."""
    line = "{" + ", ".join(parts) + "}"
    if len(line) <= 60:
        return line
    return "{\n" + "".join(f"    {part},\n" for part in parts) + "}"
