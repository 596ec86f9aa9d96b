"""While there is training on all cores, a call of LAPACK takes one thread; afterwards as before."""

import pytest
from fake_engine import FakeEngine, bowl, searched
from threadpoolctl import ThreadpoolController

from steepest.engines.cores import one_thread_a_call


def threads():
    """Return how many threads a call of each OpenBLAS takes."""
    found = ThreadpoolController().select(internal_api="openblas").info()
    return {one["filepath"]: one["num_threads"] for one in found if "torch" not in one["filepath"]}


@pytest.fixture(autouse=True)
def two():
    """Let calls take two threads, also where there is one core."""
    with one_thread_a_call():  # which loads what is limited
        pass
    if not threads():
        pytest.skip("SciPy has another BLAS here")
    with ThreadpoolController().limit(limits=2, user_api="blas"):
        yield


def test_a_study_trains_with_one_thread_a_call(tmp_path):
    before, during = threads(), []
    surface = bowl()

    def seen(config, epoch):
        if not during:
            during.append(threads())
        return surface(config, epoch)

    searched(FakeEngine(seen), tmp_path, "SGD", full_trainings=8)
    assert set(before.values()) == {2}
    assert set(during[0].values()) == {1}
    assert threads() == before


def test_what_goes_wrong_leaves_no_limit():
    before = threads()
    with pytest.raises(ValueError, match="told"):
        _goes_wrong()
    assert threads() == before


def _goes_wrong():
    with one_thread_a_call():
        assert set(threads().values()) == {1}
        raise ValueError("told")
