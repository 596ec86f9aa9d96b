"""The version, in a file that imports nothing, so that every room can name it."""

__version__ = "0.7.0"
