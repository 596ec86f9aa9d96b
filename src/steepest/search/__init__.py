"""The search: ask for trials, train, halve, tell, confirm."""

from steepest.search.loop import search

__all__ = ["search"]
