"""Exports of a study to other programs: one file and one package a destination."""

from datetime import UTC, datetime

from steepest.records import StudyRecord


def safe_name(name: str, allowed: str) -> str:
    """Return `name` with what is neither a letter, a digit nor in `allowed` as "_"."""
    return "".join(c if (c.isascii() and c.isalnum()) or c in allowed else "_" for c in name)


def began(study: StudyRecord) -> datetime:
    """Return when the study began; 1970 where its file does not say."""
    try:
        return datetime.fromisoformat(study.started).astimezone()
    except (ValueError, OverflowError, TypeError):
        return datetime.fromtimestamp(0, UTC)
