"""An optimizer that a person has already, read back as a `Config`.

From an object (`from_keras`, `from_torch`, which look at it and import nothing) or from the text of
its constructor call, which is read as syntax and never run. What comes back is the optimizer as it
stands: the framework's arithmetic, its weight decay on all weights, its schedule.
"""

from collections.abc import Mapping
from typing import Any

from steepest.calls import read_calls
from steepest.errors import InputError, nearest, quoted
from steepest.parse.groups import with_groups
from steepest.parse.loss_scaling import inner_call, inside
from steepest.parse.schedule_objects import keras_rate, torch_schedule, without_rate
from steepest.parse.schedules import schedule_from
from steepest.records import Config
from steepest.rules import OWN, RULES, Rule
from steepest.rules.recipe import ELSEWHERE, completed
from steepest.spaces import Value
from steepest.text import in_single, shortest

_KERAS = ("keras", "tf_keras", "tensorflow")  # the packages that have Keras' own classes
# Arguments that change nothing of what is evaluated, in any framework.
_SILENT = {
    "name", "foreach", "fused", "capturable", "differentiable", "relative_step", "params",
    "initial_lr", "t0",
}  # fmt: skip
# Arguments that Steepest knows with one value alone.
_ONLY: Mapping[str, tuple[Any, ...]] = {
    "mu_dtype": (None,), "accumulator_dtype": (None,), "dtype_momentum": (None,),
    "loss_scale_factor": (None,), "ema_overwrite_frequency": (None,),
    "maximize": (False,), "dampening": (0, 0.0), "lr_decay": (0, 0.0), "eps_root": (0, 0.0),
    "warmup_steps": (0, None), "adam_lr_ratio": (1, 1.0), "rms_rate": (0.2,),
    "exclude_layers": (None, [], ()), "muon_a": (3.4445,), "muon_b": (-4.775,),
    "muon_c": (2.0315,), "initial_scale": (0, 0.0), "eps_in_sqrt": (True,),
    "bias_correction": (False,), "decay_offset": (0,), "multiply_by_parameter_scale": (True,),
    "factored": (True,), "mask": (None,), "weight_decay_mask": (None,), "adjust_lr_fn": (None,),
    "ns_coefficients": ((3.4445, -4.775, 2.0315),), "trust_clip": (None,),
    "weight_lr_power": (2.0, 2), "eps": (1e-7, 1e-8), "state_dtype": (None,), "adaptive": (False,),
    "threshold": (5.0, 5), "nesterov": (False,), "use_clipping": (True,), "beta3": (None,),
}  # fmt: skip


def from_keras(optimizer: Any, groups: Any = None) -> Config:
    """Return what a Keras optimizer is, as it stands: in Keras' dialect, with its schedule.

    `groups` are the factors on its learning rate for parts of the model, such as {"backbone": 0.1}.

    Raises:
        InputError: it is none of Keras' optimizers, or set in a way that Steepest does not know.
    """
    optimizer = inside(optimizer)
    if not hasattr(optimizer, "get_config"):
        raise InputError(f"{quoted(optimizer)} is no Keras optimizer; give one, such as Adam(1e-3)")
    kind = type(optimizer)
    if kind.__module__.split(".")[0] not in _KERAS:
        raise InputError(
            f"the optimizer is {kind.__name__} of {kind.__module__}, whose arithmetic Steepest "
            "does not know; write its update as a rule, with steepest.rule"
        )
    rate = keras_rate(optimizer)
    with without_rate(optimizer, rate):
        config = dict(optimizer.get_config())
    if rate is not None:
        config["learning_rate"] = rate
    elif _is_number(config.get("learning_rate")):  # out of a variable in single precision
        config["learning_rate"] = _as_given(config["learning_rate"])
    listed = getattr(optimizer, "_exclude_from_weight_decay", None)
    pattern = getattr(optimizer, "_exclude_from_weight_decay_pattern", None)
    if listed or pattern:
        if listed or not _spares(pattern):
            raise InputError(
                "the optimizer excludes weights from its decay that Steepest cannot tell; it knows "
                'all weights, or var_names=["bias", "gamma", "beta"]'
            )
        config["decay_on"] = "kernels"
    _settle_average(config)
    return with_groups(_config("keras", kind.__name__, config), groups)


