"""The page with all evidence, and the one of several tasks."""
