"""Arrays in memory, trained inside one compiled JAX program."""
