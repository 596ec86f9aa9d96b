"""Learning rates that were tried, as text: the advice first, then the rates, then what it
rests on."""

import math
from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Any

from steepest.codegen import code, has_code, own_framework
from steepest.measures.rate_choice import RateChoice, Tried, as_good, loss_at
from steepest.records import Config
from steepest.records.rate_runs import RateRuns
from steepest.reports.figures.style import finite
from steepest.reports.numbers import number, with_interval
from steepest.text import duration, many, setting

FORMAT = 1  # of the JSON
WIDTH = 100  # letters of a line
LINES = 12  # of code that stand in the text


def advice(runs: RateRuns, choice: RateChoice) -> list[str]:
    """Return what to do and how sure it is, a sentence or two each."""
    best, seeds = choice.best, many(len(runs.seeds), "seed")
    length = f"{runs.epochs} of {many(runs.task.epochs, 'epoch')}"
    if runs.epochs == runs.task.epochs:
        length = many(runs.epochs, "epoch")
    told = [
        f"Take {setting(best.rate)} as the learning rate of {runs.optimizer}: after {length} the "
        f"validation loss is lowest around it, {with_interval(best.value)} ({seeds})."
    ]
    if not choice.learns:
        told.append(
            f"Beware: the untrained model's is {number(runs.untrained)}, so in this length no rate "
            "has learnt anything that validation data shows."
        )
    if choice.low < choice.high:
        told.append(
            f"Rates from {setting(choice.low)} to {setting(choice.high)} are not told from it by "
            f"{seeds}."
        )
    else:
        told.append(f"Of the rates that were tried beside it, each is worse over {seeds}.")
    return told + list(_around(runs, choice))


def _around(runs: RateRuns, choice: RateChoice) -> Iterator[str]:
    """Say what the usual rates end at, where training breaks, and what a range test would say."""
    for whose, one in (
        ("The framework's default", choice.usual),
        ("Yours", choice.yours),
    ):
        if one is not None:
            yield f"{whose}, {setting(one.rate)}, {_beside(runs, choice, one)}."
    usual, top = choice.usual, setting(choice.tried[-1].rate)
    if usual is None:
        yield f"The framework's default, {setting(runs.usual)}, was not tried."
    if choice.breaks is None:
        yield f"No rate up to {top} broke training."
    else:
        fine = f" ({setting(choice.fine)} still trains)" if choice.fine else ""
        yield (
            f"Training breaks at {setting(choice.breaks)}{fine}: a run ends there no lower than "
            "the untrained model, or without a finite loss."
        )
    said = [
        f"{setting(_short(rate))} by {how}, {_ends(choice, rate)}"
        for how, rate in choice.tests.items()
        if rate
    ]
    if said:
        yield (
            "A range test, one run whose rate grows from batch to batch, would say "
            f"{', or '.join(said)}."
        )
    else:
        yield "A range test was not run: it needs arrays in memory and a model that JAX can trace."


def _ends(choice: RateChoice, rate: float) -> str:
    """Return what a rate ends at, between those that were tried."""
    loss = loss_at(choice, rate)
    return "not tried here" if loss is None else f"which ends at {number(loss, 3)} here"


def _beside(runs: RateRuns, choice: RateChoice, one: Tried) -> str:
    if one.rate == choice.best.rate:
        return "is that rate"
    if one.value.mean is None:
        return "breaks training"
    ends = f"ends at {with_interval(one.value)}"
    if choice.low <= one.rate <= choice.high and as_good(runs, choice.best.rate, one.rate):
        return f"{ends}, which is not told from it"
    mean = choice.best.value.mean
    if mean is not None and mean > 0:
        return f"{ends}, {number(100 * (one.value.mean / mean - 1), 2)} % worse"
    return f"{ends}, which is worse"


