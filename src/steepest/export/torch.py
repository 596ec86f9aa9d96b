"""A configuration as PyTorch source: optimizer, parameter groups, schedule, and the step around."""

from itertools import pairwise

from steepest.export import pieces
from steepest.export.spelling import checked, flags_of, literal, spell
from steepest.records import Config, TaskFacts
from steepest.rules import find_rule

SHIMS = {
    "sqrt": "def sqrt(x):\n    return x.sqrt() if torch.is_tensor(x) else x**0.5\n",
    "sign": "sign = torch.sign\n",
    "absolute": "absolute = torch.abs\n",
    "maximum": "def maximum(x, y):\n"
    "    return torch.maximum(x, y) if torch.is_tensor(x) else max(x, y)\n",
    "minimum": "def minimum(x, y):\n"
    "    return torch.minimum(x, y) if torch.is_tensor(x) else min(x, y)\n",
    "where": "where = torch.where\n",
    "mean": "def mean(x, axis):\n    return x.mean(dim=axis, keepdim=True)\n",
    "total": "total = torch.sum\n",
    "norm": "def norm(x):\n    return (x * x).sum().sqrt()\n",
    "filled": "def filled(x, value):\n    return torch.full_like(x, value)\n",
    "one_number": "def one_number(x, value):\n"
    "    return torch.tensor(value, dtype=x.dtype, device=x.device)\n",
    "transposed": "def transposed(x):\n    return x.mT\n",
    "fan_in_and_out": "def fan_in_and_out(x):\n    return x.shape[0], x.shape[1]\n",
    "size": "def size(x):\n    return x.numel()\n",
}

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
        for group in self.param_groups:
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
                w, state["memory"] = update(g, w, state["memory"], state["step"], h)
                parameter.copy_({back})
        return loss
