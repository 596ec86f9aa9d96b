"""PyTorch modules as tasks: lowered to JAX where that is proved, else trained by PyTorch itself."""
