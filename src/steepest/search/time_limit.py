"""Under a limit of time: what is compiled first is trained first, and a limit too short is said.

Compiling may take longer than all training does. If every program were compiled before anything is
trained, a limit that compiling alone uses up would leave nothing at all.
"""

import logging
from collections.abc import Mapping, Sequence

from steepest.engines.cores import cores
from steepest.records import Config
from steepest.search.runner import Running, program_key
from steepest.search.session import Session

log = logging.getLogger(__name__)

# The share of the time left in which the other programs are compiled at the same time; what takes
# more is compiled one by one, so that a limit that is too short still leaves trials. Chosen.
SOON = 0.2
SEEDS = 2  # the fewest from which a verdict can follow


def compiled_first(
    session: Session, configs: Mapping[str, Sequence[Config]]
) -> list[Sequence[Config]]:
    """Return whose programs are compiled before anything is trained: without a limit, all."""
    some = list(configs.values())
    return some if session.study.settings.seconds is None else some[:1]


def explore(session: Session, running: list[Running]) -> None:
    """Train the first trials as far as they are to go; under a limit, one optimizer after another
    until it is known that compiling takes little of it.

    What is trained does not depend on that order.
    """
    _say_if_over(session)
    names = list(dict.fromkeys(one.trial.optimizer for one in running))
    if session.study.settings.seconds is None or len(names) < 2:
        session.train(running)
        return
    groups = {n: [one for one in running if one.trial.optimizer == n] for n in names}
    first, *others = names
    session.train(groups[first])
    if _check(session, groups[first], len(others)):
        session.train([one for name in others for one in groups[name]])
    else:
        for name in others:
            session.train(groups[name])


def _say_if_over(session: Session) -> None:
    """Say so if a limit is over before anything new is trained."""
    left, study = session.time_left(), session.study
    if left is not None and left <= 0:
        limit = study.settings.seconds or 0.0
        log.warning(
            "the limit of %.3g s, of all runs of the study together, was over after %.3g s, before "
            "anything new was trained (compiling: %.3g s); give more",
            limit,
            limit - left,
            session.prepared,
        )


def _check(session: Session, trained: list[Running], others: int) -> bool:
    """Return whether the programs of the other optimizers are soon compiled; say so if what is left
    cannot be enough for a verdict."""
    left, study = session.time_left() or 0.0, session.study
    keys = {program_key(one.trial.config) for one in trained} & session.programs.keys()
    compiling = sum(session.programs[key].compile_seconds for key in keys)
    compiling *= -(-others // cores())
    counted = sum(one.trial.epochs for one in trained) or 1
    an_epoch = sum(one.trial.seconds for one in trained) / counted / session.engine.workers
    half = study.settings.rungs[0]
    least = others * len(trained) * half + (others + 1) * SEEDS * study.task.epochs
    needed = compiling + least * an_epoch
    if session.live and needed > left:
        limit = study.settings.seconds or 0.0
        log.warning(
            "the limit of %.3g s is too short for a verdict, which takes about %.2g s at the "
            "least; the study ends with what is known by then",
            limit,
            limit - left + needed,
        )
    return compiling < SOON * left
