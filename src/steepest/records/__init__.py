"""The records of a study: frozen dataclasses that the study file keeps unchanged."""

from steepest.records.callbacks import CallbackRecord
from steepest.records.settings import Planned, Settings
from steepest.records.study import FORMAT_VERSION, ContestantRecord, Range, StudyRecord
from steepest.records.task import ROLES, Parameter, TaskFacts, Trivial
from steepest.records.trials import Config, Curves, Outcome, Stage, Trial

__all__ = [
    "FORMAT_VERSION",
    "ROLES",
    "CallbackRecord",
    "Config",
    "ContestantRecord",
    "Curves",
    "Outcome",
    "Parameter",
    "Planned",
    "Range",
    "Settings",
    "Stage",
    "StudyRecord",
    "TaskFacts",
    "Trial",
    "Trivial",
]
