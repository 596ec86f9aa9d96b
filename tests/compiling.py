"""How XLA compiles in tests: with fewer passes where a program runs once, and is held to another.

`quick()` is what the product's own proof compiles with: without fusion emitters and LLVM's passes,
in a fifth of the time. Both functions here reach into JAX, which has no door for it.
"""

import contextlib
import sys
from collections.abc import Iterator

ASKED = "STEEPEST_TESTS_QUICKLY"  # in the environment of a study's worker that is to compile so
FIT = ("jit_train_step", "jit_test_step")  # what Keras' `fit` and `evaluate` compile
DRAWS = ("jit__uniform", "jit__normal", "jit__truncated_normal")  # of initial weights


@contextlib.contextmanager
def quickly() -> Iterator[None]:
    """Let XLA try less in all that is compiled meanwhile, whatever options it comes with."""
    import jax
    from jax._src import compiler

    from steepest.tasks import compile_cache
    from steepest.tasks.torch.lowering.quick import quick

    compile_cache.use()  # also where no task is made
    asked, given = compiler.get_compile_options, quick()

    def options(*args, **kwargs):
        found = asked(*args, **kwargs)
        found.env_option_overrides = [*{**dict(found.env_option_overrides), **given}.items()]
        return found

    compiler.get_compile_options = options
    try:
        yield
    finally:
        compiler.get_compile_options = asked
        jax.clear_caches()  # what draws weights, say, would be in memory still, with other bits


def _to_the_bit() -> dict[str, str | bool]:
    """Return options that compile a draw in a quarter of the time, with the same bits.

    Each shape has a program of its own. LLVM's level 0 would take half as long, but the last bits
    would be others.
    """
    from steepest.tasks.torch.lowering.quick import quick

    return {**quick(), "xla_backend_optimization_level": "1"}


@contextlib.contextmanager
def named_quickly() -> Iterator[None]:
    """Let XLA try less in what draws initial weights, and in the steps of Keras' `fit`.

    `fit` is an oracle, and ours is not; draws stay the same to the last bit.
    """
    compiler = sys.modules.get("jax._src.compiler")
    if compiler is None:  # no test needs it
        yield
        return
    usual = compiler.compile_or_get_cached

    def compile_(backend, computation, devices, options, *args, **kwargs):
        from steepest.tasks.torch.lowering.quick import quick

        name = computation.operation.attributes["sym_name"].value
        usually = quick() if name in FIT else _to_the_bit() if name in DRAWS else {}
        if usually:
            found = {**usually, **dict(options.env_option_overrides)}
            options.env_option_overrides = [*found.items()]
        return usual(backend, computation, devices, options, *args, **kwargs)

    compiler.compile_or_get_cached = compile_
    try:
        yield
    finally:
        compiler.compile_or_get_cached = usual
