"""What a model was compiled with takes part in its study, and nobody is told that they named it."""

import keras
import pytest
from small import classes_data, make_model

import steepest
from steepest import storage
from steepest.reports.command import command_and_notes

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]
LOSS = {"loss": "sparse_categorical_crossentropy", "metrics": ["accuracy"]}


class Own(keras.optimizers.SGD):
    """A class that nobody but its author knows."""


def compared(optimizer, place, own_step=False, **asked):
    """Return a small study of a model that was compiled with `optimizer`."""
    model = make_model()
    if own_step:  # which trains through Keras' fit
        model.train_step = lambda *given: keras.Model.train_step(model, *given)
    model.compile(optimizer, **LOSS)
    study = steepest.compare(
        *(model, *classes_data()),
        **{"validation_split": 0.2, "epochs": 1, "optimizers": "SGD", "out": place, **asked},
        trials=1,
        seeds=1,
    )
    assert model.optimizer.iterations == 0
    return study


@pytest.mark.parametrize("own_step", [False, True])
def test_it_takes_part_and_is_no_option(tmp_path, own_step):
    rate = keras.optimizers.schedules.CosineDecay(3e-3, 10)
    study = compared(keras.optimizers.Adam(rate), tmp_path, own_step, time="none")
    record = storage.read(tmp_path / "study.db")
    assert list(record.optimizers) == ["SGD", "your Adam(0.003, cosine)"]
    mine = record.optimizers["your Adam(0.003, cosine)"]
    assert (mine.baseline, mine.compiled, mine.schedule) == (True, True, "cosine")
    assert (mine.fixed["learning_rate"], mine.fixed["decay_steps"]) == (3e-3, 10.0)
    assert record.confirmed("your Adam(0.003, cosine)")
    assert record.asked["baseline"] is record.asked["time"] is None
    command = command_and_notes(record)
    assert "baseline" not in command.line + " ".join(command.notes)
    assert "our Adam(0.003, " in str(study)
    trained = record.seconds
    compared(keras.optimizers.Adam(rate), tmp_path, own_step)  # the same question is not anew
    assert storage.read(tmp_path / "study.db").seconds == trained
    with pytest.raises(steepest.errors.InputError, match="another question"):
        compared("adam", tmp_path, own_step)


def test_what_cannot_be_read_is_said_in_the_study(tmp_path):
    study = compared(Own(0.1), tmp_path)
    assert list(study.record.optimizers) == ["SGD"]
    (note,) = study.record.task.notes
    assert note.startswith("the optimizer that the model was compiled with does not take part")


@pytest.mark.parametrize("given", [False, "none", "keras.optimizers.SGD(0.5)"])
def test_another_word_takes_its_place(tmp_path, given):
    study = compared(Own(0.1), tmp_path, baseline=given)
    named = [] if given in (False, "none") else [f"baseline {given}"]
    assert list(study.record.optimizers) == ["SGD", *named]
    assert study.record.task.notes == ()
    asked = "none" if given is False else given
    assert study.record.asked["baseline"] == [asked]
    assert f"--baseline {asked}" in command_and_notes(study.record).line.replace("'", "")
