# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From views to training crops: batched geometry and thermal photometry on the model's device."""

from __future__ import annotations

from dataclasses import dataclass
import math

import torch
from torch import Tensor

from .config import AugmentationConfig, BoxErrorConfig
from .sampling import KINDS, PairBatch
from .views import VIEW_CONTEXT, VIEW_SIZE, ViewPool

_MIDDLE = 256
"""Side of the part of a view, pixels, that windows around boxes are cut from."""


@dataclass
class Crops:
    """Network inputs of N pairs."""

    template: Tensor
    """N x 1 x T x T, 0..1."""
    search: Tensor
    """N x 1 x S x S, 0..1."""
    offset: Tensor
    """N x 2: where the target lies, x and y in search pixels from the centre."""
    positive: Tensor
    """N bool."""
    label: Tensor
    """N class indices of the template."""


@dataclass
class BoxWindows:
    """What surrounds N boxes, and by how much they miss."""

    reference: Tensor
    """N x 1 x S x S, 0..1: around a box that is right."""
    current: Tensor
    """N x 1 x S x S, 0..1: around one that is not."""
    offset: Tensor
    """N x 4: what it lacks, in units of its own sides: x, y, and the logarithms of w and h."""


class Augmentation:
    """Cut and change the crops of a batch; the same seed gives the same crops."""

    def __init__(
        self,
        config: AugmentationConfig,
        template_size: int,
        search_size: int,
        context: float,
        search_context: float,
    ) -> None:
        self.config = config
        self.template_size, self.search_size = template_size, search_size
        self.context, self.search_context = context, search_context

    @torch.no_grad()
    def __call__(self, pool: ViewPool, pairs: PairBatch) -> Crops:
        """Make the crops of the pairs on the device of the pool."""
        device = pool.pixels.device
        # One generator on the CPU: the same numbers whatever the device.
        self._random = torch.Generator().manual_seed(pairs.seed)
        count, config = len(pairs.kind), self.config
        template = pool.pixels[pairs.template.to(device)][:, None].float() / 255
        search = pool.pixels[pairs.search.to(device)][:, None].float() / 255
        size = pool.size[pairs.search.to(device)]

        offset = self._uniform(count, 2) * config.translation
        scale = torch.exp(self._uniform(count) * math.log1p(config.scale))
        aspect = torch.exp(self._uniform(count) * config.aspect)
        angle = self._uniform(count) * math.radians(config.rotation)
        flip = torch.where(self._rate(count, config.flip), -1.0, 1.0)
        if (covered := self._rate(count, config.occlusion)).any():
            search = self._cover(search, size, covered.to(device))
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
        search = self._cut(
            search,
            self.search_size,
            self.search_context / VIEW_CONTEXT * scale,
            aspect,
            angle,
            flip,
            -offset
            / (self.search_size / 2)
            * (self.search_context / VIEW_CONTEXT * scale)[:, None],
        )

        inverse = self._rate(count, config.polarity).to(device)[:, None, None, None]
        template, search = (torch.where(inverse, 1 - crop, crop) for crop in (template, search))
        return Crops(
            self._photometry(template),
            self._photometry(search),
            offset.to(device),
            (pairs.kind == 0).to(device),
            pool.label[pairs.template.to(device)],
        )

    def _cut(
        self,
        views: Tensor,
        size: int,
        scale: Tensor,
        aspect: Tensor,
        angle: Tensor,
        flip: Tensor,
        centre: Tensor,
    ) -> Tensor:
        """
        Cut `size` pixel squares out of views.

        scale: side of the square over the view's. aspect: stretch of x over y. angle: radians.
        centre: of the square, in -1..1 of the view, in the axes of the square.
        """
        cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
        stretch = aspect.sqrt()
        linear = torch.stack(
            [
                torch.stack([cos * stretch * flip, -sin / stretch * flip], dim=1),
                torch.stack([sin * stretch, cos / stretch], dim=1),
            ],
            dim=1,
        )
        # The centre is given in the square's axes: bring it to the view's.
        relative = centre / scale[:, None]
        shift = linear @ relative[:, :, None]
        theta = torch.cat([linear, shift], dim=2).to(views.device)
        grid = torch.nn.functional.affine_grid(
            theta, [len(views), 1, size, size], align_corners=False
        )
        return torch.nn.functional.grid_sample(
            views, grid, padding_mode='border', align_corners=False
        )

    def _cover(self, search: Tensor, size: Tensor, covered: Tensor) -> Tensor:
        """Lay a piece of another view over a part of the target."""
        count = len(search)
        device = search.device
        side = search.shape[-1]
        reach = (torch.rand(count, 2, generator=self._random).to(device) * 0.4 + 0.2) * size
        centre = side / 2 + self._uniform(count, 2).to(device) * size / 2
        cells = torch.arange(side, device=device, dtype=torch.float32)
        inside = [
            (cells[None] - centre[:, axis, None]).abs() < reach[:, axis, None] / 2
            for axis in (0, 1)
        ]
        mask = (inside[1][:, :, None] & inside[0][:, None, :]) & covered[:, None, None]
        return torch.where(mask[:, None], search.roll(1, dims=0).roll(97, dims=3), search)

    def _photometry(self, crop: Tensor) -> Tensor:
        config, count, device = self.config, len(crop), crop.device

        def column(values: Tensor) -> Tensor:
            return values.to(device)[:, None, None, None]

        blurred = torch.nn.functional.avg_pool2d(crop, 3, 1, 1, count_include_pad=False)
        crop = torch.where(column(self._rate(count, config.blur)), blurred, crop)
        mean = crop.mean(dim=(1, 2, 3), keepdim=True)
        crop = (crop - mean) * column(torch.exp(self._uniform(count) * config.gain)) + mean
        crop = crop + column(self._uniform(count) * config.offset)
        amount = column(torch.rand(count, generator=self._random) ** 2 * config.noise)
        # Large noise fields are drawn on the device, seeded from the same stream.
        local = torch.Generator(device).manual_seed(
            int(torch.randint(2**31, (1,), generator=self._random))
        )
        crop = crop + amount * torch.randn(crop.shape, generator=local, device=device)
        stripes = torch.randn(count, 1, 1, crop.shape[-1], generator=local, device=device)
        amount = column(torch.rand(count, generator=self._random) ** 2 * config.fixed_pattern)
        return (crop + amount * stripes).clamp(0, 1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._random) * 2 - 1

    def _rate(self, count: int, rate: float) -> Tensor:
        return torch.rand(count, generator=self._random) < rate