def from_torch(optimizer: Any, every: int | None = None, groups: Any = None) -> Config:
    """Return what a PyTorch optimizer is, as it stands, or a scheduler with its optimizer.

    An optimizer does not know its learning-rate scheduler; give the scheduler to have both, and as
    `every` after how many batches it is stepped: 1, or `len(loader)` for once an epoch. Parameter
    groups may differ in weight decay, none or one amount; then what decays are taken to be the
    kernels. `groups` are the factors on its learning rate for parts of the model, by their names,
    which an optimizer does not know: {"backbone": 0.1}.

    Raises:
        InputError: it is none of PyTorch's optimizers, or set in a way that Steepest does not know.
    """
    scheduler = None
    if hasattr(optimizer, "get_last_lr") and hasattr(optimizer, "optimizer"):
        scheduler, optimizer = torch_schedule(optimizer, every), optimizer.optimizer
    own = getattr(optimizer, "param_groups", None)
    if not own:
        raise InputError(f"{quoted(optimizer)} is no PyTorch optimizer with parameters; give one")
    plain = [{k: v for k, v in group.items() if k != "params"} for group in own]
    decays = {float(group.get("weight_decay", 0.0)) for group in plain}
    if any(group.get("initial_lr", group.get("lr")) != group.get("lr") for group in plain):
        plain = [{**group, "lr": group["initial_lr"]} for group in plain]  # a scheduler runs
    first = dict(plain[0])
    for group in plain[1:]:
        for key, value in group.items():
            if key != "weight_decay" and first.get(key) != value:
                parts = ", and groups={'backbone': 0.1} beside it" if key == "lr" else ""
                raise InputError(
                    f"the parameter groups differ in {key}, but only their weight_decay may "
                    f"differ; give {key} once for all{parts}"
                )
    amounts = sorted(decays - {0.0})
    if len(amounts) > 1:
        raise InputError(
            f"the parameter groups have weight decays {amounts}, but may have one, and 0 for "
            "those that are not decayed"
        )
    if amounts:
        first["weight_decay"] = amounts[0]
        if 0.0 in decays:
            first["decay_on"] = "kernels"
    # What a scheduler leaves in the groups, beside the rates.
    for key in ("max_lr", "min_lr", "base_momentum", "max_momentum", "swa_lr"):
        first.pop(key, None)
    first = first if scheduler is None else {**first, "lr": scheduler}
    return with_groups(_config("torch", type(optimizer).__name__, first), groups)


def read_baseline(text: str) -> Config:
    """Return the optimizer that a constructor call in `text` would make, without running it.

    Such as `keras.optimizers.Adam(1e-3)`, `tf.keras.optimizers.SGD(momentum=0.9)`,
    `torch.optim.AdamW(model.parameters(), lr=1e-3)` or `optax.adam(1e-3)`; a bare name is Keras'.

    Raises:
        InputError: it is no such call, or has arguments that Steepest does not know.
    """
    found = read_calls(text)
    if len(found) != 1:
        raise InputError(
            f"the baseline {quoted(text)} is {len(found)} optimizers, but must be one; "
            "give --baseline for each"
        )
    call = inner_call(found[0])
    module, _, name = call.name.rpartition(".")
    known = {**dict.fromkeys(("", "keras", "tf", "tensorflow", "optimizers"), "keras")}
    known |= {"torch": "torch", "optim": "torch", "optax": "optax"}
    if module.split(".")[0] not in known:
        raise InputError(
            f"there is no framework {quoted(module)}; write keras.optimizers.{name}(...)"
        )
    framework = known[module.split(".")[0]]
    arguments = dict(call.keywords)
    first = ["params", "lr"] if framework == "torch" else ["learning_rate"]
    if framework == "torch" and len(call.positional) == 1 and _is_number(call.positional[0]):
        first = ["lr"]
    if len(call.positional) > len(first):
        raise InputError(f"in {text}, name the arguments after the first: {first[-1]}=..., ...")
    for argument, value in zip(first, call.positional, strict=False):
        if argument in arguments:
            raise InputError(f"in {text}, {argument} is given twice; give it once")
        arguments[argument] = value
    if framework == "keras":
        _settle_average(arguments)
    return _config(framework, name, arguments)


def _as_given(value: float) -> float:
    """Return 0.001 for 0.0010000000474974513, which is what single precision makes of it."""
    return float(shortest(value)) if in_single(value) == value else value


def _settle_average(arguments: dict[str, Any]) -> None:
    """Leave `ema_momentum` alone where there is an average, at Keras' default if not given."""
    momentum = arguments.pop("ema_momentum", 0.99)
    if arguments.pop("use_ema", False):
        arguments["ema_momentum"] = momentum


