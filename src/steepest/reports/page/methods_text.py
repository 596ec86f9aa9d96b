"""A paragraph of methods and a BibTeX entry, to be pasted into a paper: what the record says."""

import re
from collections.abc import Sequence

from steepest.codegen.spelling import NAMES
from steepest.records import Stage, StudyRecord
from steepest.records.callbacks import best_by
from steepest.reports.callbacks_text import stopped
from steepest.reports.numbers import number
from steepest.reports.verdict_text import deciding, matters
from steepest.rules.custom_schedules import shown
from steepest.rules.plateau import PLATEAU
from steepest.text import listed, many
from steepest.version import __version__

LOOP = ", so trials train one at a time in a plain PyTorch loop"  # after the reason, in a note
PLAIN = re.compile(r"[0-9A-Za-z.+-]+")


def methods(study: StudyRecord) -> str:
    """Return how the study was done as a paragraph for a paper, in the past tense."""
    tuned = [n for n, one in study.optimizers.items() if one.space]
    untuned = [n for n in study.optimizers if n not in tuned]
    settings = study.settings
    parts = [_task(study, [*tuned, *untuned])]
    if tuned:
        terms = "on equal terms" if len(tuned) > 1 else "as follows"
        parts.append(f"{listed(tuned)} {_were(tuned)} tuned {terms}: {_search(study, tuned)}")
    if untuned:
        parts.append(f"{listed(untuned)} took part without tuning.")
    if settings.callbacks:
        parts.append(stopped(study))
    parts += [_seeds(study), _judged(study)]
    defaults = [t for t in study.trials if t.stage is Stage.DEFAULT]
    if defaults:
        count = len({t.config.seed for t in defaults})
        parts.append(
            f"The framework's default hyperparameters were trained in full on {many(count, 'seed')}"
            " of these."
        )
    if settings.sweep:
        parts.append(
            f"{2 * settings.sweep} other learning rates within a decade of each best were trained "
            "in full on up to three of the seeds."
        )
    parts.append(_cost(study))
    return " ".join(part for part in parts if part)


def bibtex(study: StudyRecord) -> str:
    """Return a BibTeX entry of the software in the version that did the study."""
    version = study.versions.get("steepest", __version__)
    year = study.started[:4]
    fields = {
        "title": "{Steepest: the right optimizer and its hyperparameters, with the evidence}",
        "author": "{{The Steepest developers}}",
        "year": f"{{{year}}}" if year.isdigit() else "",
        "version": f"{{{version}}}" if PLAIN.fullmatch(version) else "",
        "note": "{Python package}",
    }
    lines = [f"  {key:<8}= {value}," for key, value in fields.items() if value]
    return "\n".join(["@software{steepest,", *lines, "}"])


def _task(study: StudyRecord, names: Sequence[str]) -> str:
    task = study.task
    sets = [f"{task.training_examples:,} training", f"{task.validation_examples:,} validation"]
    sets += [f"{task.test_examples:,} test"] if task.test_examples else []
    who = f"the optimizers {listed(names)}" if len(names) > 1 else f"the optimizer {names[0]}"
    version = study.versions.get("steepest", "")
    known = [NAMES.get(one.dialect, one.dialect) for one in study.optimizers.values()]
    dialects = listed(sorted(set(known)))
    every = {name for one in study.optimizers.values() for name in one.schedules}
    schedules = sorted(map(shown, every))
    lowered = (
        " On a plateau the learning rate was lowered after epochs in a row whose validation loss "
        "did not improve, as by Keras' ReduceLROnPlateau."
    )
    model = "the PyTorch module" if task.framework == "torch" else "the task"
    return (
        f"We compared {who} on {model} {task.name} ({task.parameters:,} trainable weights; "
        f"{listed(sets)} examples; {many(task.epochs, 'epoch')} of batch size {task.batch_size}; "
        f"loss {task.loss}) with Steepest{f' {version}' if version else ''}, each with the "
        f"arithmetic of {dialects} and a {listed(schedules)} learning-rate schedule."
        f"{lowered if PLATEAU in every else ''}{_trained_by(study)}"
    )


def _trained_by(study: StudyRecord) -> str:
    """Return what trained a PyTorch module, in a sentence after others; nothing for Keras'."""
    if study.task.framework != "torch":
        return ""
    if "jax" in study.versions:
        return (
            " The module was trained in compiled JAX programs, to which its exported graph was "
            "lowered; on a batch, loss, gradients and buffers were PyTorch's."
        )
    reasons = [note.partition(LOOP)[0] for note in study.task.notes if LOOP in note]
    return " It was trained in a plain PyTorch loop" + (f": {reasons[0]}." if reasons else ".")


