# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`BoxRefiner`: a small network that tells how a box misses its target, and if it is another's."""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import nn, Tensor

from .backbones import standardised
from .correlation import LocalCorrelation
from .network import fold_norms

_WIDTHS = (24, 48, 64)
"""Channels of the features, from stage to stage."""
_STRIDE = 8
"""Pixels of the input to a cell of the features."""
_REACH = 3
"""Cells by which features are moved against the reference, to every side."""
_CONTRAST = 4.0
"""Factor on the correlations, which are small beside features."""
_UNIT = 0.3
"""Offset, in sides of the box, that an output of 1 stands for."""
_UNTRAINED_SPREAD = 0.1
"""What one is off, in sides of the box, before anything is learned."""


@dataclass
class Correction:
    """What a box lacks, in units of its own sides: x, y (shift), w, h (logarithm of the ratio)."""

    offset: Tensor
    """N x 4."""
    spread: Tensor
    """N x 4: mean absolute error to be expected of each offset (scale of a Laplace law)."""


class BoxRefiner(nn.Module):
    """
    Compare what surrounds a box with what surrounded it when it was known to be right.

    Images are `N x 1 x size x size`, float, 0..1: the window of `context` times the sides of the
    box around its centre, stretched to a square, so that a right box is always the middle half.
    Of the family of Alpha-Refine (Yan et al., CVPR 2021), but one is asked for the error of a box
    and for its scale (Kendall and Gal, NeurIPS 2017), not for a box. A second head, trained after
    all else, verifies that both windows show one object, as trackers for long recordings do (MBMD,
    Zhang et al., 2018): the first head has only seen pairs that do.
    """

    name = 'box_refiner'
    size = 96
    context = 2.0

    def __init__(self) -> None:
        super().__init__()
        first, second, last = _WIDTHS
        self.features = nn.Sequential(
            *_stage(1, first, 5, 2),
            *_stage(first, second, 3, 2),
            *_stage(second, last, 3, 2),
            *_stage(last, last, 3, 1),
        )
        self.correlation = LocalCorrelation(self.size // _STRIDE, _REACH)
        compared = 2 * last + self.correlation.count
        self.mix = nn.Sequential(*_stage(compared, last, 3, 1), *_stage(last, last, 3, 2))
        output = nn.Linear(128, 8)
        nn.init.zeros_(output.weight)
        output.bias.data = torch.tensor([0.0] * 4 + [math.log(_UNTRAINED_SPREAD)] * 4)
        cells = last * (self.size // _STRIDE // 2) ** 2
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(cells, 128), nn.ReLU(), output)
        self.verify_mix = nn.Sequential(*_stage(compared, last, 3, 1), *_stage(last, last, 3, 2))
        self.verify_head = nn.Sequential(
            nn.Flatten(), nn.Linear(cells, 64), nn.ReLU(), nn.Linear(64, 1)
        )

    def fold(self) -> None:
        """Fold batch norms into convolutions; for inference only."""
        fold_norms(self.features)
        fold_norms(self.mix)
        fold_norms(self.verify_mix)

    def use_precision(self, precision: torch.dtype) -> None:
        """Compute features in another type; corrections are always computed in float32."""
        self.features.to(precision)
        self.mix.to(precision)
        self.verify_mix.to(precision)

    def embed(self, image: Tensor) -> Tensor:
        """Compute the features of images 0..1."""
        dtype = next(self.features.parameters()).dtype
        return self.features(standardised(image).to(dtype))

    def compare(self, reference: Tensor, current: Tensor) -> Correction:
        """Tell the error of the box of `current` from the features of both."""
        output = self.head(self.mix(self._both(reference, current)).float())
        return Correction(output[:, :4] * _UNIT, output[:, 4:].clamp(-5.0, 1.0).exp())

    def verify(self, reference: Tensor, current: Tensor) -> Tensor:
        """Tell from the features of both, N log-odds, if the box is on the reference's object."""
        return self.verify_head(self.verify_mix(self._both(reference, current)).float())[:, 0]

    def forward(self, reference: Tensor, current: Tensor) -> Correction:
        """Compare two batches of images, for training."""
        return self.compare(self.embed(reference), self.embed(current))

    def _both(self, reference: Tensor, current: Tensor) -> Tensor:
        correlation = _CONTRAST * self.correlation(reference, current)
        return torch.cat([reference, current, correlation], 1)


def _stage(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]
