"""Whatever gives batches becomes a stream of them, in fit's sense, or an error with a way out."""

import itertools

import keras
import numpy as np
import pytest
from small import BATCH, EXAMPLES, classes_data, make_model

from steepest.data import disk
from steepest.data.order import epoch_order
from steepest.data.stream import Stream
from steepest.engines import make_engine
from steepest.engines.compiled.engine import CompiledEngine
from steepest.errors import TaskError
from steepest.tasks.keras.task import keras_task
from steepest.tasks.load import load_task

X, Y = classes_data()
STEPS = -(-EXAMPLES // BATCH)


def cut(x=X, y=Y):
    for i in range(0, EXAMPLES, BATCH):
        yield x[i : i + BATCH], y[i : i + BATCH]


class Listed(keras.utils.PyDataset):
    """Batches by their number, and what it was told."""

    def __init__(self, **options):
        super().__init__(**options)
        self.calls = []

    def __len__(self):
        return STEPS

    def __getitem__(self, i):
        self.calls.append(i)
        return list(cut())[i]

    def on_epoch_begin(self):
        self.calls.append("begin")

    def on_epoch_end(self):
        self.calls.append("end")


def task(x, y=None, **changes):
    arguments = {"validation_data": classes_data(1), "epochs": 2, "batch_size": BATCH, **changes}
    return keras_task(make_model(), x, y, **arguments)


def stream(x, y=None, **changes) -> Stream:
    found = task(x, y, **changes).training
    assert isinstance(found, Stream)
    return found


def examples(batches):
    return np.concatenate([x for x, _, _ in batches])


def memmap(tmp_path, array, name="x"):
    made = np.memmap(tmp_path / name, array.dtype, "w+", shape=array.shape)
    made[:] = array
    return made


def test_a_small_memmap_becomes_an_array(tmp_path):
    made = task(memmap(tmp_path, X), Y)
    assert isinstance(make_engine(made), CompiledEngine)
    np.testing.assert_array_equal(made.training[0], X)


def test_a_large_memmap_is_read_in_our_order(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)
    made = stream(memmap(tmp_path, X), Y)
    assert (made.steps, made.batch_size, made.examples) == (STEPS, BATCH, EXAMPLES)
    for seed, epoch in ((0, 0), (5, 3)):
        order = epoch_order(seed, epoch, EXAMPLES)
        batches = list(made.read(seed, epoch))
        assert [len(y) for _, y, _ in batches] == [BATCH] * (STEPS - 1) + [EXAMPLES % BATCH]
        np.testing.assert_array_equal(examples(batches), X[order])
        np.testing.assert_array_equal(np.concatenate([y for _, y, _ in batches]), Y[order])


def test_a_large_memmap_is_never_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)
    read = []
    gather = disk.Rows.__getitem__

    def watched(rows, index):
        found = gather(rows, index)
        read.append(len(index) if not isinstance(index, slice) else 0)
        return found

    monkeypatch.setattr(disk.Rows, "__getitem__", watched)
    made = task(memmap(tmp_path, X), Y, validation_data=None, validation_split=0.3)
    list(made.training.read(0, 0))
    assert max(read) == BATCH


def test_validation_split_of_a_memmap_is_fit_s(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)
    made = task(memmap(tmp_path, X), Y, validation_data=None, validation_split=0.3)
    assert (made.facts.training_examples, made.facts.validation_examples) == (70, 30)
    np.testing.assert_array_equal(examples(made.validation.read(0, 0)), X[70:])
    order = epoch_order(1, 0, 70)
    np.testing.assert_array_equal(examples(made.training.read(1, 0)), X[:70][order])


