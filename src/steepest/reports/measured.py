"""The measures as plain dictionaries, for the JSON."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from steepest.measures.measured import Measures


def measures_to_dict(measures: Measures) -> dict[str, Any]:
    """Return each measure under its own field names, which docs/report.schema.json lists."""
    found: dict[str, Any] = _plain(measures)
    return found


def _plain(value: Any) -> Any:
    """Return records as dictionaries, all the way down."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value.name.lower() if isinstance(value, Enum) else value
