# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Batched geometry and thermal photometry of training images, on the model's device."""

from __future__ import annotations

import torch
from torch import Tensor

from .config import AugmentationConfig


class Augmentation:
    """Ways to cut and change batches of images, by chance and yet repeatable."""

    def __init__(self, config: AugmentationConfig) -> None:
        self.config = config

    def _seed(self, seed: int) -> None:
        # One generator on the CPU: the same numbers whatever the device.
        self._random = torch.Generator().manual_seed(seed)

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
        # As affine_grid, which takes as long as the sampling itself on CPUs.
        cells = (torch.arange(size, device=views.device) + 0.5) * (2 / size) - 1
        grid = torch.empty(len(views), size, size, 2, device=views.device)
        for axis in (0, 1):
            of_x, of_y, constant = theta[:, axis, :, None].unbind(dim=1)
            torch.add(
                (of_x * cells)[:, None, :],
                (of_y * cells + constant)[:, :, None],
                out=grid[..., axis],
            )
        return torch.nn.functional.grid_sample(
            views, grid, padding_mode='border', align_corners=False
        )

    def _cover(self, search: Tensor, size: Tensor) -> None:
        """Lay a piece of another view over a part of some targets; size: of boxes, shares."""
        chosen = self._chosen(len(search), self.config.occlusion)
        count, side, device = len(chosen), search.shape[-1], search.device
        size = size[chosen.to(device)] * side
        reach = (torch.rand(count, 2, generator=self._random).to(device) * 0.4 + 0.2) * size
        centre = side / 2 + self._uniform(count, 2).to(device) * size / 2
        cells = torch.arange(side, device=device, dtype=torch.float32)
        inside = [
            (cells[None] - centre[:, axis, None]).abs() < reach[:, axis, None] / 2
            for axis in (0, 1)
        ]
        mask = inside[1][:, :, None] & inside[0][:, None, :]
        chosen = chosen.to(device)
        others = search[chosen - 1].roll(side // 5, dims=3)
        search[chosen] = torch.where(mask[:, None], others, search[chosen])

    def _photometry(self, *crops: Tensor, coupled: bool = False) -> list[Tensor]:
        """
        Change how the camera sees N pairs: its polarity for both alike, all else for each.

        Takes crops of 0..255 and gives crops of 0..1.
        """
        sign = self._signs(len(crops[0]), self.config.polarity, coupled)
        return [self._sensor(crop, sign) for crop in crops]

    def _sensor(self, crop: Tensor, sign: Tensor) -> Tensor:
        config, count, device = self.config, len(crop), crop.device

        def column(values: Tensor) -> Tensor:
            return values.to(device)[:, None, None, None]

        blurred = self._chosen(count, config.blur).to(device)
        if len(blurred):
            crop[blurred] = torch.nn.functional.avg_pool2d(
                crop[blurred], 3, 1, 1, count_include_pad=False
            )
        # Contrast changes around the mean: gain * (crop - mean) + mean + offset, black-hot crops
        # are 1 - crop.
        gain = column(sign * torch.exp(self._uniform(count) * config.gain))
        offset = column(self._uniform(count) * config.offset)
        mean = crop.mean(dim=(1, 2, 3), keepdim=True) / 255
        seen = torch.where(column(sign) < 0, 1 - mean, mean)
        crop = crop.mul_(gain / 255).add_(seen - gain * mean + offset)
        amount = column(torch.rand(count, generator=self._random) ** 2 * config.noise)
        # Large noise fields are drawn on the device, seeded from the same stream.
        local = torch.Generator(device).manual_seed(
            int(torch.randint(2**31, (1,), generator=self._random))
        )
        crop.addcmul_(amount, torch.randn(crop.shape, generator=local, device=device))
        stripes = torch.randn(count, 1, 1, crop.shape[-1], generator=local, device=device)
        amount = column(torch.rand(count, generator=self._random) ** 2 * config.fixed_pattern)
        return crop.add_(amount * stripes).clamp_(0, 1)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self._random) * 2 - 1

    def _rate(self, count: int, rate: float) -> Tensor:
        return torch.rand(count, generator=self._random) < rate

    def _chosen(self, count: int, rate: float) -> Tensor:
        """Draw indices of 0..count - 1, each at a rate."""
        return torch.nonzero(self._rate(count, rate)).flatten()

    def _signs(self, count: int, rate: float, coupled: bool) -> Tensor:
        """Draw -1 at a rate, else 1; `coupled`: alike for both halves."""
        if coupled:
            return self._signs(count // 2, rate, False).repeat(2)
        return torch.where(self._rate(count, rate), -1.0, 1.0)
