"""What confirmed weights reach on parts of the validation set, which tells of other examples.

A verdict's ± is over seeds, which all meet the same validation examples. How much the optimizers'
distance differs from part to part of these says how much it would on others.
"""

import logging
import math
from collections.abc import Sequence

from steepest.data.sources import examples_of
from steepest.engines.eval_sets import PARTS, part_name
from steepest.engines.population import Population
from steepest.engines.state import State
from steepest.records import Outcome, StudyRecord
from steepest.search.runner import Running, program_key
from steepest.search.search_space import SEEDS_APART
from steepest.search.session import Session

log = logging.getLogger(__name__)
# Confirmed runs of each contestant that are measured, the first ones, so that all have the same
# seeds. Of twelve, five give an interval 1.12 to 1.21 times as wide (benchmarks/other_examples.py).
SEEDS = 10


def measure_parts(session: Session, done: Sequence[Running]) -> None:
    """Measure the first confirmed runs on each part of the validation set, and note their means.

    Not where the best epoch decides, as the weights are those of the last. Of a study that went on
    with more seeds these are measured, where they are as many: the others are gone.
    """
    study = session.study
    names = [name for name in map(part_name, range(PARTS)) if name in session.engine.sets]
    groups = _groups(study, done)
    if not names or study.settings.at != "end" or not groups:
        return
    session.recover([one for some in groups.values() for one in some])
    try:
        found = {name: _means(session, some, names) for name, some in groups.items()}
    except Exception as error:  # a model may take no batch of another size
        log.info("validation is not measured in parts: %s: %s", type(error).__name__, error)
        return
    if all(math.isfinite(value) for values in found.values() for value in values):
        rows = examples_of(session.engine.sets[names[0]])
        session.note(parts={**study.parts, **found}, part_examples=rows)


def _groups(study: StudyRecord, done: Sequence[Running]) -> dict[str, list[Running]]:
    """Return the runs of each contestant that are to be measured; none where nothing is compared,
    or nobody has a second seed."""
    before = study.settings.seed * SEEDS_APART + max(study.judged, default=0)
    if not study.judged and study.parts:
        return {}
    groups: dict[str, list[Running]] = {}
    for one in sorted(done, key=lambda one: one.trial.config.seed):
        if one.trial.outcome is Outcome.FINISHED and one.trial.config.seed > before:
            groups.setdefault(one.trial.optimizer, []).append(one)
    had = {n: sum(t.config.seed <= before for t in study.confirmed(n)) for n in groups}
    groups = {
        name: some[:SEEDS]
        for name, some in groups.items()
        if name not in study.parts or len(some) >= min(SEEDS, had[name])
    }
    several = len(study.optimizers) > 1 and any(len(some) > 1 for some in groups.values())
    return groups if several else {}


def _means(session: Session, some: Sequence[Running], names: Sequence[str]) -> tuple[float, ...]:
    """Return the mean over runs of one contestant of what decides, on each part."""
    decides = session.study.settings.decides
    population = Population.of([one.trial.config for one in some])
    program = session.programs[program_key(some[0].trial.config)]
    state = State.join([session.checkpoints.get(one.trial.number) for one in some])
    every = [program.measure(population, state, name) for name in names]
    return tuple(math.fsum(one[decides] for one in found) / len(some) for found in every)
