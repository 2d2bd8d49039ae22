# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`ProposalNet`: backbone, necks, heads and masks of SiamRPN and those that came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn, Tensor

from .anchors import decode
from .backbones import Backbone, init_fan_out, standardised, Taps
from .masks import MaskHead
from .network import fold_norms, Network, Prediction, Template
from .proposal_heads import LevelSum, ProposalHead
from .proposal_presets import ProposalPreset


@dataclass
class Proposals:
    """What a pair of crops gives, before boxes are decoded; K anchors in each of R x R cells."""

    scores: Tensor
    """Log-odds `N x K x R x R`."""
    offsets: Tensor
    """From the anchors, `N x 4 x K x R x R`, see `anchors.decode`."""
    taps: Taps
    """Features of the search crops."""
    correlated: Tensor | None
    """What masks are drawn from, `N x C x R x R`; None without masks."""


class ProposalNet(Network):
    """The network of a tracker that proposes boxes: K anchors a cell."""

    preset: ProposalPreset
    heads: Sequence[ProposalHead]
    anchor_sizes: Tensor
    """Width and height of the anchors, `K x 2` pixels."""

    def __init__(self, preset: ProposalPreset) -> None:
        super().__init__()
        self.preset = preset
        self.backbone: Backbone = preset.backbone.build()
        self.stride = self.backbone.stride
        sizes = preset.anchors.sizes(self.stride)
        self.register_buffer('anchor_sizes', sizes, persistent=False)
        self.necks = nn.ModuleList()
        self.heads = nn.ModuleList()  # type: ignore[assignment]
        for index, tap in enumerate(preset.levels):
            channels = self.backbone.channels(tap)
            neck: nn.Module = nn.Identity()
            if preset.necks:
                adjust = nn.Conv2d(channels, preset.necks[index], 1, bias=False)
                init_fan_out(adjust)
                channels = preset.necks[index]
                neck = nn.Sequential(adjust, nn.BatchNorm2d(channels))
            self.necks.append(neck)
            self.heads.append(  # type: ignore[attr-defined]
                ProposalHead(preset.match, channels, len(sizes))
            )
        self.score_sum = LevelSum(len(preset.levels), preset.weighted)
        self.offset_sum = LevelSum(len(preset.levels), preset.weighted)
        self.masks = None
        self.has_masks = preset.masks is not None
        if preset.masks:
            self.masks = MaskHead(preset.masks, self.backbone, channels, preset.template_size)

    def cells(self, search_size: int) -> int:
        """Count the cells R along a side of the scores for search crops of `search_size`."""
        tap = self.preset.levels[0]
        template = self.preset.template_cells or self.backbone.size(tap, self.preset.template_size)
        return self.backbone.size(tap, search_size) - template + 1

    def taps(self, crops: Tensor) -> Taps:
        """Run the backbone on crops 0..1."""
        images = standardised(crops) if self.preset.standardise else crops * 255.0
        return self.backbone(images.to(self.dtype))

    def _levels(self, taps: Taps) -> list[Tensor]:
        return [neck(taps[tap]) for neck, tap in zip(self.necks, self.preset.levels)]

    def template(self, crops: Tensor) -> Template:
        """Make the templates of N crops: the kernels of all correlations, `N x C x h x w`."""
        return self._kernels(self.taps(crops))

    def _kernels(self, taps: Taps) -> Template:
        levels = self._levels(taps)
        if self.preset.template_cells:
            # Of the whole template, padding would be a part.
            margin = (levels[0].shape[-1] - self.preset.template_cells) // 2
            inner = slice(margin, margin + self.preset.template_cells)
            levels = [one[..., inner, inner] for one in levels]
        kernels = [
            match.kernel(level)
            for head, level in zip(self.heads, levels)
            for match in (head.scores, head.offsets)
        ]
        if self.masks is not None:
            kernels.append(self.masks.match.kernel(levels[-1]))
        return tuple(kernels)

    def search(self, crops: Tensor, template: Template) -> Prediction:
        """Search N crops, each for its own template, or all for one."""
        taps = self.taps(crops)
        found = self._propose(taps, template)
        size = crops.shape[-1]
        boxes = decode(found.offsets, self.anchor_sizes, self.stride, size)

        def mask(index: int, row: int, column: int) -> Tensor:
            return self.draw(found, index, row, column, size)[0].sigmoid()

        def rescore(index: int, kernels: Template) -> Tensor:
            levels = self._levels({tap: value[index : index + 1] for tap, value in taps.items()})
            return self._scores(levels, kernels)[0]

        features = None
        if self._features:
            features = self.backbone.activated(taps, self.preset.features)
        draw = None if self.masks is None else mask
        return Prediction(found.scores, boxes, features=features, mask=draw, rescore=rescore)

    def _propose(self, taps: Taps, kernels: Template) -> Proposals:
        levels = self._levels(taps)
        offsets = [
            head.offsets(level, kernels[2 * index + 1])
            for index, (head, level) in enumerate(zip(self.heads, levels))
        ]
        return Proposals(
            self._scores(levels, kernels),
            self.offset_sum(offsets).unflatten(1, (4, -1)),
            taps,
            None if self.masks is None else self.masks.match.correlate(levels[-1], kernels[-1]),
        )

    def _scores(self, levels: list[Tensor], kernels: Template) -> Tensor:
        return self.score_sum(
            [
                head.scores(level, kernels[2 * index])
                for index, (head, level) in enumerate(zip(self.heads, levels))
            ]
        )

    def forward(self, template: Tensor, search: Tensor) -> Proposals:
        """Make proposals for `N` search images with `N` template images, for training."""
        return self._propose(self.taps(search), self._kernels(self.taps(template)))

    def draw(self, found: Proposals, index: int, row: int, column: int, size: int) -> Tensor:
        """
        Draw the mask of one search crop of side `size` at a place of the response.

        Returns logits `1 x T x T`, with T the side of the template crop. Raises ValueError for a
        network without masks.
        """
        if self.masks is None or found.correlated is None:
            raise ValueError(f"the model '{self.name}' has no masks")
        one = slice(index, index + 1)
        corner = self.mask_corner(size, found.scores.shape[-1], row, column)
        taps = {tap: found.taps[tap][one] for tap in self.masks.shape.skips}
        return self.masks.draw(found.correlated[one], taps, corner, row, column)

    def mask_corner(self, size: int, cells: int, row: int, column: int) -> tuple[int, int]:
        """
        Compute the left and upper end, in pixels, of the mask of a cell of `cells x cells`.

        The mask is as large as the template crop, and the cell is its middle.
        """
        border = (size - (cells - 1) * self.stride - self.preset.template_size) // 2
        return border + column * self.stride, border + row * self.stride

    def fold(self) -> None:
        """Fold all batch norms into convolutions."""
        self.backbone.fold(self.preset.levels)
        fold_norms(self)

    def use_precision(self, precision: torch.dtype) -> None:
        """Compute features in another type; correlations and what follows stay in float32."""
        self.backbone.to(precision)
        self.necks.to(precision)
        for head in self.heads:
            for match in (head.scores, head.offsets):
                match.template.to(precision)
                match.search.to(precision)
        if self.masks is not None:
            self.masks.match.template.to(precision)
            self.masks.match.search.to(precision)
