"""The front door from Python: `compare` trains and judges, `read` opens a study, both give a
`Comparison`."""

from steepest.comparison.call import compare
from steepest.comparison.compared import Comparison
from steepest.comparison.recommendation import Recommendation
from steepest.comparison.running import new_directory, read, run

__all__ = ["Comparison", "Recommendation", "compare", "new_directory", "read", "run"]
