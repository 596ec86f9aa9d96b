"""Pieces of source that all frameworks share."""

import inspect
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

from steepest.codegen.formula import source_of
from steepest.codegen.spelling import NAMES, Spelling, checked, flags_of, literal
from steepest.records import Config, Parameter
from steepest.rules import custom_schedules, find_rule, keras_schedules
from steepest.rules.plateau import PLATEAU
from steepest.rules.recipe import CLIPS
from steepest.rules.schedules import SCHEDULES, schedule_numbers
from steepest.rules.step import DECAYED, SHARES


def schedule_of(config: Config, total: int) -> dict[str, float]:
    """Return what the schedule runs on, in steps, as plain numbers."""
    if brought(config):
        return {}
    numbers = schedule_numbers(config.schedule, config.hyperparameters, total)
    found = {name: float(value) for name, value in numbers.items()}
    if not found.get("warmup_steps", 1.0):
        del found["warmup_steps"]
    return found


def brought(config: Config) -> bool:
    """Return whether the schedule is one of Keras' or of a person's own, and no word of ours."""
    return config.schedule not in SCHEDULES


def brought_rate(config: Config) -> str:
    """Return the learning rate at `step` as source, by the function that `brought_source` has."""
    rate = float(checked(config)["learning_rate"])
    if custom_schedules.is_own(config.schedule):
        return f"{identifier(config)}(step)"
    call = keras_schedules.scaled(config.schedule, rate)
    given = "".join(f", {key}={literal(value)}" for key, value in call.keywords.items())
    return f"{keras_schedules.GIVEN[call.name].__name__}(step{given})"


def factor_length(config: Config, total: int) -> int:
    """Return the steps of a person's own schedule, in a training of `total`."""
    drawn = custom_schedules.stretches(config.schedule)
    length = config.hyperparameters.get("decay_steps", total) if drawn else total
    return max(1, round(float(length)))


def brought_factor(config: Config, total: int) -> str:
    """Return the factor on the learning rate at `step` as source, of a person's own schedule."""
    return f"FACTORS[min(step, {factor_length(config, total)})] / LARGEST"


def brought_source(config: Config, total: int) -> list[str]:
    """Return what code needs for a schedule that is no word: Keras' formula, or a word on a
    person's own."""
    if custom_schedules.is_factor(config.schedule):
        length = factor_length(config, total)
        of_both = custom_schedules.stretches(config.schedule)
        given = f"step, {length}" if of_both else "step"
        return [
            f"# {identifier(config)} is your own schedule, a function of the steps done\n"
            f"# {'and of all steps' if of_both else 'so far'}. Put it in the place of that name.\n",
            f"FACTORS = [float({identifier(config)}({given})) for step in range({length + 1})]\n"
            "LARGEST = max(FACTORS)\n",
        ]
    if custom_schedules.is_own(config.schedule):
        return [
            f"# {identifier(config)} is your own schedule: a function from the steps done to the\n"
            "# learning rate. Put the object that you gave in its place.\n"
        ]
    call = keras_schedules.parsed(config.schedule)
    assert call is not None
    source = inspect.getsource(keras_schedules.GIVEN[call.name])
    return ["import numpy as np\n", source.replace("  # type: ignore[no-untyped-def]", "")]


def identifier(config: Config) -> str:
    """Return what code calls a person's own schedule."""
    return custom_schedules.identifier(config.schedule)


def changes(config: Config, total: int) -> bool:
    """Return whether the learning rate is a function of the step, and no constant."""
    steady = config.schedule in ("constant", PLATEAU)  # which is lowered from outside
    return not steady or "warmup_steps" in schedule_of(config, total)


def steps(value: float) -> str:
    """Return a number of steps as source."""
    return str(int(value)) if float(value).is_integer() else literal(value)


def factor_source(config: Config, total: int) -> list[str]:
    """Return the body of a Python function of `step`: the factor on the learning rate."""
    if custom_schedules.is_factor(config.schedule):
        return [f"return {brought_factor(config, total)}"]
    if brought(config):
        rate = literal(checked(config)["learning_rate"])
        return [f"return float({brought_rate(config)}) / {rate}"]
    n = schedule_of(config, total)
    lines = []
    s = "step"
    if "warmup_steps" in n:
        warmup = steps(n["warmup_steps"])
        lines += [f"if step < {warmup}:", f"    return step / {warmup}"]
        s = f"(step - {warmup})"
    if config.schedule == "constant":
        return [*lines, "return 1.0"]
    length = steps(n["decay_steps"])
    if config.schedule == "step":
        return [*lines, f"return {literal(n['drop'])} ** ({s} // {steps(n['drop_steps'])})"]
    if config.schedule == "exponential":
        return [*lines, f"return {literal(n['final'])} ** ({s} / {length})"]
    lines.append(f"share = min({s} / {length}, 1.0)")
    if config.schedule == "linear":
        shape = "(1 - share)"
    else:
        shape = "(1 + math.cos(math.pi * share)) / 2"
    end = n["final"]
    return [
        *lines,
        f"return {shape}" if not end else f"return {literal(1 - end)} * {shape} + {literal(end)}",
    ]


