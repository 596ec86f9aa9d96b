"""Cost: the memory an optimizer's state takes, and the time of its update."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from steepest.measures.state import FLOAT, state_bytes
from steepest.measures.verdict import Standing, Verdict
from steepest.records import StudyRecord
from steepest.statistics import Estimate, estimate


@dataclass(frozen=True)
class Cost:
    """One optimizer's."""

    state: int | None  # bytes of its state for the whole model; None for a rule of one's own
    weights: int  # bytes of the model's trainable weights, float32
    step: Estimate  # seconds a training step took, evaluation included, a confirmed run each
    update: Estimate | None  # seconds of the update alone, a repetition each; None if not measured
    share: Estimate | None  # of the step that the update alone would take


def cost(study: StudyRecord, verdict: Verdict) -> Mapping[str, Cost]:
    """Return what each optimizer with confirmed runs costs, best first as in the verdict.

    `state` is what the tuned configuration remembers between steps (see `state_bytes`); None too
    for studies that did not write down the shapes of the weights. A framework may take more: Keras'
    Adafactor, for one, also keeps a full array for a matrix.

    `step` is a run's seconds over the steps it trained, so the evaluation at each epoch's end is in
    it, and so is waiting for what trains beside it. Runs that were lost are left out, as they
    stopped within an epoch.

    `update` was timed alone. In a training step it can be compiled into one with the gradient, so
    `share`, which is `update` over the mean step, is an upper estimate; the step's own uncertainty
    is not in its interval. It is None where the update alone took as long as a step: such timings
    say nothing.
    """
    return {
        name: _of(study, standing) for name, standing in verdict.standings.items() if standing.seeds
    }


def _of(study: StudyRecord, standing: Standing) -> Cost:
    sizes = [math.prod(one.shape) for one in study.task.weights]
    step = estimate(
        [
            trial.seconds / trial.curves.step[-1]
            for trial in study.confirmed(standing.name)
            if trial.config.seed in standing.seeds and not trial.lost and trial.curves.step
        ]
    )
    update = _update(study.update_seconds.get(standing.name))
    return Cost(
        state=state_bytes(standing.config, study.task.weights) if standing.config else None,
        weights=(sum(sizes) if sizes else study.task.parameters) * FLOAT,
        step=step.clipped(),
        update=update,
        share=None if update is None or not step.mean else _share(update, step.mean),
    )


def step_noise(study: StudyRecord, measured: Mapping[str, Cost]) -> float:
    """Return by what share the times of steps are off that should agree.

    The largest half-width of an optimizer's interval over its runs, or, where two contestants do
    the same arithmetic, by how much their means differ, if that is more. Infinite without any.
    """
    known = {n: one.step for n, one in measured.items() if one.step.mean}
    found = [s.high / s.mean - 1 for s in known.values() if s.high is not None and s.mean]
    alike: dict[object, list[float]] = {}
    for name, step in known.items():
        config = next((t.config for t in study.confirmed(name)), None)
        if config is not None and step.mean:
            kind = (config.rule, config.dialect, tuple(sorted(config.choices.items())))
            alike.setdefault(kind, []).append(step.mean)
    found += [max(some) / min(some) - 1 for some in alike.values() if len(some) > 1]
    return max(found, default=math.inf)


def steps_differ(study: StudyRecord, measured: Mapping[str, Cost]) -> bool:
    """Return whether optimizers' steps differ by more than the noise of their timing."""
    means = [one.step.mean for one in measured.values() if one.step.mean]
    return len(means) > 1 and max(means) / min(means) - 1 > step_noise(study, measured)


def _update(seconds: Sequence[float] | None) -> Estimate | None:
    able = [s for s in seconds or () if isinstance(s, float | int) and math.isfinite(s) and s >= 0]
    return estimate(able).clipped() if able else None


def _share(update: Estimate, step: float) -> Estimate | None:
    """Return the update as a share of a step; None where that says nothing."""
    found = (update / step).clipped(0.0, 1.0)
    if found.mean is None or found.mean >= 1:
        return None
    return replace(found, values=tuple(min(1.0, value) for value in found.values))
