"""Models that write no text, told by their configuration, and what they do instead."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.core.text import _


@dataclass(frozen=True, slots=True)
class OtherKind:
    """One kind of model that the app has no use for."""

    does: Callable[[], str]
    """What it does, as the end of a sentence."""
    types: frozenset[str]
    """Values of `model_type`."""
    endings: tuple[str, ...]
    """Ends of names in `architectures`."""


OTHER_KINDS = (
    OtherKind(
        lambda: _("hears or makes sound"),
        frozenset({
            "audio-spectrogram-transformer", "bark", "clap", "csm", "dac", "encodec", "hubert", "kokoro", "mimi",
            "moonshine", "musicgen", "parakeet", "parler_tts", "seamless_m4t", "seamless_m4t_v2", "speecht5", "vits",
            "voxtral", "wav2vec2", "wavlm", "whisper",
        }),
        ("ForAudioClassification", "ForCTC", "ForSpeechSeq2Seq", "ForTextToSpeech", "ForTextToWaveform"),
    ),
    OtherKind(
        lambda: _("sees or makes pictures"),
        frozenset({
            "beit", "clip", "convnext", "deit", "depth_anything", "detr", "dinov2", "dinov3_vit", "flux", "resnet",
            "sam", "sam2", "segformer", "siglip", "siglip2", "stable-diffusion", "swin", "swinv2", "vit", "vit_mae",
            "vqgan", "yolos",
        }),
        (
            "CLIPModel", "ForDepthEstimation", "ForImageClassification", "ForObjectDetection",
            "ForSemanticSegmentation", "Transformer2DModel", "UNet2DConditionModel",
        ),
    ),
    OtherKind(
        lambda: _("sorts or compares texts"),
        frozenset({
            "albert", "bert", "bge", "camembert", "deberta", "deberta-v2", "distilbert", "electra", "eurobert", "gte",
            "jina_bert", "modernbert", "mpnet", "nomic_bert", "roberta", "xlm-roberta",
        }),
        (
            "ForMaskedLM", "ForMultipleChoice", "ForQuestionAnswering", "ForSequenceClassification",
            "ForTokenClassification",
        ),
    ),
)  # fmt: skip


def find_other_kind(config: dict[str, Any]) -> OtherKind | None:
    """The kind of model that a configuration describes, None where it may well write text."""
    named = config.get("architectures")
    architectures = [str(name) for name in named] if isinstance(named, list) else [str(named or "")]
    architectures.append(str(config.get("_class_name", "")))
    model_type = str(config.get("model_type", "")).lower()
    for kind in OTHER_KINDS:
        if model_type in kind.types or any(name.endswith(kind.endings) for name in architectures):
            return kind
    return None
