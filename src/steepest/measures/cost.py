"""Cost: the memory an optimizer's state takes, and the time of its update."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from steepest.measures.bounds import within
from steepest.measures.state import FLOAT, state_bytes
from steepest.measures.verdict import Standing, Verdict
from steepest.records import Study
from steepest.statistics import Estimate, estimate


@dataclass(frozen=True)
class Cost:
    """One optimizer's."""

    state: int | None  # bytes of its state for the whole model; None for a rule of one's own
    weights: int  # bytes of the model's trainable weights, float32
    step: Estimate  # seconds a training step took, evaluation included, a confirmed run each
    update: Estimate | None  # seconds of the update alone, a repetition each; None if not measured
    share: Estimate | None  # of the step that the update alone would take


def cost(study: Study, verdict: Verdict) -> Mapping[str, Cost]:
    """Return what each optimizer with confirmed runs costs, best first as in the verdict.

    `state` is what the tuned configuration remembers between steps (see `state_bytes`); None too
    for studies that did not write down the shapes of the weights. A framework may take more: Keras'
    Adafactor, for one, also keeps a full array for a matrix.

    `step` is a run's seconds over the steps it trained, so the evaluation at each epoch's end is in
    it, and so is waiting for what trains beside it. Runs that were lost are left out, as they
    stopped within an epoch.

    `update` was timed alone. In a training step it can be compiled into one with the gradient, so
    `share`, which is `update` over the mean step and 1 at most, is an upper estimate. The step's
    own uncertainty is not in its interval.
    """
    return {
        name: _of(study, standing) for name, standing in verdict.standings.items() if standing.seeds
    }


def _of(study: Study, standing: Standing) -> Cost:
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
        step=within(step),
        update=update,
        share=None if update is None or not step.mean else _share(update, step.mean),
    )


def _update(seconds: Sequence[float] | None) -> Estimate | None:
    able = [s for s in seconds or () if isinstance(s, float | int) and math.isfinite(s) and s >= 0]
    return within(estimate(able)) if able else None


def _share(update: Estimate, step: float) -> Estimate:
    """Return the update as a share of a step, within 0 and 1."""
    found = within(update / step, 0.0, 1.0)
    return replace(found, values=tuple(min(1.0, value) for value in found.values))
