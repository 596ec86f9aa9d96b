"""How many PyTorch models are lowered to JAX and proved, of some fifty."""
