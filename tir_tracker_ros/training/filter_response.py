# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The target model as a part of a training: its response, differentiable in the features."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, fold, unfold

from ..tracking.target_model import (
    BACKGROUND,
    CHANNELS,
    interpolation,
    SIGMA,
    TAPS,
    TargetModel,
)


def filter_response(
    model: TargetModel, first: Tensor, place: Tensor, second: Tensor, cells: int
) -> Tensor:
    """
    Learn a filter from each of N search crops, and apply it to another crop.

    first, second: features `N x C x H x W` of the crops that are learned and of those that are
    searched. place: `N x 2`, where the target lies in the former, x and y in cells of the features
    from the middle. cells: along a side of the response.

    The responses `N x 1 x cells x cells` are those that `TargetModel.start` and `respond` compute
    for one view, in float32. Their gradient goes through the solution to the features of both
    crops, but not through the choice of the principal channels, whose derivative is without bound
    where two of them are alike.
    """
    with torch.autocast(first.device.type, enabled=False):
        learned, searched = (_cut(model, one.float(), cells) for one in (first, second))
        mean = learned.mean(dim=(2, 3), keepdim=True)
        learned, searched = learned - mean, searched - mean
        channels = _principal_channels(learned)
        maps = _projected(learned, channels)
        scale = maps.square().mean(dim=(1, 2, 3), keepdim=True).clamp(min=1e-12).sqrt()
        label = _label(maps.shape[-1] - TAPS + 1, place / model.pooled)
        weights = _solved(maps / scale, label, model.ridge)
        # Kernels on all channels cost less than the projection of what is searched.
        response = _filtered(weights / scale[:, 0] @ channels, searched)
        matrix = interpolation(response.shape[-1], cells, 1 / model.pooled)
        along = torch.from_numpy(matrix).to(response)
        return (along @ response @ along.T)[:, None]


def _cut(model: TargetModel, features: Tensor, cells: int) -> Tensor:
    """Average features over blocks, and cut out what `cells` of a response are seen from."""
    part = model.part(features.shape[-1], cells)
    cut = features[..., part, part]
    return avg_pool2d(cut, model.pooled) if model.pooled > 1 else cut


@torch.no_grad()
def _principal_channels(centred: Tensor) -> Tensor:
    """Compute the principal channels of `N x C x n x n`, as the rows of `N x D x C`."""
    flat = centred.flatten(2)
    vectors = torch.linalg.eigh(flat @ flat.transpose(1, 2)).eigenvectors
    return vectors[:, :, -CHANNELS:].transpose(1, 2)


def _projected(maps: Tensor, channels: Tensor) -> Tensor:
    return (channels @ maps.flatten(2)).unflatten(2, maps.shape[2:])


def _label(side: int, place: Tensor) -> Tensor:
    """Make the labels `N x side x side` of targets at places `N x 2`, cells from the middle."""
    offset = torch.arange(side, device=place.device) - (side - 1) / 2
    x, y = torch.exp(-0.5 * ((offset - place[:, :, None]) / SIGMA) ** 2).unbind(dim=1)
    return y[:, :, None] * x[:, None, :]


def _filtered(weights: Tensor, maps: Tensor) -> Tensor:
    """Apply filters `N x 16 x D` in each place of `N x D x n x n`; returns `N x m x m`."""
    # All places are multiplied with each tap, and the products shifted and summed up by `fold`,
    # which shifts the other way.
    side, edge = maps.shape[-1], TAPS - 1
    products = weights.flip(1) @ maps.flatten(2)
    return fold(products, (side + edge, side + edge), TAPS)[:, 0, edge:-edge, edge:-edge]


def _correlated(maps: Tensor, places: Tensor) -> Tensor:
    """Sum the patches of `N x D x n x n` with a weight for each of `N x m x m`; `N x 16 x D`."""
    spread = unfold(places[:, None], TAPS, padding=TAPS - 1).flip(1)
    return spread @ maps.flatten(2).transpose(1, 2)


def _solved(maps: Tensor, label: Tensor, ridge: float) -> Tensor:
    """
    Solve for the filters `N x 16 x D` of maps `N x D x n x n` and labels `N x m x m`.

    The solution is found without a gradient. One step of its refinement with the same factors,
    which changes nothing but rounding errors, then has the gradient of the solution, at the price
    of products with vectors.
    """
    count, channels = maps.shape[:2]
    weight = BACKGROUND + label
    right = _correlated(maps, weight * label)

    with torch.no_grad():
        patches = unfold(maps, TAPS).mul_(weight.sqrt().flatten(1)[:, None])
        matrix = patches @ patches.transpose(1, 2)
        matrix.diagonal(dim1=1, dim2=2).add_(ridge)
        factor = torch.linalg.cholesky_ex(matrix).L

    def solved(vectors: Tensor) -> Tensor:
        # `unfold` counts the taps of a channel first, and then the channels.
        columns = vectors.transpose(1, 2).reshape(count, -1, 1)
        found = torch.cholesky_solve(columns, factor)
        return found.reshape(count, channels, TAPS * TAPS).transpose(1, 2)

    found = solved(right.detach())
    residual = right - _correlated(maps, weight * _filtered(found, maps)) - ridge * found
    return found + solved(residual)
