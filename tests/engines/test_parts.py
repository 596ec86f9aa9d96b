"""Parts of the validation set: what is measured on them adds up to what is measured on it."""

import shutil

import numpy as np
import pytest
from faults.same import differences
from small import Batches, classes_data, make_model, make_task

import steepest
from steepest.engines import eval_sets, make_engine
from steepest.engines.population import Population
from steepest.records import Config
from steepest.search import confirm
from steepest.search.parts import SEEDS
from steepest.storage import read
from steepest.tasks.keras.task import keras_task

SGD = {"learning_rate": 0.05, "momentum": 0.9, "nesterov": False}
NAMES = [eval_sets.part_name(i) for i in range(eval_sets.PARTS)]


def own_step():
    model = make_model()

    class Own(type(model)):
        def train_step(self, *args):
            return super().train_step(*args)

    model.__class__ = Own
    return make_task(model)


def stream():
    x, y = classes_data()
    batches = [(x[i : i + 16], y[i : i + 16]) for i in range(0, 96, 16)]
    more = {"validation_data": classes_data(1), "epochs": 2}
    return keras_task(make_model(), Batches(batches), None, **more)


def torch_loop():
    pytest.importorskip("torch")
    from loop_tasks import loop_task

    return loop_task()


@pytest.mark.slow
@pytest.mark.parametrize("make", [make_task, own_step, stream, torch_loop])
def test_every_engine_measures_them(make):
    engine = make_engine(make(), None)
    configs = [Config("SGD", "keras", SGD, "constant", seed) for seed in (1, 2)]
    program = engine.prepare({0: configs[0]})[0]
    population = Population.of(configs)
    state, _ = program.advance(population, program.begin(population), 1)
    whole = program.measure(population, state, "validation")
    parts = [program.measure(population, state, name) for name in NAMES]
    for name in ("loss", "accuracy"):
        for member in (0, 1):
            mean = np.mean([one[member][name] for one in parts])
            assert mean == pytest.approx(whole[member][name], rel=1e-5)


@pytest.mark.parametrize(
    ("examples", "size", "parts", "rows"),
    [
        (360, 32, 11, 32),  # whole batches: a model may take no others
        (700, 32, 20, 32),
        (100, 16, 20, 5),
        (41, 16, 20, 2),
        (39, 16, 0, 0),
        (1_000_000, 100, 20, 500),  # the first of each part
        (1_000_000, 30_000, 20, 500),
    ],
)
def test_their_number_and_size(examples, size, parts, rows):
    x = np.arange(examples)
    found = eval_sets._parts_of((x, x, None), size)
    assert [*found] == NAMES[:parts]
    assert {len(one[0]) for one in found.values()} == ({rows} if parts else set())
    if parts:
        firsts = [one[0][0] for one in found.values()]
        assert firsts == [examples // parts * i for i in range(parts)]


def asked(out):
    return {
        "validation_data": classes_data(1),
        "optimizers": ["SGD(learning_rate=0.05, momentum=0)", "SGD(learning_rate=0.005)"],
        "epochs": 2,
        "batch_size": 16,
        "progress": False,
        "out": out,
    }


@pytest.mark.slow
@pytest.mark.parametrize("states", [True, False])
def test_a_study_that_was_stopped_before_has_the_same(states, tmp_path, monkeypatch):
    """What is measured is there again: from the states that were kept, or trained once more."""

    model, data = make_model(), classes_data()

    def stop(*_):
        raise KeyboardInterrupt

    steepest.compare(model, *data, **asked(tmp_path / "whole"), seeds=3)
    monkeypatch.setattr(confirm, "measure_parts", stop)
    with pytest.raises(KeyboardInterrupt):
        steepest.compare(model, *data, **asked(tmp_path / "cut"), seeds=3)
    monkeypatch.undo()
    assert not read(tmp_path / "cut").finished
    if not states:
        shutil.rmtree(tmp_path / "cut" / "states")
    steepest.compare(model, *data, **asked(tmp_path / "cut"), seeds=3)
    one, other = read(tmp_path / "cut"), read(tmp_path / "whole")
    assert one.parts == other.parts
    assert len(one.parts) == 2
    assert differences(one, other) == []


@pytest.mark.slow
def test_a_study_keeps_them_and_goes_on_with_more_seeds(tmp_path):
    ask = asked(tmp_path)
    steepest.compare(make_model(), *classes_data(), **ask, seeds=3)
    study = read(tmp_path)
    assert len(study.parts) == 2
    assert study.part_examples == 5
    for name, values in study.parts.items():
        runs = [t.curves.validation_loss[-1] for t in study.confirmed(name)[:SEEDS]]
        assert len(values) == 20
        assert np.mean(values) == pytest.approx(np.mean(runs), rel=1e-5)
    steepest.compare(make_model(), *classes_data(), **ask, seeds=12)
    more = read(tmp_path)
    for name, values in more.parts.items():
        runs = [t.curves.validation_loss[-1] for t in more.confirmed(name)]
        if len(runs) > 3:
            mine = runs[3 : 3 + SEEDS]
            assert np.mean(values) == pytest.approx(np.mean(mine), rel=1e-5)
        else:
            assert values == study.parts[name]
