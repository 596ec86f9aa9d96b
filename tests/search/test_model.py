"""The model: where a known surface is lowest after a whole training, from few short ones."""

import math

import numpy as np
import pytest
from fake_engine import STEPS_PER_EPOCH, bowl

from steepest.question import decided_by, make_question
from steepest.records import Config, Curves, Outcome, Stage, TaskFacts, Trial
from steepest.search.ground import Ground
from steepest.search.model import fit

EPOCHS = 27


def asked(wanted="SGD", trials=14, **more):
    (found,), settings = make_question(wanted, EPOCHS, trials=trials, **more)
    return Ground(found), settings


def trial(number, config, surface, epochs):
    losses = []
    for epoch in range(1, epochs + 1):
        losses.append(float(surface(config, epoch)))
        if not math.isfinite(losses[-1]):
            break
    steps = tuple(range(1, len(losses) + 1))
    good = math.isfinite(losses[-1])
    outcome = Outcome.HALVED if good else Outcome.DIVERGED
    curves = Curves(steps, steps, tuple(losses), tuple(losses), {"score": tuple(losses)})
    return Trial(number, "SGD", Stage.SEARCH, config, curves, outcome)


def tried(ground, settings, surface, epochs=3, further=2):
    """Return trials spread over the box, the best few of them trained three times as long."""
    configs = [ground.config(values, settings) for values in ground.spread(settings)]
    found = [trial(i, config, surface, epochs) for i, config in enumerate(configs)]
    ahead = sorted(found, key=settings.score)[:further]
    return [trial(t.number, t.config, surface, 3 * epochs) if t in ahead else t for t in found]


def rate(ground, point):
    """Return the logarithm of η/(1 − μ)."""
    values = ground.values(point)
    return math.log10(values["learning_rate"] / (1 - values.get("momentum", 0.0)))


