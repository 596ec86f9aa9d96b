"""Small PyTorch modules and data that tests share."""

import numpy as np
import torch
from torch import nn
from torch.utils.data import TensorDataset


class Mlp(nn.Module):
    """A perceptron, with batch norm and dropout if they are asked for."""

    def __init__(self, inputs=4, classes=3, norm=False, dropout=0.0):
        super().__init__()
        self.hidden = nn.Linear(inputs, 8, bias=not norm)
        self.norm = nn.BatchNorm1d(8) if norm else nn.Identity()
        self.drop = nn.Dropout(dropout) if dropout else nn.Identity()
        self.out = nn.Linear(8, classes)

    def forward(self, x):
        return self.out(self.drop(torch.relu(self.norm(self.hidden(x)))))


class Cnn(nn.Module):
    """A convolutional network with batch norm, of images 1 × 8 × 8."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(1, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6)
        self.out = nn.Linear(6 * 4 * 4, 3)

    def forward(self, x):
        x = torch.relu(self.norm(self.conv(x)))
        return self.out(nn.functional.max_pool2d(x, 2).flatten(1))


class Transformer(nn.Module):
    """An encoder of one layer over six tokens."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(12, 8)
        self.places = nn.Parameter(torch.randn(6, 8) * 0.02)
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.encoder(self.tokens(x) + self.places).mean(1))


class Recurrent(nn.Module):
    """An LSTM over six tokens."""

    def __init__(self):
        super().__init__()
        self.tokens = nn.Embedding(12, 8)
        self.lstm = nn.LSTM(8, 8, batch_first=True)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.lstm(self.tokens(x))[0][:, -1])


def classes(count=50, inputs=4, kinds=3, seed=0):
    """Return x and y of classes that can be learnt, as tensors."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, inputs)).astype(np.float32)
    y = (x @ np.random.default_rng(99).normal(size=(inputs, kinds))).argmax(1)
    return torch.from_numpy(x), torch.from_numpy(y)


def numbers(count=50, inputs=4, seed=0):
    """Return x and y of a regression, y of shape [n, 1]."""
    x, _ = classes(count, inputs, seed=seed)
    return x, x.sum(1, keepdim=True) + 1


def images(count=50, seed=0):
    """Return images 1 × 8 × 8 and which of three they are."""
    random = np.random.default_rng(seed)
    x = random.normal(size=(count, 1, 8, 8)).astype(np.float32)
    return torch.from_numpy(x), torch.from_numpy(np.digitize(x[:, 0, 0, 0], [-0.4, 0.4]))


def texts(count=50, seed=0):
    """Return rows of six tokens of twelve, and which of three they are."""
    random = np.random.default_rng(seed)
    x = random.integers(0, 12, size=(count, 6))
    return torch.from_numpy(x), torch.from_numpy(x[:, 0] % 3)


def dataset(pair):
    """Return a pair as a data set."""
    return TensorDataset(*pair)
