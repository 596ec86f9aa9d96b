"""Search strategies tried offline: which one finds the best configuration, for so many trainings?

    python -m benchmarks.verdicts.replay --help

A strategy is a generator. It yields trials (what it wants trained: hyperparameters, epochs, seed)
and gets their losses; when it has spent its trainings, it returns what it recommends of the
optimizer. What was trained once is kept (`training.py`), so that a variant costs seconds. Each
strategy sees the same seeds. Its recommendations are judged on seeds that no search has seen, as
`python -m benchmarks.verdicts` judges whole studies.
"""

import math
import sys
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.verdicts import oracle, seeds
from benchmarks.verdicts.oracle import MOMENTUM, SECOND, Values, key_of, values_at
from benchmarks.verdicts.spaces import OPTIMIZERS, from_key
from benchmarks.verdicts.tasks import DETAILS, LISTS, make_task, names
from benchmarks.verdicts.training import Run, Trainer
from benchmarks.verdicts.truth import Truth, load, save

Start = tuple[float, Values]  # tenths of a decade of the (effective) rate, and the rest
LISTS_OF: dict[str, tuple[Start, ...]] = {  # SEARCH.md's first lists
    "SGD": (
        (-15, {MOMENTUM: 0.95}),
        (-5, {MOMENTUM: 0.9}),
        (-11, {MOMENTUM: 0.95}),
        (-3, {MOMENTUM: 0.95}),
        (-1, {MOMENTUM: 0.9}),
    ),
    "Adam": (
        (-24, {SECOND: 0.9, "epsilon": 1e-3}),
        (-32, {SECOND: 0.8}),
        (-22, {SECOND: 0.95}),
        (-34, {SECOND: 0.5}),
        (-26, {SECOND: 0.9}),
    ),
    "RMSprop": (
        (-34, {MOMENTUM: 0.5}),
        (-32, {MOMENTUM: 0.9}),
        (-38, {MOMENTUM: 0.5}),
        (-40, {MOMENTUM: 0.95}),
        (-30, {MOMENTUM: 0.0}),
    ),
}
# Keras' default, or the rate that everybody tries: effective rates, as above.
DEFAULTS: dict[str, Start] = {
    "SGD": (-20, {MOMENTUM: 0.0}),
    "Adam": (-30, {SECOND: 0.9}),
    "RMSprop": (-30, {MOMENTUM: 0.0}),
}


@dataclass(frozen=True)
class Point:
    """A configuration: tenths of a decade of its rate (of RMSprop as written), and the rest."""

    tenths: float
    rest: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, start: Start) -> "Point":
        return cls(start[0], tuple(sorted(start[1].items())))

    def moved(self, tenths: float) -> "Point":
        return replace(self, tenths=self.tenths + tenths)

    def key(self, optimizer: str) -> str:
        values = dict(self.rest)
        if optimizer == "RMSprop":  # the lists' rates are as written, not effective
            plain = values_at(optimizer, self.tenths, {})
            return key_of(optimizer, {**values, **plain})
        return key_of(optimizer, values_at(optimizer, self.tenths, values))


@dataclass(frozen=True)
class Ask:
    """A training that a strategy wants."""

    point: Point
    share: float = 1.0  # of a full training's epochs
    seed: int = 0  # which of the search's seeds


Losses = list[float]
Strategy = Generator[list[Ask], Losses, list[Point]]


@dataclass(frozen=True)
class Variant:
    """How SEARCH.md's design is varied. The defaults are that design."""

    starts: int = 3  # of the list, at most
    default: str = ""  # "first" or "last": the framework's default as a start
    half: float = 0.5  # length of the bracket; 1 is all in full
    moves: tuple[float, ...] = (4, -4, 2, -2)  # tenths, in this order
    shorter: bool = True  # the bracket's best 10^-.2 lower, in full
    bracket: float = 0.6  # of n that the half-length bracket may spend
    stable: float = 2.0  # a neighbour above that is worse by this factor is the edge; inf: no guard
    guard_half: bool = False  # the same among half-length trainings
    seconds: int = 0  # how many of the best get a second search seed at the end
    rest: float = 1.0  # from which share of n on the other hyperparameters are refined
    smooth: bool = False  # choose by the mean with the neighbours
    finalists: int = 1  # that are confirmed
    share: float = 0.75  # of the budget, for the search
    lists: str = ""  # another list
    walk: bool = False  # while the best is at the edge of what was tried, go on that way first


