# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How proposal networks are trained: labels of anchors, losses and the family's module."""

from __future__ import annotations

from pydantic import Field
import torch
from torch import Tensor
from torch.nn.functional import softplus

from ..models import families
from ..models.anchors import decode, encode
from ..models.masks import window
from ..models.proposals import ProposalNet, Proposals
from .config import Closed, TrackerConfig
from .crops import Crops
from .module import TrackerModule
from .sampling import PairBatch
from .views import ViewPool

_POSITIVE, _NEGATIVE = 1, 0
_IGNORED = -1
_NEAR = 3.5
"""Cells around the place in the search crop of a negative pair that its anchors are taken from."""


class ProposalLossConfig(Closed):
    """Which anchors are learned of, and the weights of the terms of the loss."""

    positive_above: float = Field(default=0.6, ge=0, le=1)
    """Overlap with the target from which an anchor is one."""
    negative_below: float = Field(default=0.3, ge=0, le=1)
    positives: int = Field(default=16, ge=1)
    """Positive anchors of a pair at most, chosen at random; as many of a negative pair's."""
    negatives: int = Field(default=48, ge=1)
    scores: float = Field(default=1.0, ge=0)
    offsets: float = Field(default=1.2, ge=0)
    masks: float = Field(default=36.0, ge=0)
    """Of models with masks: the logistic loss of the pixels."""


class ProposalConfig(TrackerConfig):
    """The training of a proposal network."""

    loss: ProposalLossConfig = ProposalLossConfig()


class ProposalModule(TrackerModule):
    """
    Train a proposal network: which anchors are the target, and how its box differs from them.

    Masks are drawn at one positive place of each pair whose mask is known. Unlike SiamMask, that
    is a part of the one training, not a second one after that of coarse masks.
    """

    model: ProposalNet
    config: ProposalConfig

    def __init__(self, config: ProposalConfig) -> None:
        """Build the network."""
        super().__init__(families.build(config.model), config)
        self.augmentation.masks = self.model.masks is not None

    def check(self, training: ViewPool) -> None:
        """Raise ValueError for data without masks for a network that draws them."""
        if self.model.masks is not None and not training.mask_span.diff(dim=1).any():
            raise ValueError(
                f"the model '{self.config.model}' draws masks, and the data hold none; the source "
                "'simulator' has them"
            )

    def losses(self, pairs: PairBatch, pool: ViewPool) -> tuple[dict[str, Tensor], Tensor]:
        """Compute the terms of the loss, and the share of best boxes that overlap by a half."""
        crops = self.augmentation(pool, pairs)
        found = self.model(crops.template, crops.search)
        boxes = self._boxes(crops)
        scores, offsets = found.scores.float(), found.offsets.float()
        sizes, stride, side = self.model.anchor_sizes, self.model.stride, crops.search.shape[-1]
        random = torch.Generator().manual_seed(pairs.seed)
        labels = anchor_labels(
            boxes, crops.positive, sizes, stride, side, scores.shape[-1], self.config.loss, random
        )
        wanted = encode(boxes, sizes, stride, side, scores.shape[-1])
        terms = {
            'scores': self.config.loss.scores * score_loss(scores, labels),
            'offsets': self.config.loss.offsets * offset_loss(offsets, wanted, labels),
        }
        if self.model.masks is not None:
            terms['masks'] = self.config.loss.masks * self._mask_loss(found, labels, crops, random)
        with torch.no_grad():
            best = scores.flatten(1).argmax(dim=1)
            given = decode(offsets, sizes, stride, side).transpose(1, 2).flatten(2)
            chosen = given.gather(2, best[:, None, None].expand(-1, 4, 1))[:, :, 0]
            hits = overlaps(chosen, boxes)[crops.positive] > 0.5
        return terms, hits.float().mean() if len(hits) else scores.new_tensor(1.0)

    def _mask_loss(
        self, found: Proposals, labels: Tensor, crops: Crops, random: torch.Generator
    ) -> Tensor:
        """Compute the logistic loss of masks, a mean over their pixels that are in the crops."""
        losses = []
        side = crops.search.shape[-1]
        if crops.mask is None or crops.masked is None:
            return found.scores.sum() * 0
        for index in torch.nonzero(crops.masked & crops.positive).flatten().tolist():
            places = torch.nonzero(labels[index] == _POSITIVE)[:, 1:]
            if not len(places):
                continue
            row, column = places[int(torch.randint(len(places), (1,), generator=random))].tolist()
            drawn = self.model.draw(found, index, row, column, side).float()
            x, y = self.model.mask_corner(side, found.scores.shape[-1], row, column)
            wanted, known = (
                window(one, x, y, drawn.shape[-1])
                for one in (crops.mask[index], torch.ones_like(crops.mask[index]))
            )
            cost = softplus(drawn) - drawn * (wanted > 0.5)
            losses.append((cost * known).sum() / known.sum().clamp(min=1))
        return torch.stack(losses).mean() if losses else found.scores.sum() * 0

    def _boxes(self, crops: Crops) -> Tensor:
        """Return the boxes of the targets in the search crops, `N x 4` pixels."""
        centre = crops.search.shape[-1] / 2 + crops.offset
        return torch.cat([centre - crops.size / 2, crops.size], dim=1)


