"""A person's data: arrays, data frames, files and streams, in each epoch's order."""
