"""Reports: functions from a study and its measures to text and pages."""