'''

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


def torch_code(config: Config, task: TaskFacts) -> str:
    """Return source that, given a `model`, makes what was measured."""
    spelling, values = spell(config, "torch"), checked(config)
    manual = "weight_decay" in values and not spelling.decays
    inside = manual and pieces.decays_inside(config)
    parts = ["import torch\n", "\n".join(pieces.headline(config, spelling, "torch")) + "\n"]
    if spelling.why or spelling.call is None:
        parts.append(_class(config, inside, pieces.changes(config, task.steps)))
        call, arguments = pieces.class_name(config, "torch"), _numbers(config)
    else:
        call, arguments = str(spelling.call), dict(spelling.arguments)
    groups, functions = _groups(config, "weight_decay" if spelling.decays else "decay")
    parts += functions
    if spelling.decays and groups:
        arguments.pop("weight_decay", None)  # each group has its own
    given = "".join(f"    {name}={value},\n" for name, value in arguments.items())
    first = "groups" if groups else "model.parameters()"
    parts.append(f"{groups}optimizer = {call}(\n    {first},\n{given})\n")
    if pieces.changes(config, task.steps):
        body = pieces.factor_source(config, task.steps)
        parts.append(f"def factor(step):\n{pieces.indented(body)}\n")
        parts.append("scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)\n")
    if "ema" in values:
        parts.append(
            "swa = torch.optim.swa_utils\n"
            "averaged_model = swa.AveragedModel(  # evaluate this one\n"
            f"    model, multi_avg_fn=swa.get_ema_multi_avg_fn({values['ema']!r})\n)\n"
        )
    beta = pieces.averages(config, flags_of(config))
    if beta is not None:
        parts.append(
            "def evaluated(parameter):\n"
            '    """Return the average, which was evaluated; put it in place before you do."""\n'
            '    z = optimizer.state[parameter]["memory"][0]\n'
            f"    return (parameter.detach() - {1 - beta!r} * z) / {beta!r}\n"
        )
    parts += _step(config, task, manual and not inside)
    if any("math." in part for part in parts):
        parts[0] = "import math\n\n" + parts[0]
    if any("SimpleNamespace(" in part for part in parts):
        parts[0] = "from types import SimpleNamespace\n\n" + parts[0]
    parts[0] = parts[0].replace(
        "from types import SimpleNamespace\n\nimport math\n",
        "import math\nfrom types import SimpleNamespace\n",
    )
    return "\n".join(_spaced(parts))


def _spaced(parts: list[str]) -> list[str]:
    """Put two blank lines around functions and classes."""
    found = [parts[0]]
    for before, part in pairwise(parts):
        block = part.startswith(("def ", "class ", "NO_", "NORMS", "from ")) or before.startswith(
            ("def ", "class ", "NO_", "NORMS", "from ")
        )
        found += ["", part] if block and not part.startswith("#") else [part]
    return found


def _numbers(config: Config) -> dict[str, str]:
    numbers = pieces.numbers_of(config)
    rate = numbers.pop("learning_rate")
    return {"lr": literal(rate), **{n: literal(v) for n, v in numbers.items()}}


def _class(config: Config, inside: bool, changing: bool) -> str:
    rule, own = find_rule(config.rule), pieces.dynamic(config)
    functions, needed = pieces.formula_of(config, inside)
    numbers = {"learning_rate": 'group["lr"]'}
    numbers |= {n: f'group["{n}"]' for n in pieces.numbers_of(config) if n != "learning_rate"}
    numbers |= {n: f'group["{n}"]' for n in own}
    numbers |= {"weight_decay": 'group["decay"]'} if inside else {}
    if "next_learning_rate" in "".join(functions):
        numbers["next_learning_rate"] = (
            f'group["initial_lr"] * factor(scheduler.last_epoch + {pieces.ahead(config)})'
            if changing
            else 'group["lr"]'
        )
    given = {"lr": "lr", **{n: n for n in pieces.numbers_of(config) if n != "learning_rate"}}
    given |= {n: n for n in own} | ({"decay": "decay"} if inside else {})
    signature = [n for n in given if n not in own and n != "decay"]
    signature += [f"{n}=False" for n in own] + (["decay=0.0"] if inside else [])
    turned = rule.looks_at_axes
    around = ".permute(tuple(range(parameter.ndim)[::-1]))"  # to [..., in, out], and back
    text = CLASS.format(
        name=pieces.class_name(config, "torch"),
        title=rule.title,
        arguments=pieces.indented([f"{one}," for one in signature], 2),
        defaults=pieces.indented([f"{n}={v}," for n, v in given.items()], 3),
        numbers=pieces.indented([f"{n}={v}," for n, v in numbers.items()], 4),
        w=f"parameter{around}" if turned else "parameter",
        g=f"parameter.grad{around}" if turned else "parameter.grad",
        back="w.permute(tuple(range(w.ndim)[::-1]))" if turned else "w",
    )
    shims = [SHIMS[name] for name in sorted(needed)]
    return "\n\n".join([*shims, *functions, text]).replace("\n\n\n\n", "\n\n\n")


def _groups(config: Config, key: str) -> tuple[str, list[str]]:
    """Return the source of parameter groups, if they are needed, and of what they ask."""
    values, own = checked(config), pieces.dynamic(config)
    decay = values.get("weight_decay")
    masked = decay is not None and values.get("decay_on") != "all"
    if not masked and not own:
        if decay is None or key == "weight_decay":
            return "", []
        return f'groups = [{{"params": list(model.parameters()), "decay": {decay!r}}}]\n', []
    functions = ([DECAYS] if masked else []) + (
        [pieces.matrix_source(MATRIX, config)] if own else []
    )
    tests: list[tuple[list[str], list[str]]] = [([], [])]
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
                [*e, f'"{key}": {decay if yes else 0.0!r}'],
            )
            for t, e in tests
            for yes in (True, False)
        ]
    elif decay is not None:
        tests = [(t, [*e, f'"{key}": {decay!r}']) for t, e in tests]
    rows = "".join(
        f'    {{\n        "params": [p for n, p in named if {" and ".join(t)}],\n'
        f"        {', '.join(e)},\n    }},\n"
        for t, e in tests
    )
    return f"named = list(model.named_parameters())\ngroups = [\n{rows}]\n", functions


def _step(config: Config, task: TaskFacts, decay_by_hand: bool) -> list[str]:
    """Return the function that takes a step, where it is more than `optimizer.step()`."""
    values, clip = checked(config), pieces.clip_of(config)
    count = values.get("accumulation")
    lines: list[str] = []
    if count:
        lines += [f"(loss / {count}).backward()", "batches[0] += 1"]
        head = [f"if batches[0] % {count} == 0:"]
    else:
        lines += ["loss.backward()"]
        head = []
    inner: list[str] = []
    if clip:
        inner += _clip(config, *clip)
    if decay_by_hand:
        coupled = values.get("decay") == "coupled"
        inner += [
            "with torch.no_grad():",
            "    for group in optimizer.param_groups:",
            '        for p in group["params"]:',
            "            if p.grad is not None:",
            '                p.grad.add_(p, alpha=group["decay"])'
            if coupled
            else '                p.mul_(1 - group["lr"] * group["decay"])',
        ]
    inner += ["optimizer.step()", "optimizer.zero_grad()"]
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
