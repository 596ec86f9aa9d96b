"""The study as one JSON object, versioned by `format_version`; see docs/how-it-works.md."""

import json
import math
from typing import Any

from steepest.export import code, has_code
from steepest.measures.statistics import Estimate
from steepest.measures.verdict import Standing, Verdict
from steepest.records import FORMAT_VERSION, Config, Study, facts_to_dict
from steepest.reports.sentence import sentence, warnings
from steepest.rules import FRAMEWORKS


def to_dict(study: Study, verdict: Verdict) -> dict[str, Any]:
    """Return what `--json` prints. Only `cost.seconds` and `cost.compile_seconds` tell times."""
    return {
        "format_version": FORMAT_VERSION,
        "task": study.task.name,
        "verdict": {
            "winner": verdict.winner,
            "leader": verdict.leader,
            "tied_with": list(verdict.tied_with),
            "sentence": sentence(study, verdict),
            "warnings": warnings(study, verdict),
        },
        "metric": study.task.metrics[0] if study.task.metrics else None,
        "optimizers": {
            name: _optimizer(study, standing) for name, standing in verdict.standings.items()
        },
        "cost": {
            "full_trainings": round(study.full_trainings, 3),
            "seconds": round(study.seconds, 3),
            "compile_seconds": round(study.compile_seconds, 3),
            "trials": len(study.trials),
        },
        "seed": study.settings.seed,
        "finished": study.finished,
        "settings": facts_to_dict(study.settings),
        "task_facts": facts_to_dict(study.task),
        "versions": dict(study.versions),
        "hardware": dict(study.hardware),
    }


def dumps(data: dict[str, Any]) -> str:
    """Return `data` as strict JSON: numbers that are not finite become null."""
    return json.dumps(_strict(data), indent=2, ensure_ascii=False, allow_nan=False)


def _strict(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _strict(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_strict(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _optimizer(study: Study, standing: Standing) -> dict[str, Any]:
    config = standing.config
    return {
        "hyperparameters": dict(config.hyperparameters) if config else None,
        "validation_loss": _estimate(standing.loss),
        "validation_metric": _estimate(standing.metric),
        "test_loss": _estimate(standing.test_loss),
        "test_metric": _estimate(standing.test_metric),
        "behind_leader": _estimate(standing.behind),
        "seeds": list(standing.seeds),
        "diverged_seeds": standing.diverged,
        "code": _code(config, study) if config else {},
        "dialect": config.dialect if config else None,
        "schedule": config.schedule if config else None,
    }


def _code(config: Config, study: Study) -> dict[str, str]:
    """Return the source for each framework; nothing for a rule of one's own."""
    if not has_code(config):
        return {}
    return {framework: code(config, study.task, framework) for framework in FRAMEWORKS}


def _estimate(value: Estimate | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "mean": value.mean,
        "low": value.low,
        "high": value.high,
        "values": [v if math.isfinite(v) else None for v in value.values],
    }
