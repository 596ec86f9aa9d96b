"""The order of examples is that of a real DataLoader, for any seed, epoch and thread."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

from steepest.tasks.torch.order import EVERY, LoaderOrder  # noqa: E402


def met(size, seed, epochs, **more):
    """Return the places that a person's own loader gives, epoch by epoch."""
    loader = DataLoader(
        TensorDataset(torch.arange(size)),
        shuffle=True,
        generator=torch.Generator().manual_seed(seed),
        **more,
    )
    return [torch.cat([batch for (batch,) in loader]).tolist() for _ in range(epochs)]


@pytest.mark.parametrize(("size", "batch", "drop"), [(10, 4, False), (12, 4, True), (11, 4, True)])
def test_it_is_that_of_a_loader(size, batch, drop):
    order = LoaderOrder(size)
    for seed in (0, 7):
        for epoch, expected in enumerate(met(size, seed, 4, batch_size=batch, drop_last=drop)):
            found = order(seed, epoch)
            assert found.dtype == np.int32
            assert sorted(found) == list(range(size))
            assert found.tolist()[: len(expected)] == expected


def test_workers_change_nothing():
    expected = met(9, 3, 2, batch_size=2, num_workers=1)
    assert [LoaderOrder(9)(3, epoch).tolist() for epoch in range(2)] == expected


def test_any_epoch_can_be_asked_for_first():
    epochs = 2 * EVERY + 3
    expected = met(7, 5, epochs, batch_size=3)
    order = LoaderOrder(7)
    for epoch in (epochs - 1, 2, EVERY, EVERY - 1, EVERY + 1, 0, 1, epochs - 1):
        assert order(5, epoch).tolist() == expected[epoch]


def test_few_states_are_kept(monkeypatch):
    monkeypatch.setattr("steepest.tasks.torch.order.MOST", 3)
    order, expected = LoaderOrder(5), met(5, 1, 3, batch_size=2)
    for seed in range(9):
        order(seed, 2)
    assert len(order._states) == 3
    assert order(1, 2).tolist() == expected[2]


def test_threads_do_not_disturb_each_other():
    order = LoaderOrder(31)
    asked = [(seed, epoch) for epoch in range(20) for seed in range(4)]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda one: order(*one).tolist(), asked))
    alone = {seed: met(31, seed, 20, batch_size=8) for seed in range(4)}
    assert found == [alone[seed][epoch] for seed, epoch in asked]


def test_pytorch_own_random_state_stays():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    LoaderOrder(5)(1, 1)
    assert torch.equal(before, torch.get_rng_state())
