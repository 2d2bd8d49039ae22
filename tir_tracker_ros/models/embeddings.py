# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
What becomes of the backbone's taps before they are matched: one short class for each idea.

An embedding is made of the backbone, the tap that it is named for, the side of that tap in cells
on the template stream, and its own options. `taps` are all that it reads, `channels` what it
gives. Called with the taps of one stream, it gives the features to match, as large as its tap.
"""

from __future__ import annotations

import torch
from torch import nn, Tensor

from .attention import ChannelGate, FANet, HolisticGate, SpatialTransformer
from .backbones import Backbone, init_fan_out, Taps


class PlainEmbedding(nn.Module):
    """Match on the tap as it is (SiamFC, CFNet, MMNet's discriminative branch)."""

    def __init__(self, backbone: Backbone, tap: str, size: int) -> None:
        super().__init__()
        self.tap = tap
        self.taps: tuple[str, ...] = (tap,)
        self.channels = backbone.channels(tap)

    def forward(self, taps: Taps, template: bool) -> Tensor:
        """Return the features of one stream, `template` or search."""
        return taps[self.tap]


class FANetEmbedding(PlainEmbedding):
    """MMNet's fine-grained branch: FANet on both streams with shared weights."""

    def __init__(
        self,
        backbone: Backbone,
        tap: str,
        size: int,
        channels: int = 64,
        released: bool = False,
        **options,
    ) -> None:
        """
        Fix the parts.

        released: of the authors' code instead of their paper, see `SummedContext`.
        """
        super().__init__(backbone, tap, size)
        if released:
            options['summed_cells'] = size**2
        self.fanet = FANet(self.channels, channels, **options)
        self.channels = channels

    def forward(self, taps: Taps, template: bool) -> Tensor:
        """Return the features of one stream, `template` or search."""
        return self.fanet(taps[self.tap])


class HierarchicalEmbedding(PlainEmbedding):
    """
    HSSNet: several layers fused on both streams, the template aligned and its channels weighed.

    Every layer is brought to the size of `tap` by max pooling with stride 1 and normalised; a 1x1
    convolution fuses them. On the template alone follow a spatial transformer and a channel gate
    (Li et al., Knowledge-Based Systems 2019, and their implementation).
    """

    def __init__(
        self,
        backbone: Backbone,
        tap: str,
        size: int,
        lateral: tuple[str, ...] = ('conv3', 'conv4'),
        channels: int = 256,
        localiser: tuple[tuple[int, int], ...] = ((2, 5), (2, 5)),
        hidden: int = 16,
    ) -> None:
        """
        Fix the parts.

        lateral: the shallower taps. localiser: stages of the `SpatialTransformer`. hidden: width
        of the `ChannelGate`.
        """
        super().__init__(backbone, tap, size)
        self.taps = (*lateral, tap)
        self.norms = nn.ModuleList(
            nn.BatchNorm2d(backbone.channels(one), momentum=0.05) for one in self.taps
        )
        self.fuse = nn.Conv2d(sum(backbone.channels(one) for one in self.taps), channels, 1)
        init_fan_out(self.fuse)
        self.transformer = SpatialTransformer(channels, size, localiser)
        self.gate = ChannelGate(channels, hidden, maximum=False)
        self.channels = channels

    def forward(self, taps: Taps, template: bool) -> Tensor:
        """Return the features of one stream, `template` or search."""
        size = taps[self.tap].shape[-1]
        layers = [
            norm(nn.functional.max_pool2d(taps[name], taps[name].shape[-1] - size + 1, 1))
            for name, norm in zip(self.taps, self.norms)
        ]
        fused = self.fuse(torch.cat(layers, dim=1))
        return self.gate(self.transformer(fused)) if template else fused


class StructuralEmbedding(PlainEmbedding):
    """MLSSNet's low level: a 1x1 reduction, and on the template the holistic gate."""

    def __init__(self, backbone: Backbone, tap: str, size: int, channels: int = 64) -> None:
        super().__init__(backbone, tap, size)
        self.reduce = nn.Conv2d(self.channels, channels, 1)
        init_fan_out(self.reduce)
        self.gate = HolisticGate(channels)
        self.channels = channels

    def forward(self, taps: Taps, template: bool) -> Tensor:
        """Return the features of one stream, `template` or search."""
        reduced = self.reduce(taps[self.tap])
        return self.gate(reduced) if template else reduced


class SemanticEmbedding(PlainEmbedding):
    """MLSSNet's high level: the template's channels weighed by their average and maximum."""

    def __init__(self, backbone: Backbone, tap: str, size: int, reduction: int = 4) -> None:
        super().__init__(backbone, tap, size)
        self.gate = ChannelGate(self.channels, self.channels // reduction)

    def forward(self, taps: Taps, template: bool) -> Tensor:
        """Return the features of one stream, `template` or search."""
        return self.gate(taps[self.tap]) if template else taps[self.tap]


class TopDownEmbedding(PlainEmbedding):
    """
    Top-down modulation: deep features decide what of the shallow ones counts.

    After Wu et al. (Journal of Electronic Imaging 28(5), 2019), of which only the abstract is
    public: it says that deep layers modulate shallow ones before matching. The form is this
    project's own: `out(relu(lateral(shallow) * sigmoid(gate(deep)) + top(deep)))`, all 1x1. The
    backbone has one stride after its last pooling and no padding, so a deep cell lies on the
    middle of the shallow map without any resizing.
    """

    def __init__(
        self,
        backbone: Backbone,
        tap: str,
        size: int,
        shallow: str = 'conv3',
        hidden: int = 64,
        channels: int = 48,
    ) -> None:
        super().__init__(backbone, tap, size)
        self.shallow = shallow
        self.taps = (shallow, tap)
        self.lateral = nn.Conv2d(backbone.channels(shallow), hidden, 1)
        self.gate = nn.Conv2d(backbone.channels(tap), hidden, 1)
        self.top = nn.Conv2d(backbone.channels(tap), hidden, 1)
        self.out = nn.Conv2d(hidden, channels, 1)
        for conv in (self.lateral, self.gate, self.top, self.out):
            init_fan_out(conv)
        self.channels = channels

    def forward(self, taps: Taps, template: bool) -> Tensor:
        """Return the features of one stream, `template` or search."""
        deep, shallow = taps[self.tap], taps[self.shallow]
        margin = (shallow.shape[-1] - deep.shape[-1]) // 2
        shallow = shallow[..., margin : margin + deep.shape[-2], margin : margin + deep.shape[-1]]
        modulated = self.lateral(shallow) * torch.sigmoid(self.gate(deep))
        return self.out(torch.relu(modulated + self.top(deep)))


EMBEDDINGS = {
    'plain': PlainEmbedding,
    'fanet': FANetEmbedding,
    'hierarchical': HierarchicalEmbedding,
    'structural': StructuralEmbedding,
    'semantic': SemanticEmbedding,
    'top_down': TopDownEmbedding,
}
