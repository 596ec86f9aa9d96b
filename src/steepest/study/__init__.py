"""Studies from Python: `compare` (in its own file) and `run_study` train one, `read` opens one."""

from steepest.study.recommendation import Recommendation
from steepest.study.run import new_directory, read, run_study
from steepest.study.study import Study

__all__ = ["Recommendation", "Study", "new_directory", "read", "run_study"]
