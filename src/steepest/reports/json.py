"""The study as one JSON object, versioned by `format_version`; see docs/formats.md."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, fields, is_dataclass
from enum import Enum
from typing import Any

from steepest.codegen import has_code
from steepest.codegen.callbacks import study_code
from steepest.measures.measure import Measures
from steepest.measures.outcomes import count_outcomes
from steepest.measures.trivial import learnt
from steepest.measures.verdict import Standing, Verdict
from steepest.records import FORMAT_VERSION, Config, Outcome, StudyRecord
from steepest.reports.advice import warnings
from steepest.reports.advice_text import advice
from steepest.reports.trivial import alarm, headline
from steepest.rules import FRAMEWORKS
from steepest.statistics import Estimate
from steepest.text import plain


def to_dict(study: StudyRecord, verdict: Verdict, measures: Measures) -> dict[str, Any]:
    """Return what `--json` prints; docs/report.schema.json is its schema.

    Times are told by `cost`, `measures.cost` and `measures.speed` in seconds alone.
    """
    first = [said.removesuffix(".")] if (said := alarm(study, verdict)) else []
    return {
        "format_version": FORMAT_VERSION,
        "task": study.task.name,
        "verdict": {
            "winner": verdict.winner,
            "leader": verdict.leader,
            "recommended": verdict.recommended,
            "tied_with": list(verdict.tied_with),
            "learnt": learnt(study, verdict),
            "advice": advice(study, verdict),
            "sentence": headline(study, verdict),
            "warnings": [*first, *warnings(study, verdict)],
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
        "settings": asdict(study.settings),
        "task_facts": asdict(study.task),
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


def _optimizer(study: StudyRecord, standing: Standing) -> dict[str, Any]:
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
        "behind_leader_on_other_examples": _estimate(standing.elsewhere),
        "behind_leader_on_other_examples_relative": _estimate(standing.relative_elsewhere),
        "edges": list(standing.edges),
        "seeds": list(standing.seeds),
        "diverged_seeds": standing.diverged,
        "failed_seeds": standing.failed,
        "outcomes": _outcomes(study, standing.name),
        "code": _code(config, study) if config else {},
        "dialect": config.dialect if config else None,
        "schedule": config.schedule if config else None,
    }


def _outcomes(study: StudyRecord, name: str) -> dict[str, Any]:
    """Return how many of an optimizer's trials ended how, with what that means, and why."""
    found = count_outcomes(study, [t for t in study.trials if t.optimizer == name])
    return {
        outcome.name.lower(): {
            "trials": count,
            "says": outcome.value,
            "reasons": dict(found.reasons) if outcome is Outcome.FAILED else {},
        }
        for outcome, count in found.counts.items()
    }


def _code(config: Config, study: StudyRecord) -> dict[str, str]:
    """Return the source for each framework; nothing for a rule of one's own."""
    if not has_code(config):
        return {}
    return {framework: study_code(study, config, framework) for framework in FRAMEWORKS}


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


def measures_to_dict(measures: Measures) -> dict[str, Any]:
    """Return each measure under its own field names, which docs/report.schema.json lists."""
    found: dict[str, Any] = _as_json(measures)
    return found


def _as_json(value: Any) -> Any:
    """Return records as dictionaries, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _as_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _as_json(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(each) for each in value]
    return value.name.lower() if isinstance(value, Enum) else value
