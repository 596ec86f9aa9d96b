"""Whatever JAX cannot trace, trained through Keras' own `fit`, one member after another."""
