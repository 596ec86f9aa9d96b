"""Batch sizes in words and as data: which one to use, and how the best rates move with it."""

import math
from collections.abc import Iterator
from typing import Any

from steepest.measures.batch_sizes import AtSize, BatchSizes
from steepest.reports.compatibility import estimate_dict
from steepest.reports.config_text import call
from steepest.reports.numbers import MISSING, difference, number, share, with_interval
from steepest.reports.verdict_text import deciding
from steepest.statistics import Estimate
from steepest.text import duration, listed, many

SQUARE_ROOT, LINEAR = math.sqrt(2), 2.0  # what the two well-known rules say of a doubled batch


def sentences(found: BatchSizes) -> list[str]:
    """Return the advice: what to use, how far the others are behind, how rates move."""
    said = [_use(found), _others(found), _moves(found)]
    return [one for one in said if one]


def meaning(found: BatchSizes) -> str:
    """Return what the table's columns are, in one paragraph."""
    epochs = next(iter(found.studies.values())).task.epochs
    text = (
        f"Every size has its own search and its own seeds, and trains for {many(epochs, 'epoch')}: "
        "the same examples, and the fewer steps the larger the batch. Rate: of the best "
        "configuration found; with momentum μ, learning_rate / (1 − μ), which it amounts to"
    )
    if any(one.after_steps for each in found.optimizers.values() for one in each.values()):
        text += (
            f". After {found.steps:,} steps: read from the same trainings where they had taken as "
            "many steps as the largest batch takes; their rates were tuned for the whole length"
        )
    return f"{text}."


def table(found: BatchSizes) -> Iterator[list[str]]:
    """Yield a title, and a line for each optimizer at each size."""
    steps = any(one.after_steps for each in found.optimizers.values() for one in each.values())
    decides = next(iter(found.studies.values())).settings.decides
    after = [f"after {found.steps:,} steps"] * steps
    yield ["batch size", "optimizer", "rate", decides, *after, "a training"]
    for size in found.sizes:
        for i, (name, at) in enumerate(_ordered(found, size)):
            later = [with_interval(at.after_steps)] * steps
            seconds = found.seconds[size]
            takes = MISSING if math.isnan(seconds) else duration(seconds)
            yield [
                str(size) if i == 0 else "",
                name if at.config is None else call(found.studies[size], name, at.config),
                number(at.rate, 3),
                with_interval(at.value, missing="diverged or failed" if at.value.values else "–"),
                *later,
                takes if i == 0 else "",
            ]


def to_dict(found: BatchSizes) -> dict[str, Any]:
    """Return what the JSON has under `batch_sizes`; not yet strict about infinities."""
    return {
        "sentences": sentences(found),
        "best": found.best,
        "steps": found.steps,
        "sizes": {
            str(size): {
                "recommended": found.verdicts[size].recommended,
                "behind": estimate_dict(found.behind.get(size)),
                "seconds_a_training": found.seconds[size],
                "optimizers": {
                    name: {
                        "rate": at[size].rate,
                        "value": estimate_dict(at[size].value),
                        "after_steps": estimate_dict(at[size].after_steps),
                    }
                    for name, at in found.optimizers.items()
                },
            }
            for size in found.sizes
        },
        "rate_a_doubling": {name: estimate_dict(one) for name, one in found.doubling.items()},
    }


def _ordered(found: BatchSizes, size: int) -> list[tuple[str, AtSize]]:
    """Return the optimizers at one size, the best first, as the verdict has them."""
    names = [name for name in found.verdicts[size].standings if name in found.optimizers]
    return [(name, found.optimizers[name][size]) for name in names]


def _use(found: BatchSizes) -> str:
    if found.best is None:
        return "No batch size has a confirmed optimizer yet."
    study, verdict = found.studies[found.best], found.verdicts[found.best]
    standing = verdict.standings[verdict.recommended or ""]
    its = call(study, standing.name, standing.config, named=True)
    value = f"{deciding(study.settings)} {with_interval(standing.value)}"
    return f"Use batch_size={found.best} with {its}: {value}."


def _others(found: BatchSizes) -> str:
    """Say how far other sizes are behind, each with its own best optimizer."""
    gaps = found.behind.items()
    clear = [size for size, gap in gaps if gap.low is not None and gap.low > 0]
    near = [
        f"{size} ({_amount(found, size, gap)} behind)"
        for size, gap in gaps
        if size not in clear and gap.mean is not None
    ]
    told = [f"{size} is {_amount(found, size, found.behind[size])} behind" for size in clear]
    if near:
        told.append(f"{listed(near)} cannot be told from it")
    lost = [f"{size} diverged" for size, gap in gaps if gap.mean is None]
    if not told + lost:
        return ""
    epochs = many(next(iter(found.studies.values())).task.epochs, "epoch")
    said = "; ".join(told + lost)
    return f"After {epochs} each, with the best optimizer of each: {said}."


def _amount(found: BatchSizes, size: int, gap: Estimate) -> str:
    relative = found.relative.get(size)
    return difference(gap) if relative is None else share(relative)


def _moves(found: BatchSizes) -> str:
    """Say what a doubled batch does to each optimizer's best rate, beside the two known rules."""
    wide = [name for name, one in found.doubling.items() if _says_nothing(one)]
    told = [
        f"{name}'s by {_factor(one)}" for name, one in found.doubling.items() if name not in wide
    ]
    said = ""
    if told:
        few = ", of two sizes without an interval" if len(found.sizes) == 2 else ""
        said = (
            f"Doubling the batch multiplies the best rate here{few}: {listed(told)} (the "
            f"square-root rule says {SQUARE_ROOT:.2f}, the linear one {LINEAR:.0f})."
        )
    if wide:
        names = listed([f"{name}'s" for name in wide])
        left = (
            f"How {names} best rate moves with the batch, {len(found.sizes)} sizes do not tell: "
            f"their rates scatter too much for a line; a larger budget finds them more exactly."
        )
        said = f"{said} {left}".strip()
    return said


def _says_nothing(one: Estimate) -> bool:
    """Return whether the interval of a factor has both a quarter and four times in it."""
    return one.low is not None and one.high is not None and one.low < 1 / 4 and one.high > 4


def _factor(one: Estimate) -> str:
    mean = number(one.mean, 2)
    if one.low is None or one.high is None:
        return mean
    return f"{mean} ({number(one.low, 2)} to {number(one.high, 2)})"
