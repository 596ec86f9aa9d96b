"""The models: plain Keras models of a few thousand weights, not compiled."""

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.atlas.data import CONTEXT
from benchmarks.atlas.files import KINDS

Make = Callable[[Any], Any]  # keras → a model


def stack(shape: Sequence[int], layers: Callable[[Any], Sequence[Any]], kind: str = "") -> Make:
    """Return what makes a sequential model of the layers that `layers(keras.layers)` returns."""

    def make(keras: Any) -> Any:
        start = keras.Input(tuple(shape), dtype=kind or "float32")
        return keras.Sequential([start, *layers(keras.layers)])

    return make


def perceptron(
    inputs: int,
    widths: Sequence[int],
    outputs: int,
    end: str | None = "softmax",
    *,
    activation: str = "relu",
    norm: bool = False,
    dropout: float = 0.0,
    l2: float = 0.0,
) -> Make:
    """Return what makes a perceptron, with batch normalization, dropout and L2 where asked."""

    def layers(of: Any) -> list[Any]:
        found = []
        for width in widths:
            decay = {"kernel_regularizer": _l2(l2)} if l2 else {}
            found.append(of.Dense(width, activation=None if norm else activation, **decay))
            if norm:
                found += [of.BatchNormalization(), of.Activation(activation)]
            if dropout:
                found.append(of.Dropout(dropout))
        return [*found, of.Dense(outputs, activation=end)]

    return stack((inputs,), layers)


def _l2(strength: float) -> Any:
    import keras

    return keras.regularizers.L2(strength)


def images(filters: Sequence[int], *, norm: str = "", dropout: float = 0.0) -> Make:
    """Return what makes a network of strided convolutions of 14 × 14 pixels."""

    def layers(of: Any) -> list[Any]:
        found = []
        for count in filters:
            found.append(of.Conv2D(count, 3, strides=2, padding="same", use_bias=not norm))
            if norm:
                found.append(getattr(of, norm)())
            found.append(of.ReLU())
        found.append(of.Flatten())
        if dropout:
            found.append(of.Dropout(dropout))
        return [*found, of.Dense(10, activation="softmax")]

    return stack((14, 14, 1), layers)


def waves(shape: Sequence[int], filters: Sequence[int], outputs: int, norm: bool = False) -> Make:
    """Return what makes a network of strided 1-D convolutions, averaged over time."""

    def layers(of: Any) -> list[Any]:
        found = []
        for count in filters:
            found.append(of.Conv1D(count, 5, strides=2, padding="same", use_bias=not norm))
            if norm:
                found.append(of.BatchNormalization())
            found.append(of.ReLU())
        end = "softmax" if outputs > 1 else None
        return [*found, of.GlobalAveragePooling1D(), of.Dense(outputs, activation=end)]

    return stack(shape, layers)


def recurrent(shape: Sequence[int], kind: str, width: int, outputs: int) -> Make:
    """Return what makes one recurrent layer, "LSTM" or "GRU", and a dense one."""
    end = "softmax" if outputs > 1 else None
    return stack(shape, lambda of: [getattr(of, kind)(width), of.Dense(outputs, activation=end)])


def characters(kind: str, width: int, *, everywhere: bool) -> Make:
    """Return what makes a recurrent model of the next character: after each, or after the last."""
    return stack(
        (CONTEXT,),
        lambda of: [
            of.Embedding(KINDS, 16),
            getattr(of, kind)(width, return_sequences=everywhere),
            of.Dense(KINDS, activation="softmax"),
        ],
        "int32",
    )


def classifier(length: int) -> Make:
    """Return what makes a 1-D convolutional classifier of characters."""
    return stack(
        (length,),
        lambda of: [
            of.Embedding(KINDS, 8),
            of.Conv1D(16, 5, activation="relu"),
            of.GlobalMaxPooling1D(),
            of.Dense(2, activation="softmax"),
        ],
        "int32",
    )


def transformer(blocks: int, width: int, dropout: float = 0.0) -> Make:
    """Return what makes a causal transformer of characters with pre-normalization."""

    def make(keras: Any) -> Any:
        of = keras.layers
        inputs = keras.Input((CONTEXT,), dtype="int32")
        places = keras.ops.arange(CONTEXT)
        h = of.Embedding(KINDS, width)(inputs) + of.Embedding(CONTEXT, width)(places)
        for _ in range(blocks):
            a = of.LayerNormalization()(h)
            a = of.MultiHeadAttention(2, width // 2)(a, a, use_causal_mask=True)
            h = h + (of.Dropout(dropout)(a) if dropout else a)
            a = of.Dense(4 * width, activation="gelu")(of.LayerNormalization()(h))
            a = of.Dense(width)(a)
            h = h + (of.Dropout(dropout)(a) if dropout else a)
        end = of.Dense(KINDS, activation="softmax")(of.LayerNormalization()(h))
        return keras.Model(inputs, end)

    return make
