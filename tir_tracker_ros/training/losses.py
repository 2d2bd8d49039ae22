# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Losses on response maps, with labels that follow the target's place in the search crop."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import softplus


def cell_distances(size: int, stride: int, offset: Tensor) -> Tensor:
    """
    Distance of each cell of an `R x R` response from the target, in cells: `N x R x R`.

    `offset` is `N x 2`, x and y of the target in pixels from the centre of the search crop.
    """
    cells = torch.arange(size, device=offset.device, dtype=offset.dtype) - (size - 1) / 2
    dx = cells[None, None, :] - offset[:, 0, None, None] / stride
    dy = cells[None, :, None] - offset[:, 1, None, None] / stride
    return torch.sqrt(dx**2 + dy**2)


def inside(distance: Tensor) -> Tensor:
    """Tell for N maps of `cell_distances` whether the target lies in one of their cells."""
    # Half the diagonal of a cell.
    return distance.amin(dim=(1, 2)) <= 0.5**0.5


def logistic_loss(
    response: Tensor, distance: Tensor, positive: Tensor, radius: float, kind: str
) -> Tensor:
    """
    Logistic loss of responses `N x 1 x R x R`: mean over the batch.

    A cell is +1 within `radius` cells of the target of a positive pair, else -1. A pair whose
    target lies outside of the map counts as a negative one.
    `paper`: unweighted mean over the cells (MMNet, Eq. 2). `balanced`: both signs weigh one half
    of a positive pair, and a negative pair weighs one half (the released code). `hinge`: hinge
    loss over the positive cells and the hardest negative ones, three for each positive.
    """
    # Nearest cell always counts: with a small radius and an offset between cells none would.
    near = distance <= distance.amin(dim=(1, 2), keepdim=True).clamp(min=radius)
    target = near & (positive & inside(distance))[:, None, None]
    score = response[:, 0]
    sign = torch.where(target, 1.0, -1.0)
    if kind == 'hinge':
        return _hard_hinge(score * sign, target)
    cost = softplus(-sign * score)
    if kind == 'paper':
        return cost.mean()
    target_weight = 0.5 / target.sum(dim=(1, 2)).clamp(min=1)
    other_weight = 0.5 / (~target).sum(dim=(1, 2))
    weights = torch.where(target, target_weight[:, None, None], other_weight[:, None, None])
    return (cost * weights).sum(dim=(1, 2)).mean()


def _hard_hinge(margin: Tensor, target: Tensor) -> Tensor:
    cost = torch.relu(1 - margin).flatten(1)
    target = target.flatten(1)
    positives = target.sum(dim=1)
    hard = 3 * positives.clamp(min=4)
    ranked = cost.masked_fill(target, 0).sort(dim=1, descending=True).values
    ranks = torch.arange(cost.shape[1], device=cost.device)[None]
    negative_cost = (ranked * (ranks < hard[:, None])).sum(dim=1) / hard
    positive_cost = (cost * target).sum(dim=1) / positives.clamp(min=1)
    return (positive_cost + negative_cost).mean()


def softmax_loss(response: Tensor, distance: Tensor, positive: Tensor, sigma: float) -> Tensor:
    """
    Spatial softmax cross-entropy of the positive pairs against a Gaussian around the target.

    `response` is `N x 1 x R x R`; `sigma` in cells. Pairs whose target lies outside of the map are
    left out; 0 where none is left.
    """
    positive = positive & inside(distance)
    if not positive.any():
        return response.sum() * 0
    target = torch.exp(-(distance[positive] ** 2) / (2 * sigma**2)).flatten(1)
    target = target / target.sum(dim=1, keepdim=True).clamp(min=1e-9)
    return -(target * response[positive, 0].flatten(1).log_softmax(dim=1)).sum(dim=1).mean()
