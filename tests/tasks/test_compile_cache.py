"""Compiled programs are kept on disk, for the next study, and change nothing in what comes out."""

import json
import os
import sys
from pathlib import Path

import jax
import processes
import pytest

from steepest import memo
from steepest.tasks import compile_cache

pytestmark = pytest.mark.slow

TRAIN = """
import json
import jax
events = []
jax.monitoring.register_event_listener(lambda name, **_: events.append(name))
from small import make_model, make_task
from steepest.engines.compiled.engine import CompiledEngine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.rules import RULES
values = {**RULES["Adam"].defaults, **RULES["Adam"].flags}
one = Population.of([Config("Adam", "keras", values, "constant", 0)])
program = CompiledEngine(make_task(make_model(dropout=0.2))).compile(one.config(0))
_, measured = program.advance(one, program.begin(one), 2)
print(json.dumps({
    "hits": sum("cache_hits" in name for name in events),
    "misses": sum("cache_misses" in name for name in events),
    "curves": {name: v.tolist() for name, v in measured.values.items()},
}))
"""


def train(where, new=False):
    """Train in a process of its own, which keeps its programs at a place."""
    script = where / "train.py"
    script.write_text(TRAIN)
    found = processes.environment(**{memo.VARIABLE: str(where / "programs")})
    done = processes.run(sys.executable, script, env=found, new=new)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def test_the_second_study_finds_what_the_first_compiled(tmp_path):
    first, second = train(tmp_path, new=True), train(tmp_path)  # which hash differently
    assert first["misses"] > 0
    assert second["misses"] == 0
    assert second["hits"] > 0
    assert second["curves"] == first["curves"]


@pytest.fixture
def config(monkeypatch):
    """JAX' settings as if nothing had been chosen; they are put back afterwards."""
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield jax.config
    jax.config.update("jax_compilation_cache_dir", before)


@pytest.mark.parametrize("word", ["off", "OFF", "no", "0"])
def test_it_can_be_switched_off(config, monkeypatch, word):
    monkeypatch.setenv(memo.VARIABLE, word)
    compile_cache.use()
    assert config.jax_compilation_cache_dir is None


def test_a_person_s_own_choice_stays(config, monkeypatch, tmp_path):
    config.update("jax_compilation_cache_dir", str(tmp_path / "own"))
    monkeypatch.setenv(memo.VARIABLE, str(tmp_path / "other"))
    compile_cache.use()
    assert config.jax_compilation_cache_dir == str(tmp_path / "own")


def test_where_nothing_can_be_written_nothing_is_kept(config, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(memo.VARIABLE, str(tmp_path / "file"))
    compile_cache.use()
    assert config.jax_compilation_cache_dir is None


def test_a_directory_for_each_processor_and_version(config, monkeypatch, tmp_path):
    monkeypatch.setenv(memo.VARIABLE, str(tmp_path))
    compile_cache.use()
    (place,) = tmp_path.iterdir()
    assert place.name.startswith(f"jax-{jax.__version__}-")
    assert config.jax_compilation_cache_dir == str(place)


def test_what_was_used_longest_ago_goes_first(monkeypatch, tmp_path):
    monkeypatch.setattr(compile_cache, "LARGEST", 25)
    for age, name in enumerate(("new", "old", "oldest")):
        (tmp_path / name).write_bytes(bytes(10))
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    compile_cache._trim(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"new", "old"}


def test_a_program_may_vanish_while_it_is_looked_at(tmp_path, monkeypatch):
    """Another process trims too, between two looks at a file."""
    (tmp_path / "gone-cache").symlink_to(tmp_path / "nothing")
    (tmp_path / "torn-cache").touch()
    monkeypatch.setattr(Path, "is_file", lambda path: True)
    compile_cache._trim(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gone-cache"]
