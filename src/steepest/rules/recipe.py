"""The recipe: what surrounds a rule, the same for every one.

Learning-rate schedule and warm-up, gradient clipping, weight decay, gradient accumulation, weight
averaging, cautious steps. Each is a hyperparameter by name, fixed or searched; one that is not
given is not done.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np

from steepest.errors import InputError, quoted
from steepest.rules.custom_schedules import is_factor, is_known, shown, table
from steepest.rules.plateau import PLATEAU
from steepest.rules.schedules import SCHEDULES
from steepest.spaces import Choice, Float, Value, check_number


@dataclass(frozen=True)
class Ingredient:
    """One name of the recipe: a number within bounds, whole or not, a word, or True or False."""

    name: str
    meaning: str
    bounds: tuple[float, float] = (0.0, 1e38)
    space: Float | None = None  # where to search it, as the field does
    words: tuple[str, ...] = ()
    whole: bool = False
    flag: bool = False
    counts: bool = False  # a whole number that is no part of a program, so a float

    def check(self, owner: str, value: Any) -> Value:
        """Return `value` as a plain number, word or flag.

        Raises:
            InputError: it is none that this ingredient takes.
        """
        if self.flag:
            if not isinstance(value, bool | np.bool_):
                raise InputError(
                    f"{owner}'s {self.name} is {quoted(value)}, but must be True or False"
                )
            return bool(value)
        if self.words:
            own = self.name == "schedule" and isinstance(value, str) and is_known(value)
            if not isinstance(value, str) or not (own or value in self.words):
                raise InputError(
                    f"{owner}'s {self.name} is {quoted(value)}, but must be one of "
                    f"{', '.join(self.words)}"
                )
            return value
        found = check_number(owner, self.name, value, *self.bounds)
        if self.whole:
            if not isinstance(value, Integral) and not found.is_integer():
                raise InputError(
                    f"{owner}'s {self.name} is {quoted(value)}, but must be a whole number"
                )
            return found if self.counts else int(found)
        return found


_TINY = 1e-30  # a bound for what must be above zero

RECIPE: Mapping[str, Ingredient] = {
    one.name: one
    for one in (
        Ingredient("schedule", "how the learning rate goes on", words=tuple(SCHEDULES)),
        Ingredient(
            "warmup",
            "the share of the schedule's steps in which the rate first rises from zero, in a line",
            (0.0, 1.0),
            Float(0.01, 0.2, log=True),
        ),
        Ingredient(
            "final",
            "the share of the learning rate that a linear, cosine or exponential schedule ends at, "
            "and below which a plateau does not lower it",
            (0.0, 1.0 + 1e-9),
            Float(1e-3, 0.5, log=True),
        ),
        Ingredient(
            "drop",
            "what a step schedule multiplies the rate by at each drop",
            (_TINY, 1.0 + 1e-9),
            Float(0.05, 0.5, log=True),
        ),
        Ingredient(
            "drop_every",
            "the share of the schedule's steps from one drop to the next",
            (1e-6, 1.0 + 1e-9),
            Float(0.2, 0.6),
        ),
        Ingredient(
            "factor",
            "what a plateau multiplies the rate by when the validation loss stops improving",
            (_TINY, 1.0),
            Float(0.1, 0.7, log=True),
        ),
        Ingredient(
            "patience",
            "the epochs in a row without a lower validation loss after which a plateau acts",
            (1.0, 1e6),
            whole=True,
            counts=True,
        ),
        Ingredient(
            "cooldown",
            "the epochs after a plateau has acted that do not count",
            (0.0, 1e6),
            whole=True,
            counts=True,
        ),
        Ingredient(
            "min_delta",
            "how much lower the validation loss has to be to count as lower, for a plateau",
            (0.0, 1e38),
        ),
        Ingredient(
            "decay_steps",
            "the steps that a schedule takes; by default those of the whole training",
            (1.0, 1e9),
        ),
        Ingredient(
            "clip_norm",
            "the largest norm that all gradients together may have; they are scaled down to it",
            (_TINY, 1e38),
            Float(0.1, 10.0, log=True),
        ),
        Ingredient(
            "clip_each",
            "the largest norm that the gradient of each array may have (Keras' clipnorm)",
            (_TINY, 1e38),
            Float(0.1, 10.0, log=True),
        ),
        Ingredient(
            "clip_value",
            "the largest size that an element of a gradient may have",
            (_TINY, 1e38),
            Float(1e-3, 1.0, log=True),
        ),
        Ingredient(
            "weight_decay",
            "how strongly weights are pulled to zero at each step",
            (0.0, 1e38),
            Float(1e-4, 1.0, log=True),
        ),
        Ingredient(
            "decay",
            "decoupled: weights shrink by rate × decay beside the rule; coupled: decay × weight is "
            "added to the gradient, which the rule then scales (L2)",
            words=("decoupled", "coupled"),
        ),
        Ingredient(
            "decay_on",
            "kernels: what people mean, neither biases nor normalization; all: every weight, which "
            "is what the frameworks do unless told otherwise",
            words=("kernels", "all"),
        ),
        Ingredient(
            "accumulation",
            "how many batches' gradients are averaged for one update",
            (2, 1e6),
            whole=True,
        ),
        Ingredient(
            "ema",
            "how much of the moving average of the weights, which is what is evaluated, stays "
            "at each step",
            (0.0, 1.0),
            Float(0.9, 0.9999, log=True, complement=True),
        ),
        Ingredient(
            "caution",
            "leave out of each step what goes with the newest gradient and not against it, and "
            "make the rest longer by as much (cautious optimizers)",
            flag=True,
        ),
    )
}

# What frameworks and people call these, as an argument of an optimizer or of a training.
ELSEWHERE: Mapping[str, str] = {
    "weight_decay": "weight_decay",
    "global_clipnorm": "clip_norm",
    "clipnorm": "clip_each",
    "clipvalue": "clip_value",
    "gradient_accumulation_steps": "accumulation",
    "use_ema": "ema",
    "ema_momentum": "ema",
    "warmup_steps": "warmup",
    "max_norm": "clip_norm",
    "max_grad_norm": "clip_norm",
    "every_k_schedule": "accumulation",
    "l2": "weight_decay",
    "cautious": "caution",
    "min_lr": "final",
    "threshold": "min_delta",
}
EXAMPLES: Mapping[str, Value] = {
    "clip_norm": 1.0,
    "clip_each": 1.0,
    "clip_value": 0.5,
    "accumulation": 4,
    "ema": 0.99,
    "warmup": 0.05,
    "weight_decay": 0.01,
    "caution": True,
    "final": 0.01,
    "min_delta": 1e-3,
}
CLIPS = ("clip_norm", "clip_each", "clip_value")
PLATEAU_NUMBERS = ("factor", "patience", "cooldown", "min_delta")
SCHEDULE_NUMBERS = ("warmup", "final", "drop", "drop_every", *PLATEAU_NUMBERS, "decay_steps")


def completed(
    owner: str, names: Mapping[str, Any], decay: str | None, schedule: str
) -> dict[str, Value]:
    """Return what goes with the ingredients that were named: the words that weight decay needs.

    Raises:
        InputError: ingredients that exclude each other, or that the schedule does not use.
    """
    clips = [name for name in CLIPS if name in names]
    if len(clips) > 1:
        raise InputError(f"{owner} has {' and '.join(clips)}, but only one can apply; give one")
    used = {
        "final": ("linear", "cosine", "exponential", PLATEAU),
        "drop": ("step",),
        "drop_every": ("step",),
        **dict.fromkeys(PLATEAU_NUMBERS, (PLATEAU,)),
        "decay_steps": ("linear", "cosine", "exponential", "step", "constant"),
    }
    if isinstance(names.get("schedule"), Choice):
        every = list(map(str, names["schedule"].values))
    else:
        every = [schedule]
    others = [one for one in every if one and one not in SCHEDULES]
    for name in SCHEDULE_NUMBERS if others else ():
        if name in names:
            raise InputError(
                f"{owner} has {name}, but {shown(others[0])} is a schedule with numbers of its "
                f"own; leave {name} out"
            )
    if PLATEAU in every and "warmup" in names:
        raise InputError(
            f"{owner} has a warm-up beside the schedule plateau, which lowers a rate that no "
            "schedule sets, in Keras too; leave out one of the two"
        )
    for name, schedules in used.items():
        if name in names and schedule and schedule not in schedules:
            raise InputError(
                f"{owner} has {name}, which a {schedule} schedule does not use; it goes with "
                f"schedule={' or '.join(map(repr, schedules))}"
            )
    final = names.get("final")
    low = final.low if isinstance(final, Float) else final
    if schedule == "exponential" and low == 0:
        raise InputError(f"{owner}'s final is 0, which an exponential never reaches; give 0.01")
    if "weight_decay" not in names:
        for name in ("decay", "decay_on"):
            if name in names:
                raise InputError(f"{owner} has {name} but no weight_decay; give both or neither")
        return {}
    words: dict[str, Value] = {"decay": decay or "decoupled", "decay_on": "kernels"}
    return {name: value for name, value in words.items() if name not in names}


def check_rate(name: str, divides: bool, named: Mapping[str, Any]) -> None:
    """Raise `InputError` if a rule that divides by the learning rate would meet a rate of zero."""
    if not divides:
        return
    ends = named.get("schedule") in ("linear", "cosine") and not named.get("final")
    ends = ends and "decay_steps" in named
    schedule = str(named.get("schedule", "constant"))
    given = named.get("schedule")
    for one in map(str, given.values) if isinstance(given, Choice) else (schedule,):
        if one not in SCHEDULES and not is_factor(one):  # those the plan of a study looks at
            ends = ends or not table(one, 10_000).all()
    zero = "a warm-up starts at" if named.get("warmup") else "the schedule ends at"
    if named.get("warmup") or ends:
        raise InputError(
            f"{name} divides by the learning rate, which {zero} zero; leave warmup out and let the "
            "schedule end above zero by final"
        )