def _spares(pattern: Any) -> bool:
    """Return whether a pattern of Keras' excludes what is meant by "neither biases nor norms"."""
    out = all(pattern.search(name) for name in ("bias", "gamma", "beta"))
    kept = ("kernel", "embeddings", "recurrent_kernel", "depthwise_kernel")
    return out and not any(pattern.search(name) for name in kept)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _rule(framework: str, name: str) -> tuple[Rule, dict[str, Value]]:
    """Return the rule that a framework's class is, and the flags that its name implies."""
    names: dict[str, tuple[Rule, dict[str, Value]]] = {}
    for rule in {**RULES, **OWN}.values():
        dialect = rule.dialect(framework)
        calls: list[tuple[str, dict[str, Value]]] = [(dialect.call or "", {})]
        calls += [(call, {flag: True}) for flag, call in dialect.calls.items()]
        for call, flags in calls:
            if call:
                names.setdefault(call.rsplit(".", 1)[-1], (rule, flags))
    for known, found in names.items():
        if known == name or (framework != "optax" and known.lower() == name.lower()):
            return found
    raise InputError(f"there is no optimizer {quoted(name)} of {framework}; {nearest(name, names)}")


def _meant(rule: Rule, framework: str, argument: str) -> str:
    """Return a hint at what somebody means by an argument that a framework's class lacks."""
    spoken = rule.dialect(framework).arguments
    theirs = [spoken[name] for name in rule.names_of(argument) if name in spoken]
    if theirs:
        return f"did you mean {' and '.join(theirs)}?"
    recipe = ELSEWHERE if framework == "keras" else ()
    return nearest(argument, [*spoken.values(), *recipe])


def _config(framework: str, name: str, given: Mapping[str, Any]) -> Config:
    rule, flags = _rule(framework, name)
    dialect = rule.dialect(framework)
    schedule, values = "constant", {**rule.settings(framework), **flags}
    if "routing" in rule.flags and framework != "torch":
        values["routing"] = framework  # as the framework itself would do it
    own = {argument: key for key, argument in dialect.arguments.items()}
    given = dict(given)
    if not given.pop("exclude_embeddings", True):
        values["routing"] = "optax"
    decay = dialect.decay
    if given.pop("decoupled_weight_decay", False):
        decay = "decoupled"
    if "adam_weight_decay" in given:
        adam = given.pop("adam_weight_decay")
        if adam != given.get("weight_decay", values.get("weight_decay")):
            raise InputError(
                f"{name} has two weight decays, but Steepest knows one for both sides; give both "
                "the same"
            )
    if given.pop("consistent_rms", None) == 0.2 or given.get("adjust_lr_fn") == "match_rms_adamw":
        given.pop("adjust_lr_fn", None)
        values["match_rms_adamw"] = True
    if given.get("nesterov") is None:
        given.pop("nesterov", None)
    recipe: dict[str, Any] = {"decay_on": given.pop("decay_on", "all")}
    for argument, value in given.items():
        if argument in own and own[argument] == "learning_rate":
            rate, schedule, more = schedule_from(value)
            values["learning_rate"] = rule.check("learning_rate", rate)
            recipe |= more
        elif argument in _ONLY and not {argument, f"{argument}[0]"} & set(own):
            if value not in _ONLY[argument]:
                raise InputError(
                    f"{name} has {argument}={quoted(value)}, but Steepest knows it with "
                    f"{quoted(_ONLY[argument][0])} alone"
                )
        elif argument in own:
            if value is not None:
                values[own[argument]] = rule.check(own[argument], value)
        elif f"-{argument}" in own:
            key = own[f"-{argument}"]
            values[key] = rule.check(key, -value if _is_number(value) else value)
        elif f"{argument}[0]" in own and isinstance(value, tuple | list):
            if f"{argument}[{len(value) - 1}]" not in own or f"{argument}[{len(value)}]" in own:
                raise InputError(
                    f"{name} has {argument}={quoted(value)}, but takes two numbers there, as in "
                    f"{argument}=(0.9, 0.99)"
                )
            for i, part in enumerate(value):
                if part is not None:
                    key = own[f"{argument}[{i}]"]
                    values[key] = rule.check(key, part)
        elif argument in ELSEWHERE and (framework == "keras" or argument == "weight_decay"):
            if value:
                recipe[ELSEWHERE[argument]] = value
        elif argument == "ema_momentum" and framework == "keras":
            recipe["ema"] = value
        elif argument not in _SILENT:
            raise InputError(
                f"{name} has {argument}={quoted(value)}, which Steepest does not know; "
                f"{_meant(rule, framework, argument)}"
            )
    if "weight_decay" not in {**values, **recipe}:
        recipe.pop("decay_on")
    every = {**values, **{key: rule.check(key, value) for key, value in recipe.items()}}
    every |= completed(name, every, decay, schedule)
    return Config(rule.name, framework, every, schedule, 0)
