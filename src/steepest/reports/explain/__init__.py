"""What an optimizer is, from its rule: words, formula, paths; `steepest explain`."""
