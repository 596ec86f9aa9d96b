"""The losses of torch.nn, with every reduction, on targets of all kinds."""

import pytest

torch = pytest.importorskip("torch")

from as_in_torch import check_each  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

# Slow: each operation is compiled, with its gradient.
pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_quickly")]

GENERATOR = torch.Generator().manual_seed(0)
REDUCTIONS = ("mean", "sum", "none")


def random(*shape):
    return torch.randn(*shape, generator=GENERATOR).double()


def reduced(kinds, **named):
    """Return each of the losses with each reduction, by name."""
    return {
        f"{name}, {reduction}": kind(reduction=reduction, **named)
        for name, kind in kinds.items()
        for reduction in REDUCTIONS
    }


def test_of_numbers():
    x = random(4, 3)
    y = x + torch.tensor([0.0, 1.0, -1.0, 0.5, -0.5, 2, 0, 3, -3, 0.1, 1, -1]).reshape(4, 3)
    kinds = {
        "mse": nn.MSELoss,
        "l1": nn.L1Loss,
        "smooth l1": nn.SmoothL1Loss,
        "smooth l1 of 0.5": lambda reduction: nn.SmoothL1Loss(reduction, beta=0.5),
        "smooth l1 of 0": lambda reduction: nn.SmoothL1Loss(reduction, beta=0.0),
        "huber": nn.HuberLoss,
        "huber of 0.5": lambda reduction: nn.HuberLoss(reduction, delta=0.5),
    }
    check_each(reduced(kinds), x, y)
    check_each({"broadcast": lambda x, y: F.mse_loss(x, y[:, :1].expand(4, 3))}, x, y)


def test_of_probabilities():
    p = torch.tensor([0.0, 1.0, 0.0, 1.0, 0.3, 0.9, 1e-9, 0.5]).double()
    y = torch.tensor([0.0, 1.0, 1.0, 0.0, 0.2, 1.0, 0.0, 0.5]).double()
    weight = torch.linspace(0.5, 2, 8).double()
    kinds = {
        "bce": lambda reduction: lambda p: F.binary_cross_entropy(p, y, reduction=reduction),
        "weighted": lambda reduction: (
            lambda p: F.binary_cross_entropy(p, y, weight, reduction=reduction)
        ),
    }
    check_each(reduced(kinds), p, tolerance=1e-8)
    check_each({"of the target": F.binary_cross_entropy}, p[4:6], y[4:6])


def test_of_logits():
    x = torch.tensor([[0.0, 1, -1], [30, -30, 800], [-800, 2, 0], [0.5, 3, 5]]).double()
    y = torch.rand(4, 3, generator=GENERATOR).double().round(decimals=1)
    weight, positive = torch.tensor([1.0, 2, 0.5]).double(), torch.tensor([3.0, 1, 0.2]).double()
    kinds = {
        "bce": nn.BCEWithLogitsLoss,
        "weighted": lambda reduction: nn.BCEWithLogitsLoss(
            weight, reduction=reduction, pos_weight=positive
        ),
        "soft margin of many": nn.MultiLabelSoftMarginLoss,
    }
    check_each(reduced(kinds), x, y)
    signs = {
        "soft margin": lambda reduction: (
            lambda x: F.soft_margin_loss(x, (y > 0.5) * 2.0 - 1, reduction=reduction)
        )
    }
    check_each(reduced(signs), x / 10)


def test_of_distributions():
    x, y = F.log_softmax(random(4, 3), 1), F.softmax(random(4, 3), 1)
    y[0] = torch.tensor([1.0, 0.0, 0.0])
    kinds = {
        "kl": lambda reduction: lambda x: F.kl_div(x, y, reduction=reduction),
        "kl of logs": lambda reduction: (
            lambda x: F.kl_div(x, (y + 0.1).log(), reduction=reduction, log_target=True)
        ),
        "poisson": lambda reduction: lambda x: F.poisson_nll_loss(x, 3 * y, reduction=reduction),
        "poisson in full": lambda reduction: (
            lambda x: F.poisson_nll_loss(
                x.exp(), 3 * y, log_input=False, full=True, reduction=reduction
            )
        ),
        "gaussian": lambda reduction: (
            lambda x: F.gaussian_nll_loss(x, y, x.exp(), reduction=reduction)
        ),
        "gaussian in full": lambda reduction: (
            lambda x: F.gaussian_nll_loss(x, y, y * 1e-7, full=True, reduction=reduction)
        ),
    }
    check_each(reduced(kinds) | {"kl by batch": lambda x: F.kl_div(x, y, reduction="batchmean")}, x)


