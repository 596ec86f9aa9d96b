"""What differs between two tasks is said in words, and what is of no importance is not."""

from dataclasses import replace

import pytest

from steepest.records import Parameter, TaskFacts
from steepest.tasks.task_diff import what_differs

WEIGHTS = (
    Parameter("sequential/dense/kernel", (4, 8), "kernel"),
    Parameter("sequential/dense/bias", (8,), "bias"),
)
PRINT = {
    "model": "a",
    "compile": "b",
    "backend": "jax float32",
    "training data": "c",
    "validation data": "d",
}
TASK = TaskFacts(
    "toy", "mse", ("mae",), 1234, 1077, 20, 0, 20, 8, weights=WEIGHTS, fingerprint=PRINT
)


def test_a_task_does_not_differ_from_itself():
    assert what_differs(TASK, TASK) == ()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": 1300}, "the model is not the same (1,234 weights then, 1,300 now)"),
        ({"weights": WEIGHTS[:1]}, "the model is not the same (2 arrays of weights then, 1 now)"),
        (
            {"weights": (replace(WEIGHTS[0], shape=(8, 4)), WEIGHTS[1])},
            "the model is not the same (sequential/dense/kernel [4, 8] then, "
            "sequential/dense/kernel [8, 4] now)",
        ),
        ({"training_examples": 900}, "the training data are not the same (1,077 examples then, "
         "900 now)"),
        ({"validation_examples": 0}, "there were validation data then, and there are none now"),
        ({"test_examples": 9}, "there were no test data then, and there are now"),
        ({"epochs": 30}, "epochs: 20 then, 30 now"),
        ({"batch_size": 16}, "batch size: 8 then, 16 now"),
        ({"loss": "mae"}, "loss: mse then, mae now"),
        ({"metrics": ()}, "metrics: mae then, none now"),
        ({"name": "other\x1b[2J"}, "name: toy then, other?[2J now"),
    ],
)  # fmt: skip
def test_other_facts_are_said_with_digests_and_without(changes, said):
    now = replace(TASK, **changes)
    assert what_differs(TASK, now) == (said,)
    assert what_differs(replace(TASK, fingerprint={}), now) == (said,)
    assert what_differs(TASK, replace(now, fingerprint={})) == (said,)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model": "x"}, "the model is not the same (as many weights, but other layers"),
        ({"compile": "x"}, "the loss or a metric is not the same"),
        ({"training data": "x"}, "the training data are not the same"),
        ({"validation data": "x"}, "the validation data are not the same"),
        ({"backend": "torch float32"}, "backend: jax float32 then, torch float32 now"),
        ({"initial weights": "x"}, "trials started from fresh weights then, and start from the"),
    ],
)
def test_other_digests_are_said(changes, said):
    now = replace(TASK, fingerprint={**PRINT, **changes})
    (found,) = what_differs(TASK, now)
    assert found.startswith(said)
    assert what_differs(replace(TASK, fingerprint={}), now) == ()


@pytest.mark.parametrize("part", ["initial weights", "kept weights"])
def test_other_values_of_weights_are_said(part):
    one, other = (replace(TASK, fingerprint={**PRINT, part: value}) for value in "xy")
    (found,) = what_differs(one, other)
    assert "weights" in found
    assert "not the same" in found


def test_all_that_differs_is_said():
    now = replace(TASK, epochs=30, fingerprint={**PRINT, "model": "x", "training data": "y"})
    assert len(what_differs(TASK, now)) == 3


def test_what_is_of_no_importance_is_not_said():
    path = "sequential_3/dense_7/kernel"
    now = replace(
        TASK,
        notes=("a note",),
        name="toy_2",
        metrics=("mae_1",),
        directions={"mae": "down"},
        weights=(replace(WEIGHTS[0], path=path, role="head"), WEIGHTS[1]),
        fingerprint={**PRINT, "phase of the moon": "full"},  # of a later version
    )
    assert what_differs(TASK, now) == what_differs(now, TASK) == ()
    assert what_differs(replace(TASK, weights=()), now) == ()  # a file of format 1


def test_a_part_of_a_later_version_counts_where_both_have_it():
    one, other = (replace(TASK, fingerprint={**PRINT, "moon": value}) for value in "xy")
    assert what_differs(one, other) == ("the moon is not the same",)
