"""Means with their intervals, and the race: who is best, or who cannot be told apart."""

from steepest.statistics.estimates import ALPHA, ROUNDING, Estimate, estimate, moments
from steepest.statistics.looks import LOOKS, look_level, next_look
from steepest.statistics.pairs import Pair
from steepest.statistics.race import Race, State, probabilities, race, reached

__all__ = [
    "ALPHA",
    "LOOKS",
    "ROUNDING",
    "Estimate",
    "Pair",
    "Race",
    "State",
    "estimate",
    "look_level",
    "moments",
    "next_look",
    "probabilities",
    "race",
    "reached",
]
