"""A model's compiled loss and metrics, put back where a call is refused.

Keras builds them for the first labels that it meets, and keeps what it has built: a "accuracy" for
labels of a wrong shape would be another metric from then on.
"""

import contextlib
from collections.abc import Iterator
from typing import Any


@contextlib.contextmanager
def as_compiled_on_error(keras: Any, model: Any) -> Iterator[None]:
    """Put loss and metrics back to what they were if the body raises."""
    parts = [getattr(model, name, None) for name in ("_compile_loss", "_compile_metrics")]
    given = [
        getattr(part, name, None)
        for part in parts
        for name in ("_user_metrics", "_user_weighted_metrics")
    ]
    metrics = [one for one in keras.tree.flatten(given) if isinstance(one, keras.Metric)]
    restore = [_restoring(part) for part in (*parts, *metrics) if part is not None]
    try:
        yield
    except BaseException:
        for put_back in restore:
            put_back()
        raise


def _restoring(part: Any) -> Any:
    """Return what puts the attributes of `part` back, and what its lists hold."""
    own, before = vars(part), dict(vars(part))
    lists = [(one, list(one)) for one in before.values() if isinstance(one, list)]
    # Keras notes the ids of what an object has, by which it would pass over a later one.
    tracked = getattr(before.get("_tracker"), "stored_ids", {})
    ids = {name: set(some) for name, some in tracked.items()}

    def put_back() -> None:
        own.clear()
        own.update(before)
        for one, was in lists:
            list.__setitem__(one, slice(None), was)
        tracked.update(ids)

    return put_back
