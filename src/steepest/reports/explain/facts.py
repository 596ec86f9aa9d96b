"""An optimizer explained, as plain values, which JSON, terminal and page render."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.codegen import code, spell
from steepest.codegen.spelling import NAMES
from steepest.errors import InputError
from steepest.records import Config, TaskFacts
from steepest.reports.explain.measured import measured
from steepest.reports.explain.memory import at_defaults, remembered
from steepest.rules import FRAMEWORKS, Rule, has_formula
from steepest.rules.descriptions import meaning
from steepest.rules.recipe import RECIPE
from steepest.rules.rule import CARRIES
from steepest.text import listed, setting

NO_TASK = TaskFacts("your task", "", (), 0, 1, 1, 1, 1, 1)
DECAYS = {
    "decoupled": "decoupled (weights shrink by rate × decay)",
    "coupled": "L2 (decay × weight is added to the gradient)",
    None: "none of its own",
}


# What a name means in one rule, where it is not what it means in the others.
def explained(rule: Rule) -> dict[str, Any]:
    """Return all there is to say of an optimizer, in plain values that are strict JSON.

    Infinite numbers are the string "inf". A default is null where the framework has no class, and
    so no argument; what a framework fixes is in `fixed`.
    """
    about = rule.about
    return {
        "name": rule.name,
        "title": rule.title,
        "does": about.does,
        "formula": rule.formula,
        "paper": rule.paper,
        "remark": _remark(rule),
        "hyperparameters": [_hyperparameter(rule, name) for name in _names(rule)],
        "memory": remembered(rule),
        "strengths": list(about.strengths),
        "weaknesses": list(about.weaknesses),
        "measured": measured(rule.name),
        "when": about.when,
        "tune": about.tune,
        "weight_decay": _weight_decay(rule),
        "differences": _differences(rule),
        "dialects": {framework: _dialect(rule, framework) for framework in FRAMEWORKS},
    }


def compared(rules: Sequence[Rule]) -> dict[str, Any]:
    """Return several optimizers: each explained, and in rows what is told of them side by side.

    `rows` maps a topic to a list of lines for each optimizer, in the order of `rules`.
    """
    every = [explained(rule) for rule in rules]
    rows: dict[str, list[list[str]]] = {
        "what it does": [[one["does"]] for one in every],
        "memory": [[one["memory"]["words"]] for one in every],
        "hyperparameters": [[_in_short(h) for h in one["hyperparameters"]] for one in every],
        "strengths": [one["strengths"] for one in every],
        "weaknesses": [one["weaknesses"] for one in every],
        "measured": [one["measured"] for one in every],
        "when to use it": [[one["when"]] for one in every],
        "tune first": [[one["tune"]] for one in every],
    }
    for framework in FRAMEWORKS:
        spoken = [one["dialects"][framework] for one in every]
        rows[NAMES[framework]] = [
            [line for line in (d["class"] or d["none"], d["note"]) if line] for d in spoken
        ]
    return {"optimizers": every, "rows": rows}


def _names(rule: Rule) -> list[str]:
    """Return numbers and flags, those that are searched first."""
    return list(dict.fromkeys([*rule.spaces, *rule.defaults, *rule.flags]))


def _remark(rule: Rule) -> str:
    """Return what the docstring says after the formula."""
    parts = (rule.doc or "").strip().split("\n\n")[2:]
    return " ".join(" ".join(p.split()) for p in parts if not p.startswith("    "))


def _strict(value: Any) -> Any:
    """Return a value as strict JSON has it."""
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def _hyperparameter(rule: Rule, name: str) -> dict[str, Any]:
    defaults, fixed, arguments = {}, {}, {}
    for framework in FRAMEWORKS:
        spoken = rule.dialect(framework)
        here = has_formula(rule) and spoken.call is None
        defaults[framework] = None if here else _strict(rule.settings(framework).get(name))
        if name in spoken.fixed and not here:
            fixed[framework] = _strict(spoken.fixed[name])
        if name in spoken.arguments:
            arguments[framework] = spoken.arguments[name].removeprefix("-")
    return {
        "name": name,
        "meaning": meaning(rule.name, name),
        "defaults": defaults,
        "fixed": fixed,
        "arguments": arguments,
        "must_be_given": _must_be_given(rule, name),
        "allowed": _allowed(rule, name),
        "searched": _searched(rule, name),
    }


def _must_be_given(rule: Rule, name: str) -> list[str]:
    """Return the frameworks without a default of their own, whose value here is Keras'.

    Optax' aliases need a learning rate; those that take None do not descend without it.
    """
    call = rule.dialect("optax").call
    able = ("optax.contrib.schedule_free", "optax.contrib.prodigy")
    given = name == "learning_rate" and call and not call.startswith(able)
    return ["optax"] if given else []


def _allowed(rule: Rule, name: str) -> dict[str, Any]:
    if name in rule.values:
        values = list(rule.values[name])
        whole = all(isinstance(v, int) and not isinstance(v, bool) for v in values)
        if whole and len(values) > 2:
            return {"values": None, "low": values[0], "high": values[-1]}
        return {"values": [_strict(v) for v in values], "low": None, "high": None}
    if name in rule.flags:
        return {"values": [False, True], "low": None, "high": None}
    bounds = RECIPE[name].bounds if name in RECIPE else (-math.inf, math.inf)
    low, high = rule.bounds.get(name, bounds)
    ends = [None if abs(end) >= 1e38 else end for end in (low, high)]
    return {"values": None, "low": ends[0], "high": ends[1]}


def _searched(rule: Rule, name: str) -> dict[str, Any] | None:
    space = rule.spaces.get(name)
    if space is None:
        return None
    start = next(
        n for n in CARRIES if any(name in rule.space(n, framework) for framework in FRAMEWORKS)
    )
    scale = "linear" if not space.log else "log of 1 − value" if space.complement else "log"
    return {
        "low": space.low,
        "high": space.high,
        "scale": scale,
        "from_trials": start,
        "words": f"{setting(space.low)} to {setting(space.high)}, {scale}",
    }


def _in_short(one: Mapping[str, Any]) -> str:
    """Return a hyperparameter on one line: its defaults, one where all frameworks agree."""
    said = {
        framework: setting(one["fixed"].get(framework, value))
        for framework, value in one["defaults"].items()
        if value is not None or framework in one["fixed"]
    }
    if len(set(said.values())) <= 1:
        return f"{one['name']} {next(iter(said.values()), '')}".rstrip()
    return f"{one['name']} " + ", ".join(f"{NAMES[f]} {value}" for f, value in said.items())


def _differences(rule: Rule) -> list[dict[str, Any]]:
    """Return where the frameworks that have the rule compute something else, in a sentence each."""
    speaking = [f for f in FRAMEWORKS if rule.dialect(f).call]
    found = []
    for twist, says in rule.twists.items():
        groups: dict[Any, list[str]] = {}
        for framework in speaking:
            groups.setdefault(rule.dialect(framework).twists.get(twist), []).append(framework)
        if len(groups) < 2:
            continue
        sides = [listed([NAMES[f] for f in group]) for group in groups.values()]
        how = f"{' differ from '.join(sides)}" if len(sides) == 2 else f"{listed(sides)} differ"
        if len(sides) == 2 and len(next(iter(groups.values()))) == 1:
            how = " differs from ".join(sides)
        found.append(
            {
                "name": twist,
                "says": says,
                "groups": list(groups.values()),
                "sentence": f"{how} in {says}.",
            }
        )
    return found


def _weight_decay(rule: Rule) -> str:
    """Return what weight_decay means in each framework's own class, in a sentence; in each dialect
    where no framework has one, though a person's own rule has no dialects."""
    kinds: dict[str | None, list[str]] = {}
    lacking = not any(spoken.call for spoken in rule.dialects.values())
    for framework in FRAMEWORKS:
        if rule.dialect(framework).call or (lacking and framework in rule.dialects):
            kinds.setdefault(rule.dialect(framework).decay, []).append(NAMES[framework])
    said = "; ".join(f"{listed(names)}: {DECAYS[kind]}" for kind, names in kinds.items())
    return f"{said}." if said else ""