def _search(study: StudyRecord, tuned: Sequence[str]) -> str:
    """Return how the search went, as far as its trials tell."""
    task, settings = study.task, study.settings
    trials = [t for t in study.trials if t.stage is Stage.SEARCH and t.optimizer in tuned]
    each = [sum(t.optimizer == name for t in trials) for name in tuned]
    count = counted(each)
    if not trials:
        return "no training of the search is on record."
    half = -(-task.epochs // 2)
    if walked(study):
        first = min(t.config.seed for t in trials)
        own = [t for t in trials if t.config.seed == first]
        again = [t for t in trials if t.config.seed != first]
        short = [t for t in own if t.epochs < task.epochs and not t.stopped_early(task.epochs)]
        at_half = [sum(t.optimizer == n for t in short) for n in tuned]
        full = [sum(t.optimizer == n for t in own if t not in short) for n in tuned]
        halves = f" of {many(half, 'epoch')}" if task.epochs > 1 else ""
        text = "for each optimizer, a list of starting configurations was trained"
        text += f" for {many(half, 'epoch')}" if task.epochs > 1 else ""
        text += (
            ", and the learning rate of the best was changed by factors of 10^0.4 and 10^0.2 "
            "either way as long as that improved the result"
        )
        if any(at_half) and any(full):
            text += (
                ". The best then went on to the full length, at which its learning rate was "
                f"refined in the same way. This took {counted(at_half)} trainings{halves} and "
                f"{counted(full)} in full for each optimizer"
            )
        else:
            text += f". This took {count} trainings for each optimizer"
        text += ", all from one seed"
        if again:
            more = counted([sum(t.optimizer == name for t in again) for name in tuned])
            text += (
                ". The best of them and the framework's defaults were trained again from up to "
                f"{many(len({t.config.seed for t in again}), 'other seed')} ({more} trainings for "
                "each optimizer), half of them in each round, and the best mean was chosen"
            )
        return f"{text}."
    ends = sorted({rung for rung in settings.rungs if rung < task.epochs})
    text = f"{count} configurations of each optimizer were trained from one seed"
    if ends:
        text += f", and the best of them went on after {listed([str(e) for e in ends])} "
        text += f"of {many(task.epochs, 'epoch')}"
    if any(settings.refined):
        text += "; a Gaussian process placed some of them where it expected the best"
    return f"{text}."


def walked(study: StudyRecord) -> bool:
    """Return whether learning rates were walked at two lengths; files before format 7 had rungs."""
    return study.settings.search > 0


def _seeds(study: StudyRecord) -> str:
    counts = [len(found) for name in study.optimizers if (found := study.confirmed(name))]
    if not counts:
        return "No configuration was confirmed on fresh seeds."
    settings = study.settings
    race = ", added where the comparison was still open" if settings.race else ""
    goal = "highest" if settings.maximize else "lowest"
    end = "at its best epoch" if settings.at == "best" else "at the end of training"
    if (by := best_by(settings.callbacks)) is not None:
        end = f"at the epoch that {by.kind} keeps"
    return (
        f"The configuration of each optimizer with the {goal} validation {settings.decides} {end} "
        f"was then trained on {counted(counts)} fresh {'seed' if max(counts) == 1 else 'seeds'} of "
        f"weights and data order{race}; results are of these alone."
    )


def _judged(study: StudyRecord) -> str:
    settings = study.settings
    if len(study.optimizers) < 2:
        return ""
    least = f"; differences below {matters(settings)} were taken not to matter"
    least *= bool(settings.practical)
    return (
        f"Optimizers were compared in {deciding(settings)} by Student's t on differences paired "
        f"by seed, at 5 % over all looks and pairs{least}."
    )


def _cost(study: StudyRecord) -> str:
    versions = [f"{k} {v}" for k, v in study.versions.items() if k != "steepest"]
    text = (
        f"In all, {many(len(study.trials), 'training')} cost as much as "
        f"{number(study.full_trainings, 3)} of full length"
    )
    hardware = ", ".join(f"{k} {v}" for k, v in study.hardware.items())
    text += f" and {number(study.seconds, 3)} s" + (f" ({hardware})." if hardware else ".")
    text += f" The seed was {study.settings.seed}"
    return text + (f"; versions: {', '.join(versions)}." if versions else ".")


def counted(counts: Sequence[int]) -> str:
    """Return counts that may be the same, such as "3" or "3 to 5"."""
    low, high = min(counts), max(counts)
    return str(low) if low == high else f"{low} to {high}"


def _were(names: Sequence[str]) -> str:
    return "were" if len(names) > 1 else "was"
