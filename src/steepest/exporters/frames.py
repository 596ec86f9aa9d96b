"""Rows as a pandas data frame, and as a Parquet file."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from steepest.exporters import absent
from steepest.records import StudyRecord
from steepest.reports.rows import Row, columns, curve_rows, trial_rows


def to_dataframe(study: StudyRecord, curves: bool = False) -> Any:
    """Return a `pandas.DataFrame` with a row a trial, or with `curves` one a trial and evaluation.

    Columns are those of `steepest.reports.rows`.

    Raises:
        InputError: pandas is absent.
    """
    try:
        import pandas
    except ImportError as error:
        raise absent("to_dataframe", error, "pandas") from None
    return pandas.DataFrame(columns(curve_rows(study) if curves else trial_rows(study)))


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
