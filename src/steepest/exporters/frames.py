"""Rows as pandas data frames, and as a Parquet file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steepest.errors import absent
from steepest.measures.measure import Measures
from steepest.measures.verdict import Verdict
from steepest.records import StudyRecord
from steepest.reports.leaderboard import leaderboard_rows
from steepest.reports.rows import Row, columns, curve_rows, trial_rows


def to_dataframe(study: StudyRecord, curves: bool = False) -> Any:
    """Return a `pandas.DataFrame` with a row a trial, or with `curves` one a trial and evaluation.

    Columns are those of `steepest.reports.rows`.

    Raises:
        InputError: pandas is absent.
    """
    return _frame(curve_rows(study) if curves else trial_rows(study), "to_dataframe")


def leaderboard(study: StudyRecord, verdict: Verdict, measured: Measures) -> Any:
    """Return a `pandas.DataFrame` with a row an optimizer.

    Columns are those of `steepest.reports.leaderboard`.

    Raises:
        InputError: pandas is absent.
    """
    return _frame(leaderboard_rows(study, verdict, measured), "leaderboard")


def _frame(rows: Sequence[Row], asked: str) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise absent(asked, error, "pandas") from None
    return pandas.DataFrame(columns(rows))


def write_parquet(rows: Sequence[Row], path: Path) -> None:
    """Write rows to a new Parquet file.

    Raises:
        InputError: PyArrow is absent.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError as error:
        raise absent("--parquet", error, "parquet") from None
    parquet.write_table(pyarrow.table(columns(rows)), str(path))