def _dialect(rule: Rule, framework: str) -> dict[str, Any]:
    spoken, theirs = rule.dialect(framework), NAMES[framework]
    found: dict[str, Any] = {
        "class": spoken.call,
        "none": None,
        "call": None,
        "code": None,
        "tf_code": None,
        "note": spoken.note,
        "twists": dict(spoken.twists),
        "weight_decay": spoken.decay if spoken.call else None,
    }
    if not has_formula(rule):
        found["none"] = "its maker has the code"
        return found
    config = at_defaults(rule, framework)
    if spoken.call is None:
        found["none"] = f"{theirs} has no such class; `steepest code` writes a complete one"
        found["code"] = _whole_class(config, framework)
        return found
    line, call = _calls(rule, config, framework)
    found |= {"call": line, "code": f"import {framework}\n\noptimizer = {call}\n"}
    if framework == "keras":
        found["tf_code"] = f"import tensorflow as tf\n\noptimizer = tf.{call}\n"
    if rule.choose is not None and framework == "torch":
        found["code"] = found["code"].replace(
            "\n\n", "\n\n# The embeddings, the head and all that is no matrix need an AdamW.\n", 1
        )
    return found


def _calls(rule: Rule, config: Config, framework: str) -> tuple[str, str]:
    """Return the call of a framework's own class on one line, and broken where it is long."""
    first = []
    if framework == "torch":
        matrices = "[p for p in model.parameters() if p.ndim == 2]"
        first = [matrices if rule.choose else "model.parameters()"]
    spelling = spell(config, framework)
    given = [*first, *(f"{name}={value}" for name, value in spelling.arguments.items())]
    line = f"{spelling.call}({', '.join(given)})"
    if len(line) <= 76:
        return line, line
    return line, f"{spelling.call}(\n" + "".join(f"    {one},\n" for one in given) + ")"


def _whole_class(config: Config, framework: str) -> str | None:
    """Return complete source, or nothing for what has none."""
    try:
        return code(config, NO_TASK, framework)
    except InputError:
        return None
