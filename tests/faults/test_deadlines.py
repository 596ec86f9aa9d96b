"""A limit of time that ends at any moment: nobody fails, nobody wins by it, and all goes on."""

from dataclasses import replace

import numpy as np
import pytest
from clocks import Clock
from fake_engine import FakeEngine, bowl
from faults.running import FAKE, check_end, check_finished, run, study_of
from faults.same import differences, plain
from planned import planned
from small import Batches, classes_data, make_model

from steepest import budget, storage
from steepest.budget import Budget
from steepest.engines import make_engine
from steepest.engines.compiled import pieces, update_time
from steepest.engines.protocol import unheard
from steepest.engines.streaming import steps
from steepest.measures.verdict import judge
from steepest.records import Outcome, Stage
from steepest.search import search
from steepest.tasks.keras.task import keras_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

LIMIT = 100.0
ENDS = {"the search": 0.6 * LIMIT, "the study": 2 * LIMIT}  # what a moment ends


def fake():
    """Return an engine that hands over members, epoch by epoch."""
    return FakeEngine(bowl(noise=0.05), epochs=9)


def own_step(model):
    """Return the model with a step of its own, which only `fit` can train."""

    class Own(type(model)):
        def train_step(self, *args):
            return super().train_step(*args)

    model.__class__ = Own
    return model


def real(kind, examples=100):
    """Return an engine of a kind, on a small task."""
    if kind == "torch":
        pytest.importorskip("torch")
        from loop_tasks import loop_task

        return Kept(make_engine(loop_task(epochs=3), None))
    x, y = (some[:examples] for some in classes_data())
    model = make_model(batch_norm=False)
    if kind == "fit":
        model = own_step(model)
    data = (x, y)
    if kind == "streaming":
        batches = [(x[i : i + 16], y[i : i + 16]) for i in range(0, examples - 4, 16)]
        data = (Batches(batches), None)
    validation = tuple(some[:examples] for some in classes_data(1))
    more = {"validation_data": validation, "epochs": 3, "batch_size": 16}
    task = keras_task(model, *data, **more)
    return Kept(make_engine(task, None))


class Kept:
    """An engine that compiles for the first study alone."""

    def __init__(self, engine):
        self.engine, self.programs = engine, {}

    def __getattr__(self, name):
        return getattr(self.engine, name)

    def prepare(self, configs, epochs=0, ready=unheard):
        new = {key: config for key, config in configs.items() if key not in self.programs}
        self.programs.update(self.engine.prepare(new, epochs, ready) if new else {})
        return {key: self.programs[key] for key in configs}


def study(engine, path, seconds, **asked):
    found, settings = planned("SGD,Adam", engine.facts.epochs, **asked)
    settings = replace(settings, seconds=seconds)
    return search(engine, found, settings, path / "study.db", lambda *_: None)


@pytest.fixture
def moments(monkeypatch):
    """Let time be over at the nth charge of a budget; count charges."""
    clock, begun = Clock(), Clock().now
    charge = Budget.charge
    seen = {"charges": 0, "at": None, "to": 0.0}

    def counted(budget, planned, spent):
        charge(budget, planned, spent)
        seen["charges"] += 1
        if seen["charges"] == seen["at"]:
            clock.now = begun + seen["to"]

    def set_(at=None, to=0.0):
        clock.now = begun
        seen.update(charges=0, at=at, to=to)
        return seen

    monkeypatch.setattr(Budget, "charge", counted)
    monkeypatch.setattr("steepest.budget.clock", clock)
    return set_


def check(cut, whole):
    """Check a study that was cut short: what it has is of the whole one, and no more is claimed."""
    assert not [t for t in cut.trials if t.outcome is Outcome.FAILED]
    assert cut.stopped
    assert cut.complete
    verdict = judge(cut)
    assert verdict.winner in (None, judge(whole).winner)
    if not cut.finished:
        assert verdict.winner is None
        confirmed = [t for t in cut.trials if t.stage is Stage.CONFIRM]
        last = max((t.config.seed for t in confirmed), default=0)
        open_ = {t.optimizer for t in confirmed if t.config.seed == last}
        assert len({verdict.standings[name].seeds for name in open_}) <= 1
        chances = [s.probability for s in verdict.standings.values()]
        assert max(chances) < 1.0


def told(study):
    """Return the trials that a verdict comes from: under a limit, defaults have one seed."""
    some = [t for t in study.trials if t.stage in (Stage.SEARCH, Stage.CONFIRM)]
    return [plain((t.optimizer, t.stage, t.config, t.curves, t.outcome)) for t in some]


