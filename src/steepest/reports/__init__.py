"""Numbers in, text out. Every teller is a function from a study and its verdict to text."""
