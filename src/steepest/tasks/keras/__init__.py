"""All that knows Keras: from a compiled model and data to a task."""