def every_moment(engine, tmp_path, moments, stride=1, **asked):
    """Cut a study at its charges, check it, and go on to what it would have been."""
    seen = moments()
    whole = study(engine, tmp_path / "whole", None, **asked)
    assert whole.finished
    charges = seen["charges"]
    assert charges > 5 * stride // 2
    for i, (name, to) in enumerate(ENDS.items()):
        for at in range(1 + i * stride // 2, charges + 1, stride):  # the one between the other's
            place = tmp_path / f"{name.split()[-1]}-{at}"
            moments(at, to)
            cut = study(engine, place, LIMIT, **asked)
            assert storage.read(place / "study.db") == cut
            if not cut.stopped:  # it had ended before, and is the whole study
                assert told(cut) == told(whole)
                assert plain(judge(cut)) == plain(judge(whole))
                continue
            check(cut, whole)
            assert study(engine, place, LIMIT, **asked) == cut  # told again
            moments()
            went_on = study(engine, place, None, **asked)
            assert differences(went_on, whole) == [], (name, at)
            assert not (place / "states").exists()


def test_at_every_charge(tmp_path, moments):
    every_moment(fake(), tmp_path, moments, full_trainings=16, seeds=3)


def test_time_counts_from_when_somebody_asked(tmp_path, moments):
    """A task may take long to load: a limit is not for what comes after it alone."""
    moments()
    found, settings = planned("SGD,Adam", 9)
    settings, began = replace(settings, seconds=LIMIT), budget.clock() - 2 * LIMIT
    path = tmp_path / "study.db"
    cut = search(fake(), found, settings, path, lambda *_: None, began=began)
    assert cut.stopped
    assert cut.seconds >= 2 * LIMIT
    assert not any(trial.epochs for trial in cut.trials)


@pytest.mark.parametrize(
    ("kind", "stride"), [("compiled", 4), ("streaming", 8), ("fit", 12), ("torch", 16)]
)
def test_at_every_charge_of_an_engine(kind, stride, tmp_path, moments, monkeypatch, unchecked):
    monkeypatch.setattr(pieces, "PIECE_SECONDS", 0.0)  # a call a step, so that all may be cut
    monkeypatch.setattr(steps, "PIECE_SECONDS", 0.0)
    monkeypatch.setattr(update_time, "SECONDS", 0.0)  # one update, as nobody asks what it takes
    engine = real(kind, examples=36)  # few steps, as there are a hundred studies
    every_moment(engine, tmp_path, moments, stride, full_trainings=14, seeds=2)


@pytest.mark.parametrize("kind", ["compiled", "streaming", "fit", "torch"])
def test_time_ends_within_an_epoch(kind, tmp_path, moments, monkeypatch):
    """A limit does not wait for the end of an epoch: not one more is trained."""
    for module in (pieces, steps):  # a call a step, from the first one on
        monkeypatch.setattr(module, "PIECE_SECONDS", 0.0)
        monkeypatch.setattr(module, "TRIED", 1)
    engine, heard = real(kind), []
    moments()
    clock = Clock(1000.0)
    monkeypatch.setattr("steepest.budget.clock", clock)
    over = Budget.over

    def late(budget):
        heard.append(1)
        if len(heard) == 6:  # within the first epoch of the first trial
            clock.now += 2 * LIMIT
        return over(budget)

    monkeypatch.setattr(Budget, "over", late)
    cut = study(engine, tmp_path, LIMIT, full_trainings=14)
    assert not any(t.epochs for t in cut.trials)
    assert {t.outcome for t in cut.trials} <= {Outcome.UNFINISHED}
    assert np.isfinite(cut.seconds)


def test_the_command_line_goes_on_with_more_time(tmp_path):
    out, whole = tmp_path / "cut", tmp_path / "whole"
    ask = (*FAKE, "compare", "fake", "--full-trainings", "14", "--optimizers", "SGD,Adam")
    check_end(run(*ask, "--out", whole))
    cut = run(*ask, "--time", "1", "--out", out, FAULTS_SLEEP="0.1")
    check_end(cut)
    assert "Cut short by its limit of time" in cut.stdout or "there is no verdict" in cut.stdout
    assert f"to go on: steepest resume {out} fake --time none" in cut.stderr
    assert not study_of(out).finished
    told = run(*FAKE, "resume", out, "fake")
    check_end(told)  # the same limit trains nothing more
    assert "which had come to its end" in told.stderr
    check_end(run(*FAKE, "resume", out, "fake", "--time", "none"))
    check_finished(out)
    one, other = study_of(out), study_of(whole)
    assert differences(one, replace(other, asked=one.asked)) == []
