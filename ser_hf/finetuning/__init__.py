"""Published speech and audio transformers, loaded and made ready to be fine-tuned.

They stay the stock classes of transformers: what is trained here loads in plain transformers, without ser_hf and
without remote code.
"""

from .families import FAMILIES, TRANSFORMER, Family
from .lora import merge_lora
from .pretrained import load_extractor, load_transformer
from .quiet import quiet
from .settings import TransformerSettings

__all__ = [
    "FAMILIES",
    "TRANSFORMER",
    "Family",
    "TransformerSettings",
    "load_extractor",
    "load_transformer",
    "merge_lora",
    "quiet",
]