class BoxAugmentation(Augmentation):
    """Cut the windows around right and wrong boxes; the same seed gives the same windows."""

    def __init__(
        self, config: AugmentationConfig, errors: BoxErrorConfig, size: int, context: float
    ) -> None:
        super().__init__(config, size, size, context, context)
        self.errors = errors

    @torch.no_grad()
    def windows(self, pool: ViewPool, pairs: PairBatch) -> BoxWindows:
        """Make the windows of the pairs on the device of the pool."""
        device = pool.pixels.device
        self._random = torch.Generator().manual_seed(pairs.seed)
        count, config, errors = len(pairs.kind), self.config, self.errors
        # No window reaches beyond the middle of a view: a quarter of the work.
        middle = slice(VIEW_SIZE // 2 - _MIDDLE // 2, VIEW_SIZE // 2 + _MIDDLE // 2)
        views, sides = [], []
        for index in (pairs.template.to(device), pairs.search.to(device)):
            views.append(pool.pixels[index, middle, middle][:, None].float() / 255)
            sides.append(pool.size[index].float())
        if (covered := self._rate(count, config.occlusion)).any():
            views[1] = self._cover(views[1], sides[1], covered.to(device))
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
            scale = self.context * box.prod(dim=1).sqrt() / _MIDDLE
            crops.append(
                self._cut(
                    view,
                    self.template_size,
                    scale,
                    box[:, 0] / box[:, 1],
                    torch.zeros(count),
                    flip,
                    -place * 2 / self.context * scale[:, None],
                )
            )
        inverse = self._rate(count, config.polarity).to(device)[:, None, None, None]
        reference, current = (
            self._photometry(torch.where(inverse, 1 - crop, crop)) for crop in crops
        )
        return BoxWindows(reference, current, torch.cat([miss, -wrong], dim=1).to(device))

    def _normal(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self._random)
