"""What a person uses today beside what was found: differences on the same seeds."""

from dataclasses import dataclass

from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.statistics import Estimate, State, estimate


@dataclass(frozen=True)
class Today:
    """An optimizer beside the one of today, paired by seed."""

    name: str  # of the contestant that is the baseline
    compiled: bool  # whether it is what the model was compiled with, or a baseline that was given
    gain: Estimate  # what the optimizer gains, in the unit of what decides; positive: better
    relative: Estimate | None  # the same as a share of today's loss; None of a metric that goes up
    clear: bool = False  # whether the difference is established, in either direction


def todays(study: StudyRecord) -> str | None:
    """Return the contestant that is used today: the first baseline. None without one."""
    return next((name for name, one in study.optimizers.items() if one.baseline), None)


def today(study: StudyRecord, verdict: Verdict) -> Today | None:
    """Return what the recommended optimizer gains over the one of today.

    None without a baseline, where it is what is recommended itself, and where either has no
    confirmed seed.
    """
    return against(study, verdict, verdict.recommended) if verdict.recommended else None


def against(study: StudyRecord, verdict: Verdict, name: str) -> Today | None:
    """Return what any contestant gains over the one of today, over the seeds that both have.

    A difference to the leader has the verdict's interval, which stays valid whenever the race
    stops; of two others it is Student's 95 % interval. None as for `today`. `gain` has no mean
    where a run of either was lost.
    """
    mine = todays(study)
    if mine is None or mine == name:
        return None
    standings, score = verdict.standings, study.settings.score
    ours, theirs = (
        {t.config.seed: score(t) for t in study.confirmed(n) if t.config.seed in standings[n].seeds}
        for n in (mine, name)
    )
    both = [seed for seed in ours if seed in theirs]
    if not both:
        return None
    gain, clear = estimate([ours[seed] - theirs[seed] for seed in both]), False
    other = {name: mine, mine: name}.get(verdict.leader or "")  # who is compared with the leader
    if other is not None and (behind := standings[other].behind) is not None:
        gain = behind if verdict.leader == name else -behind
    if other is not None:
        clear = standings[other].state in (State.BEHIND, State.DIVERGED)
    elif gain.low is not None and gain.high is not None:
        clear = gain.low > 0 or gain.high < 0
    size = estimate([ours[seed] for seed in both]).mean
    relative = None
    if size is not None and size > 0 and not study.settings.maximize:
        relative = gain / size
    return Today(mine, study.optimizers[mine].compiled, gain, relative, clear)
