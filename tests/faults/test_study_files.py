"""Study files with a fault somewhere: each is a study that can be told, or a `StudyFileError`.

STEEPEST_FUZZ multiplies the examples, and STEEPEST_FUZZ_TABLE names a file that gets what happened.
"""

import contextlib
import json
import os
import sqlite3
import unicodedata
from collections import Counter
from pathlib import Path

import pytest
from faults.hostile import OTHER, TERMINAL, hostile
from faults.tellers import told
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from whole import whole_study

from steepest import storage
from steepest.errors import StudyFileError

pytestmark = pytest.mark.slow

FUZZ = int(os.environ.get("STEEPEST_FUZZ", "1"))
DATA = Path(__file__).parents[1] / "formats"
HAPPENED = Counter()  # (kind of fault, what happened) → how often
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from(
        [0, -1, 1, 2, 10**6, 2**31, 2**53, 2**53 + 1, 2**63 - 1, -(2**63), 10**30, 10**5000]
    ),
    st.sampled_from([0.0, -0.0, 0.5, 1.0, 1e-320, 1e308, -1e308]),
    st.sampled_from(["", "x", "\x1b[31m", "\ud800", "\x00", "1e999", "nan", "inf", "-inf", "loss"]),
    st.sampled_from(["constant", "torch", "Adam", "Muon", "best", "accuracy", "DIVERGED"]),
    st.sampled_from([[], {}, [[]], [1], ["x"], {"x": 1}, {"loss": None}, {"kind": "Float"}]),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
)
RAW = st.sampled_from(
    ["NaN", "Infinity", "-Infinity", "1e400", "[" * 3000, '{"a":1,"a":2}', "9" * 6000, "tru", ""]
)


def kept(path, kind):
    """Read and tell the file; count what happened. Nothing else may be raised."""
    study, said = None, ""
    try:
        study = storage.read(path)
    except StudyFileError as error:
        said = str(error)
    if study is None:
        assert all(unicodedata.category(c) not in ("Cc", "Cf", "Cs") for c in said)
        assert len(said.replace(str(path), "")) < 300
        HAPPENED[kind, "refused with a sentence"] += 1
        return None
    told(study, path, pages=HAPPENED.total() % 20 == 0)  # a page takes longest
    HAPPENED[kind, "a study, told by all"] += 1
    return study


