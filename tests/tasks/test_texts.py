"""Text trains on TensorFlow as it does in `fit`; elsewhere, and as labels, the way out is said."""

import importlib.util
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from small import classes_data, make_model

import steepest
from steepest.errors import TaskError
from steepest.tasks.keras.task import keras_task

X, Y = classes_data()
WORDS = np.array(["cat", "dog", "eel"])[Y]


@pytest.mark.parametrize(
    "x", [WORDS[:, None], WORDS.tolist(), WORDS.astype(object), WORDS.astype("S"), pd.Series(WORDS)]
)
def test_on_jax_text_is_refused_with_the_way_out(x):
    said = r"x holds text, such as b?'\w+', .*TextVectorization.*KERAS_BACKEND=tensorflow"
    with pytest.raises(TaskError, match=said):
        keras_task(make_model(), x, Y, validation_split=0.2)


def test_numbers_that_are_written_as_text_are_told_from_words():
    with pytest.raises(TaskError, match=r"x holds text, .*x\.astype\('float32'\)"):
        keras_task(make_model(), X.astype(str), Y, validation_split=0.2)


def test_text_among_batches_is_refused_alike():
    def batches():
        yield WORDS[:16], Y[:16]

    with pytest.raises(TaskError, match="x holds text"):
        keras_task(make_model(), batches, validation_data=(X, Y), steps_per_epoch=1)


@pytest.mark.parametrize(
    "y", [WORDS, WORDS[:, None], WORDS.tolist(), pd.Series(WORDS).astype("category")]
)
@pytest.mark.parametrize("where", ["y", "validation_data", "test_data"])
def test_labels_in_words_are_refused_with_the_line_to_paste(y, where):
    data = {"y": Y, "validation_data": (X, Y), "test_data": (X, Y)}
    data[where] = y if where == "y" else (X, y)
    prefix = "" if where == "y" else f"{where}: "
    said = rf"^{prefix}y holds text, such as '\w+', .*np\.unique\(y, return_inverse=True\)"
    with pytest.raises(TaskError, match=said):
        keras_task(make_model(), X, **data)


@pytest.mark.parametrize("name", ["x", "y", "sample_weight"])
@pytest.mark.parametrize("given", ["f", "label", b"f"])
def test_one_text_is_no_array(name, given):
    data = {"x": X, "y": Y, name: given}
    with pytest.raises(TaskError, match=f"^{name} is the text b?'.*array"):
        keras_task(make_model(), **data, validation_split=0.2)


def test_the_name_of_a_column_is_told_from_it():
    frame = pd.DataFrame({"a": Y, "label": Y})
    with pytest.raises(TaskError, match=r"y is the text 'label', .*: y = x\.pop\('label'\)$"):
        keras_task(make_model(), frame, "label", validation_split=0.2)


def test_the_line_to_paste_numbers_all_sets_alike():
    classes, y = np.unique(WORDS, return_inverse=True)
    np.testing.assert_array_equal(classes[y], WORDS)
    np.testing.assert_array_equal(np.searchsorted(classes, WORDS[::-1]), y[::-1])
    keras_task(make_model(), X, y, validation_data=(X, np.searchsorted(classes, WORDS)))


def test_class_weights_and_words():
    with pytest.raises(TaskError, match="y holds text"):
        keras_task(make_model(), X, WORDS, class_weight={0: 1}, validation_split=0.2)
    with pytest.raises(TaskError, match="sample_weight holds text"):
        keras_task(make_model(), X, Y, sample_weight=WORDS, validation_split=0.2)


