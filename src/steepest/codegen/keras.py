"""A configuration as Keras source: the optimizer, which holds the recipe too."""

import re
from dataclasses import replace
from itertools import pairwise

from steepest.codegen import pieces
from steepest.codegen.array_functions import KERAS
from steepest.codegen.keras_schedule import keras_schedule
from steepest.codegen.nearness import spell_near
from steepest.codegen.parts import KERAS_GROUPED, factors, places_source
from steepest.codegen.spelling import checked, flags_of, literal, spell
from steepest.records import Config, TaskFacts
from steepest.rules import find_rule
from steepest.rules.step import DECAYED

CLASS = '''class {name}(keras.optimizers.Optimizer):
    """{title}"""

    def __init__(
        self,
{arguments}
        **others,
    ):
        super().__init__(learning_rate=learning_rate, **others)
{attributes}

    def build(self, variables):
        if self.built:
            return
        super().build(variables)
        self.memory = []
        for variable in variables:
            shapes = [v.shape for v in begin(keras.ops.zeros(variable.shape), self)]

            def start(shape, dtype, variable=variable, place=0):
                return begin(keras.ops.convert_to_tensor(variable.value), self)[place]

            kept = []
            for i, shape in enumerate(shapes):
                initializer = partial(start, place=i)
                kept.append(self.add_variable(shape, initializer, variable.dtype, name="memory"))
            self.memory.append(kept)

{sums}    def ready(self, gradient, variable, learning_rate):
        dtype = variable.dtype
        h = SimpleNamespace(
{numbers}
        )
        kept = self.memory[self._get_variable_index(variable)]
        return (
            keras.ops.cast(gradient, dtype),
            keras.ops.convert_to_tensor(variable),
            tuple(keras.ops.convert_to_tensor(one) for one in kept),
            keras.ops.cast(self.iterations + 1, dtype),
            h,
        )

    def update_step(self, gradient, variable, learning_rate):
        w, memory = {update}(*self.ready(gradient, variable, learning_rate))
        self.assign(variable, w)
        for one, value in zip(self.memory[self._get_variable_index(variable)], memory):
            self.assign(one, value)

    def get_config(self):
        return {{
            **super().get_config(),
{config}
        }}
'''

SUMS = """    sums = None

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        pairs = zip(grads, trainable_variables)
        parts = [over_all(*self.ready(g, v, learning_rate)) for g, v in pairs]
        self.sums = [sum(column) for column in zip(*parts)]
        super()._backend_update_step(grads, trainable_variables, learning_rate)

"""

COUPLED = '''class {name}({base}):
    """The same with weight decay added to the gradient (L2), which Keras' own never does."""

    def _backend_update_step(self, grads, trainable_variables, learning_rate):
        grads = [
            g + {decay} * keras.ops.convert_to_tensor(v) if self._use_weight_decay(v) else g
            for g, v in zip(grads, trainable_variables)
        ]
        super()._backend_update_step(grads, trainable_variables, learning_rate)
'''


