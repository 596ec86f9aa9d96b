"""A configuration as PyTorch source: optimizer, parameter groups, schedule, and the step around."""

from itertools import pairwise

from steepest.codegen import pieces
from steepest.codegen.array_functions import TORCH
from steepest.codegen.nearness import spell_near
from steepest.codegen.spelling import checked, flags_of, literal, spell
from steepest.codegen.torch_groups import groups_source
from steepest.records import Config, TaskFacts
from steepest.rules import find_rule

CLASS = '''class {name}(torch.optim.Optimizer):
    """{title}"""

    def __init__(
        self,
        params,
{arguments}
    ):
        defaults = dict(
{defaults}
        )
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
{sums}        for group in self.param_groups:
            h = SimpleNamespace(
{numbers}
            )
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                w, g, state = {w}, {g}, self.state[parameter]
                if not state:
                    state["step"], state["memory"] = 0, begin(w, h)
                state["step"] += 1
                w, state["memory"] = {update}(g, w, state["memory"], state["step"], h)
                parameter.copy_({back})
        return loss
'''


SUMS = """        parts = []
        for group in self.param_groups:
            h = SimpleNamespace(
{numbers}
            )
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                w, g, state = parameter, parameter.grad, self.state[parameter]
                if not state:
                    state["step"], state["memory"] = 0, begin(w, h)
                parts.append(over_all(g, w, state["memory"], state["step"] + 1, h))
        sums = [sum(column) for column in zip(*parts)]
"""

# For weights that decay before the step: memory begins with weights that have not.
BEGIN = """
    @torch.no_grad()
    def begin(self):
        for group in self.param_groups:
            h = SimpleNamespace(
{numbers}
            )
            for parameter in group["params"]:
                if parameter.grad is not None and not self.state[parameter]:
                    self.state[parameter].update(step=0, memory=begin({w}, h))
"""

# What a function or a class begins with, or the constant that it reads.
BLOCKS = ("def ", "class ", "NO_", "NORMS", "OTHERS", "PARTS", "FACTORS", "# By name", "from ")


def torch_code(config: Config, task: TaskFacts, exact: bool = True, hooked: bool = False) -> str:
    """Return source that, given a `model`, makes what was measured.

    What a step is beside `optimizer.step()` is the function `step`. Where `hooked`, what of it
    comes before that call is a function `before`; scheduler, accumulation and averaged weights are
    left to whoever runs it.
    """
    spelling = (spell if exact else spell_near)(config, "torch")
    values = checked(config)
    manual = "weight_decay" in values and not spelling.decays
    inside = manual and pieces.decays_inside(config)
    begins = manual and not inside and values.get("decay") == "decoupled"
    begins = begins and find_rule(config.rule).begin is not None
    begins = begins and (bool(spelling.why) or spelling.call is None)
    parts = ["import torch\n", "\n".join(pieces.headline(config, spelling, "torch")) + "\n"]
    if spelling.why or spelling.call is None:
        parts.append(_class(config, task.steps, inside, begins))
        call, arguments = pieces.class_name(config, "torch"), _numbers(config, task.steps)
    else:
        call, arguments = str(spelling.call), dict(spelling.arguments)
    key = "weight_decay" if spelling.decays else "decay"
    groups, functions = groups_source(config, task, key)
    parts += functions
    if spelling.decays and groups:
        arguments.pop("weight_decay", None)  # each group has its own
    given = "".join(f"    {name}={value},\n" for name, value in arguments.items())
    first = "groups" if groups else "model.parameters()"
    parts.append(f"{groups}optimizer = {call}(\n    {first},\n{given})\n")
    if pieces.changes(config, task.steps):
        parts += _factor(config, task)
        if not hooked:
            parts.append("scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)\n")
    if "ema" in values and not hooked:
        parts.append(
            "swa = torch.optim.swa_utils\n"
            "averaged_model = swa.AveragedModel(  # evaluate this one\n"
            f"    model, multi_avg_fn=swa.get_ema_multi_avg_fn({literal(values['ema'])})\n)\n"
        )
    beta = pieces.averages(config, flags_of(config))
    if beta is not None:
        parts.append(
            "def evaluated(parameter):\n"
            '    """Return the average, which was evaluated; put it in place before you do."""\n'
            '    z = optimizer.state[parameter]["memory"][0]\n'
            f"    return (parameter.detach() - {literal(1 - beta)} * z) / {literal(beta)}\n"
        )
    inner = ["optimizer.begin()"] * begins + _before(config, manual and not inside)
    if not hooked:
        parts += _step(config, task, inner)
    elif inner:
        parts.append(f"def before():\n{pieces.indented(inner)}\n")
    return _joined(parts)


def torch_factor(config: Config, task: TaskFacts) -> str | None:
    """Return the source of `factor`, what a learning-rate scheduler multiplies the rate by at each
    step; None where it stays."""
    if not pieces.changes(config, task.steps):
        return None
    return _joined(["import torch\n", *_factor(config, task)])


def _factor(config: Config, task: TaskFacts) -> list[str]:
    body = pieces.factor_source(config, task.steps)
    brought = pieces.brought_source(config, task.steps) if pieces.brought(config) else []
    return [*brought, f"def factor(step):\n{pieces.indented(body)}\n"]


def _joined(parts: list[str]) -> str:
    """Return parts as one source, with what they import before them."""
    first, *rest = parts
    if any("SimpleNamespace(" in part for part in parts):
        first = "from types import SimpleNamespace\n\n" + first
    if any("math." in part for part in parts):
        first = "import math\n" + ("" if first.startswith("from ") else "\n") + first
    return "\n".join(_spaced([first, *rest]))


