"""Small PyTorch modules with their data, made into tasks of the PyTorch loop by hand."""

import numpy as np
import torch
from small import BATCH, CLASSES, EPOCHS, EXAMPLES, FEATURES, classes_data
from torch import nn

from steepest.data.order import order_of
from steepest.engines.torch_loop.tensors import to_array
from steepest.records import Parameter, TaskFacts
from steepest.tasks.torch.loop_task import RANDOM, LoopTask
from steepest.tasks.torch.randomness import lent
from steepest.tasks.torch.step import Step


def network(dropout=0.0, norm=False):
    return nn.Sequential(
        nn.Linear(FEATURES, 16, bias=not norm),  # Adam would blow up the rounding of its gradient
        *([nn.BatchNorm1d(16)] if norm else []),
        nn.ReLU(),
        *([nn.Dropout(dropout)] if dropout else []),
        nn.Linear(16, CLASSES),
    )


def accuracy(output, target):
    return (output.argmax(-1) == target).float().mean()


def role(name, tensor):
    if name.endswith("bias"):
        return "bias"
    return "kernel" if tensor.ndim > 1 else "norm"


def loop_task(factory=network, training=None, loss=None, **changes):
    """Return the small task, its weights drawn by PyTorch."""
    x, y = classes_data()
    first = (x[:BATCH], y[:BATCH], None)
    module = factory()
    step = Step(
        module,
        loss=loss or nn.functional.cross_entropy,
        metrics={"accuracy": accuracy},
        names=("accuracy",),
        like=first,
        types=(torch.float32, torch.int64),
    )
    own = dict(step.named_parameters())
    weights = tuple(name for name, one in own.items() if one.requires_grad)
    frozen = [name for name, one in own.items() if not one.requires_grad]
    state = (*frozen, *dict(step.named_buffers()), RANDOM)

    def initialize(seed):
        with lent(seed):
            found = dict(factory().state_dict())
        values = [to_array(found[name.removeprefix("module.")]) for name in (*weights, *state[:-1])]
        cut = len(weights)
        return values[:cut], [*values[cut:], np.array([seed, 0], np.uint32)]

    known = [
        Parameter(name.removeprefix("module."), tuple(own[name].shape), role(name, own[name]))
        for name in weights
    ]
    facts = {
        "name": "small", "loss": "cross_entropy", "metrics": ("accuracy",), "parameters": 100,
        "training_examples": EXAMPLES, "validation_examples": EXAMPLES,
        "test_examples": EXAMPLES, "epochs": EPOCHS, "batch_size": BATCH,
        "weights": tuple(known), **changes,
    }  # fmt: skip
    return LoopTask(
        facts=TaskFacts(**facts),
        training=training or (x, y, None),
        validation=(*classes_data(1), None),
        test=(*classes_data(2), None),
        initialize=initialize,
        step=step,
        weights=weights,
        state=state,
        order=order_of(EXAMPLES),
        why="so it is",
    )
