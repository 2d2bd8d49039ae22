# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""ResNet with dilated last stages, of total stride 8, as SiamRPN++ and SiamMask use it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import nn, Tensor

from .backbones import Backbone, init_fan_out, Taps
from .network import fold_norms


@dataclass(frozen=True)
class ResStage:
    """Residual blocks of the same width; the first one has the stride."""

    blocks: int
    channels: int
    """Of the output; the inner convolutions of a bottleneck have a quarter of them."""
    stride: int = 1
    dilation: int = 1


@dataclass(frozen=True)
class ResNetShape:
    """The stages of a `ResNet`, from which presets build one."""

    stages: tuple[ResStage, ...]
    stem: int = 64
    """Channels of the first convolution."""
    bottleneck: bool = False
    """Whether a block is 1x1, 3x3 and 1x1 convolutions (ResNet-50) instead of two of 3x3."""

    def build(self) -> ResNet:
        """Build the backbone, untrained, for gray images."""
        return ResNet(self)


class ResNet(Backbone):
    """
    ResNet (He et al., CVPR 2016) with the changes of SiamRPN++ (Li et al., CVPR 2019, section 3).

    Convolutions with a stride have no padding, so that features lie where their pixels do; the
    last stages are dilated instead of strided. Tap `conv1` is the stem before its pooling, taps
    `layer1`, `layer2`, ... are the stages; all after their ReLU.
    """

    def __init__(self, shape: ResNetShape, in_channels: int = 1) -> None:
        super().__init__()
        self.shape = shape
        self.names = ('conv1', *(f'layer{index + 1}' for index in range(len(shape.stages))))
        self.stride = 4
        stem = nn.Conv2d(in_channels, shape.stem, 7, 2, bias=False)
        self.stem = nn.Sequential(stem, nn.BatchNorm2d(shape.stem), nn.ReLU(inplace=True))
        self.stages = nn.ModuleList()
        inputs = shape.stem
        for stage in shape.stages:
            blocks = [_Block(inputs, stage, True, shape.bottleneck)]
            inputs = stage.channels
            blocks += [
                _Block(inputs, stage, False, shape.bottleneck) for _ in range(stage.blocks - 1)
            ]
            self.stages.append(nn.Sequential(*blocks))
            self.stride *= stage.stride
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init_fan_out(module)

    def channels(self, tap: str) -> int:
        """Count the channels of a tap; raises ValueError for a tap that does not exist."""
        index = self.tap_index(tap)
        return self.shape.stages[index - 1].channels if index else self.shape.stem

    def size(self, tap: str, input_size: int) -> int:
        """Side in cells of a tap for a square input of `input_size` pixels."""
        index = self.tap_index(tap)
        size = (input_size - 7) // 2 + 1
        if index:
            size = (size - 1) // 2 + 1
        for stage in self.shape.stages[:index]:
            size = (size - 3) // 2 + 1 if stage.stride == 2 else size
        return size

    def fold(self, taps: Collection[str]) -> None:
        """Fold all batch norms into convolutions; no tap lies between the two."""
        fold_norms(self)

    def forward(self, image: Tensor) -> Taps:
        """Compute all taps of `N x in_channels x S x S` images."""
        x = self.stem(image)
        taps = {'conv1': x}
        x = nn.functional.max_pool2d(x, 3, 2, 1)
        for name, stage in zip(self.names[1:], self.stages):
            x = stage(x)
            taps[name] = x
        return taps


class _Block(nn.Module):
    """Convolutions beside a shortcut."""

    def __init__(self, inputs: int, stage: ResStage, first: bool, bottleneck: bool) -> None:
        super().__init__()
        channels, stride = stage.channels, stage.stride if first else 1
        self.shortcut: nn.Module = nn.Identity()
        dilation = stage.dilation
        if first and (stride != 1 or inputs != channels):
            # The first block of a dilated stage sees half as far, its shortcut like it.
            dilation = max(stage.dilation // 2, 1)
            kernel = 1 if stride == stage.dilation == 1 else 3
            self.shortcut = nn.Sequential(*_conv(inputs, channels, kernel, stride, dilation))
        if bottleneck:
            inner = channels // 4
            self.body = nn.Sequential(
                *_conv(inputs, inner, 1),
                nn.ReLU(inplace=True),
                *_conv(inner, inner, 3, stride, dilation),
                nn.ReLU(inplace=True),
                *_conv(inner, channels, 1),
            )
        else:
            self.body = nn.Sequential(
                *_conv(inputs, channels, 3, stride, dilation),
                nn.ReLU(inplace=True),
                *_conv(channels, channels, 3, 1, stage.dilation),
            )

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.body(x) + self.shortcut(x))


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1
) -> list[nn.Module]:
    """Convolve with batch norm; padded to keep the size, but for a convolution with a stride."""
    padding = dilation * (kernel // 2) if stride == 1 else 0
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, bias=False),
        nn.BatchNorm2d(outputs),
    ]
