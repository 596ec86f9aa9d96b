"""A PyTorch module as JAX: its exported graph, operation by operation, and the proof that it is so.

`capture` (graph.py) exports a module and returns a `Graph` that JAX can trace, differentiate and
map. `TABLE` (table.py) has one JAX function for each ATen operation, registered by the files in
`ops/`, one a family. `prove` (verify.py) compares the result with PyTorch itself, gradients
included, before anything is trained with it.
"""
