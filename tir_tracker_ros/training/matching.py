# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How matching networks are trained: configuration and Lightning module of the family."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, softplus

from ..models import families
from ..models.matching import Matching, MatchingNet
from ..tracking.looking import FILTER_WEIGHT, NETWORK_WEIGHT
from ..tracking.target_model import TargetModel
from .config import Closed, TrackerConfig
from .crops import Crops
from .filter_response import filter_response
from .losses import cell_distances, inside, logistic_loss, softmax_loss
from .module import TrackerModule
from .sampling import PairBatch
from .views import NO_CLASS, ViewPool

_FILTER_SIGMA = FILTER_WEIGHT**-0.5
"""
For the filter's response, the softmax target's deviation in cells: about that of the label that
the filter is fitted to. A wider target has its lowest loss at a response below the label.
"""


class LossConfig(Closed):
    """Weights of the terms of the loss."""

    logistic: Literal['paper', 'balanced', 'hinge'] = 'balanced'
    radius: float = Field(default=1.0, ge=0)
    """Cells around the centre that count as target."""
    branches: dict[str, float] = {}
    """Weights of the branches' logistic losses by their names; 1 for those that are not named."""
    fused: float = Field(default=1.0, ge=0)
    """Spatial softmax cross-entropy on the summed response."""
    sigma: float = Field(default=0.7, gt=0)
    """Of the softmax target, cells."""
    strangers: float = Field(default=0.0, ge=0)
    """
    Logistic loss of each template on the search region of the pair before, where its target is
    not: negatives that cost no further features.
    """
    classification: float = Field(default=0.1, ge=0)
    filter: float = Field(default=0.0, ge=0)
    """
    Spatial softmax cross-entropy on the response of the target model, learned from one search crop
    and applied to another one of the same object: alone, and summed with the network's. The pairs
    of a batch, whose number has to be even, then come in couples that show the same object.
    """


class MatchingConfig(TrackerConfig):
    """The training of a matching network."""

    loss: LossConfig = LossConfig()
    drop_classification: bool = False
    """Leave the class loss out (mix-training)."""

    @model_validator(mode='after')
    def _couples(self) -> MatchingConfig:
        if self.loss.filter and self.batch % 2:
            raise ValueError(f'batch {self.batch} is odd: loss.filter needs couples of pairs')
        return self


class MatchingModule(TrackerModule):
    """Train a matching network: the losses of its branches, of their sum and of the class head."""

    model: MatchingNet
    config: MatchingConfig

    def __init__(self, config: MatchingConfig) -> None:
        """Build the network; raises ValueError for a loss of a branch that it does not have."""
        model = families.build(config.model)
        super().__init__(model.with_features() if config.loss.filter else model, config)
        self.coupled = bool(config.loss.filter)
        preset = self.model.preset
        self._target_model = TargetModel.of_crops(
            preset.template_size, preset.context, self.model.stride
        )
        names = [branch.name for branch in self.model.branches]
        if unknown := sorted(set(config.loss.branches) - set(names)):
            raise ValueError(
                f"loss.branches: the model '{config.model}' has no branch '{unknown[0]}', but "
                f'{", ".join(names)}'
            )

    def check(self, training: ViewPool) -> None:
        """Raise ValueError for data of more classes than the class head has outputs."""
        outputs, classes = self.model.preset.classes, len(training.classes)
        if outputs and classes > outputs:
            raise ValueError(
                f"the data hold {classes} classes; the model '{self.config.model}' has {outputs}"
            )

    def facts(self, training: ViewPool) -> dict[str, Any]:
        """Tell the names of the classes, and whether the class head knows them."""
        classes = training.classes
        trained = bool(self.model.preset.classes and classes) and not (
            self.config.drop_classification
        )
        return {'classes': list(classes), 'class_head_trained': trained}

    def losses(self, pairs: PairBatch, pool: ViewPool) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the terms of the loss, and the share of peaks within 1.5 cells of the target."""
        crops = self.augmentation(pool, pairs)
        matching = self.model(crops.template, crops.search)
        terms = self._losses(matching, crops)
        if weight := self.config.loss.strangers:
            template, search = (
                pool.track[index.to(pool.device)] for index in (pairs.template, pairs.search)
            )
            strange = (template != search.roll(1)).float()
            costs = torch.stack([softplus(one).mean(dim=(1, 2, 3)) for one in matching.strangers])
            terms['strangers'] = weight * (costs.mean(dim=0) * strange).mean()
        if self.coupled:
            terms['filter'] = self._filter_loss(matching, crops)
        return terms, self._hits(matching.fused, crops)

    def _losses(self, matching: Matching, crops: Crops) -> dict[str, Tensor]:
        loss = self.config.loss
        distance = self._distance(matching.fused, crops)
        terms: dict[str, Tensor] = {}
        for branch, response in zip(self.model.branches, matching.responses):
            terms[branch.name] = loss.branches.get(branch.name, 1.0) * logistic_loss(
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
            terms['classification'] = loss.classification * cross_entropy(
                matching.logits[known].float(), crops.label[known]
            )
        return terms

    def _filter_loss(self, matching: Matching, crops: Crops) -> Tensor:
        """Compute the loss of the target model, of the couples of which both crops show it."""
        assert matching.features is not None  # the network was asked for them
        loss, half = self.config.loss, len(crops.positive) // 2
        distance = self._distance(matching.fused, crops)
        seen = crops.positive & inside(distance)
        chosen = torch.nonzero(seen & seen.roll(half)).flatten()
        if not len(chosen):
            return matching.features.sum() * 0
        # Each crop of a couple is learned, and the other one is searched.
        searched = chosen.roll(len(chosen) // 2)
        response = filter_response(
            self._target_model,
            matching.features[chosen],
            crops.offset[chosen] / self.model.stride,
            matching.features[searched],
            matching.fused.shape[-1],
        )
        alone = FILTER_WEIGHT * response
        costs = [
            softmax_loss(one, distance[searched], seen[searched], _FILTER_SIGMA)
            for one in (NETWORK_WEIGHT * matching.fused[searched] + alone, alone)
        ]
        return loss.filter * torch.stack(costs).mean()

    def _distance(self, response: Tensor, crops: Crops) -> Tensor:
        return cell_distances(response.shape[-1], self.model.stride, crops.offset)

    def _hits(self, response: Tensor, crops: Crops) -> Tensor:
        """Share of positive pairs whose peak lies within 1.5 cells of the target."""
        distance = self._distance(response, crops)
        peak = response[:, 0].flatten(1).argmax(dim=1, keepdim=True)
        seen = crops.positive & inside(distance)
        if not seen.any():
            return response.new_tensor(1.0)
        return (distance.flatten(1).gather(1, peak)[seen] <= 1.5).float().mean()
