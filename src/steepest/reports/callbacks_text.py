"""What callbacks did in a study, in sentences: what they are, whom they stopped, what that cost."""

from steepest.codegen.callback_calls import call
from steepest.records import Stage, StudyRecord
from steepest.records.callbacks import best_by, stops
from steepest.text import listed, many


def under(study: StudyRecord) -> str:
    """Return the callbacks that all trials trained under, as Keras' calls; empty without any."""
    return listed([call(one) for one in study.settings.callbacks])


def stopped(study: StudyRecord) -> str:
    """Return whom callbacks stopped, and what was compared and paid for; empty without any."""
    callbacks, whole = study.settings.callbacks, study.task.epochs
    if not callbacks:
        return ""
    said = f"Trials trained under {under(study)}."
    if stops(callbacks):
        early = [t for t in study.trials if t.stopped_early(whole)]
        said += f" EarlyStopping stopped {len(early):,} of {many(len(study.trials), 'trial')}"
        confirmed = sorted(t.epochs for t in early if t.stage is Stage.CONFIRM)
        if confirmed:
            first, last = confirmed[0], confirmed[-1]
            after = f"{first}" if first == last else f"{first} to {last}"
            said += f", confirmed ones after {after} of {many(whole, 'epoch')}"
        said += "; the cost counts epochs that were trained."
    return f"{said} {compared(study)}"


def compared(study: StudyRecord) -> str:
    """Return which epoch of a trial is compared, where callbacks may stop it or keep one."""
    by = best_by(study.settings.callbacks)
    if by is None and not stops(study.settings.callbacks):
        return "Each is compared at the end of its training."
    if by is None:
        end = "where it stopped" if study.settings.at == "end" else "at its best epoch"
        return f"Each is compared {end}."
    does = "restores" if by.kind == "EarlyStopping" else "saves"
    return f"Each is compared at the epoch whose weights {by.kind} {does}."
