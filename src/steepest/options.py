"""Options: all that a person may ask of a study, in one place.

Each option is one field: its name, its default, its help text and its check. The command line is
made of these fields (`cli/compare.py`), `steepest.compare` has them as arguments, the study file
keeps them (`stored`), `steepest resume` asks with them again, and the report prints them as the
command that repeats the study.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import Field, dataclass, field, fields
from itertools import islice
from typing import Any

from steepest.amounts import (
    check_direction,
    check_name,
    check_number,
    check_one_of,
    check_whole,
    check_word,
    check_workers,
    make_batch_sizes,
    make_memory,
    make_seconds,
    make_share,
)
from steepest.command_text import arguments_text, optimizers_text, plain_value
from steepest.errors import InputError, quoted

DIALECTS = ("keras", "torch", "optax")
BUDGETS = ("quick", "standard", "thorough")
ENDS = ("end", "best")
MOST_OPTIMIZERS = 1000

Check = Callable[[str, Any], object]  # takes the option's name and its value; raises `InputError`


@dataclass(frozen=True)
class About:
    """What is known of an option beside its name and its default."""

    help: str
    check: Check
    metavar: str | None = None  # what the command line calls its value, where TEXT says too little
    kind: type[int] | type[float] | type[str] = str  # of its value on the command line
    usual: str = ""  # what is done without it, in words, where the default is None
    many: bool = False  # whether the command line takes it several times
    free: bool = False  # whether a study that resumes may have another value


def about(one: "Field[Any]") -> About:
    """Return what is known of a field of `Options`."""
    found: About = one.metadata["about"]
    return found


def _option(default: Any, help: str, check: Check, **more: Any) -> Any:
    return field(default=default, metadata={"about": About(help, check, **more)})


def _in_parse(name: str, value: Any) -> None:
    """Nothing is checked here: `parse` reads it when the study is planned, and refuses it there."""


@dataclass(frozen=True)
class Options:
    """All that a person may ask of a study; a value that cannot be used is an `InputError`."""

    optimizers: Any = _option(  # noqa: RUF009  # it makes a field
        "SGD,Adam,RMSprop",
        "The optimizers to compare. A name may fix hyperparameters or give them a range: "
        "'SGD(nesterov=True),Adam(epsilon=Float(1e-8,1e-3,log=True))'.",
        _in_parse,
    )
    dialect: str | None = _option(
        None,
        "The framework whose arithmetic and defaults they have: keras, torch or optax.",
        check_one_of(*DIALECTS),
        metavar="NAME",
        usual="the model's own",
    )
    epochs: int | None = _option(
        None,
        "Epochs of a full training, instead of the task's own number.",
        check_whole(1, 1_000_000),
        metavar="N",
        kind=int,
    )
    batch_size: Any = _option(  # noqa: RUF009
        None,
        "Examples a step, instead of the task's own number. Several, as in 32,64,128, make a study "
        "of each, and say which to use and how the best rates move.",
        lambda _, value: make_batch_sizes(value),
        metavar="N,...",
        usual="the task's own",
    )
    budget: str = _option(
        "standard",
        "quick, standard or thorough: about 4, 8 or 20 full trainings for each optimizer. Where "
        "trainings are short, as many as 5 s, 30 s or 3 min of training buy.",
        check_one_of(*BUDGETS),
    )
    trials: int | None = _option(
        None,
        "Instead of a budget: configurations to try for each optimizer, most of them for half the "
        "epochs.",
        check_whole(1, 100_000),
        metavar="N",
        kind=int,
    )
    full_trainings: float | None = _option(
        None,
        "Instead of a budget: the cost of the whole study, in trainings of all epochs; 1 is a "
        "pilot.",
        check_number(0.0, 1e9),
        metavar="N",
        kind=float,
    )
    time: float | str | None = _option(
        None,
        "The longest that the study may take, such as 10m: what it spends is planned to end by "
        "then.",
        lambda _, value: make_seconds(value),
        metavar="TIME",
        free=True,
    )
    seeds: int | None = _option(
        None,
        "The most seeds on which an optimizer's best configuration is confirmed; a study that has "
        "fewer goes on with them.",
        check_whole(1, 900),
        metavar="N",
        kind=int,
        usual="as the budget allows",
        free=True,
    )
    metric: str | None = _option(
        None, "The metric that decides.", check_word, metavar="NAME", usual="the validation loss"
    )
    direction: str | None = _option(
        None,
        "Whether the metric is better up or down, where it does not say so itself.",
        check_direction,
        metavar="up|down",
    )
    at: str = _option(
        "end",
        "Compare trials at the end of training, or at their best epoch.",
        check_one_of(*ENDS),
    )
    practical: float | str | None = _option(
        None,
        "The difference below which two optimizers count as equal: of a loss a share of it, of an "
        "accuracy a share of its errors.",
        make_share,
        usual="3 % of a loss, 10 % of an accuracy's errors",
    )
    sweep: int = _option(
        0,
        "Beside the budget, train N learning rates on either side of each optimizer's best, within "
        "a decade, and the framework's defaults, on up to three seeds: this measures sensitivity.",
        check_whole(0, 100),
        metavar="N",
        kind=int,
    )
    seed: int = _option(
        0, "The seed of all random numbers.", check_whole(0, 2_000_000), metavar="N", kind=int
    )
    schedule: Any = _option(  # noqa: RUF009
        "constant",
        "The schedule of the learning rate: constant, linear, cosine, exponential, step, plateau, "
        "or the call of one of Keras', whose rates are multiplied. Several, as in cosine,step, are "
        "searched.",
        _in_parse,
    )
    recipe: Mapping[str, Any] | str | None = _option(
        None,
        "The recipe around every optimizer, fixed or searched: 'warmup=0.05,clip_norm=1' or "
        "'weight_decay=Float(1e-4,1e-1,log=True)'.",
        _in_parse,
    )
    groups: Mapping[str, Any] | str | None = _option(
        None,
        "Parts of the model, by layer, module or parameter, whose learning rate is a multiple of "
        "the others', fixed or searched: 'backbone=0.1' or 'backbone=0.01..1'; 0 does not move.",
        _in_parse,
    )
    baseline: Any = _option(  # noqa: RUF009
        None,
        "The optimizer that you use today, untuned: 'keras.optimizers.Adam(1e-3)', or "
        "torch.optim's or optax' call. It is read, not run. 'none' for no baseline.",
        _in_parse,
        metavar="CALL",
        usual="what a Keras model was compiled with",
        many=True,
    )
    memory: int | str | None = _option(
        None,
        "The memory that trials may use, such as 4GB.",
        lambda _, value: make_memory(value),
        metavar="SIZE",
        usual="most of what is free",
        free=True,
    )

    workers: Any = _option(  # noqa: RUF009
        None,
        "Who trains: so many processes on this machine, such as 4, or ray for Ray's actors, here "
        "or where RAY_ADDRESS says.",
        check_workers,
        metavar="N|ray",
        usual="threads of this process, one a core",
        free=True,
    )
    kinds: str = _option(
        "one",
        "Whether workers may be of any kinds of processor or GPU, which round differently, or must "
        "be of one: one or any. The study notes which kinds trained each trial.",
        check_one_of("one", "any"),
        metavar="one|any",
        free=True,
    )
    idle: str = _option(
        "back",
        "What becomes of workers that a search leaves idle: back, they are given back, or ahead, "
        "they train what it may ask for next. The study is the same, sooner, for more computing.",
        check_one_of("back", "ahead"),
        metavar="back|ahead",
        free=True,
    )

    name: str | None = _option(
        None,
        "The name of the study and of its directory; of one TASK.",
        check_name,
        usual="the task's name",
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if value is not None or one.default is not None:
                about(one).check(one.name, value)
        if self.trials is not None and self.full_trainings is not None:
            raise InputError("trials and full_trainings both say what to spend; give one of them")
        if isinstance(self.optimizers, Iterator):  # it could be read only once
            with suppress(Exception):  # else it is refused where optimizers are read
                every = tuple(islice(self.optimizers, MOST_OPTIMIZERS + 1))
                object.__setattr__(self, "optimizers", every)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """The batch sizes that were asked for, a study each; none for the task's own."""
        return () if self.batch_size is None else make_batch_sizes(self.batch_size)

    def stored(self) -> dict[str, Any]:
        """Return the options as JSON has them, spelled as on the command line.

        An object of Python that no text says is {"object": its class}.
        """
        return {one.name: _stored(one, getattr(self, one.name)) for one in fields(self)}

    @classmethod
    def from_stored(cls, values: Mapping[str, Any]) -> "Options":
        """Return the options that `stored` wrote down; one that was not there has its default.

        Raises:
            InputError: an option that this version does not know, or a value that it refuses.
        """
        for name in values:
            if name not in NAMES:
                raise InputError(
                    f"the study has the option {quoted(name)}, which this version does not know; "
                    "install a newer one"
                )
        return cls(**values)


NAMES = tuple(one.name for one in fields(Options))


def _stored(one: "Field[Any]", value: Any) -> Any:
    if one.name == "optimizers":
        return optimizers_text(value)
    if one.name == "batch_size" and value is not None:
        return ",".join(map(str, make_batch_sizes(value)))
    if one.name == "schedule" and isinstance(value, list | tuple):
        parts = [plain_value(part) for part in value]
        return ",".join(parts) if all(isinstance(part, str) for part in parts) else parts
    if about(one).many:
        each = value if isinstance(value, list | tuple) else [value]
        return [plain_value(part) for part in each if part is not None] or None
    if isinstance(value, Mapping):
        return arguments_text(value)
    value = plain_value(value)
    as_text = about(one).kind is str and isinstance(value, int | float)
    return repr(value) if as_text else value
