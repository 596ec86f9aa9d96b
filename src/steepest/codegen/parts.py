"""Parts of a model with learning rates of their own, as source: which they are, by name or place.

Of the model that was compared it is known what lies in each part. Keras numbers the names of layers
anew in every session, so its source tells weights by their place; PyTorch's and Optax' tell them by
name. For a model of another framework the names are those that the compared model has.
"""

import json
from collections.abc import Mapping, Sequence

from steepest.codegen.spelling import checked, literal
from steepest.records import Config, Parameter, TaskFacts
from steepest.rules.groups import check_parts, depth, factors_of, part_of

TIMES = '''def times(name):
    """Return what the learning rate is multiplied by for a parameter of this name."""
    {path}
    return next((t for part, t in PARTS.items() if {inside}), 1.0)
'''
KERAS_GROUPED = '''class {name}({base}):
    """The same, but parts of the model have learning rates of their own."""

    def update_step(self, gradient, variable, learning_rate):
        times = TIMES.get(self._get_variable_index(variable), 1.0)
        super().update_step(gradient, variable, learning_rate * times)

    def _apply_weight_decay(self, variables):
        if self.weight_decay is None:
            return
        for variable in variables:
            if self._use_weight_decay(variable):
                times = TIMES.get(self._get_variable_index(variable), 1.0)
                rate = keras.ops.cast(self.learning_rate * times, variable.dtype)
                variable.assign(variable - variable * self.weight_decay * rate)
'''

BEGINS = 'path.startswith(f"{part}.")'
HOLDS = 'f".{part}." in path'


def factors(config: Config) -> dict[str, float]:
    """Return what each part's learning rate is multiplied by, checked."""
    return {
        part: float(value)
        for name, value in checked(config).items()
        if (part := part_of(name)) is not None
    }


def of_arrays(config: Config, weights: Sequence[Parameter]) -> list[float]:
    """Return what the learning rate of each array is multiplied by.

    Raises:
        InputError: a part is not in the model.
    """
    values = checked(config)
    check_parts(weights, values)
    return [1.0 if n is None else float(values[n]) for n in factors_of(weights, values)]


def amounts(config: Config, task: TaskFacts) -> list[float]:
    """Return the different factors that there are in source, 1 for what is in no part."""
    known = of_arrays(config, task.weights) or [*factors(config).values(), 1.0]
    return list(dict.fromkeys(float(literal(one)) for one in known))


def parts_source(config: Config, task: TaskFacts, own: bool) -> list[str]:
    """Return source that defines `times(name)`, where a name's first words may be a part's.

    `own` is whether names are those of the model that was compared, and not a copy of it elsewhere.
    """
    named = factors(config)
    order = sorted(named, key=lambda part: _inner(part, task.weights), reverse=True)
    found: dict[str, float] = {}
    for part in order:
        for name in [part] if own else _names(part, task.weights):
            found.setdefault(name.replace("/", "."), named[part])
    rows = "".join(f"    {json.dumps(name)}: {literal(t)},\n" for name, t in found.items())
    path = 'path = f"{name}."' if own else 'path = f".{name}.".replace("/", ".")'
    note = "what multiplies the learning rate, inner parts first"
    if not own:
        note += "; names may differ in your model"
    times = TIMES.format(path=path, inside=BEGINS if own else HOLDS)
    return [f"PARTS = {{  # {note}\n{rows}}}\n", times]


def places_source(config: Config, task: TaskFacts) -> list[str]:
    """Return source of `TIMES`, from places in `model.trainable_variables` to factors."""
    if task.framework != "keras" or not task.weights:
        own = parts_source(config, task, own=False)
        every = "for i, v in enumerate(model.trainable_variables)"
        return [*own, f"TIMES = {{i: times(v.path) {every}}}\n"]
    values = checked(config)
    check_parts(task.weights, values)
    rows = []
    for name, places in _places(factors_of(task.weights, values)).items():
        rows.append(f"    **dict.fromkeys({places}, {literal(values[name])}),  # {part_of(name)}\n")
    note = "what multiplies the learning rate, by place among trainable variables"
    return [f"TIMES = {{  # {note}\n{''.join(rows)}}}\n"]


def _places(names: Sequence[str | None]) -> Mapping[str, str]:
    """Return the places of each name as source: a range, or a list."""
    found: dict[str, list[int]] = {}
    for i, name in enumerate(names):
        if name is not None:
            found.setdefault(name, []).append(i)
    return {name: _list(places) for name, places in found.items()}


def _list(places: list[int]) -> str:
    whole = places == list(range(places[0], places[-1] + 1))
    return f"range({places[0]}, {places[-1] + 1})" if whole and len(places) > 1 else str(places)


def _inner(part: str, weights: Sequence[Parameter]) -> tuple[int, int]:
    deep = max((depth(one, part) for one in weights), default=0)
    return deep or part.replace("/", ".").count(".") + 1, len(part)


def _names(part: str, weights: Sequence[Parameter]) -> list[str]:
    """Return what the paths of the arrays in a part have in common with no other array's.

    The part's own name where paths have it, as modules of PyTorch have; else those of layers in it.
    """
    wanted = part.replace("/", ".")
    within = [one for one in weights if depth(one, part)]
    if all(f".{wanted}." in f".{one.path}.".replace("/", ".") for one in within):
        return [part]
    return list(dict.fromkeys(_layer(one) for one in within))


def _layer(one: Parameter) -> str:
    """Return the name of the layer that has an array, or the path to it."""
    return one.layers[-1] if one.layers else one.path.rpartition("/")[0] or one.path
