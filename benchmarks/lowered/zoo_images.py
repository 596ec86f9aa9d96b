"""Models of timm and torchvision without weights: small ones, or made small."""

import importlib
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from lowered.case import CLASSES, Case, classes, classified


def _timm(name: str, size: int = 32, **how: Any) -> Case:
    def make() -> Any:
        torchvision()
        import timm

        model = timm.create_model(name, pretrained=False, num_classes=CLASSES, **how)
        return model, classified, (torch.randn(2, 3, size, size), classes(2))

    return Case(name, "timm", make)


def _vision(name: str, make_model: Callable[[Any], nn.Module], size: int = 32) -> Case:
    def make() -> Any:
        model = make_model(torchvision().models)
        return model, classified, (torch.randn(2, 3, size, size), classes(2))

    return Case(name, "torchvision", make)


def torchvision() -> Any:
    """Return torchvision; its operators, which no model here has, may be for another PyTorch."""
    try:
        return importlib.import_module("torchvision")
    except RuntimeError:  # operator torchvision::nms does not exist
        global _library
        _library = torch.library.Library("torchvision", "FRAGMENT")
        for name in ("nms", "qnms"):
            _library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        return importlib.import_module("torchvision")


_library: Any = None


def _googlenet_loss(module: nn.Module, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    found = module(x)
    if not module.training:
        return nn.functional.cross_entropy(found, y)
    loss = nn.functional.cross_entropy
    return loss(found.logits, y) + 0.3 * (loss(found.aux_logits1, y) + loss(found.aux_logits2, y))


def _googlenet() -> Any:
    model = torchvision().models.googlenet(num_classes=CLASSES, init_weights=True)
    return model, _googlenet_loss, (torch.randn(2, 3, 64, 64), classes(2))


def _mixer() -> Any:
    torchvision()
    from timm.models import MlpMixer

    model = MlpMixer(CLASSES, img_size=32, patch_size=8, num_blocks=2, embed_dim=32)
    return model, classified, (torch.randn(2, 3, 32, 32), classes(2))


IMAGES = [
    _timm("resnet10t"),
    _timm("convnext_atto", depths=(1, 1, 2, 1), dims=(8, 16, 32, 64)),
    _timm(
        "vit_tiny_patch16_224", img_size=32, depth=2, embed_dim=48, num_heads=3, drop_path_rate=0.1
    ),
    _timm("deit_tiny_distilled_patch16_224", img_size=32, depth=2, embed_dim=48, num_heads=3),
    Case("MlpMixer", "timm", _mixer),
    _timm("mobilenetv3_small_050", drop_rate=0.2),
    _timm("test_efficientnet"),
    _timm("regnetx_002"),
    _timm(
        "swin_tiny_patch4_window7_224",
        img_size=32,
        window_size=4,
        embed_dim=24,
        depths=(2, 2),
        num_heads=(2, 4),
    ),
    _timm("test_coatnet", img_size=64, size=64),
    _vision("resnet18", lambda models: models.resnet18(num_classes=CLASSES)),
    _vision(
        "mobilenet_v2", lambda models: models.mobilenet_v2(num_classes=CLASSES, width_mult=0.25)
    ),
    _vision("shufflenet_v2_x0_5", lambda models: models.shufflenet_v2_x0_5(num_classes=CLASSES)),
    _vision(
        "densenet",
        lambda models: models.DenseNet(8, (2, 2, 2), 16, num_classes=CLASSES, drop_rate=0.1),
    ),
    Case("googlenet, with its auxiliary losses", "torchvision", _googlenet),
]