@dataclass
class Book:
    """What an optimizer's search knows: mean losses by point, half and full."""

    n: float
    variant: Variant
    half: dict[Point, float] = field(default_factory=dict)
    full: dict[Point, list[float]] = field(default_factory=dict)
    spent: float = 0.0

    def at(self, short: bool) -> dict[Point, float]:
        if short:
            return self.half
        return {point: float(np.mean(losses)) for point, losses in self.full.items()}


def search(book: Book, starts: Sequence[Point], rest: Callable[[Point], list[Point]]) -> Strategy:
    """SEARCH.md's design, or a variant of it, for one optimizer."""
    v = book.variant
    short = v.half < 1 and book.n > 1
    share = v.half if short else 1.0

    def train(points: Sequence[Point], share: float, seed: int = 0) -> Strategy:
        losses = yield [Ask(point, share, seed) for point in points]
        for point, loss in zip(points, losses, strict=True):
            if share < 1:
                book.half[point] = loss
            else:
                book.full.setdefault(point, []).append(loss)
                book.half.setdefault(point, loss) if not short else None
            book.spent += share
        return []

    limit = min(v.bracket * book.n, book.n - (1 - share)) if short else book.n - v.seconds
    count = len(starts)
    if short:  # leave what finishing one costs
        count = min(count, max(1, int((book.n - (1 - share)) / share)))
    else:
        count = min(count, max(1, int(book.n)))
    yield from train(starts[:count], share)
    while book.spent + share <= limit + 1e-9:
        tried = book.half if short else book.at(False)
        found = _next(tried, v, rest if not short and book.spent >= v.rest * book.n else None)
        yield from train([found], share)
    if short:
        order = sorted(book.half, key=lambda p: (book.half[p], p.tenths))
        best = order[0]
        losses = yield [Ask(best)]
        book.full[best] = [losses[0]]
        book.spent += 1 - share
        end = book.n - v.seconds
        assert book.spent <= book.n + 1e-9, "a search spends no more than it has"
        if v.shorter and book.spent + 1 <= end + 1e-9:
            yield from train([best.moved(-2)], 1.0)
        while book.spent + 1 <= end + 1e-9:
            more = rest if book.spent >= v.rest * book.n else None
            yield from train([_next(book.at(False), v, more)], 1.0)
    if v.seconds:
        full = book.at(False)
        again = sorted(full, key=lambda p: (full[p], p.tenths))[: v.seconds]
        yield from train(again, 1.0, seed=1)
        full = {point: float(np.mean(book.full[point])) for point in again}
    return _choose(book, v)


def _next(
    tried: Mapping[Point, float], v: Variant, rest: Callable[[Point], list[Point]] | None
) -> Point:
    order = sorted(tried, key=lambda p: (tried[p], p.tenths))
    for best in order:
        near: list[Point] = []
        if v.walk:
            line = [p.tenths for p in tried if p.rest == best.rest]
            if len(line) > 1 and best.tenths == max(line):
                near.append(best.moved(4))
            elif len(line) > 1 and best.tenths == min(line):
                near.append(best.moved(-4))
        near += [best.moved(step) for step in v.moves]
        if rest is not None:
            near = [near[2], near[3], *rest(best), near[0], near[1]] if len(near) > 3 else near
        for point in near:
            if point not in tried:
                return point
    raise AssertionError("there is always a further point")


