"""Tasks: a model, its loss and its data, as pure functions and arrays."""
