"""The study as one JSON object, versioned by `format_version`; see docs/how-it-works.md."""

import json
import math
from collections.abc import Mapping
from typing import Any

from steepest.export import code, has_code
from steepest.measures.endings import endings
from steepest.measures.measured import Measures
from steepest.measures.verdict import Standing, Verdict
from steepest.plain import plain
from steepest.records import FORMAT_VERSION, Config, Outcome, Study, facts_to_dict
from steepest.reports.advice import warnings
from steepest.reports.measured import measures_to_dict
from steepest.reports.sentence import sentence
from steepest.rules import FRAMEWORKS
from steepest.statistics import Estimate


def to_dict(study: Study, verdict: Verdict, measures: Measures) -> dict[str, Any]:
    """Return what `--json` prints; docs/report.schema.json is its schema.

    Times are told by `cost`, `measures.cost` and `measures.speed` in seconds alone.
    """
    return {
        "format_version": FORMAT_VERSION,
        "task": study.task.name,
        "verdict": {
            "winner": verdict.winner,
            "leader": verdict.leader,
            "recommended": verdict.recommended,
            "tied_with": list(verdict.tied_with),
            "sentence": sentence(study, verdict),
            "warnings": warnings(study, verdict),
        },
        "decides": {
            "value": f"validation {study.settings.decides}",
            "maximize": study.settings.maximize,
            "at": study.settings.at,
            "practical": study.settings.practical,
        },
        "metric": study.task.metrics[0] if study.task.metrics else None,
        "optimizers": {
            name: _optimizer(study, standing) for name, standing in verdict.standings.items()
        },
        "measures": measures_to_dict(measures),
        "cost": {
            "full_trainings": round(study.full_trainings, 3),
            "seconds": round(study.seconds, 3),
            "compile_seconds": round(study.compile_seconds, 3),
            "trials": len(study.trials),
        },
        "seed": study.settings.seed,
        "finished": study.finished,
        "resumed": list(study.resumed),
        "asked": _told(dict(study.asked)),
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
        "state": standing.state.name.lower(),
        "probability_best": round(standing.probability, 4),
        "value": _estimate(standing.value),
        "validation_loss": _estimate(standing.loss),
        "validation_loss_best_epoch": _estimate(standing.best_loss),
        "validation_metric": _estimate(standing.metric),
        "validation_metrics": _estimates(standing.metrics),
        "test_loss": _estimate(standing.test_loss),
        "test_metric": _estimate(standing.test_metric),
        "test_metrics": _estimates(standing.test),
        "behind_leader": _estimate(standing.behind),
        "behind_leader_relative": _estimate(standing.relative),
        "edges": list(standing.edges),
        "seeds": list(standing.seeds),
        "diverged_seeds": standing.diverged,
        "failed_seeds": standing.failed,
        "outcomes": _outcomes(study, standing.name),
        "code": _code(config, study) if config else {},
        "dialect": config.dialect if config else None,
        "schedule": config.schedule if config else None,
    }


def _outcomes(study: Study, name: str) -> dict[str, Any]:
    """Return how many of an optimizer's trials ended how, with what that means, and why."""
    found = endings(study, [t for t in study.trials if t.optimizer == name])
    return {
        outcome.name.lower(): {
            "trials": count,
            "says": outcome.value,
            "reasons": dict(found.reasons) if outcome is Outcome.FAILED else {},
        }
        for outcome, count in found.counts.items()
    }


def _code(config: Config, study: Study) -> dict[str, str]:
    """Return the source for each framework; nothing for a rule of one's own."""
    if not has_code(config):
        return {}
    return {framework: code(config, study.task, framework) for framework in FRAMEWORKS}


def _estimates(values: Mapping[str, Estimate]) -> dict[str, Any]:
    return {name: _estimate(value) for name, value in values.items() if name != "loss"}


def _estimate(value: Estimate | None) -> dict[str, Any] | None:
    if value is None:
        return None
    return {
        "mean": value.mean,
        "low": value.low,
        "high": value.high,
        "values": [v if math.isfinite(v) else None for v in value.values],
    }


def _told(value: Any) -> Any:
    """Return what was asked, which is kept to the letter, without control characters."""
    if isinstance(value, Mapping):
        return {plain(str(key)): _told(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_told(one) for one in value]
    return plain(value) if isinstance(value, str) else value
