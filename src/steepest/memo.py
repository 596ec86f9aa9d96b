"""What was found out about this machine, remembered beside the compiled programs.

So that the same question gives the same study, however the clock ran the second time.
"""

import contextlib
import hashlib
import os
import platform
from pathlib import Path

VARIABLE = "STEEPEST_CACHE"  # a directory, or "off"


def home() -> Path | None:
    """Return the directory that is ours among a person's caches; None where they want none."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted.lower() in ("off", "no", "0"):
        return None
    return Path(wanted) if wanted else _caches() / "steepest"


def processor() -> str:
    """Return a name for what this processor can do."""
    told = platform.machine() + platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        told += "".join(sorted({a for a in lines if a.startswith(("flags", "model name"))}))
    except OSError:
        pass
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def name(asked: object) -> str:
    """Return a file name for what was asked."""
    return hashlib.sha256(repr(asked).encode()).hexdigest()[:24]


def read(key: str) -> str | None:
    """Return what is remembered, or None."""
    place = _place() if key else None
    try:
        return None if place is None else (place / key).read_text()
    except (OSError, ValueError):
        return None


def write(key: str, said: str) -> None:
    """Remember it, where there is a place for it."""
    place = _place() if key else None
    with contextlib.suppress(OSError):
        if place is not None:
            place.mkdir(parents=True, exist_ok=True)
            made = place / f"{key}.{os.getpid()}"
            made.write_text(said)
            made.replace(place / key)


def _place() -> Path | None:
    """Return where things are remembered of this kind of processor: homes may be shared."""
    place = home()
    return None if place is None else place / f"known-{processor()}"


def _caches() -> Path:
    """Return where a person's caches are, by the customs of the system."""
    if "XDG_CACHE_HOME" in os.environ:
        return Path(os.environ["XDG_CACHE_HOME"])
    if platform.system() == "Darwin":
        return Path.home() / "Library" / "Caches"
    return Path(os.environ.get("LOCALAPPDATA", Path.home() / ".cache"))
