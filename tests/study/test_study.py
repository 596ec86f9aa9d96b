"""A study from Python: its recommendations by name."""

from pathlib import Path

import pytest
from made import study_of

import steepest
from steepest.errors import nearest


def test_a_name_that_is_not_there_gets_the_nearest_one():
    study = steepest.Study(study_of(SGD=(0.5, 0.6), Adam=(0.7, 0.8)), Path("x"))
    assert list(study.optimizers) == ["SGD", "Adam"]
    with pytest.raises(steepest.InputError, match="no optimizer 'adam'; did you mean Adam"):
        study.optimizers["adam"]
    assert "adam" not in study.optimizers


@pytest.mark.parametrize(
    ("typed", "names", "hint"),
    [
        ("acc", ["loss", "auc", "accuracy"], "did you mean accuracy?"),
        ("adam", ["AdamW", "Adam", "Adamax"], "did you mean Adam?"),
        ("momentun", ["momentum", "epsilon"], "did you mean momentum?"),
        ("xyz", ["auc", "loss"], "known are auc, loss"),
        ("", ["auc", "loss"], "known are auc, loss"),
    ],
)
def test_what_begins_as_it_was_typed_is_nearest(typed, names, hint):
    assert nearest(typed, names) == hint
