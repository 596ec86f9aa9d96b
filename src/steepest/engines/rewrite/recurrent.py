"""Recurrent layers as loops: cuDNN's kernels cannot be mapped over members, a loop can.

On a GPU, Keras asks JAX for cuDNN's LSTM, and takes a loop of its own where there is none. JAX has
no batching rule for it ("Batching rule for 'rnn_fwd' not implemented").
"""

import contextlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

_LOCK = threading.RLock()


def looped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function`, traced with recurrent layers that loop."""

    def run(*arguments: Any) -> Any:
        with no_cudnn():
            return function(*arguments)

    return run


@contextlib.contextmanager
def no_cudnn() -> Iterator[None]:
    """Have JAX' LSTM say that there is no cuDNN, which Keras takes as "use a loop"."""
    try:
        import jax.experimental.rnn
    except ImportError:  # then nobody can take it either
        yield
        return

    def missing(*_: Any, **__: Any) -> Any:
        raise RuntimeError("members train side by side, which cuDNN's LSTM cannot")

    rnn: Any = jax.experimental.rnn
    with _LOCK:
        kept = rnn.lstm
        rnn.lstm = missing
        try:
            yield
        finally:
            rnn.lstm = kept
