# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`MatchingNet`: backbone, branches and class head of one preset, as a plain torch module."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn, Tensor

from .backbones import AlexNet, init_fan_out, standardised
from .correlation import CropTemplate, cross_correlate, FilterTemplate, Statistics
from .embeddings import EMBEDDINGS, PlainEmbedding, Taps
from .ensembles import ENSEMBLES
from .presets import Branch, Preset


@dataclass
class Matching:
    """What a pair of crops gives."""

    responses: list[Tensor]
    """Per branch, the adjusted response `N x 1 x R x R`."""
    fused: Tensor
    """The one that is tracked, of all branches, `N x 1 x R x R`."""
    logits: Tensor | None
    """Class scores of the template `N x classes`, or None without a class head."""


class MatchBranch(nn.Module):
    """Embedding, template maker, cross-correlation and affine adjustment of one branch."""

    embedding: PlainEmbedding
    maker: CropTemplate | FilterTemplate

    def __init__(self, branch: Branch, backbone: AlexNet, template_size: int) -> None:
        super().__init__()
        self.name = branch.name
        size = backbone.size(branch.tap, template_size)
        self.embedding = EMBEDDINGS[branch.embedding](backbone, branch.tap, size, **branch.options)
        self.maker = (
            CropTemplate(size, branch.margin)
            if branch.template == 'crop'
            else FilterTemplate(
                size, branch.margin, branch.ridge, branch.sigma, branch.learn_ridge
            )
        )
        self.gain = nn.Parameter(torch.tensor(branch.gain), requires_grad=branch.learn_gain)
        self.bias = nn.Parameter(torch.tensor(branch.bias))

    def adjust(self, response: Tensor) -> Tensor:
        """Scale and shift a raw response to a logit."""
        return self.gain * response + self.bias


class MatchingNet(nn.Module):
    """
    A matching tracker's network.

    Images are `N x 1 x S x S`, float, 0..1; S is `preset.template_size` for templates and
    `preset.search_size` for search regions (other search sizes work too).
    """

    branches: Sequence[MatchBranch]

    def __init__(self, preset: Preset) -> None:
        super().__init__()
        self.preset = preset
        self.backbone = AlexNet(preset.backbone)
        self.branches = nn.ModuleList(  # type: ignore[assignment]
            MatchBranch(branch, self.backbone, preset.template_size) for branch in preset.branches
        )
        self.ensemble = ENSEMBLES[preset.ensemble](len(preset.branches))
        self.classifier = None
        if preset.classes:
            self.classifier = nn.Conv2d(preset.backbone[-1].channels, preset.classes, 1)
            init_fan_out(self.classifier)

    @property
    def name(self) -> str:
        """Name of the preset."""
        return self.preset.name

    @property
    def dtype(self) -> torch.dtype:
        """Type that features are computed in."""
        return next(self.backbone.parameters()).dtype

    @property
    def stride(self) -> int:
        """Pixels of the search crop per cell of the response."""
        return self.backbone.stride

    def taps(self, image: Tensor) -> Taps:
        """Run the backbone on images 0..1."""
        return self.backbone(self.normalise(image).to(self.dtype))

    def normalise(self, image: Tensor) -> Tensor:
        """Bring images 0..1 to the scale that the first layer sees."""
        return standardised(image) if self.preset.standardise else image * 255.0

    def embed(self, taps: Taps, template: bool) -> list[Tensor]:
        """Compute the features that each branch matches, of one stream."""
        return [branch.embedding(taps, template) for branch in self.branches]

    def statistics(self, template: Taps) -> list[Statistics]:
        """Compute per branch what may be averaged over time, of the taps of template images."""
        features = self.embed(template, True)
        return [
            branch.maker.statistics(one.float()) for branch, one in zip(self.branches, features)
        ]

    def solve(self, statistics: Sequence[Statistics]) -> list[Tensor]:
        """Make the template of each branch of (averaged) statistics."""
        return [branch.maker.solve(one) for branch, one in zip(self.branches, statistics)]

    def respond(
        self, search: Tensor, templates: Sequence[Tensor], adjusted: bool | None = None
    ) -> Tensor:
        """Compute the fused response `N x 1 x R x R` of search images to templates."""
        return self.compare(self.taps(search), templates, adjusted)

    def compare(
        self, search: Taps, templates: Sequence[Tensor], adjusted: bool | None = None
    ) -> Tensor:
        """
        Compute the fused response `N x 1 x R x R` of the taps of search images.

        `adjusted` chooses between the adjusted and the raw maps; None is the preset's choice.
        """
        features = self.embed(search, False)
        responses = [
            cross_correlate(one.float(), template) for one, template in zip(features, templates)
        ]
        if self.preset.adjusted if adjusted is None else adjusted:
            responses = [branch.adjust(one) for branch, one in zip(self.branches, responses)]
        return self.ensemble(responses)

    def forward(self, template: Tensor, search: Tensor) -> Matching:
        """Match `N` search images with `N` template images, for training."""
        template_taps, search_taps = self.taps(template), self.taps(search)
        pairs = zip(self.branches, self.embed(template_taps, True), self.embed(search_taps, False))
        responses = [
            branch.adjust(cross_correlate(x.float(), branch.maker(z.float())))
            for branch, z, x in pairs
        ]
        return Matching(responses, self.ensemble(responses), self.classify(template_taps))

    def classify(self, template: Taps) -> Tensor | None:
        """Compute class scores `N x classes` of the taps of templates; None without a head."""
        if self.classifier is None:
            return None
        deepest = template[f'conv{len(self.backbone.stages)}'].float()
        return self.classifier(deepest.mean(dim=(2, 3), keepdim=True)).flatten(1)
