"""The models of the works in PyTorch: as many parameters, drawn from the same distributions.

All give logits, as `cross_entropy` brings the softmax. Images come as PyTorch has them, channels
first. Constants that change the arithmetic (momentum and epsilon of normalization) are Keras'.
"""

import math
from collections.abc import Sequence
from typing import Any

from speed.data import ALPHABET, CONTEXT


def drawn_as_keras(torch: Any, model: Any) -> Any:
    """Give `model` the initial weights that Keras' layers have by default."""
    nn, init = torch.nn, torch.nn.init
    for layer in model.modules():
        if isinstance(layer, (nn.Linear, nn.Conv2d)):
            init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                init.zeros_(layer.bias)
        elif isinstance(layer, nn.Embedding):
            init.uniform_(layer.weight, -0.05, 0.05)
        elif isinstance(layer, nn.LSTM):
            init.xavier_uniform_(layer.weight_ih_l0)
            init.orthogonal_(layer.weight_hh_l0)
            init.zeros_(layer.bias_ih_l0)
            with torch.no_grad():  # of the gates i, f, g, o, Keras begins with f open
                layer.bias_ih_l0[layer.hidden_size : 2 * layer.hidden_size] = 1
            # PyTorch has a second bias, which Keras has not: it stays zero.
            init.zeros_(layer.bias_hh_l0).requires_grad_(False)
    return model


def perceptron(torch: Any, inputs: int, hidden: Sequence[int], outputs: int) -> Any:
    nn = torch.nn
    layers = []
    for before, units in zip((inputs, *hidden), hidden, strict=False):
        layers += [nn.Linear(before, units), nn.ReLU()]
    return drawn_as_keras(torch, nn.Sequential(*layers, nn.Linear(hidden[-1], outputs)))


def digits_mlp(torch: Any) -> Any:
    return perceptron(torch, 64, (128, 64), 10)


def tabular_mlp(torch: Any) -> Any:
    return perceptron(torch, 18, (128, 64), 7)


def _norm(torch: Any, channels: int) -> Any:
    return torch.nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)


def digits_cnn(torch: Any) -> Any:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        _norm(torch, 16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(4 * 4 * 32, 10),
    )
    return drawn_as_keras(torch, model)


def fashion_cnn(torch: Any) -> Any:
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False),
        _norm(torch, 32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.3),
        nn.Linear(7 * 7 * 64, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )
    return drawn_as_keras(torch, model)


def text_lstm(torch: Any) -> Any:
    nn = torch.nn

    class Classifier(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(ALPHABET, 32)
            self.lstm = nn.LSTM(32, 64, batch_first=True)
            self.out = nn.Linear(64, 2)

        def forward(self, x: Any) -> Any:
            return self.out(self.lstm(self.embedding(x))[0][:, -1])

    return drawn_as_keras(torch, Classifier())


def transformer(torch: Any, width: int = 48, blocks: int = 2, heads: int = 2) -> Any:
    nn = torch.nn
    attend = nn.functional.scaled_dot_product_attention

    class Attention(nn.Module):  # type: ignore[misc, name-defined]
        """Causal self-attention, query, key and value in one product."""

        def __init__(self) -> None:
            super().__init__()
            self.inward, self.outward = nn.Linear(width, 3 * width), nn.Linear(width, width)

        def forward(self, x: Any) -> Any:
            batch, length, _ = x.shape
            split = self.inward(x).view(batch, length, 3, heads, width // heads)
            q, k, v = split.permute(2, 0, 3, 1, 4)
            mixed = attend(q, k, v, is_causal=True).transpose(1, 2)
            return self.outward(mixed.reshape(batch, length, width))

    class Block(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.one, self.two = nn.LayerNorm(width, eps=1e-3), nn.LayerNorm(width, eps=1e-3)
            self.attention = Attention()
            self.dense = nn.Sequential(
                nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
            )

        def forward(self, h: Any) -> Any:
            h = h + self.attention(self.one(h))
            return h + self.dense(self.two(h))

    class Transformer(nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(ALPHABET, width)
            self.place = nn.Parameter(torch.randn(CONTEXT, width) * 0.02)
            self.blocks = nn.Sequential(*(Block() for _ in range(blocks)))
            self.norm, self.out = nn.LayerNorm(width, eps=1e-3), nn.Linear(width, ALPHABET)

        def forward(self, x: Any) -> Any:
            return self.out(self.norm(self.blocks(self.embedding(x) + self.place)))

    model = drawn_as_keras(torch, Transformer())
    for block in model.blocks:  # query, key and value are three kernels to Keras
        limit = math.sqrt(6 / (width + width))
        nn.init.uniform_(block.attention.inward.weight, -limit, limit)
    return model
