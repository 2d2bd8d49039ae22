# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The Lightning module of the matching networks."""

from __future__ import annotations

import torch
from torch import Tensor

from ..models.matching import Matching, MatchingNet
from ..models.presets import find_preset
from .augmentation import CropAugmentation, Crops
from .config import TrainConfig
from .losses import cell_distances, logistic_loss, softmax_loss
from .module import PairModule
from .sampling import PairBatch
from .views import NO_CLASS, ViewPool


class MatchingModule(PairModule):
    """Train a matching network: the losses of its branches, of their sum and of the class head."""

    model: MatchingNet

    def __init__(self, config: TrainConfig, training: ViewPool, validation: ViewPool) -> None:
        preset = find_preset(config.model)
        super().__init__(MatchingNet(preset), config, training, validation)
        self.augmentation = CropAugmentation(
            config.augmentation,
            preset.template_size,
            preset.search_size,
            preset.context,
            preset.search_context,
        )

    def losses(self, pairs: PairBatch, pool: ViewPool) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the terms of the loss, and the share of peaks within 1.5 cells of the target."""
        crops = self.augmentation(pool, pairs)
        matching = self.model(crops.template, crops.search)
        return self._losses(matching, crops), self._hits(matching.fused, crops)

    def _losses(self, matching: Matching, crops: Crops) -> dict[str, Tensor]:
        loss = self.config.loss
        distance = cell_distances(matching.responses[0].shape[-1], self.model.stride, crops.offset)
        terms: dict[str, Tensor] = {}
        for branch, response in zip(self.model.branches, matching.responses):
            weight = loss.fine if branch.name == 'fine' else loss.discriminative
            terms[branch.name] = weight * logistic_loss(
                response, distance, crops.positive, loss.radius, loss.logistic
            )
        if loss.fused:
            # The tracker follows the peak of this one, so that is what has to be right.
            terms['fused'] = loss.fused * softmax_loss(
                matching.fused, distance, crops.positive, loss.sigma
            )
        known = crops.label != NO_CLASS
        if (
            matching.logits is not None
            and loss.classification
            and known.any()
            and not self.config.drop_classification
        ):
            terms['classification'] = loss.classification * torch.nn.functional.cross_entropy(
                matching.logits[known].float(), crops.label[known]
            )
        return terms

    def _hits(self, response: Tensor, crops: Crops) -> Tensor:
        """Share of positive pairs whose peak lies within 1.5 cells of the target."""
        if not crops.positive.any():
            return response.new_tensor(1.0)
        distance = cell_distances(response.shape[-1], self.model.stride, crops.offset)
        peak = response[:, 0].flatten(1).argmax(dim=1, keepdim=True)
        return (distance.flatten(1).gather(1, peak)[crops.positive] <= 1.5).float().mean()