def keras_code(config: Config, task: TaskFacts, exact: bool = True) -> str:
    """Return source that makes a Keras optimizer which does what was measured."""
    spelling = (spell if exact else spell_near)(config, "keras")
    values = checked(config)
    coupled = values.get("decay") == "coupled"
    if config.rule == "Muon" and _same_paths(task):
        spelling = replace(spelling, why="Keras tells weights by path, and here two have the same")
    own = bool(spelling.why) or spelling.call is None
    inside = own and pieces.decays_inside(config)
    rate = literal(values["learning_rate"])
    if own:
        call = pieces.class_name(config, "keras")
        arguments = {n: literal(v) for n, v in pieces.numbers_of(config, task.steps).items()}
    else:
        call, arguments = str(spelling.call), dict(spelling.arguments)
    parts = ["import keras\n", "\n".join(pieces.headline(config, spelling, "keras")) + "\n"]
    if own:
        parts.append(_class(config, task, inside))
    if coupled:
        name = f"Coupled{call.rsplit('.', 1)[-1]}"
        parts.append(COUPLED.format(name=name, base=call, decay=literal(values["weight_decay"])))
        call = name
    if factors(config):
        name = f"Grouped{call.rsplit('.', 1)[-1]}"
        parts += [*places_source(config, task), KERAS_GROUPED.format(name=name, base=call)]
        call = name
    if pieces.changes(config, task.steps):
        schedule, extra = keras_schedule(config, task, rate)
        parts += extra
        arguments["learning_rate"] = schedule
    arguments |= _recipe(config, own, inside or coupled)
    if "exclude_layers" in arguments:
        parts[0] = "import re\n\n" + parts[0]
        parts.append(f"BY_ADAMW = {_not_matrices(config, task)}\n")
    given = "".join(f"    {name}={value},\n" for name, value in arguments.items())
    parts.append(f"optimizer = {call}(\n{given})\n")
    if "weight_decay" in values and values.get("decay_on") != "all":
        parts.append(_mask(task))
    if "ema" in values:
        parts.append(
            "# To evaluate the averaged weights while training, as was measured:\n"
            "# model.fit(..., callbacks=[keras.callbacks.SwapEMAWeights(swap_on_epoch=True)])\n"
        )
    beta = pieces.averages(config, flags_of(config))
    if beta is not None and own:
        parts.append(
            "def evaluated(variable):\n"
            '    """Return the average, which was evaluated; put it in place before you do."""\n'
            "    z = optimizer.memory[optimizer._get_variable_index(variable)][0]\n"
            f"    return (variable - {literal(1 - beta)} * z) / {literal(beta)}\n"
        )
    if any("math." in part for part in parts):
        parts[0] = "import math\n\n" + parts[0]
    if "SimpleNamespace" in "".join(parts):
        lines = "from functools import partial\nfrom types import SimpleNamespace\n\n"
        parts[0] = lines + parts[0]
    return _joined(parts)


def _joined(parts: list[str]) -> str:
    text = parts[0]
    for before, part in pairwise(parts):
        blocks = part.startswith(("class ", "def ")) or before.startswith(("class ", "def "))
        text += ("\n\n" if blocks else "\n" if not before.startswith("# ") else "") + part
    return text


def _class(config: Config, task: TaskFacts, inside: bool) -> str:
    rule, own = find_rule(config.rule), pieces.dynamic(config)
    functions, needed = pieces.formula_of(config, inside)
    names = pieces.numbers_of(config, task.steps)
    numbers = {
        "learning_rate": "keras.ops.cast(learning_rate, dtype)",
        **{n: f"self.{n}" for n in names if n != "learning_rate"},
    }
    if inside:
        decay = literal(checked(config)["weight_decay"])
        numbers["weight_decay"] = f"{decay} if self._use_weight_decay(variable) else 0.0"
    if "next_learning_rate" in "".join(functions):
        numbers["next_learning_rate"] = (
            f"keras.ops.cast(self._learning_rate(self._iterations + {pieces.ahead(config)}), dtype)"
            if pieces.changes(config, task.steps)
            else numbers["learning_rate"]
        )
        if factors(config) and pieces.changes(config, task.steps):
            place = "self._get_variable_index(variable)"
            numbers["next_learning_rate"] += f" * TIMES.get({place}, 1.0)"
    if rule.over_all:
        numbers["sums"] = "self.sums"
    if own:
        numbers["matrix"] = "self._get_variable_index(variable) in MATRICES"
    rest = [n for n in names if n != "learning_rate"]
    text = CLASS.format(
        name=pieces.class_name(config, "keras"),
        title=rule.title,
        update=pieces.update_of(config),
        sums=SUMS if rule.over_all else "",
        arguments=pieces.indented([f"{n}={literal(v)}," for n, v in names.items()], 2),
        attributes=pieces.indented([f"self.{n} = {n}" for n in rest], 2),
        numbers=pieces.indented([f"{n}={v}," for n, v in numbers.items()], 3),
        config=pieces.indented([f'"{n}": self.{n},' for n in rest], 3),
    )
    lists = []
    if own:
        lists = [f"MATRICES = {_matrices(config, task)}  # places in model.trainable_variables\n"]
    shims = [KERAS[name] for name in sorted(needed)]
    return "\n\n".join([*lists, *shims, *functions, text])


