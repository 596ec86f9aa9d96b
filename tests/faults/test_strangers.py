"""Study files that were made to do harm, or stand where a file should: opening each is safe."""

import contextlib
import os
import shutil
import sqlite3
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from whole import whole_study

from steepest import storage
from steepest.errors import StudyFileError, quoted
from steepest.storage import opening
from steepest.text import plain

NOBODY = ("--inh-caps=-all", "--bounding-set=-all")  # root without what makes it root
DATA = Path(__file__).parents[1] / "formats"


@pytest.fixture
def file(tmp_path):
    """Return the path of a study file, alone in its directory."""
    path = tmp_path / "study" / "study.db"
    storage.create(path, whole_study())
    return path


def change(file, *statements):
    """Change a study file as anybody with SQLite can."""
    with contextlib.closing(sqlite3.connect(file)) as db, db:
        for one in statements:
            db.execute(one)


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE VIEW more AS SELECT 1",
        "CREATE TABLE more (x)",
        "CREATE INDEX more ON trial (seed)",
        "CREATE VIRTUAL TABLE more USING fts5 (x)",
        "CREATE TRIGGER more AFTER INSERT ON trial BEGIN DELETE FROM trial; END",
        "ALTER TABLE trial ADD COLUMN more TEXT",
        "ALTER TABLE trial ADD COLUMN more AS (abs(-9223372036854775808))",
        "ALTER TABLE evaluation RENAME TO more",
        "DROP TABLE evaluation",
        'ALTER TABLE study RENAME COLUMN value TO "value\x1b[31m"',
    ],
)
def test_a_schema_that_is_not_ours_is_refused(file, statement):
    change(file, statement)
    with pytest.raises(StudyFileError, match="is damaged: it") as caught:
        storage.read(file)
    assert "\x1b" not in str(caught.value)


def test_a_table_that_is_a_view_is_never_asked(file):
    change(
        file,
        "ALTER TABLE trial RENAME TO other",
        "CREATE VIEW trial AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
        "SELECT x FROM n",
    )
    began = time.process_time()
    with pytest.raises(StudyFileError, match="is damaged"):
        storage.read(file)
    assert time.process_time() - began < 2


def test_texts_in_utf_16_are_refused(tmp_path):
    path = tmp_path / "study.db"
    storage.create(path, whole_study())
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as db, db:
        db.execute("PRAGMA encoding = 'UTF-16le'")
        for statement in storage.schema.tables(5).values():
            db.execute(statement)
        db.execute(f"PRAGMA application_id = {storage.file.APPLICATION_ID}")
        db.execute("PRAGMA user_version = 5")
    with pytest.raises(StudyFileError, match="UTF-16le"):
        storage.read(other)


@pytest.mark.parametrize("number", [0, -1])
def test_a_format_that_never_was_is_refused(file, number):
    change(file, f"PRAGMA user_version = {number}")
    with pytest.raises(StudyFileError, match=f"its format is {number}"):
        storage.read(file)


def test_a_text_that_is_too_long_is_refused(file):
    change(file, f"UPDATE study SET value = '\"' || hex(zeroblob({opening.MOST_TEXT})) || '\"'")
    with pytest.raises(StudyFileError, match="too big"):
        storage.read(file)


def test_a_deep_text_and_a_long_integer_are_refused(file):
    for text in ("[" * 100_000, "9" * 100_000, '{"a": ' * 5000, "[" * 20 + "]" * 20):
        change(file, f"UPDATE study SET value = '{text}' WHERE key = 'versions'")
        with pytest.raises(StudyFileError, match="versions of the study cannot be read") as caught:
            storage.read(file)
        assert len(str(caught.value)) < len(str(file)) + 200


def test_more_than_the_file_can_hold_is_refused(file):
    """The pages of a b-tree that are there many times are rows without end in a small file."""
    content = bytearray(file.read_bytes())
    with contextlib.closing(sqlite3.connect(file)) as db:
        roots = dict(db.execute("SELECT name, rootpage FROM sqlite_master"))
    page = (roots["evaluation"] - 1) * 4096
    kind, cells = content[page], struct.unpack(">H", content[page + 3 : page + 5])[0]
    assert kind in (2, 10)
    assert cells
    leaf = struct.pack(">I", roots["study"])
    if kind == 2:  # each child is the same page
        for i in range(cells):
            at = page + struct.unpack(">H", content[page + 12 + 2 * i : page + 14 + 2 * i])[0]
            content[at : at + 4] = content[page + 8 : page + 12]
    else:
        content[page + 8 : page + 12] = leaf
        content[page] = 2
    file.write_bytes(content)
    began = time.process_time()
    with pytest.raises(StudyFileError):
        storage.read(file)
    assert time.process_time() - began < 5


def test_a_file_that_is_too_large_is_refused_unread(tmp_path):
    path = tmp_path / "study.db"
    with path.open("wb") as out:
        out.truncate(opening.MOST_BYTES + 1)  # takes no room
    with pytest.raises(StudyFileError, match="has at most"):
        storage.read(path)