def undecayed_names(weights: Sequence[Parameter]) -> list[str]:
    """Return the last parts of the paths of all weights that decay leaves alone.

    Without a word on the weights, as in files of format 1, the usual names.
    """
    found = {one.path.rsplit("/", 1)[-1] for one in weights if one.role not in DECAYED}
    return sorted(found) if weights else ["beta", "bias", "gamma"]


def names_tell(weights: Sequence[Parameter]) -> bool:
    """Return whether no weight that decays has the name of one that does not."""
    out = set(undecayed_names(weights))
    return not any(one.path.rsplit("/", 1)[-1] in out for one in weights if one.role in DECAYED)


def headline(config: Config, spelling: Spelling, framework: str) -> list[str]:
    """Return the comment above the code: whose arithmetic it is, and what had to be done for it."""
    rule = find_rule(config.rule)
    lines = [f"# {rule.name}, with the arithmetic of {NAMES[config.dialect]}."]
    if config.dialect == "torch" and framework != "torch" and "clip_norm" in config.numbers:
        lines += _comment("PyTorch adds 1e-6 to the norm that it clips; this does not.")
    for name in SHARES:
        if name in config.numbers and (spelling.why or not spelling.call):
            lines += _comment(f"{name} is counted in updates here.")
    warning = rule.dialect(framework).warning
    if warning and not spelling.why:
        lines += _comment(warning)
    if spelling.near:
        lines += _comment(spelling.near)
    if spelling.why:
        lines += _comment(f"{spelling.why}; the class below is exact.")
        if spelling.call:
            nearest = spelling.text("..." if framework == "torch" else "")
            lines += _comment("The nearest built-in, which is not the same:")
            lines.append(f"#     {nearest}")
    return lines


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 96, initial_indent="# ", subsequent_indent="# ")


def class_name(config: Config, framework: str) -> str:
    """Return the name of the class that is written out."""
    rule = find_rule(config.rule)
    own = rule.dialect(framework).call is None
    return rule.name if own else f"{NAMES[config.dialect]}{rule.name}"


def numbers_of(config: Config, total: int) -> dict[str, float]:
    """Return the numbers that the formula reads, the learning rate first.

    Shares of the training, which has `total` steps, are counted in updates.
    """
    values = checked(config)
    names = [n for n in find_rule(config.rule).defaults if n != "weight_decay"]
    updates = total / ahead(config)
    return {n: float(values[n]) * (updates if n in SHARES else 1) for n in names if n in values}


def clip_of(config: Config) -> tuple[str, str] | None:
    """Return which clip there is, and its limit as source."""
    values = checked(config)
    for name in CLIPS:
        if name in values:
            return name, literal(values[name])
    return None


def decays_inside(config: Config) -> bool:
    """Return whether the formula itself applies the weight decay."""
    rule = find_rule(config.rule)
    own = rule.decays_itself is not None and rule.decays_itself(flags_of(config))
    return own and checked(config).get("decay") == "decoupled"


def formula_of(config: Config, inside: bool) -> tuple[list[str], set[str]]:
    """Return the formula's functions as source and the array functions that they need.

    What each array has for itself stays open; `inside` leaves the weight decay to the formula.
    """
    flags = {n: v for n, v in flags_of(config).items() if n not in dynamic(config)}
    flags = flags if inside else {**flags, "weight_decay": 0.0}
    return source_of(find_rule(config.rule), flags, is_careful(config))


def is_careful(config: Config) -> bool:
    """Return whether the steps are cautious."""
    return bool(config.choices.get("caution"))


def update_of(config: Config) -> str:
    """Return the name of the function that updates one array."""
    return "careful" if is_careful(config) else "update"


def averages(config: Config, flags: Mapping[str, Any]) -> float | None:
    """Return β₁ where the weights to evaluate are an average (y − (1 − β₁)·z)/β₁, else None."""
    shown = find_rule(config.rule).shown is not None and flags.get("weighs_by_rate")
    return float(checked(config)["beta_1"]) if shown and "ema" not in config.numbers else None


def ahead(config: Config) -> int:
    """Return how many batches later the next update is."""
    return int(checked(config).get("accumulation", 1))


def indented(lines: Sequence[str] | str, by: int = 1) -> str:
    """Return lines of source, further in."""
    rows = lines.splitlines() if isinstance(lines, str) else lines
    return "\n".join(("    " * by + row) if row else "" for row in rows)


def matrix_source(template: str, config: Config) -> str:
    """Return the source that tells Muon's matrices by name, as the configuration routes them."""
    routing = config.choices.get("routing")
    if routing == "role":
        return template.format(words='("embed", "head", "bias")', hint=": add your head's")
    if routing == "optax" and "parameter" in template:
        return "# Embeddings are turned as kernels are, which Optax does not do.\n" + (
            template.format(words="()", hint="")
        )
    return template.format(words='("embedding",)' if routing == "keras" else "()", hint="")


def dynamic(config: Config) -> Mapping[str, Any]:
    """Return the flags that each array has for itself, such as Muon's `matrix`."""
    rule = find_rule(config.rule)
    if rule.choose is None:
        return {}
    return rule.choose(Parameter("", (1,), "other"), {**rule.flags, **config.choices})
