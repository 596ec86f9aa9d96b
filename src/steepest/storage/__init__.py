"""The study file on disk, and the lock that lets one process write it."""

from steepest.storage.durable import make_directory
from steepest.storage.file import check_new, create, read, record
from steepest.storage.lock import held

__all__ = ["check_new", "create", "held", "make_directory", "read", "record"]
