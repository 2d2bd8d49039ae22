# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Backbones: each names its taps and tells their stride, channels and size."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn, Tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval

Taps = dict[str, Tensor]
"""Features by the name of their tap, `N x C x H x W`."""


class Backbone(nn.Module, ABC):
    """
    A network of features; called with `N x channels x S x S` images, it gives all its taps.

    `names` are the taps, from shallow to deep; `stride` is that of the deepest, in pixels.
    """

    names: tuple[str, ...]
    stride: int

    @abstractmethod
    def channels(self, tap: str) -> int:
        """Count the channels of a tap; raises ValueError for a tap that does not exist."""

    @abstractmethod
    def size(self, tap: str, input_size: int) -> int:
        """Side in cells of a tap for a square input of `input_size` pixels."""

    def activated(self, taps: Taps, tap: str) -> Tensor:
        """Compute the activation of a tap, which is the same before and after `fold`."""
        return taps[tap]

    @abstractmethod
    def fold(self, taps: Collection[str]) -> None:
        """Fold batch norms into convolutions, but for those that would change one of `taps`."""

    def tap_index(self, tap: str) -> int:
        """Look up the place of a tap in `names`; raises ValueError where it does not exist."""
        if tap not in self.names:
            raise ValueError(f"no tap '{tap}'; the taps are {', '.join(self.names)}")
        return self.names.index(tap)


@dataclass(frozen=True)
class ConvStage:
    """One stage: convolution, then batch norm and ReLU (`activate`), then max pooling (`pool`)."""

    channels: int
    kernel: int
    stride: int = 1
    groups: int = 1
    pool: tuple[int, int] | None = None
    """Kernel and stride of the max pooling after the stage."""
    activate: bool = True


@dataclass(frozen=True)
class AlexNetShape:
    """The stages of an `AlexNet`, from which presets build one."""

    stages: tuple[ConvStage, ...]
    normed: bool = False
    """Whether the taps are outputs of whole stages, see `AlexNet`."""

    def build(self) -> AlexNet:
        """Build the backbone, untrained, for gray images."""
        return AlexNet(self.stages, normed=self.normed)


class AlexNet(Backbone):
    """
    Convolution stages `conv1`, `conv2`, ... without any padding (MMNet, section 3; CFNet).

    A tap named `conv3` is the raw output of that convolution, before batch norm and ReLU, which is
    what the implementation of MMNet matches on. With `normed` it is the output of the whole stage,
    and the last stage has a batch norm, too: what the implementation of SiamRPN matches on.
    """

    def __init__(
        self, stages: tuple[ConvStage, ...], in_channels: int = 1, normed: bool = False
    ) -> None:
        super().__init__()
        self.stages, self.normed = stages, normed
        self.names = tuple(f'conv{index + 1}' for index in range(len(stages)))
        self.stride = 1
        self.convs, self.norms = nn.ModuleList(), nn.ModuleList()
        for stage in self.stages:
            conv = nn.Conv2d(
                in_channels, stage.channels, stage.kernel, stage.stride, groups=stage.groups
            )
            init_fan_out(conv)
            self.convs.append(conv)
            self.norms.append(
                nn.BatchNorm2d(stage.channels, momentum=0.05)
                if stage.activate or normed
                else nn.Identity()
            )
            in_channels = stage.channels
            self.stride *= stage.stride * (stage.pool[1] if stage.pool else 1)

    def channels(self, tap: str) -> int:
        """Count the channels of a tap; raises ValueError for a tap that does not exist."""
        return self.stages[self.tap_index(tap)].channels

    def size(self, tap: str, input_size: int) -> int:
        """Side in cells of a tap for a square input of `input_size` pixels."""
        size = input_size
        last = self.tap_index(tap)
        for index, stage in enumerate(self.stages[: last + 1]):
            size = (size - stage.kernel) // stage.stride + 1
            if stage.pool and (index < last or self.normed):
                size = (size - stage.pool[0]) // stage.pool[1] + 1
        return size

    def fold(self, taps: Collection[str]) -> None:
        """Fold batch norms into convolutions, but for those that would change one of `taps`."""
        for index, (name, norm) in enumerate(zip(self.names, self.norms)):
            if isinstance(norm, nn.BatchNorm2d) and (self.normed or name not in taps):
                self.convs[index] = fuse_conv_bn_eval(self.convs[index], norm)  # type: ignore[type-var]
                self.norms[index] = nn.Identity()

    def activated(self, taps: Taps, tap: str) -> Tensor:
        """Compute the activation of a tap, which is the same before and after `fold`."""
        raw, norm = taps[tap], self.norms[self.tap_index(tap)]
        if isinstance(norm, nn.BatchNorm2d) and not self.normed:
            # With the running statistics in a training, too, which has counted the batch already.
            statistics = norm.running_mean, norm.running_var
            raw = nn.functional.batch_norm(raw, *statistics, norm.weight, norm.bias, eps=norm.eps)
        return torch.relu(raw)

    def forward(self, image: Tensor) -> Taps:
        """Compute all taps of `N x in_channels x S x S` images."""
        taps = {}
        x = image
        for index, stage in enumerate(self.stages):
            raw = self.convs[index](x)
            taps[self.names[index]] = raw
            if index + 1 < len(self.stages) or self.normed:
                x = self.norms[index](raw)
                if stage.pool:
                    x = nn.functional.max_pool2d(x, *stage.pool)
                # After the pooling, which it commutes with, a quarter of the work is left. Not in
                # place: without norm and pooling this is the tap, which the caller gets.
                if stage.activate:
                    x = torch.relu(x)
                if self.normed:
                    taps[self.names[index]] = x
        return taps


def standardised(image: Tensor) -> Tensor:
    """Bring each of `N x 1 x H x W` images 0..1 to mean 0 and, but for a little, deviation 1."""
    # torch.std_mean takes four times as long on CPUs.
    centred = image - image.mean(dim=(1, 2, 3), keepdim=True)
    deviation = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
    # 4 grey levels keep an almost empty sky from being blown up to pure noise.
    return centred / (deviation + 4.0 / 255.0)


def init_fan_out(conv: nn.Conv2d) -> None:
    """He initialisation by fan-out, `sqrt(2 / (k k out))`, bias 0, as the released code does."""
    nn.init.normal_(
        conv.weight,
        std=(2.0 / (conv.kernel_size[0] * conv.kernel_size[1] * conv.out_channels)) ** 0.5,
    )
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
