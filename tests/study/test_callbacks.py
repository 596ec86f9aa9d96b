"""`steepest.compare` under callbacks: what comes out, what is said of it, and who trains it."""

from dataclasses import replace

import compiling
import keras
import numpy as np
import pytest
from small import classes_data, make_model

import steepest
from steepest.engines import make_engine
from steepest.engines.population import Population
from steepest.errors import InputError
from steepest.records import Config, Stage
from steepest.records.callbacks import best_by, follow
from steepest.reports.markdown import markdown
from steepest.tasks.load import load_task

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

EPOCHS = 30
STOP, PLATEAU = keras.callbacks.EarlyStopping, keras.callbacks.ReduceLROnPlateau
FEW = {"optimizers": "SGD,Adam", "full_trainings": 8, "seeds": 2, "progress": False}


def compared(callbacks, out, **more):
    """Return a small study under callbacks."""
    return steepest.compare(
        make_model(batch_norm=False),
        *classes_data(),
        validation_data=classes_data(1),
        test_data=classes_data(2),
        batch_size=16,
        callbacks=callbacks,
        out=out,
        **{"epochs": EPOCHS, **FEW, **more},
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("callbacks")


def both():
    """Return callbacks of each kind that every engine follows, and one that watches."""
    return [
        PLATEAU(factor=0.3, patience=1),
        STOP(patience=2, restore_best_weights=True),
        keras.callbacks.TerminateOnNaN(),
        keras.callbacks.CSVLogger("never_written.csv"),
    ]


@pytest.fixture(scope="module")
def study(place):
    return compared(both(), place / "whole")


def test_a_study_under_callbacks(study):
    record = study.record
    assert record.complete
    assert record.settings.at == "best"
    assert any(trial.stopped_early(EPOCHS) for trial in record.trials)
    for trial in record.trials:
        if trial.lost or not trial.epochs:
            continue
        seen = follow(record.settings.callbacks, trial.curves)
        assert record.settings.value(trial) == trial.curves.validation_loss[seen.best - 1]
        assert seen.stopped == trial.stopped_early(EPOCHS) or trial.epochs == EPOCHS
    assert all(t.test for t in record.trials if t.stage is Stage.CONFIRM and not t.lost)
    assert steepest.read(study.path).record == record


def test_the_report_says_what_callbacks_did(study):
    for said in (str(study), markdown(study.record, study.verdict, study.measures)):
        flat = " ".join(said.replace("\\", "").split())
        assert "Trials trained under ReduceLROnPlateau(factor=0.3, patience=1) and " in flat
        assert "EarlyStopping(patience=2, restore_best_weights=True). EarlyStopping stopped" in flat
        assert "compared at the epoch whose weights EarlyStopping restores." in flat
    (note,) = [one for one in study.record.task.notes if "CSVLogger" in one]
    assert note.endswith("so trials train without it")
    page = study.write_report().read_text()
    assert "EarlyStopping stopped" in page
    source = study.best.code()
    assert "keras.callbacks.EarlyStopping(patience=2, restore_best_weights=True)," in source
    assert "# The best epoch was " in source
    assert isinstance(study.best.optimizer(), keras.optimizers.Optimizer)
    assert study.to_dict()["settings"]["callbacks"][0]["kind"] == "ReduceLROnPlateau"


def test_it_goes_on_with_the_same_callbacks_alone(study):
    again = compared(both(), study.path.parent)
    assert again.record == study.record
    with pytest.raises(
        InputError, match=r"callbacks: .*patience=2.* then, EarlyStopping\(patience=3\) now"
    ):
        compared([STOP(patience=3)], study.path.parent)


def test_workers_give_the_same_study(study, place, monkeypatch):
    monkeypatch.setenv(compiling.ASKED, "1")
    there = compared(both(), place / "workers", workers=2)

    def told(one):
        return [(t.config, t.curves, t.outcome, t.test) for t in one.record.trials]

    assert told(there) == told(study)
    with pytest.raises(InputError, match="LambdaCallback, which is code and cannot be sent"):
        compared([keras.callbacks.LambdaCallback()], place / "none", workers=2)


def test_a_callback_of_ones_own_trains_by_fit_and_it_is_said(place):
    heard = []
    own = keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: heard.append(epoch))
    study = compared([own], place / "own", epochs=3, full_trainings=3, optimizers="SGD")
    assert len(heard) == sum(trial.epochs for trial in study.record.trials)
    (note,) = [one for one in study.record.task.notes if "LambdaCallback" in one]
    assert note.startswith("the callback LambdaCallback is called by Keras' fit alone")
    assert "callback LambdaCallback is called by" in study.write_report().read_text()


def test_a_scheduler_is_the_schedule(place):
    function = keras.callbacks.LearningRateScheduler(lambda epoch: 0.1 if epoch < 2 else 0.01)
    study = compared(
        [function],
        place / "scheduler",
        epochs=4,
        optimizers="SGD",
        full_trainings=5,
        baseline=keras.optimizers.SGD(0.5),
    )
    (name,) = [name for name, one in study.record.optimizers.items() if one.baseline]
    assert study.record.confirmed(name)[0].config.hyperparameters["learning_rate"] == 0.1
    assert {trial.epochs for trial in study.record.trials if not trial.lost} == {4}
    assert "* schedule(epoch))," in study.optimizers["SGD"].code()


def test_a_task_file_may_have_callbacks(place):
    file = place / "task_with_callbacks.py"
    file.write_text(
        "from small import make_task, make_model, classes_data\n"
        "model, (x, y) = make_model(), classes_data()\n"
        "validation_split, epochs = 0.2, 5\n"
        "callbacks = ['EarlyStopping(patience=3, restore_best_weights=True)']\n"
    )
    task = load_task(str(file))
    assert best_by(task.callbacks).patience == 3


def test_a_pytorch_module_has_the_same_meanings():
    """Compiled and in its own loop, held against each other."""
    pytest.importorskip("torch")
    from loop_tasks import loop_task

    from steepest.tasks.torch.task import lowered

    loop = loop_task(epochs=12, fingerprint={"model": "small", "compile": "callbacks"})
    from steepest.tasks.callback_records import make_callbacks
    from steepest.tasks.callbacks import sort_callbacks

    texts = ["ReduceLROnPlateau(factor=0.2, patience=1)", "EarlyStopping(patience=3)"]
    callbacks = make_callbacks(sort_callbacks(texts), loop.facts)
    values = {"learning_rate": 0.8, "momentum": 0.9, "nesterov": False}
    found = []
    for task in (loop, lowered(loop)):
        engine = make_engine(replace(task, callbacks=callbacks))
        config = Config("SGD", "torch", values, "constant", 1)
        population, program = Population.of([config]), engine.prepare({0: config})[0]
        state, first = program.advance(population, program.begin(population), 5)
        state, rest = program.advance(population, state, 12)
        ends = [one.values["loss"][0, : int(one.trained[0])] for one in (first, rest)]
        found.append(np.concatenate(ends))
    assert len(found[0]) == len(found[1]) < 12
    assert found[0] == pytest.approx(found[1], rel=1e-3)


def test_what_a_module_cannot_have_is_refused(place):
    torch = pytest.importorskip("torch")
    with pytest.raises(InputError, match="LambdaCallback, which only Keras' fit can call"):
        steepest.compare(
            torch.nn.Linear(6, 3),
            *map(torch.as_tensor, classes_data()),
            loss=torch.nn.CrossEntropyLoss(),
            validation_split=0.2,
            callbacks=[keras.callbacks.LambdaCallback()],
            out=place / "none",
        )
