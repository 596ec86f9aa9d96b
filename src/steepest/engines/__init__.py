"""How a population trains."""
