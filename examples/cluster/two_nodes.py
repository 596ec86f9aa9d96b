"""A Ray cluster of two nodes on one machine, and a study on it.

Run it as `python examples/cluster/two_nodes.py`, with options of `steepest compare` or without.
A cluster of several machines is the same with `ray start --head` on one of them and
`ray start --address HEAD:6379` on the others.
"""

import os
import subprocess
import sys

from ray.cluster_utils import Cluster

cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
cluster.add_node(num_cpus=1)
try:
    command = [sys.executable, "-m", "steepest", "compare", "digits", "--workers", "ray"]
    more = sys.argv[1:] or ["--budget", "quick"]
    environment = {**os.environ, "RAY_ADDRESS": cluster.address}
    sys.exit(subprocess.run([*command, *more], env=environment, check=False).returncode)
finally:
    cluster.shutdown()
