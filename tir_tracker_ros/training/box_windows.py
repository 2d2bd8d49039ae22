# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From views to what the box refiner learns on: the windows around right and wrong boxes."""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from pydantic import Field
import torch
from torch import Tensor

from ..geometry import iou
from .composites import CompositeAugmentation
from .config import AugmentationConfig, Closed
from .sampling import PairBatch
from .views import ViewPool

_BESIDE, _ON_TARGET = 0.15, 0.4
"""Overlaps up to which a box is beside the target, and from which it is on it."""
_OUT, _IN = 0.2, 0.5
"""Shares of a target in view up to which it is out of it, and from which it is not."""
_MIDDLE = 4 / 7
"""Side of the part of a view, over the view's, that windows are cut from."""


class BoxErrorConfig(Closed):
    """Errors of the boxes that the box refiner learns to correct: standard deviations."""

    shift: float = Field(default=0.1, ge=0)
    """Of the centre, over the side."""
    scale: float = Field(default=0.11, ge=0)
    """Of the logarithm of the size."""
    aspect: float = Field(default=0.07, ge=0)
    """Of half the logarithm of the aspect ratio."""
    wide: float = Field(default=0.2, ge=0, le=1)
    """Rate of boxes with errors `wide_factor` times as large."""
    wide_factor: float = Field(default=2.5, ge=1)
    description_shift: float = Field(default=0.08, ge=0)
    """Of the centre of a right box from the annotated one, the same in both images."""
    description_scale: float = Field(default=0.12, ge=0)
    """Of the logarithms of its sides."""


class VerificationConfig(Closed):
    """Boxes that are not on the object of the reference, beside pairs of two objects; rates."""

    beside: float = Field(default=0.3, ge=0, le=1)
    """Of boxes beside the target, by half a side to one and a half."""
    gone: float = Field(default=0.08, ge=0, le=1)
    """Of current images that are the reference, less its target."""
    edge: float = Field(default=0.15, ge=0, le=1)
    """Of current images that end near or on the target, which may then be out of view."""


@dataclass
class BoxWindows:
    """What surrounds N boxes, and by how much they miss."""

    reference: Tensor
    """N x 1 x S x S, 0..1: around a box that is right."""
    current: Tensor
    """N x 1 x S x S, 0..1: around one that is not."""
    offset: Tensor
    """N x 4: what it lacks, in units of its own sides: x, y, and the logarithms of w and h."""
    same: Tensor
    """N, 0..1: whether it is on the object of the reference; in between where that is open."""


