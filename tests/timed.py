"""Times to a target that is known beforehand, so that tests of compatibility need no curve."""

from statistics import median

from steepest.measures.speed import Speed, Speeds, Target, Times
from steepest.records import Outcome
from steepest.statistics import estimate


def speeds(study, verdict, target=None, reference=None):
    """Return the first step at which a seed is as good as the leader's seeds end in the median."""
    settings, found = study.settings, {}
    if verdict.leader is None:
        return Speeds(None, {})
    ends = [settings.score(trial) for trial in study.confirmed(verdict.leader)]
    goal = median(ends)
    sign = -1 if settings.maximize else 1
    for name in verdict.standings:
        trials = study.confirmed(name)
        if not trials:
            continue
        hits = [
            next(
                (
                    step
                    for step, value in zip(t.curves.step, t.watched(settings.decides), strict=False)
                    if sign * value <= goal and t.outcome is not Outcome.DIVERGED
                ),
                None,
            )
            for t in trials
        ]
        values = tuple(
            float(t.curves.step[-1] if hit is None else hit)
            for t, hit in zip(trials, hits, strict=True)
        )
        reached = tuple(hit is not None for hit in hits)
        times = Times(values, reached, None, None, None, estimate(values))
        found[name] = Speed(times, times, times, estimate(values), None)
    return Speeds(Target(sign * goal, verdict.leader), found)
