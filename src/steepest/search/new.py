"""A study before its first trial: what is asked, of what, with what, on what."""

import importlib.metadata
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from steepest import spaces
from steepest.engines.cores import cores
from steepest.engines.engine import Engine
from steepest.records import Settings, Study
from steepest.rules import find_rule
from steepest.rules.contestant import Contestant, notes
from steepest.rules.own import rule_fingerprint
from steepest.search.ground import Ground


def new_study(engine: Engine, contestants: Sequence[Contestant], settings: Settings) -> Study:
    """Return a study without trials: what is asked, of what, with what, on what."""
    packages = ("steepest", *engine.packages, "numpy", "scipy", "scikit-learn")
    hardware: dict[str, str] = {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": str(cores()),
        "device": engine.device,
    }
    optimizers: dict[str, dict[str, Any]] = {
        contestant.name: {
            "rule": contestant.rule,
            "dialect": contestant.dialect,
            "schedule": contestant.schedule,
            "baseline": contestant.baseline,
            "notes": notes(contestant, engine.facts.weights),
            "fixed": dict(contestant.fixed),
            "space": {name: spaces.to_dict(space) for name, space in contestant.space.items()},
            "given": list(contestant.given),
            "effective": Ground(contestant).effective,
            **_code(contestant),
        }
        for contestant in contestants
    }
    return Study(
        task=engine.facts,
        settings=settings,
        optimizers=optimizers,
        versions={
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        hardware=hardware,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _code(contestant: Contestant) -> dict[str, str]:
    """Return a digest of a person's own rule, so that a study does not go on with another one."""
    code = rule_fingerprint(find_rule(contestant.rule))
    return {"code": code} if code else {}
