# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`BoxRefiner`: a small network that tells by how much a box misses its target, and how surely."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn, Tensor

_REACH = 3
"""Cells by which features are moved against the reference, to every side."""
_WIDTHS = (24, 48, 64)


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
    and for its scale (Kendall and Gal, NeurIPS 2017), not for a box.
    """

    name = 'box_refiner'
    source = 'this package'
    size = 96
    context = 2.0
    _neighbours: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, second, last = _WIDTHS
        self.features = nn.Sequential(
            *_stage(1, first, 5, 2),
            *_stage(first, second, 3, 2),
            *_stage(second, last, 3, 2),
            *_stage(last, last, 3, 1),
        )
        moves = (2 * _REACH + 1) ** 2
        self.mix = nn.Sequential(*_stage(2 * last + moves, last, 3, 1), *_stage(last, last, 3, 2))
        output = nn.Linear(128, 8)
        nn.init.zeros_(output.weight)
        # A tenth of the side is what one is off before anything is learned.
        output.bias.data = torch.tensor([0.0] * 4 + [-2.3] * 4)
        cells = last * (self.size // 16) ** 2
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(cells, 128), nn.ReLU(), output)
        self.register_buffer('_neighbours', _neighbours(self.size // 8), persistent=False)

    def embed(self, image: Tensor) -> Tensor:
        """Compute the features of images 0..1."""
        deviation, mean = torch.std_mean(image, dim=(1, 2, 3), keepdim=True)
        standard = (image - mean) / (deviation + 4.0 / 255.0)
        return self.features(standard.to(next(self.features.parameters()).dtype))

    def compare(self, reference: Tensor, current: Tensor) -> Correction:
        """Tell the error of the box of `current` from the features of both."""
        mixed = self.mix(torch.cat([reference, current, self._correlate(reference, current)], 1))
        output = self.head(mixed.float())
        return Correction(output[:, :4] * 0.3, output[:, 4:].clamp(-5.0, 1.0).exp())

    def forward(self, reference: Tensor, current: Tensor) -> Correction:
        """Compare two batches of images, for training."""
        return self.compare(self.embed(reference), self.embed(current))

    def _correlate(self, reference: Tensor, current: Tensor) -> Tensor:
        """Compare each cell with those around its place in the reference: N x moves x H x W."""
        count, _, height, width = current.shape
        here, there = (
            nn.functional.normalize(one.flatten(2), dim=1) for one in (current, reference)
        )
        # One cell of zeros stands for all that lie outside.
        pairs = nn.functional.pad(there.transpose(1, 2) @ here, (0, 0, 0, 1))
        chosen = pairs.gather(1, self._neighbours.expand(count, -1, -1))
        return 4 * chosen.reshape(count, -1, height, width)


def _stage(inputs: int, outputs: int, kernel: int, stride: int) -> list[nn.Module]:
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    ]


def _neighbours(side: int) -> Tensor:
    """Index, per move and cell, the moved cell of a map; `side * side` stands for outside."""
    cells = torch.arange(side)
    moves = torch.arange(-_REACH, _REACH + 1)
    place = cells[None, :] + moves[:, None]
    inside = (place >= 0) & (place < side)
    rows = (place * side)[:, None, :, None] + place[None, :, None, :]
    known = inside[:, None, :, None] & inside[None, :, None, :]
    return torch.where(known, rows, side * side).reshape(1, len(moves) ** 2, side * side)
