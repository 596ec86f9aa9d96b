"""Compiled programs kept on disk, so that a second study of a model need not compile."""

import contextlib
import os
import warnings
from pathlib import Path
from typing import Any

import jax

from steepest import memo

LARGEST = 2**30  # bytes kept; the programs that were used longest ago go first


def use() -> None:
    """Have JAX keep compiled programs, unless the person said where or said no.

    Programs hold machine code, so there is a directory for each kind of processor: a home directory
    shared between machines is safe. Where the directory cannot be written, nothing is kept.
    """
    config: Any = jax.config
    if config.jax_compilation_cache_dir is not None:  # the person's own, or ours already
        return
    home = memo.home()
    if home is None or not config.jax_enable_compilation_cache:
        return
    place = home / f"jax-{jax.__version__}-{memo.processor()}"
    try:
        place.mkdir(parents=True, exist_ok=True)
        (place / ".writable").touch()
        _trim(place)
    except OSError:
        return
    config.update("jax_compilation_cache_dir", str(place))
    # What cannot be read is compiled, which is all that a person needs to know.
    warnings.filterwarnings("ignore", message="Error (reading|writing) persistent compilation")
    # Small ones too: drawing initial weights is a dozen of them, and a second.
    config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    config.update("jax_persistent_cache_min_entry_size_bytes", 0)


def _trim(place: Path) -> None:
    """Delete the programs that were used longest ago, down to what may be kept."""
    found: list[tuple[Path, os.stat_result]] = []
    for path in place.iterdir():
        with contextlib.suppress(FileNotFoundError):  # another process may trim it at this time
            found += [(path, path.stat())] if path.is_file() else []
    for path, stat in found:
        if stat.st_size == 0 and path.name.endswith("-cache"):  # torn by a full disk
            path.unlink(missing_ok=True)
    size = sum(stat.st_size for _, stat in found)
    for path, stat in sorted(found, key=lambda pair: pair[1].st_atime):
        if size <= LARGEST:
            return
        path.unlink(missing_ok=True)
        size -= stat.st_size
