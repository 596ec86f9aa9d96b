"""The sentences of the note that Steepest started from, each held against the atlas."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from benchmarks.atlas.design import STEP
from benchmarks.atlas.figures import (
    TIED,
    good_width,
    lowest_of,
    quantile,
    second_gain,
    sides,
    time_to_best,
)
from benchmarks.atlas.table import Table

YES, NO, DEPENDS, SILENT = "confirmed", "not confirmed", "depends", "not measured"
MOSTLY = 2 / 3  # of the tasks that are decided: what holds there is said to hold


def sentences(table: Table) -> list[dict[str, str]]:
    """Return each sentence that the data can say something of: said, verdict, evidence."""
    found = []
    for said, (verdict, evidence) in _all(table):
        found.append({"said": said, "verdict": verdict, "evidence": evidence})
    return found


def _all(table: Table) -> Iterator[tuple[str, tuple[str, str]]]:
    have = table.rules
    if "SGD" in have:
        yield (
            "SGD is sensitive to the choice of its learning rate.",
            _narrow(table, "SGD", "Adam"),
        )
        yield "SGD converges slowly.", _slow(table, "SGD", "Adam")
        yield "SGD converges stably.", _stable(table, "SGD", "Adam")
        yield (
            "SGD can escape local minima.",
            (SILENT, "A loss at the end does not show which minima a training left behind."),
        )
        yield (
            "SGD uses a fixed learning rate for all weights.",
            (
                YES,
                "That is its formula. Between tasks its best rate (with momentum 0.9) differs "
                f"{_spread(table)} for Adam's.",
            ),
        )
    if "Adam" in have and "SGD" in have:
        yield (
            "Optimizers like Adam typically lead to faster convergence than SGD.",
            _faster(table),
        )
        yield (
            "Slower optimizers like SGD may help in reducing overfitting: they can generalize "
            "better.",
            _generalizes(table),
        )
        yield (
            "The choice of optimizer can affect the model's ability to generalize.",
            _affects(table),
        )
        yield (
            "Adam works well with a wide range of tasks; it is a reliable default choice.",
            (_reliable(table)),
        )
        yield (
            "Adam is possibly sensitive to its learning rate and moment hyperparameters.",
            (_moments(table)),
        )
    if "RMSprop" in have and "Adam" in have:
        yield "RMSprop converges more slowly than Adam.", _slow(table, "RMSprop", "Adam")
        yield "RMSprop converges stably.", _stable(table, "RMSprop", "Adam")
    yield (
        "The choice of optimizer should align with the specific task.",
        _aligned(table),
    )
    yield (
        "Different optimizers require fine-tuning of their hyperparameters.",
        _tuning(table),
    )


def _by(share: float) -> str:
    """Return the verdict where what is said holds on a share of the tasks that are decided."""
    return YES if share > MOSTLY else NO if share < 1 - MOSTLY else DEPENDS


def percent(value: float | None) -> str:
    """Return a share in whole per cent, or in words where it is none."""
    if value is None or not np.isfinite(value):
        return "more than can be said"
    return f"{100 * value:.0f} %" if abs(value) >= 0.0995 else f"{100 * value:.1f} %"


def _narrow(table: Table, name: str, than: str) -> tuple[str, str]:
    own, other = (good_width(table.rules[one]) for one in (name, than))
    known = ~np.isnan(own) & ~np.isnan(other)
    narrower = int((own < other - STEP / 2)[known].sum())
    wider = int((own > other + STEP / 2)[known].sum())
    medians = [quantile(widths, table.weights, 0.5) or 0.0 for widths in (own, other)]
    return _by(narrower / max(1, narrower + wider)), (
        f"The rates that end within 10 % of its best (with momentum 0.9) span fewer steps of 0.4 "
        f"decades than {than}'s on {narrower} tasks, more on {wider}, as many on "
        f"{int(known.sum()) - narrower - wider}; in the median {medians[0]:.1f} and "
        f"{medians[1]:.1f} decades."
    )


def _times(table: Table, name: str) -> Any:
    return time_to_best(table, table.rules[name])


def _earlier(table: Table, one: str, other: str) -> tuple[int, int, int, int]:
    """Return on how many tasks one optimizer arrives earlier, later, and as early; and neither."""
    a, b = _times(table, one), _times(table, other)
    known = ~np.isnan(a) & ~np.isnan(b)
    a, b = a[known], b[known]
    neither = ~np.isfinite(a) & ~np.isfinite(b)
    return (
        int((a < b).sum()),
        int((a > b).sum()),
        int(((a == b) & ~neither).sum()),
        int(neither.sum()),
    )


def _slow(table: Table, slow: str, fast: str) -> tuple[str, str]:
    later, earlier, same, neither = _earlier(table, fast, slow)
    share = later / max(1, later + earlier)
    verdict = _by(share)
    return verdict, (
        f"To come within 10 % of the task's lowest loss, {slow} (tuned, with momentum where it is "
        f"better) needs more epochs than {fast} on {later} tasks, fewer on {earlier}, as many on "
        f"{same}; on {neither} neither gets there."
    )


def _faster(table: Table) -> tuple[str, str]:
    verdict, evidence = _slow(table, "SGD", "Adam")
    sgd = table.rules["SGD"]
    plain = [
        i
        for i, one in enumerate(sgd.configs)
        if one.hyperparameters["momentum"] == 0.0 and not sgd.cosine[i]
    ]
    of = sides(table, table.rules["Adam"].own_best, lowest_of(sgd.losses[plain]))
    return verdict, (
        f"{evidence} Without momentum SGD ends higher than Adam by more than 3 % on {of['lower']} "
        f"of {of['tasks']} tasks and lower on {of['higher']}."
    )


def _generalizes(table: Table) -> tuple[str, str]:
    sgd, adam = table.rules["SGD"], table.rules["Adam"]
    of = sides(table, sgd.own_best, adam.own_best)
    gaps = [of[0] - of[1] for of in (_ends(table, rule) for rule in (sgd, adam))]
    known = ~np.isnan(gaps[0]) & ~np.isnan(gaps[1])
    smaller = int((gaps[0][known] < gaps[1][known]).sum())
    share = of["lower"] / max(1, of["lower"] + of["higher"])
    verdict = _by(share)
    return verdict, (
        f"Both tuned, SGD's validation loss is lower than Adam's by more than 3 % on {of['lower']} "
        f"of {of['tasks']} tasks and higher on {of['higher']}; validation lies less above training "
        f"for SGD on {smaller}, for Adam on {int(known.sum()) - smaller}."
    )


def _affects(table: Table) -> tuple[str, str]:
    """Whether the lowest training loss brings the lowest validation loss."""
    ends = [_ends(table, rule) for rule in table.rules.values()]
    losses, training = (np.array(some) for some in zip(*ends, strict=True))
    known = ~np.isnan(losses).any(axis=0)
    losses, at = losses[:, known], training[:, known].argmin(axis=0)
    above = losses[at, np.arange(losses.shape[1])] / losses.min(axis=0) - 1
    count, tasks = int((above > TIED).sum()), int(known.sum())
    return YES if count > tasks / 4 else DEPENDS, (
        "The optimizer whose best configuration ends lowest in training ends more than 3 % above "
        f"the lowest in validation on {count} of {tasks} tasks."
    )


def _ends(table: Table, rule: Any) -> tuple[Any, Any]:
    """Return losses of validation and of training of each task's best configuration, `[tasks]`."""
    usable = np.where(rule.cosine[:, None] | np.isnan(rule.first), np.inf, rule.first)
    at = usable.argmin(axis=0), np.arange(len(table.tasks))
    return tuple(np.where(rule.measured, of[at], np.nan) for of in (rule.first, rule.training))


