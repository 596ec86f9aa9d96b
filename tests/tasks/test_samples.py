"""The built-in tasks are what `steepest tasks` says of them."""

import numpy as np
import pytest

from steepest.tasks.samples import SAMPLES, sample_data


@pytest.mark.slow
@pytest.mark.parametrize("name", SAMPLES)
def test_facts_are_as_listed(name):
    sample = SAMPLES[name]
    facts = sample.build().facts
    assert (facts.name, facts.parameters) == (name, sample.parameters)
    sizes = (facts.training_examples, facts.validation_examples, facts.test_examples)
    assert sizes == (sample.training, sample.validation, sample.test)
    assert (facts.epochs, facts.batch_size) == (sample.epochs, sample.batch_size)
    assert not facts.notes
    assert sample.build(epochs=3).facts.epochs == 3


def test_no_example_is_in_two_sets():
    task = SAMPLES["digits"].build()
    sets = [
        {row.tobytes() for row in batch[0]} for batch in (task.training, task.validation, task.test)
    ]
    assert sum(map(len, sets)) > 1750  # of 1,797, a few images are the same twice
    assert len(sets[0] & sets[2]) + len(sets[0] & sets[1]) + len(sets[1] & sets[2]) <= 2


@pytest.mark.slow
def test_text_looks_only_back():
    """A character's prediction does not depend on the characters after it."""
    import keras

    from steepest.tasks.samples import text_model

    model = text_model(keras)
    x = np.random.default_rng(0).integers(0, 97, (1, 48))
    y = x.copy()
    y[0, 30:] = 5
    a, b = (np.asarray(model(v))[0, :30] for v in (x, y))
    np.testing.assert_allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("name", ["digits", "breast_cancer", "diabetes"])
def test_the_data_are_scikit_learn_s(name):
    """To the bit, so that a study of a built-in task goes on, whoever brought its data."""
    datasets = pytest.importorskip("sklearn.datasets", reason="the oracle")
    expected = getattr(datasets, f"load_{name}")(return_X_y=True)
    for mine, other in zip(sample_data(name), expected, strict=True):
        assert mine.dtype == other.dtype
        np.testing.assert_array_equal(mine, other)