def _spaced(parts: list[str]) -> list[str]:
    """Put two blank lines around functions and classes."""
    found = [parts[0]]
    for before, part in pairwise(parts):
        block = part.startswith(BLOCKS) or before.startswith(BLOCKS)
        found += ["", part] if block and not part.startswith("#") else [part]
    return found


def _numbers(config: Config, total: int) -> dict[str, str]:
    numbers = pieces.numbers_of(config, total)
    rate = numbers.pop("learning_rate")
    return {"lr": literal(rate), **{n: literal(v) for n, v in numbers.items()}}


def _class(config: Config, total: int, inside: bool, begins: bool) -> str:
    rule, own = find_rule(config.rule), pieces.dynamic(config)
    changing, values = pieces.changes(config, total), pieces.numbers_of(config, total)
    functions, needed = pieces.formula_of(config, inside)
    numbers = {"learning_rate": 'group["lr"]'}
    numbers |= {n: f'group["{n}"]' for n in values if n != "learning_rate"}
    numbers |= {n: f'group["{n}"]' for n in own}
    numbers |= {"weight_decay": 'group["decay"]'} if inside else {}
    if "next_learning_rate" in "".join(functions):
        numbers["next_learning_rate"] = (
            f'group["initial_lr"] * factor(scheduler.last_epoch + {pieces.ahead(config)})'
            if changing
            else 'group["lr"]'
        )
    given = {"lr": "lr", **{n: n for n in values if n != "learning_rate"}}
    given |= {n: n for n in own} | ({"decay": "decay"} if inside else {})
    signature = [n for n in given if n not in own and n != "decay"]
    signature += [f"{n}=False" for n in own] + (["decay=0.0"] if inside else [])
    turned = rule.looks_at_axes
    around = ".permute(tuple(range(parameter.ndim)[::-1]))"  # to [..., in, out], and back
    sums = more = ""
    w = f"parameter{around}" if turned else "parameter"
    if begins:
        more = BEGIN.format(
            numbers=pieces.indented([f"{n}={v}," for n, v in numbers.items()], 4), w=w
        )
    if rule.over_all:
        rows = pieces.indented([f"{n}={v}," for n, v in numbers.items()], 4)
        sums, numbers["sums"] = SUMS.format(numbers=rows), "sums"
    text = CLASS.format(
        name=pieces.class_name(config, "torch"),
        title=rule.title,
        update=pieces.update_of(config),
        sums=sums,
        arguments=pieces.indented([f"{one}," for one in signature], 2),
        defaults=pieces.indented([f"{n}={v}," for n, v in given.items()], 3),
        numbers=pieces.indented([f"{n}={v}," for n, v in numbers.items()], 4),
        w=w,
        g=f"parameter.grad{around}" if turned else "parameter.grad",
        back="w.permute(tuple(range(w.ndim)[::-1]))" if turned else "w",
    )
    shims = [TORCH[name] for name in sorted(needed)]
    return "\n\n".join([*shims, *functions, text + more]).replace("\n\n\n\n", "\n\n\n")


def _before(config: Config, decay_by_hand: bool) -> list[str]:
    """Return what comes between the gradients and the optimizer's step: clipping and decay."""
    clip, lines = pieces.clip_of(config), list[str]()
    if clip:
        lines += _clip(config, *clip)
    if decay_by_hand:
        coupled = checked(config).get("decay") == "coupled"
        lines += [
            "with torch.no_grad():",
            "    for group in optimizer.param_groups:",
            '        for p in group["params"]:',
            "            if p.grad is not None:",
            '                p.grad.add_(p, alpha=group["decay"])'
            if coupled
            else '                p.mul_(1 - group["lr"] * group["decay"])',
        ]
    return lines


def _step(config: Config, task: TaskFacts, before: list[str]) -> list[str]:
    """Return the function that takes a step, where it is more than `optimizer.step()`."""
    values = checked(config)
    count = values.get("accumulation")
    lines: list[str] = []
    if count:
        lines += [f"(loss / {count}).backward()", "batches[0] += 1"]
        head = [f"if batches[0] % {count} == 0:"]
    else:
        lines += ["loss.backward()"]
        head = []
    inner = [*before, "optimizer.step()", "optimizer.zero_grad()"]
    lines += head + (pieces.indented(inner).splitlines() if head else inner)
    changes = pieces.changes(config, task.steps)
    if changes:
        early = "  # counts batches; PyTorch warns once that no update came before" if count else ""
        lines.append(f"scheduler.step(){early}")
    if "ema" in values:
        update = "averaged_model.update_parameters(model)"
        lines += [f"if batches[0] >= {count}:", f"    {update}"] if count else [update]
    if lines == ["loss.backward()", "optimizer.step()", "optimizer.zero_grad()"]:
        return []
    counter = "batches = [0]\n" if count else ""
    text = (
        'def step(loss):\n    """Take one step of training, given the loss of a batch."""\n'
        f"{pieces.indented(lines)}\n"
    )
    return ([counter] if counter else []) + [text]


def _clip(config: Config, kind: str, limit: str) -> list[str]:
    if kind == "clip_value":
        return [f"torch.nn.utils.clip_grad_value_(model.parameters(), {limit})"]
    if kind == "clip_norm" and config.dialect == "torch":
        return [f"torch.nn.utils.clip_grad_norm_(model.parameters(), {limit})"]
    every = "[p.grad for p in model.parameters() if p.grad is not None]"
    if kind == "clip_norm":  # clip_grad_norm_ would add 1e-6 to the norm
        return [
            f"grads = {every}",
            "norm = torch.stack([(g * g).sum() for g in grads]).sum().sqrt()",
            "for g in grads:",
            f"    g.mul_(torch.clamp({limit} / norm, max=1.0))",
        ]
    return [f"for g in {every}:", f"    g.mul_({limit} / torch.clamp(g.norm(), min={limit}))"]
