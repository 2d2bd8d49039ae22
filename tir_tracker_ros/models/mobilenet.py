# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""MobileNetV2 with dilated last stages, of total stride 8, as SiamRPN++ uses it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from torch import nn, Tensor

from .backbones import Backbone, init_fan_out, Taps
from .network import fold_norms

# Growth inside of a block, channels at width 1, blocks, stride, dilation.
_STAGES = (
    (1, 16, 1, 1, 1),
    (6, 24, 2, 2, 1),
    (6, 32, 3, 2, 1),
    (6, 64, 4, 1, 2),
    (6, 96, 3, 1, 2),
    (6, 160, 3, 1, 4),
    (6, 320, 1, 1, 4),
)
_STEM = 32


@dataclass(frozen=True)
class MobileNetShape:
    """The width of a `MobileNetV2`, from which presets build one."""

    width: float = 1.0
    """Factor on the channels, which are rounded down."""

    def build(self) -> MobileNetV2:
        """Build the backbone, untrained, for gray images."""
        return MobileNetV2(self.width)


class MobileNetV2(Backbone):
    """
    MobileNetV2 (Sandler et al., CVPR 2018) with the changes of SiamRPN++'s implementation.

    Convolutions with a stride have no padding, and the last stages are dilated instead of strided.
    Tap `layer0` is the first convolution, `layer1` to `layer7` are the stages of inverted
    residual blocks.
    """

    names = tuple(f'layer{index}' for index in range(len(_STAGES) + 1))
    stride = 8

    def __init__(self, width: float = 1.0, in_channels: int = 1) -> None:
        super().__init__()
        self._channels = [int(_STEM * width), *(int(stage[1] * width) for stage in _STAGES)]
        inputs = self._channels[0]
        self.stages = nn.ModuleList([nn.Sequential(*_conv(in_channels, inputs, 3, 2))])
        before = 1
        for (growth, _, count, stride, dilation), outputs in zip(_STAGES, self._channels[1:]):
            # The first block of a stage with a new dilation sees half as far.
            halved = dilation if dilation == before else max(dilation // 2, 1)
            blocks = [_Block(inputs, outputs, growth, stride, halved)]
            blocks += [_Block(outputs, outputs, growth, 1, dilation) for _ in range(count - 1)]
            self.stages.append(nn.Sequential(*blocks))
            inputs, before = outputs, dilation
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                init_fan_out(module)

    def channels(self, tap: str) -> int:
        """Count the channels of a tap; raises ValueError for a tap that does not exist."""
        return self._channels[self.tap_index(tap)]

    def size(self, tap: str, input_size: int) -> int:
        """Side in cells of a tap for a square input of `input_size` pixels."""
        size = (input_size - 3) // 2 + 1
        for stage in _STAGES[: self.tap_index(tap)]:
            size = (size - 3) // 2 + 1 if stage[3] == 2 else size
        return size

    def fold(self, taps: Collection[str]) -> None:
        """Fold all batch norms into convolutions; no tap lies between the two."""
        fold_norms(self)

    def forward(self, image: Tensor) -> Taps:
        """Compute all taps of `N x in_channels x S x S` images."""
        taps, x = {}, image
        for name, stage in zip(self.names, self.stages):
            x = stage(x)
            taps[name] = x
        return taps


class _Block(nn.Module):
    """Widen, convolve each channel for itself, and narrow again."""

    def __init__(self, inputs: int, outputs: int, growth: int, stride: int, dilation: int) -> None:
        super().__init__()
        inner = growth * inputs
        self.keeps = stride == 1 and inputs == outputs
        # Unlike other implementations, the block of stage 1, too, has a first convolution.
        self.body = nn.Sequential(
            *_conv(inputs, inner, 1),
            *_conv(inner, inner, 3, stride, dilation, groups=inner),
            *_conv(inner, outputs, 1)[:-1],
        )

    def forward(self, x: Tensor) -> Tensor:
        return x + self.body(x) if self.keeps else self.body(x)


def _conv(
    inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1, groups: int = 1
) -> list[nn.Module]:
    padding = dilation * (kernel // 2) if stride == 1 else 0
    return [
        nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation, groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU6(inplace=True),
    ]
