# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From views to what the box refiner learns on: the windows around right and wrong boxes."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import Field
import torch
from torch import Tensor

from .augmentation import Augmentation
from .config import AugmentationConfig, Closed
from .sampling import PairBatch
from .views import ViewPool

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


@dataclass
class BoxWindows:
    """What surrounds N boxes, and by how much they miss."""

    reference: Tensor
    """N x 1 x S x S, 0..1: around a box that is right."""
    current: Tensor
    """N x 1 x S x S, 0..1: around one that is not."""
    offset: Tensor
    """N x 4: what it lacks, in units of its own sides: x, y, and the logarithms of w and h."""


class WindowAugmentation(Augmentation):
    """Cut the windows around right and wrong boxes; the same seed gives the same windows."""

    def __init__(
        self, config: AugmentationConfig, errors: BoxErrorConfig, size: int, context: float
    ) -> None:
        super().__init__(config)
        self.errors, self.size, self.context = errors, size, context

    @torch.no_grad()
    def __call__(self, pool: ViewPool, pairs: PairBatch) -> BoxWindows:
        """Make the windows of the pairs on the device of the pool."""
        device = pool.device
        self._seed(pairs.seed)
        count, config, errors = len(pairs.kind), self.config, self.errors
        # No window reaches beyond the middle of a view: a third of the work.
        reach = round(pool.side * _MIDDLE / 2)
        middle = slice(pool.side // 2 - reach, pool.side // 2 + reach)
        views, sides = [], []
        for index in (pairs.template, pairs.search):
            views.append(pool.images(index)[..., middle, middle].float())
            sides.append(pool.size[index.to(device)] * (pool.side / (2 * reach)))
        self._cover(views[1], sides[1])
        flip = torch.where(self._rate(count, config.flip), -1.0, 1.0)

        # The same object can be described by many boxes: that of the reference is what counts.
        shift = self._normal(count, 2) * errors.description_shift
        growth = self._normal(count, 2) * errors.description_scale
        wide = torch.where(self._rate(count, errors.wide), errors.wide_factor, 1.0)[:, None]
        miss = (self._normal(count, 2) * errors.shift * wide).clamp(-0.5, 0.5)
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
        return BoxWindows(reference, current, torch.cat([miss, -wrong], dim=1).to(device))

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._random)
