"""A task file of a PyTorch module: which names mean what, or a sentence that says what is wrong."""

import subprocess
import sys

import pytest
from anything import check_message

from steepest.errors import InputError
from steepest.tasks.load import load_task

torch = pytest.importorskip("torch")

GOOD = """
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

x = torch.randn(40, 3)
y = (x.sum(1) > 0).long()
train = DataLoader(TensorDataset(x[:30], y[:30]), batch_size=10)
validation = TensorDataset(x[30:], y[30:])
test = (x[:20], y[:20])
loss = nn.CrossEntropyLoss()
epochs = 3


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x):
        return self.layer(x)
"""
INSTANCE = GOOD.replace("class Net", "class Inner") + "\nmodel = Inner()\n"
FUNCTION = (
    GOOD
    + "\ndef task():\n"
    + "    return dict(Net=Net, train=train, validation=validation, loss=loss, batch_size=5)\n"
)


def write(tmp_path, text, name="my_net.py"):
    path = tmp_path / name
    path.write_text(text)
    return str(path)


@pytest.mark.slow
def test_a_file_names_its_parts(tmp_path):
    facts = load_task(write(tmp_path, GOOD)).facts
    assert (facts.name, facts.framework, facts.epochs, facts.batch_size) == (
        "my_net",
        "torch",
        3,
        10,
    )
    assert (facts.training_examples, facts.validation_examples, facts.test_examples) == (30, 10, 20)
    assert load_task(write(tmp_path, GOOD), epochs=7).facts.epochs == 7


def test_a_function_returns_the_same_names(tmp_path, monkeypatch):
    path = write(tmp_path, FUNCTION, "torch_functions_for_test.py")
    assert load_task(f"{path}:task").facts.test_examples == 0
    monkeypatch.chdir(tmp_path)
    assert load_task("torch_functions_for_test:task").facts.name == "task"
    text = FUNCTION.replace("loss=loss", "los=loss")
    with pytest.raises(InputError, match="did you mean loss"):
        load_task(write(tmp_path, text) + ":task")


@pytest.mark.parametrize(
    ("text", "examples"),
    [
        (INSTANCE, 30),
        (INSTANCE.replace("epochs = 3", "def shuffle(): ..."), 30),
        # A class that needs arguments, beside the module made of it; a function named as data is.
        (INSTANCE + "\nclass Net(Inner):\n    def __init__(self, width): ...\n", 30),
        (INSTANCE + "\ndef test(model, loader): ...\n", 30),
        (GOOD.replace("train = ", "loader = "), 40),
        (GOOD + "\ndef step(module, batch):\n    return loss(module(batch[0]), batch[1])\n", 30),
        (GOOD.replace("validation = ", "validation_split = 0.2\nheld_out = "), 24),
        ("import keras\n" + GOOD, 30),
    ],
)
def test_names_may_be_others(tmp_path, text, examples):
    facts = load_task(write(tmp_path, text)).facts
    assert (facts.framework, facts.training_examples) == ("torch", examples)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import torch\nloss = 1\n", "does not define Net and train; a task for PyTorch"),
        (GOOD.replace("loss = ", "lose = "), "does not define loss"),
        (
            GOOD.replace("train = ", "loader = ").replace("x = ", "inputs = x = ")
            + "\ndel x\ndef train(model, loader): ...\n",
            r"does not define train \(train is a function, and no data\)",
        ),
        (GOOD.replace("validation = ", "held_out = "), "there is no validation data"),
        (GOOD.replace("def __init__(self)", "def __init__(self, width)"), "Net needs width"),
        (GOOD.replace("loss = nn.CrossEntropyLoss()", "loss = torch.tensor(1.0)"), "loss"),
        (GOOD.replace("nn.Linear(3, 2)", "nn.Linear(4, 2)"), "3"),
        (GOOD.replace("class Net(nn.Module)", "class Net"), "must make a torch.nn.Module"),
        (GOOD + "\nraise ValueError('so')\n", "ValueError: so"),
    ],
)
def test_a_file_that_cannot_be_used_is_said(tmp_path, text, said):
    with pytest.raises(InputError, match=said) as caught:
        load_task(write(tmp_path, text))
    check_message(str(caught.value))


def test_without_pytorch_a_file_is_told_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r'pip install "steepest\[torch\]"'):
        load_task(write(tmp_path, GOOD))


@pytest.mark.slow
def test_keras_is_not_loaded_for_it(tmp_path):
    path = write(tmp_path, GOOD)
    check = (
        "import sys; from steepest.tasks.load import forget, load_task; "
        f"load_task({path!r}); forget(); print('keras' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
