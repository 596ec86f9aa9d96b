"""A task file: `steepest compare examples/my_task.py`.

The names mean what they mean to `model.fit`. Needed are `model`, `x`, `y`, and `validation_data` or
`validation_split`. There may also be `test_data`, `epochs`, `batch_size`, `class_weight`,
`sample_weight`, `shuffle`, `callbacks` and `initial_weights`; and where `x` is a stream of batches,
which brings y, `steps_per_epoch` and `validation_steps`. `schedule` and `groups` may say how
optimizers are compared, as the options of these names.
"""

import keras
import numpy as np

# Three noisy spirals; two coordinates in, one of three classes out.
random = np.random.default_rng(0)
y = random.integers(0, 3, 900)
radius = random.uniform(0.1, 1.0, 900)
angle = 4 * radius + 2 * np.pi / 3 * y + 0.15 * random.normal(size=900)
x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)

model = keras.Sequential(
    [
        keras.Input((2,)),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.BatchNormalization(),
        keras.layers.Dense(32, activation="relu"),
        keras.layers.Dropout(0.1),
        keras.layers.Dense(3, activation="softmax"),
    ]
)
model.compile(loss="sparse_categorical_crossentropy", metrics=["accuracy"])

x, x_test = x[:700], x[700:]
y, y_test = y[:700], y[700:]
validation_split = 0.25
test_data = (x_test, y_test)
epochs = 15
batch_size = 32
