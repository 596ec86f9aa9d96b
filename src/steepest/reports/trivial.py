"""The first sentence of a report where nothing was learnt, with the likely cure."""

from collections.abc import Mapping

from steepest.measures.trivial import Unlearnt, fitted, hardly_moved, unlearnt, unscaled
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.config_text import spoken
from steepest.reports.numbers import number, with_interval
from steepest.reports.outcome_text import unchanged
from steepest.reports.verdict_text import deciding, sentence
from steepest.text import listed

LOOK = (
    "see whether the labels belong to their inputs and the last layer fits the loss, and give more "
    "epochs or other learning rates"
)
SQUARED = ("squared", "mse")  # in the names of losses
LOOK_AT_BOTH = (
    "see whether training and validation data are prepared alike and labels belong to their "
    "inputs; else more data or regularization is likelier to help than another optimizer"
)


def headline(study: StudyRecord, verdict: Verdict) -> str:
    """Return the verdict in words, after what has to be known before it."""
    return " ".join(part for part in (alarm(study, verdict), sentence(study, verdict)) if part)


def alarm(study: StudyRecord, verdict: Verdict) -> str:
    """Return that the best result is no better than the trivial predictor's, and what to do.

    Sentences; empty where it is better, nobody knows, or the verdict says that the loss never
    changed.
    """
    found = unlearnt(study, verdict)
    if found is None or (study.finished and unchanged(study)):
        return ""
    what, best = deciding(study.settings), found.standing
    least = "not clearly better than" if found.below else "no better than"
    compared = (
        f"{spoken(study, best.name)}'s {what} of {with_interval(best.value)} is {least} the "
        f"{number(found.trivial)} that {found.answer} alone would give"
    )
    if found.otherwise is not None:
        return f"{_capital(compared)}, though {_but(study, found)}."
    so_far = "" if study.finished else " so far"
    return f"Nothing was learnt{so_far}: at best, {compared}. {_cure(study, found)}."


def is_nothing(study: StudyRecord, verdict: Verdict) -> bool:
    """Return whether the alarm is that nothing was learnt at all."""
    return alarm(study, verdict).startswith("Nothing")


def scale_note(study: StudyRecord, verdict: Verdict) -> list[str]:
    """Say so where data are far from a usual scale, and models learn all the same."""
    squared = any(word in study.task.loss.lower() for word in SQUARED)
    # Other losses have a scale of their own, or mind no outliers, by which a deviation is made.
    far = {name: span for name, span in unscaled(study).items() if squared or name[0] != "y"}
    if not far or is_nothing(study, verdict):
        return []
    return [f"{_sizes(far)}; models mostly learn better so, and at other learning rates than these"]


def _but(study: StudyRecord, found: Unlearnt) -> str:
    """Return what was learnt all the same, and what to do."""
    if found.otherwise is None:
        return ""
    name, value, trivial, epoch = found.otherwise
    if epoch is not None:
        own = "it" if name == study.settings.decides else f"its validation {name}"
        at = "train shorter, regularize, or compare at the best epoch (at='best', --at best)"
        return f"{own} was {number(value)} at epoch {epoch} of {study.task.epochs}: {at}"
    return (
        f"its validation {name} of {number(value)} is better than {number(trivial)}: see which of "
        "the two matters (metric=, --metric)"
    )


def _cure(study: StudyRecord, found: Unlearnt) -> str:
    """Return sentences: unscaled data with their sizes, and learning rates beyond the range."""
    far, cures = unscaled(study), []
    if far:
        cures.append(f"The likely cause is the scale of the data, as {_sizes(far)}")
    untrained, name = hardly_moved(study, found), spoken(study, found.standing.name)
    edge, whys = "learning_rate" in found.standing.edges, []
    if edge:
        whys.append("its best one lies at the edge of those that were searched")
    if untrained is not None:
        whys.append(f"the loss hardly came down from the untrained model's {number(untrained)}")
    if whys:
        rates = "higher learning rates" if untrained is not None else "other learning rates"
        cures.append(f"{'Or give' if far else 'Give'} {name} {rates}, as {' and '.join(whys)}")
    memorizes = fitted(study)
    if not far and memorizes is not None:
        loss = number(memorizes.curves.training_loss[-1], 2)
        cures.append(
            f"The training data are fitted ({memorizes.optimizer} got to a training loss of "
            f"{loss}), which does not carry over: {LOOK_AT_BOTH}"
        )
    elif not far:
        cures.append(_capital(LOOK))
    return ". ".join(cures)


def _sizes(far: Mapping[str, tuple[float, ...]]) -> str:
    """Return between which numbers data lie, and what to do about it."""
    sizes = listed(
        [f"{key} spans {number(low, 3)} to {number(high, 3)}" for key, (low, high) in far.items()]
    )
    which = "both" if len(far) == 2 else "them" if len(far) > 1 else "it"
    return f"{sizes}: standardize {which}, by mean and deviation of the training set"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
