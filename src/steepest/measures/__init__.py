"""Measures of a study: numbers with their intervals, by NumPy and SciPy alone."""