def _choose(book: Book, v: Variant) -> list[Point]:
    full = book.at(False)
    counts = {point: len(losses) for point, losses in book.full.items()}
    most = max(counts.values())
    pool = [point for point in full if counts[point] == most] if v.seconds else list(full)
    halves = book.half if v.guard_half else {}

    def edge(point: Point) -> bool:
        def above(tried: Mapping[Point, float]) -> bool:
            return point in tried and any(
                other.rest == point.rest
                and 0 < other.tenths - point.tenths <= 5
                and not loss <= v.stable * tried[point]
                for other, loss in tried.items()
            )

        return above(full) or above(halves)

    def score(point: Point) -> float:
        if not v.smooth:
            return full[point]
        near = [
            full[p] for p in full if p.rest == point.rest and 0 < abs(p.tenths - point.tenths) <= 2
        ]
        near = [loss for loss in near if math.isfinite(loss)]
        return (2 * full[point] + sum(near)) / (2 + len(near)) if near else full[point] * 1.02

    safe = [p for p in pool if not edge(p)] or pool
    return sorted(safe, key=lambda p: (score(p), p.tenths))[: v.finalists]


def _rest_of(optimizer: str) -> Callable[[Point], list[Point]]:
    """Return what refines the momentum or β₁ of a point: the next lower and higher value."""
    name = SECOND if optimizer == "Adam" else MOMENTUM
    ladder = [0.0, 0.5, 0.8, 0.9, 0.95, 0.98]

    def near(point: Point) -> list[Point]:
        values = dict(point.rest)
        here = min(range(len(ladder)), key=lambda i: abs(ladder[i] - values.get(name, 0.0)))
        found = []
        for i in (here + 1, here - 1):
            if 0 <= i < len(ladder):
                changed = {**values, name: ladder[i]}
                tenths = point.tenths
                if optimizer == "RMSprop":  # keep the effective rate
                    tenths += 10 * math.log10((1 - ladder[i]) / (1 - values.get(name, 0.0)))
                    tenths = 2 * round(tenths / 2)
                found.append(Point(tenths, tuple(sorted(changed.items()))))
        return found

    return near


def starts_of(optimizer: str, v: Variant) -> list[Point]:
    """Return a variant's start list."""
    listed = OTHER_LISTS[v.lists] if v.lists else LISTS_OF
    found = [Point.of(start) for start in listed[optimizer]]
    default = Point.of(DEFAULTS[optimizer])
    if v.default == "first":
        found = [default, *found]
    elif v.default == "third":
        found = [*found[:2], default, *found[2:]]
    elif v.default == "last":
        found = [*found[: v.starts - 1], default, *found[v.starts - 1 :]]
    return list(dict.fromkeys(found))[: v.starts]


# A fixed grid of rates, Keras' defaults for the rest: what a list has to beat.
OTHER_LISTS: dict[str, dict[str, tuple[Start, ...]]] = {
    "decades": {
        "SGD": tuple((t, {MOMENTUM: 0.9}) for t in (-11, -1, -21)),
        "Adam": tuple((t, {SECOND: 0.9}) for t in (-26, -20, -32, -14)),
        "RMSprop": tuple((t, {MOMENTUM: 0.0}) for t in (-30, -24, -36)),
    },
    "spread": {
        "SGD": ((-15, {MOMENTUM: 0.95}), (-5, {MOMENTUM: 0.9}), (-25, {MOMENTUM: 0.9})),
        "Adam": (
            (-24, {SECOND: 0.9, "epsilon": 1e-3}),
            (-32, {SECOND: 0.8}),
            (-16, {SECOND: 0.9}),
        ),
        "RMSprop": (
            (-34, {MOMENTUM: 0.5}),
            (-32, {MOMENTUM: 0.9}),
            (-24, {MOMENTUM: 0.0}),
        ),
    },
}

