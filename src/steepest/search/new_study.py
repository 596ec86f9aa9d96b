"""A study before its first trial: what is asked, of what, with what, on what, and the loss of
untrained weights, to which losses that went wrong are held.
"""

import functools
import importlib.metadata
import logging
import platform
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from steepest import spaces
from steepest.engines.cores import cores
from steepest.engines.population import Population
from steepest.engines.protocol import Engine
from steepest.errors import TrialError
from steepest.parse.contestant import Contestant
from steepest.parse.notes import notes
from steepest.records import Config, ContestantRecord, Settings, StudyRecord
from steepest.rules import find_rule
from steepest.rules.custom import rule_fingerprint
from steepest.search.runner import program_key
from steepest.search.session import Session
from steepest.version import __version__
from steepest.workers.remote import RemoteEngine

log = logging.getLogger(__name__)


def new_study(engine: Engine, contestants: Sequence[Contestant], settings: Settings) -> StudyRecord:
    """Return a study without trials: what is asked, of what, with what, on what."""
    packages = (*engine.packages, "numpy", "scipy")
    hardware: dict[str, str] = {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": str(cores()),
        "device": engine.device,
    }
    if isinstance(engine, RemoteEngine):
        hardware["workers"] = engine.crew.name
        hardware["kinds of workers"] = "any" if engine.mixed else engine.kind
    optimizers = {
        contestant.name: ContestantRecord(
            rule=contestant.rule,
            fixed=dict(contestant.fixed),
            space={name: spaces.to_dict(space) for name, space in contestant.space.items()},
            dialect=contestant.dialect,
            schedule=contestant.schedule,
            baseline=contestant.baseline,
            compiled=contestant.compiled,
            notes=tuple(
                notes(
                    contestant,
                    engine.facts.weights,
                    engine.facts.framework,
                    engine.facts.steps_per_epoch,
                )
            ),
            given=contestant.given,
            start=dict(contestant.start),
            # So that a study does not go on with another rule of the same name.
            code=rule_fingerprint(find_rule(contestant.rule)) or None,
        )
        for contestant in contestants
    }
    return StudyRecord(
        task=engine.facts,
        settings=settings,
        optimizers=optimizers,
        versions={
            "python": platform.python_version(),
            "steepest": __version__,  # its own word, as a source tree need not be installed
            **{name: _version(name) for name in packages},
        },
        hardware=hardware,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def measure_untrained(session: Session, configs: Mapping[str, Sequence[Config]]) -> None:
    """Note loss and metrics before any training, of one member with the search's seed.

    Once in a study: one that goes on has them from before. Where the model fails at it nothing is
    noted, as its trials will tell.
    """
    if session.study.initial:
        return
    config = next(config for some in configs.values() for config in some)
    population, program = Population.of([config]), session.programs[program_key(config)]
    try:
        found = program.measure(population, program.begin(population), "validation")
    except (TrialError, RuntimeError) as error:  # what JAX raises is a RuntimeError
        log.info("the untrained model cannot be measured: %s", error)
        return
    session.note(initial=found[0])


@functools.cache  # a package's metadata are read in milliseconds
def _version(package: str) -> str:
    """Return the version of a package that is imported, which may have no metadata."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        module = sys.modules.get(package)
        return str(getattr(module, "__version__", "unknown"))
