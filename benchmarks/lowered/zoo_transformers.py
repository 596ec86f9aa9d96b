"""Models of transformers by tiny configurations, without weights, in training, with labels."""

import contextlib
from typing import Any

import torch
from torch import Tensor, nn

from lowered.case import CLASSES, Case, classes
from lowered.zoo_images import torchvision

WORDS, LENGTH = 64, 8
SMALL = {
    "vocab_size": WORDS,
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
}
IMAGE = {"image_size": 32, "num_channels": 3, "num_labels": CLASSES}


def own_loss(module: nn.Module, *leaves: Tensor) -> Tensor:
    """Return the model's own loss; its `leaf_names` say what the leaves are."""
    return module(**dict(zip(module.leaf_names, leaves, strict=True))).loss


def _case(kind: str, config: str, made: dict[str, Any], batch: Any) -> Case:
    def make() -> Any:
        with contextlib.suppress(ImportError):
            torchvision()  # which transformers imports, where it is there
        import transformers

        model = getattr(transformers, kind)(getattr(transformers, config)(**made))
        given = batch()
        model.leaf_names = tuple(given)
        return model, own_loss, tuple(given.values())

    return Case(kind, "transformers", make)


def words(*shape: int) -> Tensor:
    return torch.randint(3, WORDS, shape or (2, LENGTH))


def text(padded: bool = True) -> dict[str, Tensor]:
    mask = torch.ones(2, LENGTH, dtype=torch.long)
    if padded:
        mask[1, 5:] = 0
    return {"input_ids": words(), "attention_mask": mask}


def sentences() -> dict[str, Tensor]:
    return {**text(), "labels": classes(2)}


def masked() -> dict[str, Tensor]:
    labels = words()
    labels[:, ::2] = -100
    return {**text(), "labels": labels}


def continued() -> dict[str, Tensor]:
    ids = words()
    return {"input_ids": ids, "labels": ids.clone()}


def translated() -> dict[str, Tensor]:
    return {**text(), "labels": words(2, 6)}


def images() -> dict[str, Tensor]:
    return {"pixel_values": torch.randn(2, 3, 32, 32), "labels": classes(2)}


def speech() -> dict[str, Tensor]:
    return {"input_features": torch.randn(2, 16, 40), "labels": words(2, 6)}


def sound() -> dict[str, Tensor]:
    return {"input_values": torch.randn(2, 800), "labels": torch.randint(CLASSES, (2,))}


VISION = {name: value for name, value in SMALL.items() if name != "vocab_size"}
CAUSAL = {**SMALL, "num_key_value_heads": 2, "max_position_embeddings": 32}
LABELS = {**SMALL, "num_labels": CLASSES, "max_position_embeddings": 32}
TRANSFORMERS = [
    _case("BertForSequenceClassification", "BertConfig", LABELS, sentences),
    _case("RobertaForMaskedLM", "RobertaConfig", {**SMALL, "max_position_embeddings": 32}, masked),
    _case(
        "DistilBertForSequenceClassification",
        "DistilBertConfig",
        {"vocab_size": WORDS, "dim": 32, "n_layers": 2, "n_heads": 4, "hidden_dim": 64}
        | {"num_labels": CLASSES},
        sentences,
    ),
    _case("AlbertForMaskedLM", "AlbertConfig", {**SMALL, "embedding_size": 16}, masked),
    _case(
        "ElectraForSequenceClassification",
        "ElectraConfig",
        {**LABELS, "embedding_size": 16},
        sentences,
    ),
    _case(
        "GPT2LMHeadModel",
        "GPT2Config",
        {"vocab_size": WORDS, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 32},
        continued,
    ),
    _case("LlamaForCausalLM", "LlamaConfig", CAUSAL, continued),
    _case("MistralForCausalLM", "MistralConfig", {**CAUSAL, "sliding_window": 4}, continued),
    _case(
        "T5ForConditionalGeneration",
        "T5Config",
        {"vocab_size": WORDS, "d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2}
        | {"num_heads": 4, "decoder_start_token_id": 0},
        translated,
    ),
    _case(
        "WhisperForConditionalGeneration",
        "WhisperConfig",
        {"vocab_size": WORDS, "d_model": 32, "encoder_layers": 2, "decoder_layers": 2}
        | {"encoder_attention_heads": 4, "decoder_attention_heads": 4, "encoder_ffn_dim": 64}
        | {"decoder_ffn_dim": 64, "num_mel_bins": 16, "max_source_positions": 20}
        | {"max_target_positions": 16, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
        | {"decoder_start_token_id": 1},
        speech,
    ),
    _case(
        "Wav2Vec2ForSequenceClassification",
        "Wav2Vec2Config",
        {**SMALL, "conv_dim": (16, 16), "conv_stride": (5, 4), "conv_kernel": (10, 8)}
        | {"num_conv_pos_embeddings": 8, "num_conv_pos_embedding_groups": 2}
        | {"num_labels": CLASSES, "classifier_proj_size": 16},
        sound,
    ),
    _case("ViTForImageClassification", "ViTConfig", {**VISION, **IMAGE, "patch_size": 8}, images),
    _case(
        "ResNetForImageClassification",
        "ResNetConfig",
        {"embedding_size": 16, "hidden_sizes": (16, 32), "depths": (1, 1), "num_labels": CLASSES},
        images,
    ),
]
