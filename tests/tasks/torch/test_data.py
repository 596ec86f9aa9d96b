"""Data as PyTorch's users have it: read once where that is the same, else as a stream."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import (  # noqa: E402
    DataLoader,
    Dataset,
    IterableDataset,
    RandomSampler,
    Subset,
    WeightedRandomSampler,
)
from torch_made import classes, dataset, images, texts  # noqa: E402

from steepest.data.stream import Stream  # noqa: E402
from steepest.errors import TaskError  # noqa: E402
from steepest.tasks.torch import items  # noqa: E402
from steepest.tasks.torch.data import Wanted, open_all, open_data  # noqa: E402

X, Y = classes(20)


class Items(Dataset):
    """Pairs of a tensor and a Python number."""

    def __init__(self, change=lambda x: x):
        self.change = change

    def __len__(self):
        return len(X)

    def __getitem__(self, place):
        return self.change(X[place]), int(Y[place])


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield X[0], Y[0]


def opened(data, y=None, *, paired=True, batch_size=8, shuffle=True, steps=None):
    return open_data(data, y, "training data", Wanted(paired, batch_size, shuffle), steps)


def test_an_order_that_the_loader_contradicts_is_refused():
    with pytest.raises(TaskError, match="shuffle=False, but the DataLoader shuffles"):
        opened(DataLoader(dataset((X, Y)), batch_size=8, shuffle=True), shuffle=False)
    assert not opened(DataLoader(dataset((X, Y)), batch_size=8), shuffle=False).shuffle
    assert not opened(DataLoader(dataset((X, Y)), batch_size=8)).shuffle
    more = DataLoader(dataset((X, Y)), batch_size=8, shuffle=True)
    open_data(more, None, "validation_data", Wanted(True, 8, False), None)


def equal(batch, x=X, y=Y):
    return np.array_equal(batch[0], x) and np.array_equal(batch[1], y)


@pytest.mark.parametrize(
    "data",
    [
        (X, Y),
        [X.numpy(), Y.numpy()],
        dataset((X, Y)),
        Items(),
        Subset(dataset((X, Y)), range(20)),
        DataLoader(Items(), batch_size=8, shuffle=True),
    ],
)
def test_what_fits_memory_becomes_arrays(data):
    found = opened(data)
    assert equal(found.data)
    assert found.data[0].dtype == np.float32
    assert found.data[1].dtype == np.int32  # as JAX has them
    assert found.types == (torch.float32, torch.int64)  # and as PyTorch's losses want them
    assert (found.batch_size, found.shuffle, found.drop_last) == (8, True, False)


def test_x_and_y_may_be_apart():
    assert equal(opened(X, Y).data)
    with pytest.raises(TaskError, match="brings its targets itself; leave y out"):
        opened(dataset((X, Y)), Y)


def test_a_loader_says_how_it_is_gone_through():
    found = opened(DataLoader(dataset((X, Y)), batch_size=5, drop_last=True), batch_size=8)
    assert (found.batch_size, found.shuffle, found.drop_last) == (5, False, True)
    given = RandomSampler(dataset((X, Y)), generator=torch.Generator())
    assert opened(DataLoader(dataset((X, Y)), sampler=given)).shuffle


def test_a_collate_of_ones_own_is_used():
    def collate(pairs):
        return {
            "x": torch.stack([x for x, _ in pairs]),
            "labels": torch.tensor([y for _, y in pairs]),
        }

    found = opened(DataLoader(Items(), batch_size=4, collate_fn=collate), paired=False)
    assert np.array_equal(found.data[0]["x"], X)
    assert np.array_equal(found.data[0]["labels"], Y)
    assert found.data[1] is None
    assert found.types == (torch.int64, torch.float32)  # by sorted keys


def test_several_inputs():
    found = opened(((X, X + 1), Y))
    assert np.array_equal(found.data[0][1], X + 1)
    found = opened(({"b": X, "a": Y}, Y))
    assert found.types == (torch.int64, torch.float32, torch.int64)


def test_types_come_through():
    x = torch.zeros(4, 2, dtype=torch.uint8)
    assert opened((x, torch.zeros(4, dtype=torch.int32))).types == (torch.uint8, torch.int32)
    assert opened((x.bool(), np.zeros(4))).types == (torch.bool, torch.float32)
    found = opened((x.bfloat16(), x.double()))
    assert found.types == (torch.bfloat16, torch.float32)
    assert found.data[0].dtype.name == "bfloat16"


@pytest.mark.parametrize(
    "noise", [lambda: torch.rand(()), lambda: np.float32(np.random.rand()), random.random]
)
def test_random_items_are_a_stream(noise):
    torch.manual_seed(3)
    np.random.seed(3)
    random.seed(3)
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    stream = opened(Items(lambda x: x + noise())).data
    assert isinstance(stream, Stream)
    assert (stream.steps, stream.batch_size, stream.examples) == (3, 8, 20)
    once, again = (list(stream.read(0, 0, 2)) for _ in range(2))
    assert [len(batch[1]) for batch in once] == [8, 8, 4] * 2
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(once, again, strict=True))
    assert not np.array_equal(once[0][0], once[3][0])  # another epoch, in another order
    assert np.array_equal(once[3][0], next(stream.read(0, 1))[0])
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1] == np.random.get_state()[1].tolist()
    assert before[2] == random.getstate()


def test_randomness_of_a_generator_of_its_own_is_noticed():
    own = np.random.default_rng(0)
    assert isinstance(opened(Items(lambda x: x + float(own.normal()))).data, Stream)


def test_the_generator_of_a_loader_stays_as_it_was():
    generator = torch.Generator().manual_seed(5)
    before = generator.get_state()
    loader = DataLoader(
        Items(lambda x: x + torch.rand(())), batch_size=8, shuffle=True, generator=generator
    )
    once, again = (list(opened(loader).data.read(0, 0)) for _ in range(2))
    assert np.array_equal(once[0][0], again[0][0])
    assert torch.equal(generator.get_state(), before)


def test_samplers_of_ones_own_are_streams():
    sampler = WeightedRandomSampler(torch.ones(20), 12)
    stream = opened(DataLoader(dataset((X, Y)), batch_size=4, sampler=sampler)).data
    assert isinstance(stream, Stream)
    assert (stream.steps, stream.examples) == (3, 12)
    batches = DataLoader(dataset((X, Y)), batch_sampler=[[0, 1], [2, 3]])
    assert [len(b[1]) for b in opened(batches).data.read(0, 0)] == [2, 2]


def test_endless_data_needs_to_be_told_its_length():
    with pytest.raises(TaskError, match="does not say how many batches it has; give steps_per"):
        opened(DataLoader(Endless(), batch_size=4))
    stream = opened(Endless(), steps=5).data
    assert (stream.steps, stream.batch_size, stream.examples) == (5, 8, 40)
    assert len(list(stream.read(0, 1))) == 5


def test_batches_that_are_padded_to_their_longest_are_a_stream():
    rows = [torch.ones(n) for n in (2, 2, 3, 3)]

    class Rows(Dataset):
        def __len__(self):
            return 4

        def __getitem__(self, place):
            return rows[place], place % 2

    def pad(pairs):
        x = torch.nn.utils.rnn.pad_sequence([x for x, _ in pairs], batch_first=True)
        return x, torch.tensor([y for _, y in pairs])

    stream = opened(DataLoader(Rows(), batch_size=2, collate_fn=pad)).data
    assert [batch[0].shape for batch in stream.read(0, 0)] == [(2, 2), (2, 3)]
    with pytest.raises(TaskError, match="the Rows cannot be read: RuntimeError: stack expects"):
        opened(Rows())


def test_what_takes_much_memory_is_a_stream(monkeypatch):
    monkeypatch.setattr(items, "MEMORY_BYTES", 100)
    assert isinstance(opened(Items()).data, Stream)


def test_workers_and_lists_of_batches():
    loader = DataLoader(Items(lambda x: x + torch.rand(())), batch_size=8, num_workers=1)
    once, again = (list(opened(loader).data.read(0, 0)) for _ in range(2))
    assert all(np.array_equal(a[0], b[0]) for a, b in zip(once, again, strict=True))
    stream = opened(lambda: iter([(X[:4], Y[:4])] * 3), steps=3).data
    assert np.array_equal(next(stream.read(0, 0))[0], X[:4])


def test_validation_is_cut_off_or_of_the_same_kinds():
    wanted = Wanted(True, 8, True)
    more = {"steps": None, "validation_steps": None}
    own, rest, test = open_all(Items(), None, None, None, wanted, share=0.25, **more)
    assert equal(own.data, X[:15], Y[:15])
    assert equal(rest, X[15:], Y[15:])
    assert test is None
    _, rest, test = open_all(Items(), None, DataLoader(Items()), (X, Y), wanted, share=0.0, **more)
    assert equal(rest)
    assert equal(test)
    with pytest.raises(TaskError, match="there is no validation data"):
        open_all(Items(), None, None, None, wanted, share=0.0, **more)
    stream = Items(lambda x: x + torch.rand(()))
    with pytest.raises(TaskError, match="validation_split cannot cut a Items"):
        open_all(stream, None, None, None, wanted, share=0.5, **more)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (None, "there is no data; give tensors, a Dataset or a DataLoader"),
        ((X, X, Y), "a batch is a tuple of 3 parts, but loss= needs (x, y); give step=lambda"),
        ({"x": X, "y": Y}, "a batch is a dict of 2 parts, but loss= needs (x, y)"),
        (DataLoader(dataset((X,))), "a batch is a list of 1 parts, but loss= needs (x, y)"),
        ((X, Y[:3]), "the numbers of examples do not fit each other: x has 20, y has 3"),
        ((torch.full((4, 2), float("nan")), Y[:4]), "x holds 8 values that are NaN"),
        (dataset((X[:0], Y[:0])), "TensorDataset is empty"),
        (iter([(X, Y)]), "can be read once, but each population reads the data again"),
        ((["a", "b"], Y[:2]), "x holds text; turn it into numbers first"),
    ],
)
def test_what_is_no_data_is_said(data, said):
    with pytest.raises(TaskError) as error:
        opened(data)
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_images_and_texts():
    assert opened(images(6)).types == opened(dataset(images(6))).types
    assert opened(texts(6)).types == (torch.int64, torch.int64)
