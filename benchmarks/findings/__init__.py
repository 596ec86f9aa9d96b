"""Known findings about optimizers, found again by Steepest."""
