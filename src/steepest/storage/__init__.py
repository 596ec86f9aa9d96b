"""What is kept on disk: the study file, and who may write it."""

from steepest.storage.durable import make_directory
from steepest.storage.file import check_new, create, read, record
from steepest.storage.lock import held

__all__ = ["check_new", "create", "held", "make_directory", "read", "record"]
