"""Trials that are trained further, some of which had begun before."""

from dataclasses import replace

import pytest
from fake_engine import FakeEngine

from steepest.checkpoints import Checkpoints
from steepest.engines.population import Population
from steepest.records import Config, Curves, Stage, Trial
from steepest.search.runner import Running, Training, program_key, recover, train_trials
from steepest.workers.local import Pace

CONFIG = Config("SGD", "keras", {"learning_rate": 0.1, "momentum": 0.0}, "constant", 0)
EPOCHS, KNOWN = 9, 4


def known(number, epochs):
    curve = tuple(float(epoch) for epoch in range(1, epochs + 1))
    curves = Curves(tuple(range(1, epochs + 1)), tuple(range(1, epochs + 1)), curve, curve)
    trial = Trial(number, "SGD", Stage.SEARCH, replace(CONFIG, seed=number), curves=curves)
    return Running(trial, until=EPOCHS)


@pytest.mark.parametrize("epochs", [(KNOWN, 0, 0), (0, KNOWN, 0), (KNOWN, 2, KNOWN), (0, 0, 0)])
def test_what_some_had_before_is_not_trained_and_charged_again(tmp_path, epochs):
    """They train together with what is new: of a study that goes on after a kill."""
    engine = FakeEngine(places=3)
    key, spent = program_key(CONFIG), []
    training = Training(
        engine,
        engine.prepare({key: CONFIG}),
        Checkpoints(10**6, tmp_path),
        Pace(),
        lambda planned, trained: spent.append(trained),
        lambda _: None,
    )
    running = [known(number, count) for number, count in enumerate(epochs)]
    recover(training, running)
    train_trials(training, running)
    assert sum(spent) == len(epochs) * EPOCHS - sum(epochs)
    for one, count in zip(running, epochs, strict=True):
        assert one.trial.epochs == EPOCHS
        alone = training.programs[key].advance(
            population := Population.of([one.trial.config]),
            training.programs[key].begin(population),
            EPOCHS,
        )[1]
        losses = [float(loss) for loss in alone.values["loss"][0]]
        assert list(one.trial.curves.validation_loss[count:]) == losses[count:]
