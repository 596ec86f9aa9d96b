"""Searches by a formula have the budgets that people have, seconds too."""

import pytest

from steepest import budget, plan


@pytest.fixture(autouse=True)
def budgets_as_they_are(monkeypatch):
    """Undo what is done for real studies."""
    monkeypatch.setattr(plan, "BUDGETS", budget.BUDGETS)
