# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Anchors: the boxes in every cell of a response that proposals start from."""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import Tensor

_LARGEST_GROWTH = 5.0
"""Logarithm of the largest factor on an anchor's sides: wider than a crop, or below a pixel."""


@dataclass(frozen=True)
class AnchorShape:
    """The same boxes of one area and several aspects in every cell (SiamRPN, section 3.2)."""

    ratios: tuple[float, ...] = (0.33, 0.5, 1.0, 2.0, 3.0)
    """Heights over widths."""
    scale: int = 8
    """Side of a square anchor, in strides."""

    def sizes(self, stride: int) -> Tensor:
        """Compute the width and height of each anchor, `K x 2` pixels, rounded as the authors."""
        sides = []
        for ratio in self.ratios:
            width = int(math.sqrt(stride * stride / ratio))
            sides.append((width * self.scale, int(width * ratio) * self.scale))
        return torch.tensor(sides, dtype=torch.float32)


def centres(cells: int, stride: int, search_size: int) -> Tensor:
    """Compute where along a side the `cells` lie, in pixels of a search crop."""
    return search_size / 2 + (torch.arange(cells) - (cells - 1) / 2) * stride


def decode(offsets: Tensor, sizes: Tensor, stride: int, search_size: int) -> Tensor:
    """
    Turn offsets from anchors into boxes.

    `offsets` are `N x 4 x K x R x R`: shift in x and y over the anchor's sides, logarithms of the
    ratios of width and height; `sizes` are `K x 2` pixels. Returns `N x K x 4 x R x R` boxes
    (left, top, width, height) in pixels of the search crop.
    """
    middle = centres(offsets.shape[-1], stride, search_size).to(offsets)
    width, height = sizes.to(offsets)[:, :, None, None].unbind(1)
    dx, dy, dw, dh = offsets.unbind(1)
    w = width * dw.clamp(-_LARGEST_GROWTH, _LARGEST_GROWTH).exp()
    h = height * dh.clamp(-_LARGEST_GROWTH, _LARGEST_GROWTH).exp()
    x, y = middle + dx * width, middle[:, None] + dy * height
    return torch.stack([x - w / 2, y - h / 2, w, h], dim=2)


def encode(boxes: Tensor, sizes: Tensor, stride: int, search_size: int, cells: int) -> Tensor:
    """
    Compute the offsets `N x 4 x K x R x R` that `decode` turns into each of `N x 4` boxes.

    Boxes are left, top, width and height in pixels of the search crop, of positive size; R is
    `cells`.
    """
    middle = centres(cells, stride, search_size).to(boxes)
    width, height = sizes.to(boxes)[:, :, None, None].unbind(1)
    x, y, w, h = boxes[:, :, None, None, None].unbind(1)
    shape = (len(boxes), len(sizes), cells, cells)
    return torch.stack(
        [
            ((x + w / 2 - middle) / width).expand(shape),
            ((y + h / 2 - middle[:, None]) / height).expand(shape),
            (w / width).log().expand(shape),
            (h / height).log().expand(shape),
        ],
        dim=1,
    )