DESIGN = Variant()
VARIANTS: dict[str, Variant] = {
    "design": DESIGN,
    "full length": Variant(half=1.0),
    "default first": Variant(default="first"),
    "default last": Variant(default="last"),
    "default extra": Variant(default="last", starts=4),
    "second seed, 2 best": Variant(seconds=2),
    "second seed, 3 best": Variant(seconds=3),
    "two finalists": Variant(finalists=2),
    "5 starts": Variant(starts=5),
    "2 starts": Variant(starts=2),
    "refine the rest from .5 n": Variant(rest=0.5),
    "refine the rest from .75 n": Variant(rest=0.75),
    "smoothed choice": Variant(smooth=True),
    "stability at half length too": Variant(guard_half=True),
    "no stability guard": Variant(stable=math.inf),
    "steps .2 first": Variant(moves=(2, -2, 4, -4)),
    "walk": Variant(walk=True),
    "bracket .4": Variant(bracket=0.4),
    "bracket .8": Variant(bracket=0.8),
    "bracket 1": Variant(bracket=1.0),
    "bracket 1, 2 starts": Variant(bracket=1.0, starts=2),
    "bracket 1, 4 starts": Variant(bracket=1.0, starts=4),
    "no lower rate in full": Variant(shorter=False),
    "bracket 1, decades": Variant(bracket=1.0, lists="decades"),
    "5 starts, bracket .8": Variant(bracket=0.8, starts=5),
    "5 starts, refine the rest from .5 n": Variant(starts=5, rest=0.5),
    "5 starts, second seed, 3 best": Variant(starts=5, seconds=3),
    "second seed, 3 best, refine the rest": Variant(seconds=3, rest=0.5),
    "second seed, 6 best": Variant(seconds=6),
    "two finalists, refine the rest": Variant(finalists=2, rest=0.5),
    "full, decades": Variant(half=1.0, lists="decades"),
    "decades": Variant(lists="decades"),
    "spread": Variant(lists="spread"),
}


def run(
    trainer: Trainer, wanted: Sequence[tuple[str, Variant, float, int]]
) -> dict[tuple[str, float, int, str], list[str]]:
    """Run searches side by side: (name, variant, n, repetition). Return keys by optimizer."""
    done: dict[tuple[str, float, int, str], list[str]] = {}
    going: dict[Any, tuple[Strategy, str, int]] = {}
    waiting: dict[Any, list[Ask]] = {}
    for name, variant, n, repetition in wanted:
        for optimizer in OPTIMIZERS:
            book = Book(n, variant)
            strategy = search(book, starts_of(optimizer, variant), _rest_of(optimizer))
            label = (name, n, repetition, optimizer)
            going[label] = strategy, optimizer, seeds.of_replay(repetition)
            waiting[label] = next(strategy)
    while going:
        runs = {
            label: [
                Run(
                    from_key(ask.point.key(going[label][1]), going[label][2] + ask.seed),
                    max(1, math.ceil(ask.share * trainer.epochs)),
                )
                for ask in asks
            ]
            for label, asks in waiting.items()
        }
        trainer.advance([one for some in runs.values() for one in some])
        for label, some in runs.items():
            strategy, optimizer, _ = going[label]
            try:
                waiting[label] = strategy.send([one.value for one in some])
            except StopIteration as end:
                done[label] = [point.key(optimizer) for point in end.value]
                del going[label], waiting[label]
    return done


ENOUGH = 0.02  # a standard error of an excess, as many are averaged
CONFIRM = 50  # the first of a replay's fresh seeds


def study(
    truth: Truth, chosen: Mapping[str, list[str]], n: float, share: float, repetition: int
) -> str:
    """Confirm the finalists on fresh seeds with what the search left; return the best.

    Without a race: each gets the same.
    """
    keys = [key for some in chosen.values() for key in some]
    left = max(2, round(n * (1 - share) / share * len(chosen) / len(keys)))
    first = seeds.of_replay(repetition) + CONFIRM
    fresh = range(first, first + left)
    truth.measure(keys, fresh)
    return min(keys, key=lambda key: (truth.mean(key, fresh), key))


