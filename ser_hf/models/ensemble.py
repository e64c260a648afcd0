"""Several networks of one kind as one model: each learns from its own start, and their probabilities are averaged.

Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles", NeurIPS 2017,
arXiv 1612.01474.
"""

from __future__ import annotations

import dataclasses
import inspect
import math
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedConfig
from transformers.modeling_outputs import SequenceClassifierOutput

from .classification import SpectrogramClassifier
from .cnn_blstm_attention import CnnBlstmAttentionConfig, CnnBlstmAttentionForAudioClassification
from .timm_cnn import TimmCnnConfig, TimmCnnForAudioClassification

MEMBERS: dict[str, tuple[type[PreTrainedConfig], type[SpectrogramClassifier]]] = {
    "cnn_blstm_attention": (CnnBlstmAttentionConfig, CnnBlstmAttentionForAudioClassification),
    "timm_cnn": (TimmCnnConfig, TimmCnnForAudioClassification),
}
"""What an ensemble can be of: model type -> (configuration class, model class)."""


class EnsembleConfig(PreTrainedConfig):
    """Configuration of `EnsembleForAudioClassification`.

    Attributes:
        of: the kind of the members, one of `MEMBERS`.
        members: how many.
        settings: settings of every member, over the defaults of its kind.
        n_mels: mel bins of the input.
    """

    model_type = "ensemble"

    of: str = "cnn_blstm_attention"
    members: int = 3
    settings: dict[str, Any] | None = None
    n_mels: int = 128

    def __post_init__(self, **kwargs: Any) -> None:
        """Checks the settings.

        Raises:
            ValueError: an unknown kind, no member, an unknown setting of a member, or one out of its range.
        """
        super().__post_init__(**kwargs)  # type: ignore[no-untyped-call]
        if self.of not in MEMBERS:
            raise ValueError(f"model setting of is {self.of!r}, expected one of {', '.join(MEMBERS)}")
        if self.members < 1:
            raise ValueError(f"model setting members is {self.members}, expected a positive whole number")
        self.settings = dict(self.settings or {})
        self.member_config()

    def member_config(self) -> PreTrainedConfig:
        """The configuration of every member.

        Raises:
            ValueError: an unknown setting, or one out of its range.
        """
        config_class = MEMBERS[self.of][0]
        common = {field.name for field in dataclasses.fields(PreTrainedConfig)} | {"n_mels"}
        known = [field.name for field in dataclasses.fields(config_class) if field.name not in common]
        for key in self.settings or {}:
            if key not in known:
                raise ValueError(f"settings holds {key!r}, which {self.of} does not have; known: {', '.join(known)}")
        given = {**(self.settings or {}), "n_mels": self.n_mels, "id2label": self.id2label, "label2id": self.label2id}
        return config_class(**given)


class EnsembleForAudioClassification(SpectrogramClassifier):
    """Several networks of one kind, each from its own start; their probabilities are averaged.

    In training every member has a loss of its own and the loss is their mean: they learn independently, from the same
    batches. Attention weights are the mean of the members'.
    """

    config_class = EnsembleConfig
    base_model_prefix = "ensemble"

    def __init__(self, config: EnsembleConfig) -> None:
        super().__init__(config)
        model_class = MEMBERS[config.of][1]
        self.members = nn.ModuleList(model_class(config.member_config()) for _ in range(config.members))
        self.post_init()  # type: ignore[no-untyped-call]

    def forward(
        self,
        input_features: torch.Tensor,
        labels: torch.Tensor | None = None,
        output_attentions: bool | None = None,
    ) -> SequenceClassifierOutput:
        """Classifies spectrograms.

        Args:
            input_features: ``(B, n_mels, n_frames)``.
            labels: class ids ``(B,)`` or class probabilities ``(B, C)``.
            output_attentions: also give attention weights, where the members have any.

        Returns:
            Logits ``(B, C)``: the logarithms of the averaged probabilities.

        Raises:
            ValueError: the input has another shape.
        """
        self.check_input(input_features)
        attend = output_attentions and "output_attentions" in inspect.signature(self.members[0].forward).parameters
        asked = {"output_attentions": True} if attend else {}
        found = [member(input_features, **asked) for member in self.members]
        logits = torch.stack([one.logits.float() for one in found])
        together = logits.log_softmax(dim=-1).logsumexp(dim=0) - math.log(len(found))
        attentions = None
        if all(one.attentions for one in found):
            attentions = (torch.stack([one.attentions[0] for one in found]).mean(dim=0),)
        if labels is None or not self.training:
            return self.output(together, labels, attentions)
        loss = torch.stack([self.loss_function(one, labels) for one in logits]).mean()
        return SequenceClassifierOutput(loss=loss, logits=together, attentions=attentions)
