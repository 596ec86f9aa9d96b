"""How XLA compiles what runs a few times only: compiling it well takes longer than all runs."""

import functools

import jax

# One LLVM function a kernel, in one module: a quarter of the time that fusion emitters take.
CPU: dict[str, str | bool] = {
    "xla_cpu_use_fusion_emitters": False,
    "xla_cpu_parallel_codegen_split_count": "1",
}
ALL: dict[str, str | bool] = {
    "xla_backend_optimization_level": "0",
    "xla_llvm_disable_expensive_passes": True,
}


@functools.cache
def quick() -> dict[str, str | bool]:
    """Return the options with which XLA compiles soonest on a CPU; those that this XLA knows."""
    try:
        jax.jit(lambda x: x).lower(0.0).compile(compiler_options={**ALL, **CPU})
    except jax.errors.JaxRuntimeError:  # options of XLA come and go
        return ALL
    return {**ALL, **CPU}