class Files(dict):
    """The bytes of files by name, which an example that fails does not print."""

    def __repr__(self):
        return f"<{', '.join(self)}>"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the bytes of study files: of each format, a whole one and a hostile one."""
    place = tmp_path_factory.mktemp("files")
    for name, study in (("whole", whole_study()), ("hostile", hostile(OTHER[:2] + TERMINAL))):
        storage.create(place / f"{name}.db", study)
    every = [*sorted(DATA.glob("*.db")), *sorted(place.glob("*.db"))]
    return Files({path.stem: path.read_bytes() for path in every})


@pytest.fixture(scope="module", autouse=True)
def table():
    """Write what happened, where somebody asks for it."""
    yield
    if "STEEPEST_FUZZ_TABLE" in os.environ:
        kinds = sorted({kind for kind, _ in HAPPENED})
        rows = []
        for kind in kinds:
            mine = {what: n for (one, what), n in HAPPENED.items() if one == kind}
            said = ", ".join(f"{n:,} {what}" for what, n in sorted(mine.items()))
            rows.append(f"| {kind} | {sum(mine.values()):,} | {said} |")
        with Path(os.environ["STEEPEST_FUZZ_TABLE"]).open("a") as out:
            out.write("\n".join(rows) + "\n")


def fuzz(examples):
    """Return settings with so many examples, times STEEPEST_FUZZ."""
    checks = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
    return settings(
        max_examples=examples * FUZZ,
        deadline=None,
        derandomize=FUZZ == 1,
        suppress_health_check=checks,
        database=None,
    )


def places(value, path=()):
    """Yield the path to each value in JSON."""
    yield path
    if isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield from places(value[key], (*path, key))


def put(value, path, new, how):
    """Return JSON with one value exchanged, left out or added beside."""
    if not path:
        return new
    key, *rest = path
    if rest:
        value[key] = put(value[key], rest, new, how)
    elif how == "without":
        del value[key]
    elif how == "beside" and isinstance(value, dict):
        value[str(new)[:30].encode(errors="replace").decode() if new is not None else "x"] = new
    else:
        value[key] = new
    return value


@given(st.data())
@fuzz(60)
def test_random_bytes_changed(files, tmp_path, data):
    content = bytearray(files[data.draw(st.sampled_from(sorted(files)))])
    for _ in range(data.draw(st.integers(1, 3))):
        # Half of them in the pages that say what is where.
        at = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 150))
        new = data.draw(st.binary(min_size=1, max_size=8))
        content[at : at + len(new)] = new
    path = tmp_path / "study.db"
    path.write_bytes(content)
    kept(path, "study file with random bytes changed")


@given(st.data())
@fuzz(80)
def test_cut_at_any_byte(files, tmp_path, data):
    content = files[data.draw(st.sampled_from(sorted(files)))]
    end = data.draw(st.integers(0, len(content) - 1) | st.integers(0, 3).map(lambda n: 4096 * n))
    path = tmp_path / "study.db"
    path.write_bytes(content[:end])
    assert kept(path, "study file cut at a random byte") is None


@given(st.data())
@fuzz(100)
def test_one_fact_exchanged(files, tmp_path, data):
    path = tmp_path / "study.db"
    path.write_bytes(files[data.draw(st.sampled_from(sorted(files)))])
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        rows = db.execute("SELECT key, value FROM study").fetchall()
        heavy = [r for r in rows if r[0] in ("task", "settings", "optimizers", "initial")]
        key, text = data.draw(st.sampled_from(heavy) | st.sampled_from(rows))
        value = json.loads(text)
        where = data.draw(st.sampled_from(list(places(value))))
        how = data.draw(st.sampled_from(("exchanged", "exchanged", "without", "beside")))
        new = data.draw(ODD)
        if new is not None and type(new) is int and abs(new) > 10**4000:
            text = data.draw(RAW)
        else:
            text = json.dumps(put(value, where, new, how))
        db.execute("UPDATE study SET value = ? WHERE key = ?", (text, key))
    kept(path, "a fact of the study exchanged, left out or added")


@given(st.data())
@fuzz(100)
def test_one_cell_exchanged(files, tmp_path, data):
    path = tmp_path / "study.db"
    path.write_bytes(files[data.draw(st.sampled_from(sorted(files)))])
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        table = data.draw(st.sampled_from(("trial", "trial", "evaluation")))
        columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
        column = data.draw(st.sampled_from(columns))
        keys = db.execute(
            f"SELECT {'number, 0' if table == 'trial' else 'trial, epoch'} FROM {table}"
        ).fetchall()
        key = data.draw(st.sampled_from(keys))
        at = "number = ? AND 0 = ?" if table == "trial" else "trial = ? AND epoch = ?"
        (old,) = db.execute(f"SELECT {column} FROM {table} WHERE {at}", key).fetchone()
        new = data.draw(ODD | st.binary(max_size=10))
        if isinstance(old, str) and old.startswith("{") and data.draw(st.integers(0, 3)):
            value = json.loads(old)
            if (type(new) is int and abs(new) > 10**4000) or isinstance(new, bytes):
                new = data.draw(RAW)
            else:
                where = data.draw(st.sampled_from(list(places(value))))
                how = data.draw(st.sampled_from(("exchanged", "without", "beside")))
                new = json.dumps(put(value, where, new, how))
        if isinstance(new, list | dict):
            new = json.dumps(new)
        if isinstance(new, str):
            new = new.encode(errors="surrogatepass")  # as text that may be no UTF-8
        text = isinstance(new, bytes) and data.draw(st.booleans() | st.just(True))
        value = "CAST(? AS TEXT)" if text else "?"
        every = data.draw(st.integers(0, 3)) == 0 and column not in ("number", "trial", "epoch")
        with contextlib.suppress(sqlite3.IntegrityError, OverflowError):
            if every:
                db.execute(f"UPDATE {table} SET {column} = {value}", (new,))
            else:
                db.execute(f"UPDATE {table} SET {column} = {value} WHERE {at}", (new, *key))
    kept(path, "a cell of a trial or an evaluation exchanged")


@given(st.data())
@fuzz(60)
def test_rows_left_out(files, tmp_path, data):
    path = tmp_path / "study.db"
    path.write_bytes(files[data.draw(st.sampled_from(sorted(files)))])
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        table = data.draw(st.sampled_from(("study", "trial", "evaluation")))
        part = data.draw(st.integers(1, 5))
        which = {"study": "rowid", "trial": "number", "evaluation": "trial + epoch"}[table]
        db.execute(f"DELETE FROM {table} WHERE ({which}) % ? = 0", (part,))
        if table == "trial" and data.draw(st.booleans()):
            db.execute("DELETE FROM evaluation WHERE trial % ? = 0", (part,))
    kept(path, "rows of a study left out")
