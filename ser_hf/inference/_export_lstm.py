"""LSTMs as ONNX has them: one operator a layer, for any number of frames."""

from __future__ import annotations

import copy

import torch
from torch import nn


def with_exportable_lstms(model: nn.Module) -> nn.Module:
    """A copy of ``model`` in which every LSTM is one that exports as ONNX's operator.

    PyTorch's exporter writes an LSTM out frame by frame, for the one number of frames it saw.
    """
    model = copy.deepcopy(model)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.LSTM):
            model.set_submodule(name, ExportableLstm(module))
    return model


class ExportableLstm(nn.Module):
    """The operator's inputs from the weights of an LSTM. Only for the export: called otherwise it gives no values."""

    def __init__(self, lstm: nn.LSTM) -> None:
        super().__init__()
        self.size, self.layers, self.batch_first = lstm.hidden_size, lstm.num_layers, lstm.batch_first
        self.directions = 2 if lstm.bidirectional else 1
        ends = ["", "_reverse"][: self.directions]
        for layer in range(lstm.num_layers):
            for kind in ("weight_ih", "weight_hh"):
                both = [_reordered(getattr(lstm, f"{kind}_l{layer}{end}")) for end in ends]
                self.register_buffer(f"{kind}_{layer}", torch.stack(both))
            biases = [
                torch.cat([_reordered(getattr(lstm, f"{kind}_l{layer}{end}")) for kind in ("bias_ih", "bias_hh")])
                for end in ends
            ]
            self.register_buffer(f"bias_{layer}", torch.stack(biases))

    def forward(self, sequence: torch.Tensor) -> tuple[torch.Tensor, None]:
        """``(B, T, D)`` as ``(B, T, directions * size)``, without the last states."""
        if self.batch_first:
            sequence = sequence.transpose(0, 1)
        frames, batch = sequence.shape[:2]
        for layer in range(self.layers):
            weights = [self.get_buffer(f"{kind}_{layer}") for kind in ("weight_ih", "weight_hh", "bias")]
            output = torch.onnx.ops.symbolic(
                "LSTM",
                [sequence, *weights],
                {"hidden_size": self.size, "direction": "bidirectional" if self.directions == 2 else "forward"},
                dtype=sequence.dtype,
                shape=(frames, self.directions, batch, self.size),
            )
            sequence = output.transpose(1, 2).flatten(2)
        return (sequence.transpose(0, 1) if self.batch_first else sequence), None


def _reordered(weight: torch.Tensor) -> torch.Tensor:
    """The gates input, forget, cell, output of PyTorch as ONNX's input, output, forget, cell."""
    gates = weight.detach().chunk(4)
    return torch.cat([gates[i] for i in (0, 3, 1, 2)])
