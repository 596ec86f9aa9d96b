"""Which processes of the tests are forked, and which are new."""

import os
import socket
import sys

import processes
import pytest

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="there are no forks here")
COMMAND = [sys.executable, "-m", "steepest", "--version"]


@pytest.fixture(autouse=True)
def asked(monkeypatch):
    monkeypatch.delenv(processes.PLAIN, raising=False)


@pytest.mark.parametrize("name", processes.OURS)
@pytest.mark.parametrize("set_", [True, False])
def test_what_steepest_sets_in_this_process_makes_none_new(name, set_, monkeypatch):
    """Else who asked for a fork before it was set would start all that follow anew."""
    before = processes.environment()  # of the process that is forked; other tests, Ray's, change it
    monkeypatch.setattr(processes, "_environment", lambda: before)
    if set_:
        monkeypatch.setenv(name, "something")
    else:
        monkeypatch.delenv(name, raising=False)
    assert processes.may_be_forked(COMMAND, dict(os.environ))


@pytest.mark.parametrize(
    "name", ["KERAS_BACKEND", "JAX_ENABLE_X64", "LD_PRELOAD", "PYTHONHASHSEED"]
)
def test_what_is_read_at_the_start_makes_it_new(name):
    assert not processes.may_be_forked(COMMAND, {**os.environ, name: "another"})


def test_code_on_the_command_line_is_run_anew():
    assert not processes.may_be_forked([sys.executable, "-c", "pass"], dict(os.environ))


def test_a_fork_ends_as_a_process_does(tmp_path):
    (tmp_path / "ends.py").write_text("import sys\nprint('told')\nsys.exit(7)\n")
    done = processes.run(sys.executable, tmp_path / "ends.py")
    assert (done.returncode, done.stdout) == (7, "told\n")
