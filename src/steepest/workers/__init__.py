"""Where populations train: today on the cores of this machine."""
