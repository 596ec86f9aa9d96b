"""Whatever cannot be lowered to JAX, trained in a plain PyTorch loop, one member after another."""
