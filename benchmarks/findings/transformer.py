"""The character transformer of F3 and F4.

That of Steepest's task `text`, but with the initial weights of other frameworks: Keras' own make
attention start flatter, as it takes the heads' axis of a kernel for a further input.
"""

from typing import Any

WIDTH, CONTEXT, HEADS, BLOCKS = 48, 48, 2, 2
ALPHABET = 97  # the printable characters of ASCII, newline, and one for all others

INITIAL = {
    "flax": "kernels and embeddings N(0, 1/fan-in)",
    "torch": "kernels U(±1/√fan-in), embeddings N(0, 1)",
}


def transformer(keras: Any, initial: str = "flax") -> Any:
    """Return the model, which gives logits `[examples, CONTEXT, ALPHABET]`."""
    layers, draw = keras.layers, keras.initializers

    def embedded() -> Any:
        return draw.RandomNormal(stddev=WIDTH**-0.5 if initial == "flax" else 1.0)

    def kernel(inputs: int) -> Any:
        size = inputs**-0.5
        if initial == "flax":
            return draw.RandomNormal(stddev=size)
        return draw.RandomUniform(-size, size)

    def dense(inputs: int, outputs: int, activation: str | None = None) -> Any:
        return layers.Dense(outputs, activation=activation, kernel_initializer=kernel(inputs))

    class Position(layers.Layer):  # type: ignore[misc, name-defined]
        """Add a learned vector for each place in the context."""

        def build(self, shape: Any) -> None:
            self.place_initializer = embedded()
            self.place = self.add_weight(
                shape=tuple(shape[1:]), initializer=self.place_initializer, name="place"
            )

        def call(self, x: Any) -> Any:
            return x + self.place

    characters = keras.Input((CONTEXT,), dtype="int32")
    letters = layers.Embedding(ALPHABET, WIDTH, embeddings_initializer=embedded())
    h = Position()(letters(characters))
    for _ in range(BLOCKS):
        a = layers.LayerNormalization()(h)
        attention = layers.MultiHeadAttention(
            HEADS, WIDTH // HEADS, kernel_initializer=kernel(WIDTH)
        )
        h = h + attention(a, a, use_causal_mask=True)
        a = layers.LayerNormalization()(h)
        h = h + dense(4 * WIDTH, WIDTH)(dense(WIDTH, 4 * WIDTH, "gelu")(a))
    return keras.Model(characters, dense(WIDTH, ALPHABET)(layers.LayerNormalization()(h)))