SCRIPT = """
import json
import keras, numpy as np, tensorflow as tf
from steepest.engines import make_engine
from steepest.errors import TaskError
from steepest.engines.population import Population
from steepest.records import Config
from steepest.tasks.keras.task import keras_task
from steepest.data.order import epoch_order

L = keras.layers
VALUES = {"learning_rate": 0.1, "momentum": 0.0, "nesterov": False}
texts = np.array(["good film", "bad film", "good good", "bad"] * 12)[:, None]
y = np.array([1, 0, 1, 0] * 12)

def vectorizing():
    vectorize = L.TextVectorization(max_tokens=20, output_sequence_length=3)
    vectorize.adapt(texts)
    head = [L.Embedding(20, 4), L.Flatten(), L.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((1,), dtype="string"), vectorize, *head])

def looking_up():
    lookup = L.StringLookup(output_mode="one_hot", vocabulary=np.unique(texts).tolist())
    head = [lookup, L.Dense(1, activation="sigmoid")]
    return keras.Sequential([keras.Input((1,), dtype="string"), *head])

def trained(task):
    config = Config("SGD", "keras", VALUES, "constant", 0)
    population, program = Population.of([config]), make_engine(task).prepare({0: config})[0]
    _, found = program.advance(population, program.begin(population), 1)
    return [found.values[n][0, 0].item() for n in ("training_loss", "loss")]

out = {}
for make in (vectorizing, looking_up):
    model = make()
    model.compile(loss="binary_crossentropy")
    set_ = tf.data.Dataset.from_tensor_slices((texts, y)).batch(16)
    rest = {"validation_data": (texts, y), "epochs": 1, "batch_size": 16}
    kinds = {
        "array": keras_task(model, texts, y, **rest),
        "objects": keras_task(model, texts.astype(object), y, **rest),
        "tensor": keras_task(model, tf.constant(texts), y, **rest),
        "tf.data": keras_task(model, set_, validation_data=set_, epochs=1),
    }
    out[make.__name__] = {name: trained(task) for name, task in kinds.items()}
    for name, order in (("fit", epoch_order(0, 0, 48)), ("fit in order", np.arange(48))):
        for variable, value in zip(model.trainable_variables, kinds["array"].initialize(0)[0]):
            variable.assign(value)
        model.optimizer = keras.optimizers.SGD(**VALUES)
        model.train_function = None
        x = tf.constant(texts[order])
        history = model.fit(x, y[order], batch_size=16, shuffle=False, verbose=0).history
        loss = model.evaluate(tf.constant(texts), y, batch_size=16, verbose=0)
        out[make.__name__][name] = [history["loss"][0], loss]
def refused(model, *data, **more):
    try:
        keras_task(model, *data, validation_split=0.25, **more)
    except TaskError as error:
        return str(error)
numbers = keras.Sequential([L.Dense(3, activation="softmax")])
numbers.compile(loss="sparse_categorical_crossentropy")
x = np.ones((48, 2))
out["labels"] = refused(numbers, x, np.where(y == 1, "cat", "dog"))
out["unweighted"] = refused(numbers, x, np.where(y == 1, -1, 0), sample_weight=1.0 - y)
json.dump(out, open("out.json", "w"))
"""


@pytest.fixture(scope="module")
def on_tensorflow(tmp_path_factory):
    """What a process on TensorFlow found."""
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("tensorflow is not installed")
    place = tmp_path_factory.mktemp("texts")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=place,
        capture_output=True,
        text=True,
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "PYTHONPATH": os.path.dirname(os.path.dirname(steepest.__file__)),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((place / "out.json").read_text())


@pytest.mark.parametrize("layer", ["vectorizing", "looking_up"])
@pytest.mark.parametrize("kind", ["array", "objects", "tensor", "tf.data"])
def test_on_tensorflow_text_trains_as_in_fit(on_tensorflow, layer, kind):
    found = on_tensorflow[layer]
    expected = found["fit in order" if kind == "tf.data" else "fit"]
    np.testing.assert_allclose(found[kind], expected, rtol=1e-5)


def test_on_tensorflow_labels_are_numbers_of_classes_too(on_tensorflow):
    assert "np.unique(y, return_inverse=True)" in on_tensorflow["labels"]


def test_on_tensorflow_labels_without_weight_are_looked_at(on_tensorflow):
    """Its loss fails on them, in fit too."""
    assert "-1, whose sample weight is 0" in on_tensorflow["unweighted"]
    assert keras.backend.backend() == "jax"