def _matrices(config: Config, task: TaskFacts) -> list[int]:
    """Return which weights Newton–Schulz is for.

    By position: Keras numbers the names of layers anew in every session.
    """
    rule = find_rule(config.rule)
    assert rule.choose is not None
    flags = {**rule.flags, **config.choices}
    return [i for i, w in enumerate(task.weights) if rule.choose(w, flags)["matrix"]]


def _not_matrices(config: Config, task: TaskFacts) -> str:
    """Return the paths of what has two axes and is no hidden matrix, as source."""
    matrices = _matrices(config, task)
    rest = [i for i, w in enumerate(task.weights) if len(w.shape) == 2 and i not in matrices]
    return f"[model.trainable_variables[i].path for i in {rest}]"


def _same_paths(task: TaskFacts) -> bool:
    paths = [one.path for one in task.weights]
    return len(set(paths)) < len(paths)


def _recipe(config: Config, own: bool, decays_itself: bool) -> dict[str, str]:
    """Return the arguments that every Keras optimizer has."""
    values = checked(config)
    found = {}
    if "weight_decay" in values:
        found["weight_decay"] = "None" if decays_itself else literal(values["weight_decay"])
        if decays_itself and config.rule == "AdamW" and not own:
            found["weight_decay"] = "0.0"  # None is refused
    if config.rule == "Muon" and not own:
        found["adam_weight_decay"] = found["weight_decay"]
        if values.get("routing") == "role":
            found["exclude_layers"] = '["^" + re.escape(path) + "$" for path in BY_ADAMW]'
        elif values.get("routing") == "optax":
            found["exclude_embeddings"] = "False"
    clip = pieces.clip_of(config)
    names = {"clip_norm": "global_clipnorm", "clip_each": "clipnorm", "clip_value": "clipvalue"}
    if clip:
        found[names[clip[0]]] = clip[1]
    if "ema" in values:
        found |= {"use_ema": "True", "ema_momentum": literal(values["ema"])}
    if "accumulation" in values:
        found["gradient_accumulation_steps"] = str(values["accumulation"])
    return found


def _mask(task: TaskFacts) -> str:
    """Return the line that keeps biases and normalization from decaying."""
    flat = [len(one.shape) < 2 for one in task.weights]
    if task.framework == "torch" and flat == [one.role not in DECAYED for one in task.weights]:
        # Paths are those of the PyTorch module, which no variable of Keras has.
        return (
            "# Biases and normalization, as on the PyTorch module that was measured.\n"
            "optimizer.exclude_from_weight_decay(\n"
            "    var_list=[one for one in model.trainable_variables if len(one.shape) < 2]\n)\n"
        )
    names = pieces.undecayed_names(task.weights)
    numbered = any(re.search(r"_\d+$", name) for name in names)
    if pieces.names_tell(task.weights) and not numbered and task.framework != "torch":
        # On TensorFlow a variable's name is its path with a number behind.
        parts = [f"(^|/){re.escape(name)}(:[0-9]+)?$" for name in names]
        return f"optimizer.exclude_from_weight_decay(var_names={parts!r})\n" if parts else ""
    places = [i for i, one in enumerate(task.weights) if one.role not in DECAYED]
    return (
        f"UNDECAYED = {places!r}  # places in model.trainable_variables\n"
        "optimizer.exclude_from_weight_decay(\n"
        "    var_list=[model.trainable_variables[i] for i in UNDECAYED]\n)\n"
    )