class WindowAugmentation(CompositeAugmentation):
    """Cut the windows around right and wrong boxes; the same seed gives the same windows."""

    def __init__(
        self,
        config: AugmentationConfig,
        errors: BoxErrorConfig,
        size: int,
        context: float,
        verification: VerificationConfig | None = None,
    ) -> None:
        """With `verification`, some boxes are on no target."""
        super().__init__(config)
        self.errors, self.size, self.context = errors, size, context
        self.verification = verification or VerificationConfig(beside=0, gone=0, edge=0)

    @torch.no_grad()
    def __call__(self, pool: ViewPool, pairs: PairBatch) -> BoxWindows:
        """Make the windows of the pairs on the device of the pool."""
        device = pool.device
        self._seed(pairs.seed)
        count, config, errors = len(pairs.kind), self.config, self.errors
        # No window reaches beyond the middle of a view: a third of the work.
        reach = round(pool.side * _MIDDLE / 2)
        middle = slice(pool.side // 2 - reach, pool.side // 2 + reach)
        whole = [pool.images(index).float() for index in (pairs.template, pairs.search)]
        sizes = [pool.size[index.to(device)] for index in (pairs.template, pairs.search)]
        self._accompany(whole[1], sizes[1], pool, pairs.search)
        self._displace(whole[1], sizes[1], pool, pairs.search)
        tracks = [pool.track[one.to(device)] for one in (pairs.template, pairs.search)]
        same = (tracks[0] == tracks[1]).cpu().float()
        gone = self._chosen(count, self.verification.gone).to(device)
        if len(gone):
            whole[1][gone] = self._filled(whole[0][gone], sizes[0][gone].cpu())
            sizes[1][gone] = sizes[0][gone]
            same[gone.cpu()] = 0
        same *= self._end(whole[1], sizes[1])
        views = [one[..., middle, middle] for one in whole]
        sides = [one * (pool.side / (2 * reach)) for one in sizes]
        self._cover(views[1], sides[1])
        flip = torch.where(self._rate(count, config.flip), -1.0, 1.0)

        # The same object can be described by many boxes: that of the reference is what counts.
        shift = self._normal(count, 2) * errors.description_shift
        growth = self._normal(count, 2) * errors.description_scale
        wide = torch.where(self._rate(count, errors.wide), errors.wide_factor, 1.0)[:, None]
        miss = (self._normal(count, 2) * errors.shift * wide).clamp(-0.5, 0.5)
        beside = self._chosen(count, self.verification.beside)
        miss[beside] = self._beside(len(beside))
        stretch = self._normal(count, 1) * errors.aspect * torch.tensor([[1.0, -1.0]])
        wrong = (self._normal(count, 1) * errors.scale * wide + stretch).clamp(-0.6, 0.6)
        # Where the middle of the view, the annotated centre, lies in each window, in box sides.
        places = (-shift / growth.exp(), miss - shift / (growth + wrong).exp())
        crops = []
        for view, side, place, factor in zip(
            views, sides, places, (growth.exp(), (growth + wrong).exp())
        ):
            box = side.cpu() * factor
            scale = self.context * box.prod(dim=1).sqrt()
            crops.append(
                self._cut(
                    view,
                    self.size,
                    scale,
                    box[:, 0] / box[:, 1],
                    torch.zeros(count),
                    flip,
                    -place * 2 / self.context * scale[:, None],
                )
            )
        reference, current = self._photometry(*crops)
        offset = torch.cat([miss, -wrong], dim=1)
        same *= on_target(offset)
        return BoxWindows(reference, current, offset.to(device), same.to(device))

    def _end(self, views: Tensor, size: Tensor) -> Tensor:
        """
        Let some views end at an edge of the image; returns N, 0..1: how far targets are in view.

        Beyond the edge, the last pixels are repeated, as where crops reach out of an image.
        """
        chosen = self._chosen(len(views), self.verification.edge)
        count, side, device = len(chosen), views.shape[-1], views.device
        seen = torch.ones(len(views))
        axis = torch.randint(2, (count,), generator=self._random)
        lengths = size[chosen.to(device)].cpu()[torch.arange(count), axis] * side
        # Of the edge from the middle of the target, in sides of it.
        distance = self._uniform(count)
        after = self._rate(count, 0.5)
        edge = (side / 2 + torch.where(after, 1, -1) * distance * lengths).round().long()
        edge = edge.clamp(0, side - 1)[:, None]
        cells = torch.arange(side)[None]
        kept = torch.where(after[:, None], cells.minimum(edge), cells.maximum(edge)).to(device)
        for across in (0, 1):
            part = torch.nonzero(axis == across).flatten()
            index = kept[part.to(device)][:, None, None]
            index = index if across == 0 else index.transpose(2, 3)
            where = chosen[part].to(device)
            views[where] = torch.take_along_dim(views[where], index, dim=3 - across)
        seen[chosen] = ((distance + 0.5 - _OUT) / (_IN - _OUT)).clamp(0, 1)
        return seen

    def _beside(self, count: int) -> Tensor:
        """Draw places beside a target: N x 2, half a side to one and a half away along x or y."""
        angle = self._uniform(count, 1) * math.pi
        way = torch.cat([angle.cos(), angle.sin()], dim=1)
        far = 0.5 + torch.rand(count, 1, generator=self._random)
        return way / way.abs().amax(dim=1, keepdim=True) * far

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._random)


def on_target(offset: Tensor) -> Tensor:
    """Tell from what boxes lack, the offset of `BoxWindows`, whether they are on the target."""
    shift, sides = offset[:, :2], offset[:, 2:].exp()
    right = torch.cat([shift - sides / 2, sides], dim=1).numpy()
    overlap = torch.from_numpy(iou(right, np.array([[-0.5, -0.5, 1.0, 1.0]]))).float()
    return ((overlap - _BESIDE) / (_ON_TARGET - _BESIDE)).clamp(0, 1)
