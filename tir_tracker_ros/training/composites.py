# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Targets with other surroundings than they were recorded in: backgrounds and look-alikes."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .augmentation import Augmentation
from .views import NO_CLASS, ViewPool


class CompositeAugmentation(Augmentation):
    """
    Lay targets on other backgrounds, and look-alikes beside them.

    Targets are cut out with their masks, or as ellipses in their boxes where those are unknown.
    `views`, N x 1 x S x S, 0..255, are those at `index` of the pool, and are changed in place;
    `size`, N x 2, are width and height of their boxes over S.
    """

    def _displace(self, views: Tensor, size: Tensor, pool: ViewPool, index: Tensor) -> None:
        """
        Lay some targets on another part of their background.

        Texture from beside such a target takes its place in the background, which is then moved:
        so what surrounded the target is there without it.
        """
        chosen = self._chosen(len(index), self.config.displaced)
        count = len(chosen)
        if not count:
            return
        here, reach = views[chosen.to(views.device)], size[chosen.to(size.device)].cpu()
        background = self._moved(self._filled(here, reach), reach, 0.6, 1.5)
        masks, known = self._masks(pool, index[chosen])
        shape = torch.where(known, masks, _ellipse(here, torch.zeros_like(reach), reach))
        views[chosen.to(views.device)] = background + shape * (here - background)

    def _filled(self, views: Tensor, reach: Tensor) -> Tensor:
        """Lay texture from beside targets over them; reach: of their boxes over S, on the CPU."""
        place = _ellipse(views, torch.zeros_like(reach), 1.3 * reach)
        return views + place * (self._moved(views, reach, 1.2, 1.4) - views)

    def _moved(self, views: Tensor, reach: Tensor, least: float, most: float) -> Tensor:
        """Move views any way, by so many sides of their targets."""
        count = len(views)
        still = torch.ones(count), torch.ones(count), torch.zeros(count), torch.ones(count)
        angle = self._uniform(count, 1) * math.pi
        sides = least + (most - least) * torch.rand(count, 1, generator=self._random)
        way = torch.cat([angle.cos(), angle.sin()], dim=1) * sides * 2 * reach
        return self._cut(views, views.shape[-1], *still, way)

    def _accompany(self, views: Tensor, size: Tensor, pool: ViewPool, index: Tensor) -> None:
        """
        Lay the object of the pair before beside some targets, or partly over or under them.

        Only an object of the target's class or recording is laid there, about as large as the
        target. It comes to lie under a target whose mask is known half of the time, else over it,
        by less than half of its width.
        """
        chosen = self._chosen(len(index), self.config.neighbours)
        chosen = chosen[_alike(pool, index, index.roll(1))[chosen]]
        count, device = len(chosen), views.device
        if not count:
            return
        here, there = (views[one.to(device)] for one in (chosen, chosen - 1))
        own, other = (size[one.to(size.device)].cpu() for one in (chosen, chosen - 1))
        mask, known = self._masks(pool, index[chosen])
        shape, shape_known = self._masks(pool, index[chosen - 1])
        growth = torch.exp((own / other).log().mean(dim=1) + 0.25 * self._uniform(count))
        other = other * growth[:, None]
        under = known.cpu().flatten() & self._rate(count, 0.5)
        # How far apart the two lie, in half of the sum of their sides: 1 where they touch.
        apart = self._uniform(count, 2) * torch.tensor([1.3, 0.5])
        least = torch.where(under, 0.2, 0.55)
        apart[:, 0] = apart[:, 0].abs().maximum(least) * self._signs(count, 0.5, False)
        place = apart * (own + other)
        cut = (
            1 / growth,
            torch.ones(count),
            torch.zeros(count),
            self._signs(count, 0.5, False),
            -place / growth[:, None],
        )
        side = views.shape[-1]
        shape = torch.where(
            shape_known, self._cut(shape, side, *cut), _ellipse(here, place, other)
        )
        shape = shape * (1 - mask * under.to(device)[:, None, None, None])
        # Warm and cold are told from what surrounds both.
        level = here.mean(dim=(2, 3), keepdim=True) - there.mean(dim=(2, 3), keepdim=True)
        laid = (self._cut(there, side, *cut) + level).clamp(0, 255)
        views[chosen.to(device)] = here + shape * (laid - here)

    @staticmethod
    def _masks(pool: ViewPool, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return masks, 0..1, and N x 1 x 1 x 1 which are known."""
        masks, known = pool.masks(index)
        return masks.float() / 255, known[:, None, None, None]


def _alike(pool: ViewPool, index: Tensor, others: Tensor) -> Tensor:
    """Tell, on the CPU, which views show another object of the same class or recording."""

    def equal(column: Tensor) -> Tensor:
        return (column[index.to(column.device)] == column[others.to(column.device)]).cpu()

    classed = (pool.label[index.to(pool.device)] != NO_CLASS).cpu()
    return (equal(pool.label) & classed | equal(pool.video)) & ~equal(pool.track)


def _ellipse(like: Tensor, centre: Tensor, reach: Tensor) -> Tensor:
    """
    Draw N soft ellipses in images as those of `like`: 1 inside, 0 outside.

    centre, reach: N x 2, x and y of the middle and half of the sides, in -1..1 of the image.
    """
    side, device = like.shape[-1], like.device
    cells = (torch.arange(side, device=device) + 0.5) * (2 / side) - 1
    centre, reach = centre.to(device), reach.to(device)
    across, down = (
        ((cells - centre[:, axis, None]) / reach[:, axis, None]) ** 2 for axis in (0, 1)
    )
    inside = 1 - across[:, None, :] - down[:, :, None]
    return (2 * inside + 0.5).clamp(0, 1)[:, None]