def anchor_labels(
    boxes: Tensor,
    positive: Tensor,
    sizes: Tensor,
    stride: int,
    search_size: int,
    cells: int,
    config: ProposalLossConfig,
    random: torch.Generator,
) -> Tensor:
    """
    Choose the anchors that are learned of: 1 the target, 0 not the target, -1 not learned of.

    boxes: of the targets, `N x 4` pixels of the search crop. positive: `N` bool; what lies in the
    box of a negative pair is not the template's target, and the anchors around it are the hardest.
    Returns `N x K x R x R`. Other than in the authors' code, the anchor of the largest overlap
    always is the target: a long, thin box may overlap with none by `positive_above`.
    """
    none = torch.zeros(len(boxes), 4, len(sizes), cells, cells, device=boxes.device)
    anchors = decode(none, sizes, stride, search_size)
    overlap = overlaps(anchors.transpose(1, 2).flatten(2), boxes[:, :, None])
    largest = overlap.amax(dim=1, keepdim=True)
    target = (overlap >= config.positive_above) | ((overlap == largest) & (largest > 0))
    # In a negative pair, the nearest cells are not the target.
    centre = anchors[:, :, :2] + anchors[:, :, 2:] / 2
    distance = (centre - (boxes[:, :2] + boxes[:, 2:] / 2)[:, None, :, None, None]).abs()
    near = (distance.amax(dim=2) < _NEAR * stride).flatten(1)
    here = positive[:, None]
    chances = torch.rand(overlap.shape, generator=random).to(boxes.device)
    targets = _some(target & here, config.positives, chances)
    others = _some((overlap < config.negative_below) & here, config.negatives, chances)
    others |= _some(near & ~here, config.positives, chances)
    labels = torch.full_like(overlap, _IGNORED, dtype=torch.long)
    labels[others] = _NEGATIVE
    labels[targets] = _POSITIVE
    return labels.reshape(anchors.shape[:2] + anchors.shape[3:])


def _some(candidates: Tensor, count: int, chances: Tensor) -> Tensor:
    """Keep at most `count` of the candidates `N x M` in each row, by chance."""
    ranked = chances.masked_fill(~candidates, -1.0)
    lowest = ranked.topk(min(count, ranked.shape[1]), dim=1).values[:, -1:]
    return candidates & (ranked >= lowest)


def score_loss(scores: Tensor, labels: Tensor) -> Tensor:
    """
    Logistic loss of scores `N x K x R x R`: targets and others of the batch weigh a half each.

    (The mean of two softmax cross-entropies in the authors' code, of which scores are the
    log-odds.)
    """
    loss = scores.sum() * 0
    for label, sign in ((_POSITIVE, -1.0), (_NEGATIVE, 1.0)):
        chosen = labels == label
        if chosen.any():
            loss = loss + 0.5 * softplus(sign * scores[chosen]).mean()
    return loss


def offset_loss(offsets: Tensor, wanted: Tensor, labels: Tensor) -> Tensor:
    """
    Sum of absolute errors of the four offsets, averaged over the targets of each pair.

    `offsets` and `wanted` are `N x 4 x K x R x R`; the mean is that of all N pairs, those without
    a target included.
    """
    chosen = (labels == _POSITIVE).float()
    error = (offsets - wanted).abs().sum(dim=1)
    count = chosen.sum(dim=(1, 2, 3)).clamp(min=1)
    return ((error * chosen).sum(dim=(1, 2, 3)) / count).mean()


def overlaps(first: Tensor, second: Tensor) -> Tensor:
    """Intersection over union of boxes, left, top, width and height in axis 1: `N x 4 x ...`."""
    low = torch.maximum(first[:, :2], second[:, :2])
    high = torch.minimum(first[:, :2] + first[:, 2:], second[:, :2] + second[:, 2:])
    common = (high - low).clamp(min=0).prod(dim=1)
    union = first[:, 2:].prod(dim=1) + second[:, 2:].prod(dim=1) - common
    return common / union.clamp(min=1e-9)