def test_h5py_is_read_by_rows(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        made = stream(file.create_dataset("x", data=X), Y)
        np.testing.assert_array_equal(examples(made.read(2, 1)), X[epoch_order(2, 1, EXAMPLES)])


def test_class_weights_weigh_batches(tmp_path, monkeypatch):
    monkeypatch.setattr(disk, "MEMORY_BYTES", 0)
    made = stream(memmap(tmp_path, X), Y, class_weight={0: 2.0})
    for _, y, weight in made.read(0, 0):
        np.testing.assert_array_equal(weight, np.where(y == 0, 2.0, 1.0))


def test_a_py_dataset_is_shuffled_by_batches_and_told_of_epochs():
    data = Listed()
    made = stream(data)
    assert made.by_seed
    data.calls.clear()
    list(made.read(4, 1, 3))
    expected = [["begin", *epoch_order(4, e, STEPS).tolist(), "end"] for e in (1, 2)]
    assert data.calls == list(itertools.chain(*expected))
    made = task(X, Y, validation_data=data).validation
    data.calls.clear()
    list(made.read(0, 0))
    assert data.calls[1 : STEPS + 1] == list(range(STEPS))


def test_a_data_loader_is_iterated():
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    made = task(torch.utils.data.DataLoader(data, batch_size=BATCH))
    assert made.facts.training_examples == EXAMPLES
    assert made.facts.steps_per_epoch == STEPS
    for _ in range(2):
        np.testing.assert_array_equal(examples(made.training.read(0, 0)), X)
    dropped = stream(torch.utils.data.DataLoader(data, batch_size=BATCH, drop_last=True))
    assert (dropped.steps, dropped.examples) == (6, 96)


def test_a_tf_dataset_is_iterated():
    tf = pytest.importorskip("tensorflow")
    data = tf.data.Dataset.from_tensor_slices((X, Y)).batch(BATCH)
    made = stream(data)
    assert made.steps == STEPS
    np.testing.assert_array_equal(examples(made.read(0, 0)), X)
    assert len(list(stream(data.repeat(), steps_per_epoch=3).read(0, 0))) == 3
    with pytest.raises(TaskError, match=r"does not say how many.*steps_per_epoch"):
        task(data.repeat())


def test_a_function_makes_a_generator_each_time():
    made = stream(cut, steps_per_epoch=STEPS)
    for _ in range(2):
        np.testing.assert_array_equal(examples(made.read(0, 0)), X)


@pytest.mark.parametrize("endless", [True, False])
def test_an_epoch_goes_on_where_the_last_one_ended(endless):
    """As in fit, where an epoch takes fewer batches than there are."""

    class Iterated:
        def __len__(self):
            return STEPS

        def __iter__(self):
            return cut()

    source = (
        (lambda: itertools.chain.from_iterable(cut() for _ in itertools.count()))
        if (endless)
        else Iterated()
    )
    made = stream(source, steps_per_epoch=3)
    everything = np.concatenate([X, X, X])
    whole = examples(made.read(0, 0, 6))
    np.testing.assert_array_equal(whole, everything[: len(whole)])
    np.testing.assert_array_equal(
        np.concatenate([examples(made.read(0, epoch)) for epoch in range(6)]), whole
    )


def test_dictionaries_and_wide_types_are_taken_as_keras_takes_them():
    inputs = keras.Input((6,), name="a")
    model = keras.Model({"a": inputs}, keras.layers.Dense(3, activation="softmax")(inputs))
    model.compile(loss="sparse_categorical_crossentropy")

    def batches():
        for x, y in cut():
            yield {"a": x.astype("float64")}, y.astype("int64"), np.ones(len(x))

    made = keras_task(
        model, batches, validation_data=batches, steps_per_epoch=7, validation_steps=2
    )
    x, y, weight = next(made.training.read(0, 0))
    assert (x["a"].dtype, y.dtype, weight.dtype) == (np.float32, np.int32, np.float32)
    assert made.facts.validation_examples == 2 * BATCH


def empty():
    return iter(())


def broken():
    raise OSError("no such bucket")


def nan():
    yield np.full((4, 6), np.nan), np.zeros(4)


def changing():
    yield X[:4], Y[:4]
    yield X[:4].astype(int), Y[:4]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"x": cut()}, r"can be read once.*give the function that makes it"),
        ({"x": cut}, "does not say how many batches.*give steps_per_epoch"),
        ({"x": cut, "steps_per_epoch": 0}, "steps_per_epoch is 0"),
        ({"x": empty, "steps_per_epoch": 1}, "has no batches"),
        ({"x": broken, "steps_per_epoch": 1}, "first batch .* cannot be read: OSError: no such"),
        ({"x": nan, "steps_per_epoch": 1}, "NaN"),
        ({"x": cut, "y": Y, "steps_per_epoch": 1}, "batches bring y"),
        ({"x": X, "y": Y, "steps_per_epoch": 1}, "arrays are read to the end"),
        ({"x": Listed(), "validation_data": None, "validation_split": 0.2}, "cannot cut a Listed"),
        ({"x": lambda: iter([X[:4]]), "steps_per_epoch": 1}, "y is missing"),
        ({"x": X, "y": Y, "validation_data": cut}, "give validation_steps"),
        ({"x": X, "y": Y, "validation_data": (X,)}, "validation_data: y is missing"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_what_cannot_be_streamed_is_said_in_a_sentence(arguments, said):
    with pytest.raises(TaskError, match=said):
        task(**arguments)


def test_what_goes_wrong_later_names_the_batch():
    with pytest.raises(TaskError, match=r"batch 2 of epoch 1 holds .*int32.*first batch"):
        list(stream(changing, steps_per_epoch=2).read(0, 0))

    class Short:
        def __len__(self):
            return STEPS

        def __iter__(self):
            self.times = getattr(self, "times", 0) + 1
            return cut() if self.times == 1 else iter(())

    with pytest.raises(TaskError, match=r"batch 1 of epoch 1: there is no more data"):
        list(stream(Short()).read(0, 0))


def test_a_task_file_may_stream(tmp_path):
    path = tmp_path / "streamed.py"
    path.write_text(
        "import numpy as np, keras\n"
        "model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])\n"
        "model.compile(loss='mse')\n"
        "def x():\n"
        "    while True:\n"
        "        yield np.ones((4, 2)), np.ones((4, 1))\n"
        "validation_data = x\n"
        "steps_per_epoch, validation_steps = 3, 2\n"
    )
    facts = load_task(str(path)).facts
    assert (facts.training_examples, facts.steps_per_epoch, facts.validation_examples) == (12, 3, 8)
