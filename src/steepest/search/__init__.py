"""The search: ask for trials, train, halve, write, confirm."""

from steepest.search.loop import search

__all__ = ["search"]
