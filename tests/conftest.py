"""Keras on JAX for all tests, and a small task that they share."""

import os

os.environ["KERAS_BACKEND"] = "jax"  # before anything imports Keras
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import pytest


@pytest.fixture(scope="session")
def task():
    """A small task that tests share and do not change."""
    from small import make_task

    return make_task()
