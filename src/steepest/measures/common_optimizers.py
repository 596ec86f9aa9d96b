"""What several studies have in common: which optimizers, and what to call their tasks."""

from collections.abc import Sequence

from steepest.errors import InputError
from steepest.records import StudyRecord

# What makes two optimizers of one name different ones. What is fixed is not here, as a small budget
# fixes what a larger one searches; what a person fixed is in the name.
KIND = ("rule", "dialect", "schedule", "baseline")


def in_common(studies: Sequence[StudyRecord]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the optimizers that all studies have, in the first one's order, and all others.

    Raises:
        InputError: fewer than two studies, one study twice, fewer than two optimizers in common, or
            one name for different optimizers.
    """
    if len(studies) < 2:
        raise InputError(
            f"there {'is 1 study' if studies else 'are 0 studies'}, but optimizers are compared "
            "over tasks from two on; give more"
        )
    _check_different(studies)
    every = list(dict.fromkeys(name for study in studies for name in study.optimizers))
    names = tuple(name for name in every if _in_all(name, studies))
    if len(names) < 2:
        have = f"{names[0]} alone" if names else "no optimizer"
        raise InputError(
            f"the studies have {have} in common, but it takes two; compare the same optimizers on "
            "each task"
        )
    for name in names:
        _check_same(name, studies)
    return names, tuple(name for name in every if name not in names)


def labels(studies: Sequence[StudyRecord]) -> tuple[str, ...]:
    """Return what to call each study's task: its name, with its batch size where that alone tells
    it from another, and numbered where it is not the first."""
    sizes: dict[str, set[int]] = {}
    for study in studies:
        sizes.setdefault(study.task.name, set()).add(study.task.batch_size)
    names = [
        f"{s.task.name}, batch {s.task.batch_size}" if len(sizes[s.task.name]) > 1 else s.task.name
        for s in studies
    ]
    taken: list[str] = []
    for name in names:
        label, count = name, 1
        while label in taken or (count > 1 and label in names):
            count += 1
            label = f"{name} {count}"
        taken.append(label)
    return tuple(taken)


def _in_all(name: str, studies: Sequence[StudyRecord]) -> bool:
    """Return whether all studies have an optimizer.

    Models may be compiled with two that have one short name: then nobody asked to compare them.
    """
    if not all(name in study.optimizers for study in studies):
        return False
    found = [study.optimizers[name] for study in studies]
    return not any(one.compiled for one in found) or all(
        getattr(one, what) == getattr(found[0], what) for one in found for what in (*KIND, "fixed")
    )


def _check_different(studies: Sequence[StudyRecord]) -> None:
    seen: set[str] = set()
    for study in studies:
        trained = [(trial.number, trial.curves) for trial in study.trials]
        found = repr((study.task.name, study.started, study.settings, trained))
        if found in seen:
            raise InputError(
                f"the study of {study.task.name} is given twice; give each study once, as each "
                "counts as a task"
            )
        seen.add(found)


def _check_same(name: str, studies: Sequence[StudyRecord]) -> None:
    for what in KIND:
        found = {str(getattr(study.optimizers[name], what)): study.task.name for study in studies}
        found.pop("", None)  # files of old formats do not say
        if len(found) > 1:
            (one, here), (two, there), *_ = found.items()
            raise InputError(
                f"{name} is not the same optimizer in all studies: its {what} is {one} on {here} "
                f"and {two} on {there}; compare the same on each task"
            )
