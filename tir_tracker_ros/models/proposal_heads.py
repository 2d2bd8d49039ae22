# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Heads of the proposal family: correlations of learned features that give several maps."""

from __future__ import annotations

import torch
from torch import nn, Tensor

from .correlation import correlate_each_channel, correlate_up_channels


class DepthwiseMatch(nn.Module):
    """Correlate each channel for itself, then mix the channels (SiamRPN++, section 3.4)."""

    def __init__(self, channels: int, outputs: int) -> None:
        super().__init__()
        self.template, self.search = _features(channels), _features(channels)
        self.output = nn.Sequential(
            nn.Conv2d(channels, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, outputs, 1),
        )

    def kernel(self, features: Tensor) -> Tensor:
        """Make the kernel `N x C x h-2 x w-2` of template features, float32."""
        return _wide(self.template(features))

    def correlate(self, features: Tensor, kernel: Tensor) -> Tensor:
        """Compare search features with kernels; `N x C x R x R`."""
        return correlate_each_channel(_wide(self.search(features)), kernel)

    def forward(self, features: Tensor, kernel: Tensor) -> Tensor:
        """Compute the maps `N x outputs x R x R`."""
        return self.output(self.correlate(features, kernel))


class UpChannelMatch(nn.Module):
    """Make a kernel for each output of the template (SiamRPN, Li et al., CVPR 2018)."""

    def __init__(self, channels: int, outputs: int, adjust: bool = False) -> None:
        super().__init__()
        self.template = nn.Conv2d(channels, channels * outputs, 3)
        self.search = nn.Conv2d(channels, channels, 3)
        self.output = nn.Conv2d(outputs, outputs, 1) if adjust else nn.Identity()

    def kernel(self, features: Tensor) -> Tensor:
        """Make the kernels `N x (outputs C) x h-2 x w-2` of template features, float32."""
        return _wide(self.template(features))

    def forward(self, features: Tensor, kernel: Tensor) -> Tensor:
        """Compute the maps `N x outputs x R x R`."""
        return self.output(correlate_up_channels(_wide(self.search(features)), kernel))


class ProposalHead(nn.Module):
    """
    Scores and offsets of K anchors at one level of features.

    The papers give two outputs for each anchor, background and target, to a softmax; here is
    their difference alone, which is the log-odds.
    """

    scores: DepthwiseMatch | UpChannelMatch
    offsets: DepthwiseMatch | UpChannelMatch

    def __init__(self, match: str, channels: int, anchors: int) -> None:
        super().__init__()
        if match == 'depthwise':
            self.scores = DepthwiseMatch(channels, anchors)
            self.offsets = DepthwiseMatch(channels, 4 * anchors)
        else:
            self.scores = UpChannelMatch(channels, anchors)
            self.offsets = UpChannelMatch(channels, 4 * anchors, adjust=True)


class LevelSum(nn.Module):
    """The weighted sum of the maps of all levels (SiamRPN++, section 3.3), or their mean."""

    def __init__(self, levels: int, weighted: bool) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.ones(levels)) if weighted else None

    def forward(self, maps: list[Tensor]) -> Tensor:
        """Add maps of one shape."""
        if self.weights is None:
            return torch.stack(maps).mean(dim=0)
        shares = self.weights.softmax(dim=0)
        return sum(share * one for share, one in zip(shares, maps))  # type: ignore[return-value]


def _features(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(channels, channels, 3, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


def _wide(values: Tensor) -> Tensor:
    """Compute in float32 from here on what came in a shorter type."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
