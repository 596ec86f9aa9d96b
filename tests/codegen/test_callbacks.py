"""The callbacks of a study as code: it is run, and decides what was decided."""

from dataclasses import replace

import keras
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made import STUDY, study_of

from steepest.codegen.callbacks import best_epochs, call, study_code
from steepest.records import CallbackRecord, TaskFacts
from steepest.records.callbacks import Follower
from steepest.tasks.callback_records import make_callbacks
from steepest.tasks.callbacks import sort_callbacks

STOP = CallbackRecord("EarlyStopping", "loss", patience=2, restore=True, min_delta=0.1)
PLATEAU = CallbackRecord("ReduceLROnPlateau", "mae", up=True, patience=3, factor=0.5, cooldown=2)
LATE = CallbackRecord("EarlyStopping", "training_loss", baseline=0.5, start_from_epoch=4)
KEPT = CallbackRecord("ModelCheckpoint", "loss", baseline=2.0, restore=True)
FACTS = TaskFacts("t", "mse", ("mae",), 1, 10, 10, 0, 12, 2)


def under(*callbacks, at="best"):
    study = study_of(SGD=(0.5, 0.6), Adam=(0.7, 0.8))
    return replace(study, settings=replace(study.settings, callbacks=callbacks, at=at))


@pytest.mark.parametrize("one", [STOP, PLATEAU, LATE, KEPT])
def test_the_call_of_a_callback_is_read_as_it(one):
    made = eval(f"keras.callbacks.{call(one)}", {"keras": keras})
    assert make_callbacks(sort_callbacks(made), FACTS) == (one,)


def test_keras_code_has_the_callbacks_beside_the_optimizer():
    study = under(STOP, PLATEAU)
    config = study.confirmed("SGD")[0].config
    source = study_code(study, config, "keras")
    names = {}
    exec(source, names)
    assert make_callbacks(sort_callbacks(names["callbacks"]), STUDY.task) == (STOP, PLATEAU)
    assert "learning_rate" in dir(names["optimizer"])
    assert f"# model.fit(..., epochs={study.task.epochs}, callbacks=callbacks)" in source
    best = best_epochs(study, config)
    assert f"# The best epoch was {best[0]} of {study.task.epochs}" in source
    assert "callbacks" not in study_code(under(at="end"), config, "keras")


def test_a_scheduler_stands_by_the_name_of_the_function():
    shape = CallbackRecord("LearningRateScheduler", rates=(0.2, 0.1, 0.05))
    study = under(shape, at="end")
    config = study.confirmed("SGD")[0].config
    source = study_code(study, config, "keras")
    names = {"schedule": lambda epoch: (0.2, 0.1, 0.05)[epoch]}
    exec(source, names)
    rate = config.hyperparameters["learning_rate"]
    (one,) = names["callbacks"]
    assert [one.schedule(epoch) for epoch in range(3)] == pytest.approx([rate, rate / 2, rate / 4])
    relative = replace(shape, relative=True)
    assert call(relative, config) == "LearningRateScheduler(schedule)"


@pytest.mark.slow  # it imports PyTorch
@settings(max_examples=60, deadline=None)
@given(
    curve=st.lists(st.sampled_from([0.25, 0.5, 0.75, 1.0, 1.5, 3.0]), min_size=1, max_size=20),
    patience=st.integers(0, 4),
    cooldown=st.integers(0, 4),
    min_delta=st.sampled_from([0.0, 0.125, 0.5]),
    min_lr=st.sampled_from([0.0, 0.03125]),
    up=st.booleans(),
)
def test_pytorchs_scheduler_has_the_same_rates(curve, patience, cooldown, min_delta, min_lr, up):
    torch = pytest.importorskip("torch")
    one = CallbackRecord(
        "ReduceLROnPlateau", "loss", up, min_delta, patience, None, False, 0, 0.5, cooldown, min_lr
    )
    source = study_code(under(one, at="end"), under().confirmed("SGD")[0].config, "torch")
    part = source[source.index("plateau = ") : source.index("# After each epoch")]
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([weight], lr=0.25)
    names = {"torch": torch, "optimizer": optimizer}
    exec(part, names)
    follower = Follower((one,), 0.25)
    for value in curve:
        names["plateau"].step(value)
        follower.see({"loss": value})
        assert optimizer.param_groups[0]["lr"] == follower.rate