@pytest.mark.parametrize("power", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("noise", [0.0, 0.02])
def test_it_finds_the_best_rate_of_a_whole_training(power, noise):
    ground, settings = asked()
    surface = bowl(best=-1.0, power=power, noise=noise)
    model = fit(ground, settings, tried(ground, settings, surface))
    best = -1.0 - power * math.log10(EPOCHS)
    found = rate(ground, model.best(0))
    assert found == pytest.approx(best, abs=0.35)
    short = -1.0 - power * math.log10(3)  # what is best at the first rung
    if power == 1.0:
        assert abs(found - best) < abs(found - short)


def test_one_lucky_trial_does_not_win():
    ground, settings = asked()
    plain, far = bowl(best=-1.0, power=0.0), []

    def lucky(config, epoch):
        away = plain(config, epoch)
        if not far and away > 1.5:
            far.append(config)
        return away - 0.6 if config in far else away

    model = fit(ground, settings, tried(ground, settings, lucky, further=0))
    assert far
    assert rate(ground, model.best(0)) == pytest.approx(-1.0, abs=0.5)


def test_it_asks_near_the_best_and_not_twice_at_one_place():
    ground, settings = asked()
    model = fit(ground, settings, tried(ground, settings, bowl(best=-1.0, power=0.0)))
    new = model.ask(4, seed=1)
    rates = [math.log10(v["learning_rate"] / (1 - v["momentum"])) for v in new]
    assert all(abs(one + 1.0) < 1.0 for one in rates)
    assert len({repr(values) for values in new}) == 4


def test_the_same_trials_give_the_same_model():
    ground, settings = asked()
    trials = tried(ground, settings, bowl(noise=0.05))
    a, b = (fit(ground, settings, trials) for _ in range(2))
    assert a.best(0) == b.best(0)
    assert a.ask(3, seed=5) == b.ask(3, seed=5)


def test_losses_may_be_negative():
    ground, settings = asked()
    surface = bowl(best=-1.0, power=0.0)
    trials = tried(ground, settings, lambda config, epoch: surface(config, epoch) - 50.0)
    assert rate(ground, fit(ground, settings, trials).best(0)) == pytest.approx(-1.0, abs=0.35)


def test_a_metric_may_go_up():
    facts = TaskFacts("fake", "mse", ("score",), 1, 80, 8, 0, EPOCHS, 8, directions={"score": "up"})
    ground, settings = asked()
    settings = decided_by(settings, facts, "score")
    surface = bowl(best=-1.0, power=0.0)
    trials = tried(ground, settings, lambda config, epoch: 1.0 - surface(config, epoch))
    model = fit(ground, settings, trials)
    assert rate(ground, model.best(0)) == pytest.approx(-1.0, abs=0.35)
    scores = [settings.score(t) for t in trials]
    best, worst = trials[int(np.argmin(scores))], trials[int(np.argmax(scores))]
    assert model.expected(best, settings, trials) < model.expected(worst, settings, trials)


@pytest.mark.parametrize("nothing", [math.nan, math.inf])
def test_where_trials_diverge_it_does_not_look(nothing):
    ground, settings = asked()
    surface = bowl(best=-1.0, power=0.0)

    def cliff(config, epoch):
        values = config.hyperparameters
        high = math.log10(values["learning_rate"] / (1 - values["momentum"])) > -0.7
        return nothing if high and epoch > 1 else surface(config, epoch)

    trials = tried(ground, settings, cliff)
    assert any(t.outcome is Outcome.DIVERGED for t in trials)
    model = fit(ground, settings, trials)
    assert -2.0 < rate(ground, model.best(0)) < -0.5
    wild = next(t for t in trials if t.outcome is Outcome.DIVERGED)
    assert model.expected(wild, settings, trials) == math.inf


def test_with_horizons_of_their_own_only_whole_trainings_count():
    """Under a cosine, the middle of a training says nothing."""
    ground, settings = asked(schedule="cosine")
    assert settings.own_horizon
    surface = bowl(best=-1.0, power=0.5)

    def until_the_end(config, epoch):
        ends = config.hyperparameters.get("decay_steps", EPOCHS * STEPS_PER_EPOCH)
        return surface(config, epoch) if epoch == ends / STEPS_PER_EPOCH else 1e3

    trials = []
    for i, values in enumerate(ground.spread(settings)):
        epochs = 9 if i % 4 == 1 else 3
        config = ground.config({**values, "decay_steps": 10.0 * epochs}, settings)
        trials.append(trial(i, config, until_the_end, epochs))
    model = fit(ground, settings, trials)
    best = -1.0 - 0.5 * math.log10(EPOCHS)
    assert rate(ground, model.best(0)) == pytest.approx(best, abs=0.5)


def test_two_points_are_no_model():
    ground, settings = asked()
    trials = tried(ground, settings, bowl())
    assert fit(ground, settings, trials[:2]) is None
    assert fit(ground, settings, [trials[0]] * 5) is None
    assert fit(ground, settings, trials[:3]) is not None
    other = Config("SGD", "keras", {"learning_rate": 0.1, "momentum": 0.5}, "constant", 0)
    assert fit(ground, settings, [trial(i, other, bowl(), 3) for i in range(9)]) is None


def test_a_trial_outside_the_box_is_expected_as_far_ahead_as_it_is():
    ground, settings = asked()
    surface = bowl(best=-1.0, power=0.0)
    trials = tried(ground, settings, surface, further=0)
    model = fit(ground, settings, trials)
    peer = min(trials, key=settings.score)
    values = {**peer.config.hyperparameters, "nesterov": True}
    config = Config("SGD", "keras", values, "constant", 0)
    shown = trial(99, config, lambda c, e: surface(c, e) / 2, 3)
    assert ground.point(values) is None
    ahead = model.expected(peer, settings, trials) - model.expected(shown, settings, trials)
    assert ahead == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("epochs", [1, 2, 4, 5, 8, 10, 20])
def test_each_rung_tells_the_model_something(epochs):
    (found,), settings = make_question("SGD", epochs, trials=14)
    ground = Ground(found)
    for rung in settings.rungs:
        trials = tried(ground, settings, bowl(), epochs=rung, further=0)
        assert fit(ground, settings, trials) is not None
