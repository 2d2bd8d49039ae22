# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""`MatchingNet`: backbone, branches and class head of a matching tracker."""

from __future__ import annotations

from collections.abc import Sequence
import copy
from dataclasses import dataclass

import torch
from torch import nn, Tensor

from .backbones import Backbone, init_fan_out, standardised, Taps
from .correlation import CropTemplate, cross_correlate, FilterTemplate
from .embeddings import EMBEDDINGS, PlainEmbedding
from .ensembles import ENSEMBLES
from .network import fold_norms, Network, Prediction, Template
from .presets import Branch, MatchingPreset


@dataclass
class Matching:
    """What a pair of crops gives."""

    responses: list[Tensor]
    """Per branch, the adjusted response `N x 1 x R x R`."""
    fused: Tensor
    """The one that is tracked, of all branches, `N x 1 x R x R`."""
    logits: Tensor | None
    """Class scores of the template `N x classes`, or None without a class head."""
    strangers: list[Tensor]
    """
    Per branch, and fused, `N x 1 x R x R`: each template on the search region of the pair before.
    """
    features: Tensor | None
    """Of the search crops, for a target model; None unless `with_features` asked for them."""


class MatchBranch(nn.Module):
    """Embedding, template maker, cross-correlation and affine adjustment of one branch."""

    embedding: PlainEmbedding
    maker: CropTemplate | FilterTemplate

    def __init__(self, branch: Branch, backbone: Backbone, template_size: int) -> None:
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


class MatchingNet(Network):
    """The network of a matching tracker: one candidate a cell, no boxes."""

    preset: MatchingPreset
    branches: Sequence[MatchBranch]
    _raw_maps = False

    def __init__(self, preset: MatchingPreset) -> None:
        super().__init__()
        self.preset = preset
        self.backbone = preset.backbone.build()
        self.stride = self.backbone.stride
        self.branches = nn.ModuleList(  # type: ignore[assignment]
            MatchBranch(branch, self.backbone, preset.template_size) for branch in preset.branches
        )
        self.ensemble = ENSEMBLES[preset.ensemble](len(preset.branches))
        self.classifier = None
        if preset.classes:
            deepest = self.backbone.names[-1]
            self.classifier = nn.Conv2d(self.backbone.channels(deepest), preset.classes, 1)
            init_fan_out(self.classifier)

    def cells(self, search_size: int) -> int:
        """Count the cells R along a side of the scores for search crops of `search_size`."""
        branch = self.preset.branches[0]
        template = self.backbone.size(branch.tap, self.preset.template_size) - 2 * branch.margin
        return self.backbone.size(branch.tap, search_size) - template + 1

    def taps(self, crops: Tensor) -> Taps:
        """Run the backbone on crops 0..1."""
        images = standardised(crops) if self.preset.standardise else crops * 255.0
        return self.backbone(images.to(self.dtype))

    def template(self, crops: Tensor) -> Template:
        """Make the templates of N crops: for each branch `N x C x h x w`, float32."""
        return self._solve(self.taps(crops))

    def _solve(self, taps: Taps) -> Template:
        return tuple(
            branch.maker(branch.embedding(taps, True).float()) for branch in self.branches
        )

    def search(self, crops: Tensor, template: Template) -> Prediction:
        """Search N crops, each for its own template, or all for one."""
        taps = self.taps(crops)
        responses = self._respond(self._embed(taps), template, not self._raw_maps)
        return Prediction(self.ensemble(responses), features=self._activated(taps))

    def _activated(self, taps: Taps) -> Tensor | None:
        """Compute what a target model learns on; None unless `with_features` asked for it."""
        return self.backbone.activated(taps, self.preset.features) if self._features else None

    def with_raw_maps(self) -> MatchingNet:
        """Return a copy, of the same weights, whose scores come before gain and bias."""
        network = copy.copy(self)
        network._raw_maps = True
        return network

    def _embed(self, taps: Taps) -> list[Tensor]:
        """Compute the features of search crops that each branch compares."""
        return [branch.embedding(taps, False).float() for branch in self.branches]

    def _respond(
        self, features: list[Tensor], template: Template, adjusted: bool = True
    ) -> list[Tensor]:
        """Compute the response `N x 1 x R x R` of each branch."""
        responses = [cross_correlate(one, kernel) for one, kernel in zip(features, template)]
        if not adjusted:
            return responses
        return [branch.adjust(one) for branch, one in zip(self.branches, responses)]

    def forward(self, template: Tensor, search: Tensor) -> Matching:
        """Match `N` search images with `N` template images, for training."""
        taps = self.taps(template)
        search_taps = self.taps(search)
        kernels, features = self._solve(taps), self._embed(search_taps)
        responses = self._respond(features, kernels)
        others = self._respond([one.roll(1, dims=0) for one in features], kernels)
        return Matching(
            responses,
            self.ensemble(responses),
            self._classify(taps),
            [*others, self.ensemble(others)],
            self._activated(search_taps),
        )

    def classify(self, crops: Tensor) -> Tensor | None:
        """Compute class scores `N x classes` of template crops; None without a class head."""
        return None if self.classifier is None else self._classify(self.taps(crops))

    def _classify(self, taps: Taps) -> Tensor | None:
        if self.classifier is None:
            return None
        deepest = taps[self.backbone.names[-1]].float()
        return self.classifier(deepest.mean(dim=(2, 3), keepdim=True)).flatten(1)

    def inspect(self, template: Tensor, search: Tensor) -> dict[str, Tensor]:
        """Compute maps `H x W` of one pair of crops: energy of features, responses, their sum."""
        taps, kernels = self.taps(search), self.template(template)
        responses = self._respond(self._embed(taps), kernels)
        maps = {}
        for branch, response in zip(self.branches, responses):
            tap, embedded = branch.embedding.tap, branch.embedding(taps, False)
            maps[tap] = _energy(taps[tap])
            if embedded.shape[1] != taps[tap].shape[1]:
                maps[f'{branch.name}: embedded'] = _energy(embedded)
            maps[f'{branch.name}: response'] = response[0, 0]
        return maps | {'sum': self.ensemble(responses)[0, 0]}

    def fold(self) -> None:
        """Fold batch norms; the norm of a stage that a branch matches on stays as it is."""
        self.backbone.fold({tap for branch in self.branches for tap in branch.embedding.taps})
        for branch in self.branches:
            fold_norms(branch.embedding)

    def use_precision(self, precision: torch.dtype) -> None:
        """Compute features in another type; filters and scores stay in float32."""
        self.backbone.to(precision)
        for branch in self.branches:
            branch.embedding.to(precision)


def _energy(features: Tensor) -> Tensor:
    """Root of the mean square over the channels of `1 x C x H x W`."""
    return features[0].square().mean(dim=0).sqrt()