def measure_task(
    name: str, cache: Path, variants: Sequence[str], ns: Sequence[float], repetitions: int
) -> dict[str, Any]:
    """Return the excess of all variants on one task: of the study's choice and per optimizer."""
    task, digest = make_task(name)
    folder = cache / f"{name}-{digest}"
    trainer = Trainer(task, folder, 1)
    truth = Truth(trainer)
    oracle.find(folder, trainer, truth)
    wanted = [
        (v, VARIANTS[v], n, repetition)
        for v in variants
        for n in ns
        for repetition in range(repetitions)
    ]
    done = run(trainer, wanted)
    picked = {}
    for v, variant, n, repetition in wanted:
        chosen = {o: done[v, n, repetition, o] for o in OPTIMIZERS}
        picked[v, n, repetition] = study(truth, chosen, n, variant.share, repetition)
    best = oracle.standings(folder, truth)
    reference = best["keys"][best["winner"]]
    keys = sorted({some[0] for some in done.values()} | set(picked.values()))
    excess = truth.excesses(keys, reference, ENOUGH)
    found: dict[str, Any] = {"study": {}, "optimizer": {}}
    for (v, n, _), key in picked.items():
        found["study"].setdefault(f"{v}|{n}", []).append(excess[key])
    for (v, n, _, optimizer), some in done.items():
        behind = (1 + excess[some[0]]) / (1 + best["behind"][optimizer]) - 1
        found["optimizer"].setdefault(f"{v}|{n}|{optimizer}", []).append(behind)
    return found


def show(found: Mapping[str, Any], variants: Sequence[str], ns: Sequence[float]) -> None:
    """Print median / 90 % point / worst excess in per cent, over all tasks and repetitions."""
    console = Console(width=None if sys.stdout.isatty() else 200)
    for what in ("study", "optimizer"):
        table = Table("variant", *(f"n = {n:g}" for n in ns), box=box.MARKDOWN)
        for v in variants:
            cells = []
            for n in ns:
                values: list[float] = []
                for one in found.values():
                    if what == "study":
                        values += one[what][f"{v}|{n}"]
                    else:
                        for o in OPTIMIZERS:
                            values += one[what][f"{v}|{n}|{o}"]
                cells.append(_cell(values))
            table.add_row(v, *cells)
        said = "of the study's choice" if what == "study" else "of each optimizer over its own best"
        console.print(f"\nexcess {said}: median / 90 % / worst, %; {len(found)} tasks\n")
        console.print(table)


def _cell(values: Sequence[float]) -> str:
    some = np.nan_to_num(np.array(values, float), posinf=1e6)
    median, high, worst = 100 * np.quantile(some, (0.5, 0.9, 1.0))
    return f"{median:.1f} / {high:.1f} / {worst:.0f}"


@click.command()
@click.option("--tasks", default=",".join(names(LISTS) + names(DETAILS)), show_default=True)
@click.option("--variants", default="design", show_default=True, help="With commas, or all.")
@click.option("--n", "sizes", default="4,6,8,12", show_default=True, help="Of one optimizer.")
@click.option("--repetitions", default=6, show_default=True, help="Search seeds.")
@click.option("--cache", type=click.Path(path_type=Path), default=Path("verdicts-cache"))
@click.option("--json", "file", type=click.Path(path_type=Path), help="For all numbers.")
def main(
    tasks: str, variants: str, sizes: str, repetitions: int, cache: Path, file: Path | None
) -> None:
    """Compare variants of the search on tables of trainings.

    `--tasks` leaves out those that choose nothing, so that they can judge what is chosen here.
    """
    some = list(VARIANTS) if variants == "all" else [v.strip() for v in variants.split(";")]
    ns = [float(n) for n in sizes.split(",")]
    found = load(file) if file else {}
    for name in tasks.split(","):
        try:
            found[name] = measure_task(name, cache, some, ns, repetitions)
        except SystemExit as missing:
            click.echo(f"{name}: left out: {missing}", err=True)
            continue
        click.echo(f"{name} is done", err=True)
        if file:
            save(file, found)
    show({name: found[name] for name in tasks.split(",") if name in found}, some, ns)


if __name__ == "__main__":
    main()
