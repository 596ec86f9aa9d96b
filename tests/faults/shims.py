"""Small libraries in C that are preloaded into a process, compiled when a test wants them."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def shim(name: str, place: Path) -> Path:
    """Return the compiled library, or skip the test where there can be none."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("faults are preloaded by a library, which needs Linux and a C compiler")
    made = place / f"{name}.so"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", made, HERE / f"{name}.c", "-ldl"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"the C compiler cannot make {name}.c: {done.stderr[:200]}")
    return made
