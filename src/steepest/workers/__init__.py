"""Where populations train: threads of this process, other processes, or a cluster's."""
