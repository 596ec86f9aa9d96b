"""The verdict as one sentence, and the warnings that a careful colleague would add."""

from steepest.measures.statistics import Estimate
from steepest.measures.verdict import Standing, Verdict, diverged_in_search
from steepest.records import Study


def sentence(study: Study, verdict: Verdict) -> str:
    """Return the verdict in words: who wins by how much, or that it is a tie."""
    if verdict.leader is None:
        if not study.finished:
            return "The study stopped before any optimizer was confirmed: there is no verdict yet."
        return (
            "No optimizer trained without diverging, so there is no verdict; look at the data and "
            "the loss, or give lower learning rates."
        )
    lead = verdict.standings[verdict.leader]
    others = [s for s in verdict.standings.values() if s.name != lead.name and s.behind is not None]
    seeds = f"{len(lead.seeds)} seed{'s' if len(lead.seeds) > 1 else ''}"
    if not study.finished:
        start = f"The study stopped before its end; so far {lead.name} leads"
    elif verdict.winner and others:
        nearest, *rest = others
        start = (
            f"{lead.name} wins: its validation loss is {_by(lead, nearest)} lower than "
            f"{nearest.name}'s ({seeds})"
        )
        start += "".join(f", {_by(lead, s)} lower than {s.name}'s" for s in rest)
    elif verdict.winner and len(study.optimizers) == 1:
        start = f"{lead.name} was the only optimizer asked about; validation loss {_of(lead.loss)}"
    elif verdict.winner:
        start = f"{lead.name} wins: it alone trained without diverging on {seeds}"
    elif not verdict.tied_with:
        start = f"{lead.name} alone trained without diverging, but {seeds} decides nothing"
    else:
        names = _listed(list(verdict.tied_with))
        start = (
            f"A tie: {lead.name} has the lowest validation loss, but {seeds} cannot tell it from "
            f"{names}"
        )
        clear = [s for s in others if s.name not in verdict.tied_with]
        start += "".join(f"; it is {_by(lead, s)} lower than {s.name}'s" for s in clear)
    failed = [s for s in verdict.standings.values() if s.loss.mean is None and study.finished]
    start += "".join(f"; {_failure(s)}" for s in failed)
    return start + "." + _on_test(study, lead)


def warnings(study: Study, verdict: Verdict) -> list[str]:
    """Return what would change the answer, or should be known before it is believed."""
    found = list(study.task.notes)
    for optimizer in study.optimizers.values():
        found += [note for note in optimizer.get("notes", []) if note not in found]
    if study.finished and len(study.optimizers) > 1 and study.settings.seeds < 2:
        found.append("one seed says nothing of chance, so no winner can be named; use --seeds 5")
    for standing in verdict.standings.values():
        if standing.config is None:
            continue
        if len(standing.seeds) > 1 and len(set(standing.loss.values)) == 1:
            found.append(
                f"all seeds gave {standing.name} the same loss, so its interval says nothing: "
                "nothing in its training is random"
            )
        for name in standing.edges:
            value = float(standing.config.hyperparameters[name])
            found.append(
                f"{standing.name}'s best {name}, {value:.6g}, lies at the edge of the range that "
                "was searched; a better one may lie beyond"
            )
        lost, tried = diverged_in_search(study, standing.name)
        if tried and lost > tried / 2:
            found.append(f"{lost} of {standing.name}'s {tried} trials diverged")
    return found


def _by(lead: Standing, other: Standing) -> str:
    """Return the paired difference as a share of the other's loss, with its half interval."""
    behind = other.behind
    if behind is None or behind.mean is None or other.loss.mean is None or lead.loss.mean is None:
        return "an unknown amount"
    reach = behind.half_width
    if lead.loss.mean > 0:
        scale, unit, digits = 100 / other.loss.mean, " %", 1
    else:  # a share of a loss that may be zero or negative means nothing
        scale, unit, digits = 1.0, "", 4
    text = f"{behind.mean * scale:.{digits}f}"
    return text + (f" ± {reach * scale:.{digits}f}" if reach is not None else "") + unit


def _of(value: Estimate) -> str:
    if value.mean is None:
        return "unknown"
    reach = value.half_width
    return f"{value.mean:.4g}" + (f" ± {reach:.2g}" if reach is not None else "")


def _on_test(study: Study, lead: Standing) -> str:
    if lead.test_metric is not None and study.task.metrics:
        return f" On test: {study.task.metrics[0]} {_of(lead.test_metric)}."
    if lead.test_loss is not None:
        return f" On test: loss {_of(lead.test_loss)}."
    return ""


def _failure(standing: Standing) -> str:
    if not standing.seeds:
        return f"every trial of {standing.name} diverged"
    return f"{standing.name} diverged on {standing.diverged} of {len(standing.seeds)} seeds"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
