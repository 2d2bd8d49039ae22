# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Masks: which pixels around a place of the response belong to the target (SiamMask)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from torch import nn, Tensor

from .backbones import Backbone, Taps
from .proposal_heads import DepthwiseMatch

COARSE_SIDE = 63
"""Side of the masks that the head gives for every place at once; for training only."""


@dataclass(frozen=True)
class MaskShape:
    """The dimensions of a `MaskHead`."""

    skips: tuple[str, ...] = ('layer2', 'layer1', 'conv1')
    """Taps that lend their detail, from deep to shallow; each has twice the cells of the last."""
    widths: tuple[int, ...] = (32, 16, 4)
    """Channels of the decoder at each of them."""


class MaskHead(nn.Module):
    """
    A correlation that describes the mask at every place, and a decoder that draws it at one.

    (SiamMask, Wang et al., CVPR 2019, and its refinement module.)
    """

    def __init__(
        self, shape: MaskShape, backbone: Backbone, channels: int, template_size: int
    ) -> None:
        super().__init__()
        self.shape, self.template_size = shape, template_size
        self.match = DepthwiseMatch(channels, COARSE_SIDE**2)
        self.sides = [backbone.size(tap, template_size) for tap in shape.skips]
        first = shape.widths[0]
        self.expand = nn.ConvTranspose2d(channels, first, self.sides[0], self.sides[0])
        # Of the tap, of what comes from below, and of their sum after it was enlarged.
        self.skips, self.below, self.joined = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for tap, width, after in zip(shape.skips, shape.widths, (*shape.widths[1:], 1)):
            self.skips.append(_two_convolutions(backbone.channels(tap), 4 * width, width))
            self.below.append(_two_convolutions(width, width, width))
            self.joined.append(nn.Conv2d(width, after, 3, padding=1))

    def draw(
        self, correlated: Tensor, taps: Taps, corner: Sequence[int], row: int, column: int
    ) -> Tensor:
        """
        Draw the masks at a place, logits `N x T x T`, T being the side of the template crop.

        `correlated` is the correlation `N x C x R x R`, `taps` are those of the search crops;
        `corner` is the left and upper end of the mask in pixels of the crop, beyond which there
        is nothing to see but zeros.
        """
        x = self.expand(correlated[:, :, row : row + 1, column : column + 1])
        sizes = [*self.sides[1:], self.template_size]
        strides = [8 >> index for index in range(len(sizes))]
        for index, (tap, size, stride) in enumerate(zip(self.shape.skips, sizes, strides)):
            left, top = (pixel // stride for pixel in corner)
            seen = window(taps[tap], left, top, self.sides[index])
            x = self.below[index](x) + self.skips[index](seen.to(x.dtype))
            # Enlarged by repeating cells, as the authors' decoder was trained.
            x = self.joined[index](nn.functional.interpolate(x, size=(size, size)))
        return x[:, 0]


def window(features: Tensor, left: int, top: int, side: int) -> Tensor:
    """Cut `side x side` cells out of maps `... x H x W`; zeros lie outside."""
    height, width = features.shape[-2:]
    return nn.functional.pad(features, (-left, left + side - width, -top, top + side - height))


def _two_convolutions(inputs: int, between: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, between, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(between, outputs, 3, padding=1),
        nn.ReLU(inplace=True),
    )