def test_what_is_no_file_is_said(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe.db")
    (tmp_path / "loop.db").symlink_to("loop.db")
    (tmp_path / "empty.db").write_bytes(b"")
    (tmp_path / "there" / "study.db").mkdir(parents=True)
    for name, said in {
        "pipe.db": "is no ordinary file",
        "loop.db": "cannot read the study file",
        "empty.db": "is empty",
        "there": "is no ordinary file",
        "none.db": "there is no study file",
        "x" * 300: "cannot read the study file",
        "nul\0.db": "there is no study file",
        "none.db/study.db": "there is no study file",
    }.items():
        with pytest.raises(StudyFileError, match=said):
            storage.read(tmp_path / name)
    with pytest.raises(StudyFileError, match="is no ordinary file"):
        storage.read(Path("/dev/zero"))


def test_a_file_that_may_not_be_read_is_said(file, monkeypatch):
    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(opening, "_is_wal", refuse)
    with pytest.raises(StudyFileError, match=r"cannot read .*: Permission denied"):
        storage.read(file)


def test_reading_leaves_nothing_behind(file):
    before = file.read_bytes(), file.stat().st_mtime_ns
    storage.read(file)
    assert [path.name for path in file.parent.iterdir()] == ["study.db"]
    assert (file.read_bytes(), file.stat().st_mtime_ns) == before


@pytest.mark.skipif(shutil.which("setpriv") is None, reason="root may write everywhere")
def test_a_read_only_directory_is_no_wall(file):
    """As somebody who may not write there: root may, whatever the directory says."""
    script = (
        "from steepest import storage; from pathlib import Path; import sys; "
        "print(len(storage.read(Path(sys.argv[1])).trials))"
    )
    for one in (file, file.parent, *file.parents):
        if os.access(one, os.W_OK) and one.stat().st_uid == os.getuid() and "pytest" in str(one):
            one.chmod(0o555 if one.is_dir() else 0o444)
    try:
        run = subprocess.run(
            ["setpriv", *NOBODY, sys.executable, "-c", script, str(file)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert run.stdout.strip() == str(len(whole_study().trials)), run.stderr
    finally:
        for one in (file, file.parent, *file.parents):
            if "pytest" in str(one):
                one.chmod(0o755)


def killed(file, journal=b""):
    """Leave a study file as a writer does that is killed while it commits."""
    script = (
        "import os, sqlite3, sys; db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "db.execute('PRAGMA cache_size = 1'); db.execute('BEGIN')\n"
        "db.execute('UPDATE trial SET reason = hex(zeroblob(3000))')\n"
        "db.execute('UPDATE study SET value = 0')\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(file)], timeout=60, check=False)
    hot = file.with_name("study.db-journal")
    assert hot.stat().st_size
    hot.write_bytes(hot.read_bytes() + journal)
    return hot


def test_the_journal_of_a_killed_writer_is_rolled_back(file):
    before = file.read_bytes()
    killed(file)
    assert file.read_bytes() != before
    assert repr(storage.read(file)) == repr(whole_study())  # NaN is not equal to itself
    assert [path.name for path in file.parent.iterdir()] == ["study.db"]
    assert file.read_bytes() == before


def test_where_nothing_may_be_written_it_is_rolled_back_in_a_copy(file, monkeypatch):
    killed(file)
    torn = file.read_bytes()
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert repr(storage.read(file)) == repr(whole_study())  # NaN is not equal to itself
    assert file.read_bytes() == torn
    assert sorted(path.name for path in file.parent.iterdir()) == ["study.db", "study.db-journal"]


def test_a_journal_cannot_name_a_file_to_be_deleted(file, tmp_path):
    """SQLite deletes what a journal names as the one above it, if no journal of that is left."""
    precious = tmp_path / "precious"
    precious.write_text("no journal")
    name = str(precious).encode()
    end = struct.pack(">I", 1 + (0x40000000 // 4096))
    end += name + struct.pack(">II", len(name), sum(struct.unpack(f"{len(name)}b", name)))
    killed(file, end + opening.SUPER_JOURNAL)
    copy = tmp_path / "copy"
    shutil.copytree(file.parent, copy)
    with pytest.raises(StudyFileError, match="names a further file"):
        storage.read(file)
    assert precious.exists()
    # Without the check it would be gone, or this test could not fail.
    with contextlib.closing(sqlite3.connect(copy / "study.db")) as db:
        db.execute("SELECT * FROM study").fetchall()
    assert not precious.exists()


def test_a_journal_that_is_no_file_is_refused(file):
    os.mkfifo(file.with_name("study.db-journal"))
    with pytest.raises(StudyFileError, match="is no ordinary file"):
        storage.read(file)


def test_write_ahead_mode_is_read_from_a_copy(file):
    with contextlib.closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        with db:
            db.execute("UPDATE study SET value = '99.5' WHERE key = 'seconds'")
        names = sorted(path.name for path in file.parent.iterdir())
        assert storage.read(file).seconds == 99.5
        assert sorted(path.name for path in file.parent.iterdir()) == names
    before = file.read_bytes()
    assert storage.read(file).seconds == 99.5
    assert [path.name for path in file.parent.iterdir()] == ["study.db"]
    assert file.read_bytes() == before


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_old_formats_are_held_to_their_own_tables(tmp_path, number):
    path = tmp_path / "study.db"
    shutil.copyfile(DATA / f"study-format-{number}.db", path)
    assert storage.read(path).trials
    change(path, "ALTER TABLE trial ADD COLUMN more TEXT")
    with pytest.raises(StudyFileError, match=f"not made as in format {number}"):
        storage.read(path)


def test_texts_become_one_line_that_a_terminal_shows():
    assert plain("naïve 模型 مدل\u200cها 👩\u200d🔬") == "naïve 模型 مدل\u200cها 👩\u200d🔬"
    assert (
        plain("a\x1b[31m\u202eb\r\nc\ud800\U000e0041") == "a\\x1b[31m\\u202eb  c\\ud800\\U000e0041"
    )
    assert plain(plain("\x00\t")) == plain("\x00\t")
    assert len(quoted("\x1b" * 100)) <= 160
    assert quoted("\u202eno") == r"'\u202eno'"
    assert quoted(10**5000) == "<int>"


def test_no_name_of_a_path_reaches_the_terminal_as_it_is(tmp_path):
    with pytest.raises(StudyFileError) as caught:
        storage.read(tmp_path / "\x1b[2Jx\r.db")
    assert str(caught.value).isprintable()