def rests_on(runs: RateRuns) -> str:
    """Return the sentences on what the advice rests on."""
    count = sum(map(len, runs.losses.values()))
    whole = (
        "A short training prefers a higher rate than a whole one: what is best after "
        f"{many(runs.epochs, 'epoch')} may be several times too high for {runs.task.epochs}. "
        if runs.epochs < runs.task.epochs
        else ""
    ) + (
        "The seeds that chose the rate also judge it, and no other optimizer was asked: steepest "
        "compare asks several, and confirms on fresh seeds."
    )
    return (
        f"It rests on {many(count, 'training')} of {many(runs.epochs, 'epoch')} at "
        f"{many(len(runs.losses), 'rate')}, {duration(runs.seconds)} "
        f"({duration(runs.compile_seconds)} compiling). {whole}"
    )


def source(runs: RateRuns, choice: RateChoice, framework: str | None = None) -> str | None:
    """Return the code of the optimizer with the rate to take; None of a rule of one's own."""
    config = chosen_config(runs, choice)
    if not has_code(config):
        return None
    return code(config, runs.task, framework or own_framework(config, runs.task))


def chosen_config(runs: RateRuns, choice: RateChoice) -> Config:
    """Return the configuration with the rate to take, for a full training."""
    values = {**runs.config.hyperparameters, "learning_rate": choice.best.rate}
    return Config(runs.config.rule, runs.config.dialect, values, runs.config.schedule, 0)


def text(runs: RateRuns, choice: RateChoice) -> str:
    """Return all of it for a terminal, without colours."""
    told = [line for one in advice(runs, choice) for line in wrap(one, WIDTH)]
    lines = [*told, "", *_lines(table(runs, choice)), ""]
    found = source(runs, choice)
    if found is not None and len(found.splitlines()) <= LINES:
        lines += [found.rstrip(), ""]
    return "\n".join([*lines, *wrap(rests_on(runs), WIDTH)])


def table(runs: RateRuns, choice: RateChoice) -> list[tuple[str, str, str, str]]:
    """Return a title and a row for each rate: rate, loss, seeds, and what it is."""
    rows = [("learning rate", "validation loss", "seeds", "")]
    marked = (("take", choice.best), ("default", choice.usual), ("yours", choice.yours))
    for one in choice.tried:
        words = [word for word, other in marked if other is one]
        words += ["breaks"] if one.lost and one.rate >= (choice.breaks or math.inf) else []
        shown = with_interval(one.value)
        seeds = len(runs.losses[one.rate])
        rows.append((setting(one.rate), shown, str(seeds), ", ".join(words)))
    return rows


def _lines(rows: Sequence[tuple[str, str, str, str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    return [
        "  ".join([*(cell.rjust(widths[i]) for i, cell in enumerate(row[:3])), row[3]]).rstrip()
        for row in rows
    ]


def to_dict(runs: RateRuns, choice: RateChoice) -> dict[str, Any]:
    """Return what `--json` prints; a loss that is not finite is None."""
    test = runs.range_test
    return {
        "format_version": FORMAT,
        "task": runs.task.name,
        "optimizer": runs.optimizer,
        "take": choice.best.rate,
        "not_told_apart": [choice.low, choice.high],
        "learns": choice.learns,
        "default": runs.usual,
        "yours": runs.yours,
        "breaks": choice.breaks,
        "advice": advice(runs, choice),
        "epochs": runs.epochs,
        "full_epochs": runs.task.epochs,
        "seeds": list(runs.seeds),
        "untrained_loss": finite(runs.untrained),
        "rates": [
            {
                "rate": one.rate,
                "loss": one.value.mean,
                "low": one.value.low,
                "high": one.value.high,
                "seeds": {str(s): finite(v) for s, v in runs.losses[one.rate].items()},
                "broken": one.lost,
            }
            for one in choice.tried
        ],
        "range_test": None
        if test is None
        else {
            "suggestions": dict(choice.tests),
            "rates": list(test.rates),
            "losses": [finite(loss) for loss in test.losses],
            "smoothed": [finite(loss) for loss in test.smoothed],
        },
        "code": source(runs, choice),
        "device": runs.device,
        "seconds": runs.seconds,
        "compile_seconds": runs.compile_seconds,
    }


def _short(rate: float) -> float:
    """Return a rate in two digits."""
    return float(f"{rate:.2g}")
