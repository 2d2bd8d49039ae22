# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From views to the crops of a template and a search region that trackers learn on."""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import Tensor

from .composites import CompositeAugmentation
from .config import AugmentationConfig
from .sampling import KINDS, PairBatch
from .views import VIEW_CONTEXT, ViewPool


@dataclass
class Crops:
    """Network inputs of N pairs."""

    template: Tensor
    """N x 1 x T x T, 0..1."""
    search: Tensor
    """N x 1 x S x S, 0..1."""
    offset: Tensor
    """N x 2: where the target lies, x and y in search pixels from the centre."""
    size: Tensor
    """N x 2: width and height of the target in search pixels."""
    positive: Tensor
    """N bool."""
    label: Tensor
    """N class indices of the template."""
    mask: Tensor | None = None
    """N x 1 x S x S, 0..1: the pixels of the target; None unless masks are asked for."""
    masked: Tensor | None = None
    """N bool: whether that is known."""


class CropAugmentation(CompositeAugmentation):
    """Cut and change the crops of a batch; the same seed gives the same crops."""

    def __init__(
        self,
        config: AugmentationConfig,
        template_size: int,
        search_size: int,
        context: float,
        search_context: float,
        masks: bool = False,
    ) -> None:
        super().__init__(config)
        self.masks = masks
        self.template_size, self.search_size = template_size, search_size
        self.context, self.search_context = context, search_context

    @torch.no_grad()
    def __call__(self, pool: ViewPool, pairs: PairBatch) -> Crops:
        """Make the crops of the pairs on the device of the pool."""
        device = pool.device
        self._seed(pairs.seed)
        count, config = len(pairs.kind), self.config
        template = pool.images(pairs.template).float()
        search = pool.images(pairs.search).float()

        offset = self._uniform(count, 2) * config.translation
        scale = torch.exp(self._uniform(count) * math.log1p(config.scale))
        aspect = torch.exp(self._uniform(count) * config.aspect)
        angle = self._uniform(count) * math.radians(config.rotation)
        flip = self._signs(count, config.flip, pairs.coupled)
        size = pool.size[pairs.search.to(device)]
        self._displace(search, size, pool, pairs.search)
        self._accompany(search, size, pool, pairs.search)
        self._cover(search, size)
        unit = torch.ones(count)
        centre = torch.zeros(count, 2)
        # A background template looks at a corner, clear of the object in the middle.
        background = pairs.kind == KINDS.index('background')
        if background.any():
            corner = torch.where(self._rate(2 * count, 0.5), 1.0, -1.0).reshape(count, 2)
            centre = torch.where(background[:, None], corner * 0.6, centre)
        template = self._cut(
            template,
            self.template_size,
            self.context / VIEW_CONTEXT * unit,
            unit,
            0 * unit,
            flip,
            centre,
        )
        scale = self.search_context / VIEW_CONTEXT * scale
        centre = -offset / (self.search_size / 2) * scale[:, None]
        place = scale, aspect, angle, flip, centre
        search = self._cut(search, self.search_size, *place)
        mask, masked = None, None
        if self.masks:
            mask, masked = pool.masks(pairs.search)
            mask = self._cut(mask.float() / 255, self.search_size, *place)

        template, search = self._photometry(template, search, coupled=pairs.coupled)
        return Crops(
            template,
            search,
            offset.to(device),
            self._sizes(size, scale, aspect, angle),
            (pairs.kind == 0).to(device),
            pool.label[pairs.template.to(device)],
            mask,
            masked,
        )

    def _sizes(self, size: Tensor, scale: Tensor, aspect: Tensor, angle: Tensor) -> Tensor:
        """
        Compute the sides of targets in search crops, pixels.

        size: sides of the boxes over the side of the view. A rotated target is taken for an
        ellipse: it fills the box around it as most targets do, which a rectangle would exceed.
        """
        scale, stretch, cos, sin = (
            one.to(size.device)
            for one in (scale, aspect.sqrt(), torch.cos(angle), torch.sin(angle))
        )
        width, height = size.unbind(dim=1)
        sides = [
            torch.hypot(width * cos, height * sin) / stretch,
            torch.hypot(width * sin, height * cos) * stretch,
        ]
        return torch.stack(sides, dim=1) * (self.search_size / scale)[:, None]
