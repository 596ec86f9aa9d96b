"""Keras on JAX for all tests, and a small task that they share."""

import os
import signal
import tempfile

# A shell's background job is started deaf to Ctrl-C, and hands that on to what the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ["KERAS_BACKEND"] = "jax"  # before anything imports Keras
os.environ.setdefault("JAX_PLATFORMS", "cpu")
# What is compiled twice in a run of the tests is compiled once, and none of it stays.
_CACHE = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
os.environ["STEEPEST_CACHE"] = _CACHE.name

import pytest  # noqa: E402


@pytest.fixture(scope="session")
def task():
    """A small task that tests share and do not change."""
    from small import make_task

    return make_task()
