"""A training by one `fit` of Keras with real callbacks, as a member of a population would train."""

import functools

import keras
import numpy as np
from small import BATCH, classes_data, make_model

from steepest.data.order import epoch_order
from steepest.engines import make_engine
from steepest.engines.callbacks import with_callbacks
from steepest.records import Config
from steepest.search.runner import program_key

EPOCHS, SEED = 14, 3


class Ordered(keras.utils.PyDataset):
    """The examples in the order that a member meets them in."""

    def __init__(self, x, y):
        super().__init__()
        self.x, self.y, self.epoch = x, y, 0

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, batch):
        some = epoch_order(SEED, self.epoch, len(self.x))[batch * BATCH : (batch + 1) * BATCH]
        return self.x[some], self.y[some]


class Turns(keras.callbacks.Callback):
    """Gives each epoch its order. The data is told of the ends of epochs, but of others too."""

    def __init__(self, data):
        super().__init__()
        self.data = data

    def on_epoch_begin(self, epoch, logs=None):
        self.data.epoch = epoch


class Rates(keras.callbacks.Callback):
    """Notes the learning rate that each epoch was trained with."""

    def __init__(self):
        super().__init__()
        self.found = []

    def on_train_batch_begin(self, batch, logs=None):
        if batch == 0:
            self.found.append(float(self.model.optimizer.learning_rate))


_LAST = []  # the task that was asked for last, the key of its program, and the program


def program_of(task, config):
    """Return the program of a task: compiled once for all calls that follow each other."""
    asked = task, program_key(config)
    if not _LAST or _LAST[0] is not task or _LAST[1] != asked[1]:
        _LAST[:] = *asked, with_callbacks(make_engine(task)).prepare({0: config})[0]
    return _LAST[2]


def config(rate, seed=SEED):
    values = {"learning_rate": rate, "momentum": 0.9, "nesterov": False}
    return Config("SGD", "keras", values, "constant", seed)


@functools.cache
def fitted():
    """Return a model whose steps are compiled once, at the first `fit`."""
    model = make_model()
    optimizer = keras.optimizers.SGD(1.0, momentum=0.9)
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    optimizer.build(model.trainable_variables)
    return model


def theirs(task, callbacks, rate):
    """Return the history of one `fit`, the learning rates, and the model, until the next call."""
    model = fitted()
    weights, state = task.initialize(SEED)
    for variable, value in zip(model.trainable_variables, weights, strict=True):
        variable.assign(value)
    for variable, value in zip(model.non_trainable_variables, state, strict=True):
        variable.assign(value)
    for variable in model.optimizer.variables:  # the momentum, and how many steps were taken
        variable.assign(np.zeros(variable.shape, variable.dtype))
    model.optimizer.learning_rate = rate
    noted, data = Rates(), Ordered(*classes_data())
    done = model.fit(
        data,
        epochs=EPOCHS,
        validation_data=classes_data(1),
        validation_batch_size=BATCH,
        callbacks=[Turns(data), *callbacks, noted],
        shuffle=False,
        verbose=0,
    )
    return done.history, noted.found, model


def curve(found, member=0):
    """Return the values of one member by name, of all calls."""
    return {
        name: np.concatenate([v[name][member, : int(n[member])] for v, n in found])
        for name in ("training_loss", "loss", "accuracy")
    }


def equal(a, b):
    pairs = zip(*(keras.tree.flatten(one.tree()) for one in (a, b)), strict=True)
    return all(np.array_equal(one, other, equal_nan=True) for one, other in pairs)
