"""Task files that are almost right: each works, or is one sentence, and the rest goes on."""

import sys
from pathlib import Path

import pytest
from anything import COUNTS, check_message, examples, told, tried
from hypothesis import example, given
from hypothesis import strategies as st

from steepest import cli
from steepest.tasks.load import load_task

LINES = """\
import keras
import numpy as np
random = np.random.default_rng(0)
x = random.normal(size=(40, 4))
y = (x[:, 0] > 0).astype(int)
model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
model.compile(loss="binary_crossentropy", metrics=["accuracy"])
validation_split = 0.25
epochs = 3
""".splitlines()
STATEMENTS = st.sampled_from(
    [
        "raise SystemExit", "raise SystemExit(3)", "exit()", "1 / 0", "raise Exception",
        "raise Exception('two\\nlines' * 500)", "raise BaseException('at the root')",
        "def again(): again()\nagain()", "import nowhere_at_all", "open('/nowhere/at/all')", "(",
        "assert False", "raise GeneratorExit", "raise StopIteration", "raise UnicodeError('x')",
        "class E(Exception):\n    def __str__(self): 1 / 0\nraise E", "  x = 1", "x = y = None",
        "raise MemoryError", "import sys; sys.exit('with\\na text')", "del x", "del model, y",
        "model = None", "model = 'model'", "model = keras", "model = keras.Sequential()",
        "x = None", "x = 'x'", "x = 3", "x = object()", "x = lambda: 1 / 0", "x = x[:0]",
        "x = x[:7]",
        "x = x * np.nan", "x = iter(x)", "x = {'a': x}", "x = [x, x]", "x = x.tolist()", "x = {}",
        "y = y + 4", "y = y.astype(str)", "y = y - 9", "y = None", "y = [y]", "y = {'a': y}",
        "y = set()",
        "epochs = 0", "epochs = 'many'", "epochs = 10 ** 400", "epochs = None", "epochs = 1.5",
        "batch_size = -1", "batch_size = 10 ** 30", "batch_size = None", "validation_split = 2",
        "validation_split = 'x'", "validation_split = float('nan')", "validation_data = 3",
        "validation_data = (x, y, y, y)", "validation_data = (x[:, :2], y)", "test_data = {}",
        "validation_data = (x, y)", "test_data = (x, y[:3])", "class_weight = {0: 'a'}",
        "class_weight = {0: float('nan')}", "class_weight = 5", "class_weight = {'a': 1}",
        "sample_weight = 'w'", "sample_weight = y[:3]", "initial_weights = 'none'",
        "initial_weights = np.zeros(3)", "steps_per_epoch = 'x'", "validation_steps = 0",
        "model.compile(loss='nonsense')", "model.compile()", "model.trainable = False",
        "model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])",
        "from __future__ import braces", "__name__ = 3", "print('\\x00')",
        "x.setflags(write=False)",
    ]
)  # fmt: skip


@st.composite
def files(draw):
    """Return the bytes of a task file that was changed in a few places."""
    lines = list(LINES)
    for _ in range(draw(st.integers(1, 2))):
        at = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.integers(0, 6))
        if kind == 0:
            del lines[at]
        elif kind == 1:
            lines.insert(at, lines.pop(draw(st.integers(0, len(lines) - 1))))
        elif kind == 2:
            lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        else:
            lines.insert(draw(st.sampled_from([at, len(lines), len(lines)])), draw(STATEMENTS))
    found = "\n".join(lines).encode()
    wrapped = draw(st.integers(0, 11))
    if wrapped == 0:
        return b"\xef\xbb\xbf" + found
    if wrapped == 1:
        at = draw(st.integers(0, len(found)))
        return found[:at] + draw(st.binary(min_size=1, max_size=4)) + found[at:]
    if wrapped == 2:
        return b"# coding: nonsense\n" + found
    if wrapped == 3:
        return found.decode().encode("utf-16")
    if wrapped == 4:
        return found.replace(b"\n", b"\r\n")
    return found


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A directory of its own, whose modules are forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return tmp_path


@example(b"\xff\xfe")
@example(b"")
@example("\n".join(LINES).encode() + b"\x00")
@example("\n".join(["raise BaseException('at the root')"]).encode())
@given(files())
@examples(60)
def test_any_task_file(place, text):
    (place / "my_task.py").write_bytes(text)
    tried("task files", lambda: load_task("my_task.py"))


RETURNED = st.sampled_from(
    [
        "None", "{}", "[]", "3", "{'model': 1}", "{1: 2}", "{None: 1}", "{'modle': 1}",
        "dict(model=1, x=1, y=1)",
        "dict(model=None, x=None, y=None)", "dict(name='x')", "1 / 0", "task()", "exit()", "E()",
        "{'a' * 5000: 1}", "{'a\\nb': 1}", "{E(): 1}", "dict(model=E(), x=E(), y=E())", "yes",
        "lambda: 1",
    ]
)  # fmt: skip


@given(
    RETURNED, st.sampled_from(["task", "", "a\nb", "E", "__name__", "é", "a:b", "x" * 5000, "tsak"])
)
@examples(40)
def test_any_function_in_a_task_file(place, returned, name):
    hostile = "class E:\n    def __repr__(self): return 'a\\nb' * 999\n"
    (place / "my_task.py").write_text(f"{hostile}\ndef task():\n    return {returned}\n")
    tried("functions that return tasks", lambda: load_task(f"my_task.py:{name}"))


@example("json:loads")
@example("a" * 5000 + ":x")
@example("..:x")
@example("os.path:nowhere")
@example("\x00.py")
@example("a" * 5000 + ".py")
@example("x.py\x00:f")
@example("keras:\ud800")
@given(
    st.builds(
        lambda *parts: "".join(parts),
        st.sampled_from(["", ".", "..", "os", "json.", "a\nb", "\x00", "é", "/", "x.py", "\ud800"]),
        st.sampled_from(["", ":", "::", ":x", ".py", ".py:", ":\x00", "\n"]),
        st.text(max_size=5),
    )
)
@examples(60)
def test_any_name_of_a_task(place, name):
    assert tried("names of tasks", lambda: load_task(name)) is None
    assert not list(place.iterdir())


@pytest.mark.parametrize(
    "statement", ["raise SystemExit", "raise BaseException('x')", "1 / 0", "("]
)
def test_a_failing_task_file_is_one_sentence_and_exit_code_2(place, monkeypatch, capsys, statement):
    (place / "my_task.py").write_text("\n".join([*LINES, statement]))
    monkeypatch.setattr(sys, "argv", ["steepest", "compare", "my_task.py"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("steepest: my_task.py, line")
    check_message(said.err.removesuffix("\n"))
    assert [one.name for one in place.iterdir() if one.name != "__pycache__"] == ["my_task.py"]
    COUNTS["task files"]["tried"] += 1
    told("task files")


def test_ctrl_c_in_a_task_file_stays_ctrl_c(place):
    Path("my_task.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_task("my_task.py")
