# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What every tracker's network looks like from outside: a template is made, then searched for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
import copy
from dataclasses import dataclass

import torch
from torch import nn, Tensor
from torch.nn.utils.fusion import fuse_conv_bn_eval

from .presets import Preset

Template = tuple[Tensor, ...]
"""All that a network keeps of its targets; the leading dimension of every tensor counts them."""


@dataclass
class Prediction:
    """What a network sees in search crops: N crops, K candidates in each of R x R cells."""

    scores: Tensor
    """`N x K x R x R`, log-odds that the target is there; K is 1 for matching."""
    boxes: Tensor | None = None
    """`N x K x 4 x R x R`, pixels of the crop: left, top, width, height; None without boxes."""
    features: Tensor | None = None
    """
    `N x C x H x W`: what a target model learns on; None unless `with_features` asked for it. The
    cells have the stride of the scores, and the middle of the map is that of the crop.
    """
    mask: Callable[[int, int, int], Tensor] | None = None
    """
    Of a crop, a row and a column of its scores: how likely, 0..1, each of the `T x T` pixels of
    the crop around that cell belongs to the target, with T the side of the template crop; None
    without masks.
    """
    rescore: Callable[[int, Template], Tensor] | None = None
    """
    Of a crop and the template of something else: its scores there, `K x R x R`, without looking
    at the crop again; None where that is not possible.
    """


class Network(nn.Module, ABC):
    """
    A tracker's network; crops are `N x 1 x S x S`, float, 0..1.

    S is `preset.template_size` for templates and `preset.search_size` for search crops, which may
    also be smaller by multiples of twice the stride.
    """

    preset: Preset
    stride: int
    """Pixels of the search crop from one cell of the scores to the next."""
    has_masks = False
    """Whether predictions have a way to a mask."""
    _features = False

    @property
    def name(self) -> str:
        """Name of the preset."""
        return self.preset.name

    @property
    def has_features(self) -> bool:
        """Whether there are features for a target model, see `with_features`."""
        return bool(self.preset.features)

    @property
    def dtype(self) -> torch.dtype:
        """Type that features are computed in."""
        return next(self.parameters()).dtype

    @abstractmethod
    def template(self, crops: Tensor) -> Template:
        """Make the templates of N crops."""

    @abstractmethod
    def search(self, crops: Tensor, template: Template) -> Prediction:
        """Search N crops, each for its own template, or all for one."""

    @abstractmethod
    def cells(self, search_size: int) -> int:
        """Count the cells R along a side of the scores for search crops of `search_size`."""

    def classify(self, crops: Tensor) -> Tensor | None:
        """Compute class scores `N x classes` of template crops; None without a class head."""
        return None

    def inspect(self, template: Tensor, search: Tensor) -> dict[str, Tensor]:
        """Compute maps `H x W` of one pair of crops for people to look at, by their names."""
        return {'response': self.search(search, self.template(template)).scores[0].amax(dim=0)}

    def with_raw_maps(self) -> Network:
        """Return a copy, of the same weights, whose scores come before gain and bias."""
        raise ValueError(f"the model '{self.name}' has no maps but its scores: raw_maps")

    def with_features(self) -> Network:
        """
        Return a copy, of the same weights, that gives features with every prediction.

        Raises ValueError for a network without features that a target model learns on.
        """
        if not self.preset.features:
            raise ValueError(f"the model '{self.name}' has no features to learn on: target_model")
        network = copy.copy(self)
        network._features = True
        return network

    @abstractmethod
    def fold(self) -> None:
        """Fold batch norms into convolutions where that changes no answer; for inference only."""

    @abstractmethod
    def use_precision(self, precision: torch.dtype) -> None:
        """Compute features in another type; filters and scores stay in float32."""


def fold_norms(module: nn.Module) -> None:
    """Fold each batch norm that follows a convolution in an `nn.Sequential` into it."""
    for sequence in module.modules():
        if not isinstance(sequence, nn.Sequential):
            continue
        for index, (conv, norm) in enumerate(zip(list(sequence), list(sequence)[1:])):
            if isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                sequence[index] = fuse_conv_bn_eval(conv, norm)
                sequence[index + 1] = nn.Identity()
