"""Regret against cost: of Steepest's search, and of the tools that people use."""
