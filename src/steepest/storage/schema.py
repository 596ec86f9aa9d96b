"""The tables of the study file, in each format that there was."""

import sqlite3

from steepest.errors import quoted

STUDY = "CREATE TABLE study (key TEXT PRIMARY KEY, value TEXT NOT NULL)"
TRIAL = """CREATE TABLE trial (
  number INTEGER PRIMARY KEY,
  optimizer TEXT NOT NULL,
  stage TEXT NOT NULL,
  rule TEXT NOT NULL,
  dialect TEXT NOT NULL,
  schedule TEXT NOT NULL,
  hyperparameters TEXT NOT NULL,
  seed INTEGER NOT NULL,
  outcome TEXT NOT NULL,
  seconds REAL NOT NULL,
  test TEXT{later}
)"""
EVALUATION = """CREATE TABLE evaluation (
  trial INTEGER NOT NULL REFERENCES trial (number),
  epoch INTEGER NOT NULL,
  step INTEGER NOT NULL,
  training_loss REAL,
  validation_loss REAL,
  metrics TEXT NOT NULL,
  PRIMARY KEY (trial, epoch)
) WITHOUT ROWID"""
# The training set is measured since format 4, and a trial has a reason since 5.
LATER = {
    4: ",\n  training TEXT",
    **dict.fromkeys((5, 6, 7), ",\n  training TEXT,\n  reason TEXT NOT NULL"),
}
COLUMNS = 11  # of a trial in the first format


def tables(version: int) -> dict[str, str]:
    """Return the statement that makes each table of a format."""
    trial = TRIAL.format(later=LATER.get(version, ""))
    return {"study": STUDY, "trial": trial, "evaluation": EVALUATION}


def check_schema(db: sqlite3.Connection, version: int) -> None:
    """Raise `ValueError` unless the database has the tables of its format and nothing beside them.

    Compared is the text itself, as SQLite keeps it: whatever else there could be in a schema, from
    a trigger to a column that is computed, would be other text.
    """
    encoding = db.execute("PRAGMA encoding").fetchone()[0]
    if encoding != "UTF-8":
        raise ValueError(f"its texts are in {quoted(encoding)}, and not in UTF-8")
    wanted = {("table", name, name): _words(sql) for name, sql in tables(version).items()}
    wanted["index", "sqlite_autoindex_study_1", "study"] = ""
    found = {}
    for kind, name, table, sql in db.execute("SELECT type, name, tbl_name, sql FROM sqlite_master"):
        key = (kind, name, table)
        if key not in wanted:
            raise ValueError(f"it has the {quoted(kind)} {quoted(name)}, which is not of a study")
        found[key] = _words(sql or "")
        if found[key] != wanted[key]:
            raise ValueError(f"its table {quoted(name)} is not made as in format {version}")
    for _, name, _ in wanted.keys() - found.keys():
        raise ValueError(f"it has no table {name}")


def _words(sql: str) -> str:
    return " ".join(sql.split())
