"""What is known of optimizers comes out of our rules and engine too.

The cheap findings of `benchmarks/findings`, with fewer learning rates and words than there.
"""

import numpy as np
import pytest
from findings import bigrams, least_squares
from findings.grid import decades, trained

RATES = {
    "SGD(momentum=0.0)": 0.1,
    "SGD(momentum=0.9)": 0.01,
    "Adagrad(initial_accumulator_value=0.0)": 0.1,
    "RMSprop": 1e-3,
    "Adam": 1e-3,
    "Adam(epsilon=100.0)": 30.0,
}
WORDS = 200


@pytest.fixture(scope="module")
def least_squares_found():
    rates = {name: (rate,) for name, rate in RATES.items()}
    return trained(least_squares.make_task(share=0.7, seed=0), rates)


@pytest.mark.slow
@pytest.mark.parametrize("name", RATES)
def test_adaptive_methods_generalize_worse_unless_epsilon_is_tuned(name, least_squares_found):
    rates, errors = least_squares.errors(least_squares_found[name])
    assert rates == [RATES[name]]  # it fits what it was trained on
    assert errors == [least_squares.expected(name, share=0.7)]


def excess(counts):
    """Return how far SGD and Adam end above the floor, as a share of where they began."""
    optimizers = {"SGD(momentum=0.0)": decades(1.5, 3.5), "Adam": decades(-0.5, 0)}
    found = trained(bigrams.make_task(counts, bigrams.CONTROL_STEPS), optimizers)
    floor = bigrams.floor(counts)
    return [(grid.best()[0] - floor) / (np.log(WORDS) - floor) for grid in found.values()]


@pytest.mark.slow
def test_adam_beats_sgd_where_words_are_heavy_tailed():
    sgd, adam = excess(bigrams.counts_of_text(WORDS))
    assert sgd > bigrams.STUCK
    assert adam < bigrams.SOLVED


def test_sgd_keeps_up_where_all_words_are_equally_frequent():
    assert max(excess(bigrams.counts_of_control(seed=0, words=WORDS))) < bigrams.SOLVED
