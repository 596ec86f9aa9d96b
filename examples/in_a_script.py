"""In your own script: replace the line that says `model.fit(...)` by `steepest.compare(...)`.

The data come with scikit-learn: pip install scikit-learn
"""

import os

os.environ["KERAS_BACKEND"] = "jax"  # Steepest trains in JAX; set it before Keras is imported

import keras
from sklearn.datasets import load_wine
from sklearn.preprocessing import scale

import steepest

x, y = load_wine(return_X_y=True)
x = scale(x)
model = keras.Sequential(
    [
        keras.Input((13,)),
        keras.layers.Dense(16, activation="relu"),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])

# Wine's classes lie in order, so shuffle before the last 30 % are cut off.
order = keras.random.shuffle(keras.ops.arange(len(x)), seed=0)
study = steepest.compare(
    model,
    x[order],
    y[order],
    validation_split=0.3,
    epochs=10,
    batch_size=16,
    optimizers=["SGD", "Adam", "RMSprop"],
)
print(study)

# Train on in Keras with the best optimizer.
model.compile(
    optimizer=study.best.optimizer(),
    loss="sparse_categorical_crossentropy",
    metrics=["accuracy"],
)
model.fit(x[order], y[order], validation_split=0.3, epochs=10, batch_size=16, verbose=2)
