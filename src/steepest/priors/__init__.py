"""What is known before the first trial: configurations to start from."""
