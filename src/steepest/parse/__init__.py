"""Optimizers and schedules as people write them: names, calls and objects."""
