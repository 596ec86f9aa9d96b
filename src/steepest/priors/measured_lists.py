"""Start lists as measured on the tasks of the atlas, with how they do on families left out.

`start_lists.json` is made by `python -m benchmarks.atlas build`. Searches start from those alone
that were clearly better (docs/method.md), as `start_lists.py` has them. An entry has what differs
from Keras' defaults, and beside the learning rate the effective one, η/(1 − μ) where there is
momentum.
"""

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any


@lru_cache(maxsize=1)
def load_lists() -> Mapping[str, Any]:
    """Return the version, and of each optimizer its list and figures."""
    text = files("steepest.priors").joinpath("start_lists.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found
