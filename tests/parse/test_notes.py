"""What does nothing beside what is fixed is said of the contestant."""

import pytest
from planned import planned

from steepest.parse.notes import notes


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"optimizers": "SGD(nesterov=True, momentum=0.0)"}, "nesterov=True does nothing without"),
        ({"optimizers": "Muon(nesterov=True, momentum=0.0)"}, "nesterov=True does nothing"),
        ({"optimizers": "Adam(learning_rate=0)"}, "nothing is trained"),
        ({"optimizers": "Adam(weight_decay=0)"}, "weight_decay=0 does nothing"),
        ({"optimizers": "SGD", "recipe": {"warmup": 0}}, "warmup=0 does nothing"),
        ({"optimizers": "SGD", "recipe": {"ema": 0}}, "ema=0 does nothing"),
        ({"optimizers": "SGD", "schedule": "step", "recipe": {"drop": 1}}, "drop=1 does nothing"),
        ({"optimizers": "SGD", "schedule": "linear", "recipe": {"final": 1}}, "final=1 does"),
    ],
)
def test_what_does_nothing_is_said(asked, said):
    found, _ = planned(epochs=3, **asked)
    assert [note for note in notes(found[0], ()) if said in note]


@pytest.mark.parametrize(
    "asked",
    [
        {"optimizers": "SGD(nesterov=True)", "trials": 20},  # its momentum is searched
        {"optimizers": "SGD(nesterov=True, momentum=0.9)"},
        {"optimizers": "SGD"},
        {"optimizers": "AdamW(weight_decay=0)"},  # left out, it would be the default
        {"optimizers": "SGD", "recipe": {"warmup": 0.1}},
        {"optimizers": "Muon(momentum=0.0)", "dialect": "optax"},  # it makes NAdam of AdamW there
    ],
)
def test_what_does_something_is_not(asked):
    found, _ = planned(epochs=3, **asked)
    assert not [n for n in notes(found[0], ()) if "does nothing" in n]


def test_a_baseline_is_told_too():
    found, _ = planned("Adam", 3, baseline="keras.optimizers.SGD(0.1, nesterov=True)")
    assert "nesterov=True does nothing without momentum" in notes(found[1], ())[0]


@pytest.mark.parametrize(
    ("asked", "batches", "told"),
    [
        ({"optimizers": "Rprop"}, 1, False),
        ({"optimizers": "Rprop"}, 12, True),
        ({"optimizers": "Rprop", "recipe": {"accumulation": 12}}, 12, False),
        ({"optimizers": "RMSprop"}, 12, False),
    ],
)
def test_rprop_in_minibatches_is_told(asked, batches, told):
    found, _ = planned(epochs=3, **asked)
    said = [note for note in notes(found[0], (), batches=batches) if "full batches" in note]
    assert bool(said) == told
    assert all("12 batches" in note for note in said)
