"""House prices as people have them, and the same ones standardized: what the whole study says."""

import keras
import numpy as np
import pytest

import steepest

pytestmark = pytest.mark.usefixtures("compiled_quickly")
L = keras.layers


def houses():
    rng = np.random.default_rng(0)
    area, rooms = rng.uniform(50, 250, 120), rng.integers(1, 6, 120)
    y = 1500 * area + 12000 * rooms + rng.normal(size=120) * 15000
    return np.stack([area, rooms], 1).astype("float32"), y.astype("float32")


def compared(x, y, **more):
    model = keras.Sequential([keras.Input((2,)), L.Dense(8, "relu"), L.Dense(1)])
    model.compile(loss="mse")
    asked = {"epochs": 4, "batch_size": 16, "optimizers": ["Adam"], "budget": "quick", "seeds": 1}
    validation = (x[80:], y[80:])
    return steepest.compare(
        model, x[:80], y[:80], validation_data=validation, progress=False, **{**asked, **more}
    )


def standardized(x, y):
    return (x - x[:80].mean(0)) / x[:80].std(0), (y - y[:80].mean()) / y[:80].std()


@pytest.fixture(scope="module")
def unscaled(tmp_path_factory):
    return compared(*houses(), out=tmp_path_factory.mktemp("unscaled"))


def test_unscaled_prices_are_said_to_have_taught_nothing(unscaled):
    (_, y), said = houses(), " ".join(str(unscaled).split())
    mean = np.mean((y[80:] - y[:80].mean()) ** 2)
    assert said.startswith("Nothing was learnt: at best, Adam's validation loss of ")
    assert f"is no better than the {mean:.4g} that the mean of y alone would give" in said
    assert "as x[:, 0] spans 5" in said
    assert "standardize both" in said.partition("parameters")[0]
    assert unscaled.record.initial["loss"] > mean


def test_standardized_prices_are_not(tmp_path):
    found = compared(*standardized(*houses()), epochs=12, out=tmp_path)
    assert found.to_dict()["verdict"]["learnt"] is True
    assert "Nothing" not in str(found)


def test_a_study_that_is_asked_for_again_has_the_same_trivial_predictor(unscaled):
    again = compared(*houses(), out=unscaled.directory)
    assert again.record == unscaled.record
    assert again.record.task.trivial is not None
