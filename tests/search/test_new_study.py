"""What a new study says of itself before its first trial."""

import importlib.metadata

from fake_engine import FakeEngine
from planned import planned

import steepest
from steepest.search.new_study import _version, new_study


def test_a_source_tree_that_is_not_installed_knows_its_version(monkeypatch):
    """Nor need any other package have metadata: what is imported is enough."""
    installed = importlib.metadata.version

    def version(name):
        if name in ("steepest", "scipy"):
            raise importlib.metadata.PackageNotFoundError(name)
        return installed(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    _version.cache_clear()
    import scipy

    study = new_study(FakeEngine(lambda *_: 1.0), *planned("SGD", 3))
    assert study.versions["steepest"] == steepest.__version__
    assert study.versions["scipy"] == scipy.__version__
