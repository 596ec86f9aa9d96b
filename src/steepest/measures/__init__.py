"""Study in, numbers out, each with its interval. NumPy and SciPy alone."""