def _reliable(table: Table) -> tuple[str, str]:
    adam = table.rules["Adam"]
    usual = table.excess(adam.losses[0])
    best = table.excess(adam.own_best)
    near = int((best <= 0.1).sum())
    known = int((~np.isnan(best)).sum())
    as_is = int((usual <= 0.1).sum())
    verdict = YES if min(near, as_is) > MOSTLY * known else DEPENDS
    if max(near, as_is) < (1 - MOSTLY) * known:
        verdict = NO
    return verdict, (
        f"Tuned, Adam ends within 10 % of the best of all optimizers on {near} of {known} tasks. "
        f"At its default rate of 0.001 it does on {as_is}: in the median it "
        f"ends {percent(quantile(usual, table.weights, 0.5))} above the best, and more than "
        f"{percent(quantile(usual, table.weights, 0.9))} on a tenth of the tasks."
    )


def _moments(table: Table) -> tuple[str, str]:
    adam = table.rules["Adam"]
    gain = quantile(second_gain(adam), table.weights, 0.5)
    width = quantile(good_width(adam), table.weights, 0.5)
    verdict = DEPENDS if (gain or 0) < TIED else YES
    return verdict, (
        f"Its learning rate matters: the good ones span {width or 0:.1f} decades. Tuning β₁ or ε "
        f"beside it lowers the best loss by {percent(gain)} in the median, part of which is that "
        "more was tried."
    )


