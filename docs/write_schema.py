"""Writes docs/report.schema.json, the schema of `steepest report --json`, from the records.

python docs/write_schema.py
"""

import json
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

from steepest.measures.measure import Measures
from steepest.records import FORMAT_VERSION, Outcome, Settings, TaskFacts
from steepest.rules import FRAMEWORKS
from steepest.statistics import Estimate, State

SCHEMA = "https://json-schema.org/draft/2020-12/schema"
NUMBER = {"type": ["number", "null"]}  # what is not finite is null
TEXT = {"type": "string"}
OUTCOMES = [one.name.lower() for one in Outcome if one is not Outcome.UNFINISHED]

UNSAID = ("shuffle", "drop_last", "framework")  # not written where it is as usual


def closed(properties, optional=()):
    """Return the schema of an object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def by_name(schema):
    return {"type": "object", "additionalProperties": schema}


def or_null(schema):
    return {"anyOf": [schema, {"type": "null"}]}


class Definitions:
    """The records that were met, a definition each."""

    def __init__(self):
        self.found = {}

    def of(self, kind):
        """Return the schema of a type, as the JSON has its values."""
        origin, parts = typing.get_origin(kind), typing.get_args(kind)
        if origin in (typing.Union, types.UnionType):
            kept = [part for part in parts if part is not types.NoneType]
            schemas = [self.of(part) for part in kept]
            return (
                {"anyOf": [*schemas, {"type": "null"}]}
                if len(kept) < len(parts)
                else {"anyOf": schemas}
            )
        if origin is tuple:
            return {"type": "array", "items": self.of(parts[0])}
        if origin is Mapping:
            return by_name(self.of(parts[1]))
        if is_dataclass(kind):
            return self.record(kind)
        if isinstance(kind, type) and issubclass(kind, Enum):
            return {"enum": [one.name.lower() for one in kind]}
        simple = {float: NUMBER, int: {"type": "integer"}, str: TEXT, bool: {"type": "boolean"}}
        return simple.get(kind, {})

    def record(self, kind):
        if kind.__name__ not in self.found:
            self.found[kind.__name__] = {}  # it may hold itself
            hints = typing.get_type_hints(kind)
            self.found[kind.__name__] = closed(
                {field.name: self.of(hints[field.name]) for field in fields(kind)},
                optional=UNSAID,
            )
        return {"$ref": f"#/$defs/{kind.__name__}"}


def schema():
    """Return the schema."""
    known = Definitions()
    estimate = known.of(Estimate)
    maybe = or_null(estimate)
    ended = closed(
        {
            "trials": {"type": "integer", "minimum": 1},
            "says": TEXT,
            "reasons": by_name({"type": "integer", "minimum": 1}),
        }
    )
    optimizer = closed(
        {
            "hyperparameters": or_null(by_name({"type": ["number", "string", "boolean"]})),
            "state": {"enum": [state.name.lower() for state in State]},
            "probability_best": {"type": "number", "minimum": 0, "maximum": 1},
            "value": estimate,
            "validation_loss": estimate,
            "validation_loss_best_epoch": estimate,
            "validation_metric": maybe,
            "validation_metrics": by_name(estimate),
            "test_loss": maybe,
            "test_metric": maybe,
            "test_metrics": by_name(estimate),
            "behind_leader": maybe,
            "behind_leader_relative": maybe,
            "behind_leader_on_other_examples": maybe,
            "behind_leader_on_other_examples_relative": maybe,
            "edges": {"type": "array", "items": TEXT},
            "seeds": {"type": "array", "items": {"type": "integer"}},
            "diverged_seeds": {"type": "integer"},
            "failed_seeds": {"type": "integer"},
            "outcomes": closed(dict.fromkeys(OUTCOMES, ended), optional=OUTCOMES),
            "code": closed(dict.fromkeys(FRAMEWORKS, TEXT), optional=FRAMEWORKS),
            "dialect": {"type": ["string", "null"]},
            "schedule": {"type": ["string", "null"]},
        }
    )
    name = {"type": ["string", "null"]}
    names = {"type": "array", "items": TEXT}
    top = closed(
        {
            "format_version": {"const": FORMAT_VERSION},
            "task": TEXT,
            "verdict": closed(
                {
                    "winner": name,
                    "leader": name,
                    "recommended": name,
                    "tied_with": names,
                    "learnt": {"type": ["boolean", "null"]},
                    "advice": {**names, "minItems": 1},
                    "sentence": TEXT,
                    "warnings": names,
                }
            ),
            "decides": closed(
                {
                    "value": TEXT,
                    "maximize": {"type": "boolean"},
                    "at": {"enum": ["end", "best"]},
                    "practical": {"type": "number"},
                }
            ),
            "metric": name,
            "optimizers": by_name(optimizer),
            "measures": known.of(Measures),
            "cost": closed(
                {
                    "full_trainings": {"type": "number"},
                    "seconds": {"type": "number"},
                    "compile_seconds": {"type": "number"},
                    "trials": {"type": "integer"},
                }
            ),
            "seed": {"type": "integer"},
            "finished": {"type": "boolean"},
            "resumed": names,
            "asked": {"type": "object"},
            "settings": known.of(Settings),
            "task_facts": known.of(TaskFacts),
            "versions": by_name(TEXT),
            "hardware": by_name(TEXT),
        }
    )
    return {
        "$schema": SCHEMA,
        "title": "What `steepest report FILE --json` prints",
        **top,
        "$defs": dict(sorted(known.found.items())),
    }


def write():
    """Return the text of the file."""
    return json.dumps(schema(), indent=1) + "\n"


if __name__ == "__main__":
    Path(__file__).with_name("report.schema.json").write_text(write())
