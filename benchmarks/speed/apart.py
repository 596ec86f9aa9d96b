"""Processes of their own, and what the machine and the packages are."""

import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parents[1]


def environment(cache: Path | None, backend: str = "jax") -> dict[str, str]:
    """Return the environment of a measured process, on the CPU.

    Steepest keeps what it compiled in `cache`, or keeps nothing if that is None. No other tool
    keeps compiled programs by itself, and a variable that would make JAX do so is taken away.
    """
    path = os.pathsep.join([str(HERE), *filter(None, [os.environ.get("PYTHONPATH")])])
    made = {
        **os.environ,
        "KERAS_BACKEND": backend,
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "PYTHONPATH": path,  # Ray's own processes need it too
        "STEEPEST_CACHE": "off" if cache is None else str(cache),
    }
    made.pop("JAX_COMPILATION_CACHE_DIR", None)
    return made


def run_apart(
    script: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    cores: Iterable[int] | None = None,
) -> Any:
    """Run `script` again in a process of its own; return the JSON in its last line of output."""
    command = [sys.executable, script, *arguments]

    def pin() -> None:
        if cores is not None:
            os.sched_setaffinity(0, cores)

    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, preexec_fn=pin
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)} failed:\n{done.stderr[-6000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def cores() -> list[int]:
    """Return the cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def check_modules(modules: Iterable[str]) -> None:
    """Say what is missing before anything runs."""
    missing = [module for module in modules if importlib.util.find_spec(module) is None]
    if missing:
        raise SystemExit(
            f"these modules are missing: {', '.join(missing)}; they come with the extra `bench`"
        )


def machine(modules: Iterable[str]) -> dict[str, Any]:
    """Return what it is measured on: the kind of machine, and the versions of `modules`."""
    homes = importlib.metadata.packages_distributions()
    names = {module: homes.get(module, [module])[0] for module in sorted(set(modules))}
    return {
        "machine": platform.machine(),
        "system": platform.system(),
        "cores": len(cores()),
        "python": platform.python_version(),
        "versions": {module: importlib.metadata.version(name) for module, name in names.items()},
    }


def told(machine: Mapping[str, Any]) -> str:
    """Return `machine` as a sentence for below a table."""
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    return (
        f"{machine['cores']} cores, {machine['machine']}, {machine['system']}, "
        f"Python {machine['python']}; {versions}."
    )