def _stable(table: Table, name: str, than: str) -> tuple[str, str]:
    jumps = [_jump(table, table.rules[one]) for one in (name, than)]
    of = sides(table, 1 + jumps[0], 1 + jumps[1])
    share = of["higher"] / max(1, of["tasks"])
    verdict = NO if share > 0.5 else DEPENDS if share > 1 - MOSTLY else YES
    medians = [quantile(jump, table.weights, 0.5) for jump in jumps]
    return verdict, (
        "The loss after the last epoch lies above the lowest of the curve by "
        f"{percent(medians[0])} in the median for {name}'s best configuration and by "
        f"{percent(medians[1])} for {than}'s; by more than 3 % more than {than}'s on "
        f"{of['higher']} of {of['tasks']} tasks."
    )


def _jump(table: Table, rule: Any) -> Any:
    usable = np.where(rule.cosine[:, None] | np.isnan(rule.first), np.inf, rule.first)
    chosen = usable.argmin(axis=0)
    found = np.full(len(table.tasks), np.nan)
    for t in np.flatnonzero(rule.measured):
        curve = rule.curves[int(chosen[t]), int(t)]
        found[t] = curve[-1] / curve.min() - 1
    return found


def _spread(table: Table) -> str:
    spreads = []
    for name in ("SGD", "Adam"):
        if name not in table.rules:
            return "which was not measured"
        rule = table.rules[name]
        losses = rule.first[list(rule.line)][:, rule.measured]
        best = np.log10(rule.rates[losses.argmin(axis=0)])
        spreads.append(float(np.std(best)))
    return f"with a deviation of {spreads[0]:.2f} decades, {spreads[1]:.2f}"


def _aligned(table: Table) -> tuple[str, str]:
    names = list(table.rules)
    losses = np.array([table.rules[name].own_best for name in names])
    known = ~np.isnan(losses).any(axis=0)
    if not known.any():
        return DEPENDS, "No task was trained with all optimizers yet."
    first = losses[:, known].min(axis=0)
    winners = [names[i] for i in losses[:, known].argmin(axis=0)]
    alone = int(((losses[:, known] <= first * (1 + TIED)).sum(axis=0) == 1).sum())
    worst = {
        name: float(np.quantile(losses[i, known] / first - 1, 0.9)) for i, name in enumerate(names)
    }
    safest = min(worst, key=lambda name: worst[name])
    return DEPENDS if len(set(winners)) > 1 else NO, (
        f"The lowest loss belongs to {len(set(winners))} different optimizers over "
        f"{int(known.sum())} tasks, but on {alone} of them alone is it more than 3 % ahead of all "
        f"others. Always taking {safest}, tuned, ends at most {percent(worst[safest])} above the "
        "best on nine of ten tasks."
    )


def _tuning(table: Table) -> tuple[str, str]:
    gains = {}
    for name, rule in table.rules.items():
        gains[name] = quantile(1 - rule.own_best / rule.losses[0], table.weights, 0.5) or 0.0
    most = max(gains, key=lambda name: gains[name])
    least = min(gains, key=lambda name: gains[name])
    verdict = YES if min(gains.values()) > TIED else DEPENDS
    return verdict, (
        "Against its framework's default, tuning lowers the median task's loss by "
        f"{percent(gains[least])} ({least}) to {percent(gains[most])} ({most})."
    )