def test_of_classes():
    y = torch.tensor([0, 2, 1, 2, -100, 0])
    weight = torch.tensor([0.5, 2.0, 1.0]).double()
    x = random(6, 3)
    x[0] = 0.0
    kinds = {
        "plain": lambda reduction: nn.CrossEntropyLoss(reduction=reduction),
        "weighted": lambda reduction: nn.CrossEntropyLoss(weight, reduction=reduction),
        "ignoring 2": lambda reduction: (
            lambda x: F.cross_entropy(x[:4], y[:4], ignore_index=2, reduction=reduction)
        ),
        "smooth": lambda reduction: nn.CrossEntropyLoss(label_smoothing=0.2, reduction=reduction),
        "smooth and weighted": lambda reduction: nn.CrossEntropyLoss(
            weight, label_smoothing=0.2, reduction=reduction
        ),
        "nll": lambda reduction: (
            lambda x: F.nll_loss(F.log_softmax(x, 1), y, weight, reduction=reduction)
        ),
    }
    losses = {
        name: (lambda x, loss=loss: loss(x, y)) if isinstance(loss, nn.Module) else loss
        for name, loss in reduced(kinds).items()
    }
    check_each(losses | {"one example": lambda x: F.cross_entropy(x[0], y[0])}, x)


def test_of_classes_at_many_places():
    y = torch.randint(0, 3, (2, 4, 5), generator=GENERATOR)
    y[0, 0] = -100
    weight = torch.tensor([0.5, 2.0, 1.0]).double()
    check_each(
        {
            "plain": lambda x: F.cross_entropy(x, y),
            "each": lambda x: F.cross_entropy(x, y, weight, reduction="none", label_smoothing=0.1),
            "of sequences": lambda x: F.cross_entropy(x[:, :, 0], y[:, 0], weight),
            "nll": lambda x: F.nll_loss(F.log_softmax(x, 1), y),
        },
        random(2, 3, 4, 5),
    )


def test_of_classes_as_probabilities():
    y = F.softmax(random(4, 3), 1)
    weight = torch.tensor([0.5, 2.0, 1.0]).double()
    kinds = {
        "plain": nn.CrossEntropyLoss,
        "weighted and smooth": lambda reduction: nn.CrossEntropyLoss(
            weight, reduction=reduction, label_smoothing=0.1
        ),
    }
    check_each(reduced(kinds), random(4, 3), y)


def test_margins():
    x, y = random(4, 3), random(4, 3)
    sign = torch.tensor([1, -1, 1, -1])
    classes = torch.tensor([0, 2, 1, 1])
    labels = torch.tensor([[0, 2, -1], [1, -1, 0], [-1, 0, 1], [2, 1, 0]])
    distances = {r: nn.TripletMarginWithDistanceLoss(reduction=r) for r in REDUCTIONS}
    kinds = {
        "hinge": lambda r: lambda x, y: F.hinge_embedding_loss(x, sign[:, None] * 1.0, reduction=r),
        "ranking": lambda r: (
            lambda x, y: F.margin_ranking_loss(x[:, 0], y[:, 0], sign, 0.5, reduction=r)
        ),
        "cosine": lambda r: lambda x, y: F.cosine_embedding_loss(x, y, sign, -0.2, reduction=r),
        "triplet": lambda r: lambda x, y: F.triplet_margin_loss(x, y, x * y, reduction=r),
        "triplet, swapped": lambda r: (
            lambda x, y: F.triplet_margin_loss(x, y, x * y, swap=True, p=1.0, reduction=r)
        ),
        "triplet of a distance": lambda r: lambda x, y: distances[r](x, y, x + y),
        "classes": lambda r: lambda x, y: F.multi_margin_loss(x, classes, reduction=r),
        "classes, squared": lambda r: (
            lambda x, y: F.multi_margin_loss(
                x, classes, p=2, margin=0.5, weight=y[0].detach().abs(), reduction=r
            )
        ),
        "labels": lambda r: lambda x, y: F.multilabel_margin_loss(x, labels, reduction=r),
    }
    losses = {f"{name}, {r}": kind(r) for name, kind in kinds.items() for r in REDUCTIONS}
    check_each(losses, x, y)
