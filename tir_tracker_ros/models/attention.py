# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Gates, transformers and contexts on feature maps: the attention of the matching family."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn, Tensor

from .backbones import init_fan_out


class PixelContext(nn.Module):
    """
    Pixel-level correlation (MMNet, Eq. 7 and 8): every cell gathers from the cells like it.

    `s_ij = softmax_j(q_i . k_j)`, `P_i = x_i + delta sum_j s_ij v_j`.

    The paper's Eq. 8 as printed sums over i and j, which would give one vector for the whole map;
    as its text says "similar to the non-local network", only j is summed here. The released code
    normalises over a dimension of length one, so its weights are all 1 and its queries and keys
    get no gradient; this follows the paper. `delta` is the paper's learned scalar (it starts at 0,
    so that the module starts as the identity; the paper gives no value), where the code has a 1x1
    convolution.
    """

    def __init__(self, channels: int, key_stride: int = 1) -> None:
        """
        Fix the width.

        key_stride: pool keys and values by this factor (1 is the paper; 2 is a quarter of the
        products, the usual sub-sampling of non-local networks).
        """
        super().__init__()
        self.key_stride = key_stride
        self.query, self.key, self.value = (_projection(channels) for _ in range(3))
        self.delta = nn.Parameter(torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Map `N x C x H x W` to the same shape."""
        query, key, value = self.query(x), self.key(x), self.value(x)
        if self.key_stride > 1:
            key, value = (nn.functional.max_pool2d(one, self.key_stride) for one in (key, value))
        # One head, named as such: without that dimension CPUs take a path three times as slow.
        query, key, value = (
            one.flatten(2).transpose(1, 2).unsqueeze(1) for one in (query, key, value)
        )
        # scale=1: the paper has no 1/sqrt(d).
        gathered = nn.functional.scaled_dot_product_attention(query, key, value, scale=1.0)
        return x + self.delta * gathered[:, 0].transpose(1, 2).reshape(x.shape)


class SummedContext(nn.Module):
    """
    What MMNet's released code computes in the place of `PixelContext`.

    Its softmax runs over a dimension of length one, so every cell gathers from all cells alike:
    `P_i = x_i + W sum_j v_j + b`, with a 1x1 convolution for the paper's factor `delta`. Queries
    and keys have no effect and are left out. The sum is that over as many cells as the map had in
    training, whatever the size of the search crop.
    """

    def __init__(self, channels: int, cells: int) -> None:
        """Fix the width, and the number of cells that the sum is taken over."""
        super().__init__()
        self.cells = cells
        self.value = _projection(channels)
        self.out = nn.Conv2d(channels, channels, 1)
        init_fan_out(self.out)

    def forward(self, x: Tensor) -> Tensor:
        """Map `N x C x H x W` to the same shape."""
        # Low precision would lose most of what each cell adds to a sum over thousands.
        mean = self.value(x).float().mean(dim=(2, 3), keepdim=True)
        return x + self.out((self.cells * mean).to(x.dtype))


class HolisticGate(nn.Module):
    """
    Holistic correlation (MMNet, Eq. 5 and 6): an encoder and decoder give one spatial gate, 0..1.

    Two convolutions (7x7 stride 2, 5x5) reduce the map, two transposed ones bring it back. The
    released code starts all weights at 1e-9, a nearly dead saddle; here the last layer starts at
    zero, so that the gate starts at 0.5 everywhere and the gradient flows.
    """

    def __init__(self, channels: int, reduction: int = 4) -> None:
        super().__init__()
        hidden = channels // reduction
        self.encode1 = nn.Conv2d(channels, hidden, 7, stride=2)
        self.encode2 = nn.Conv2d(hidden, 1, 5)
        self.decode1 = nn.ConvTranspose2d(1, 1, 5)
        self.decode2 = nn.ConvTranspose2d(1, 1, 7, stride=2)
        for conv in (self.encode1, self.encode2):
            init_fan_out(conv)
        # One input and one output channel: a positive start keeps the ReLU before it alive.
        nn.init.constant_(self.decode1.weight, 1 / 25)
        if self.encode2.bias is not None:
            nn.init.constant_(self.encode2.bias, 0.1)
        nn.init.zeros_(self.decode2.weight)
        for decode in (self.decode1, self.decode2):
            if decode.bias is not None:
                nn.init.zeros_(decode.bias)

    def gate(self, x: Tensor) -> Tensor:
        """Compute the gate `N x 1 x H x W`, 0..1, of `N x C x H x W` features."""
        reduced = torch.relu(self.encode2(torch.relu(self.encode1(x))))
        # An even side loses its last row to the stride; output_size brings it back.
        return torch.sigmoid(
            self.decode2(torch.relu(self.decode1(reduced)), output_size=x.shape[-2:])
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map `N x C x H x W` to the same shape."""
        return x * self.gate(x)


class FANet(nn.Module):
    """
    Fine-grained aware network (MMNet, Fig. 2 and Eq. 9): both correlations, side by side, fused.

    `in_channels` are first reduced to `channels` by a 1x1 convolution, as in the released code.
    Either correlation can be left out (the ablation of the paper's Table 1).
    """

    def __init__(
        self,
        in_channels: int,
        channels: int = 64,
        pixel: bool = True,
        holistic: bool = True,
        key_stride: int = 1,
        summed_cells: int = 0,
    ) -> None:
        """
        Fix the parts.

        summed_cells: other than 0, the pixel-level correlation is that of the released code, a sum
        over so many cells.
        """
        super().__init__()
        if not (pixel or holistic):
            raise ValueError('FANet needs the pixel-level or the holistic correlation')
        self.reduce = nn.Conv2d(in_channels, channels, 1)
        self.pixel: nn.Module | None = None
        if pixel:
            self.pixel = (
                SummedContext(channels, summed_cells)
                if summed_cells
                else PixelContext(channels, key_stride)
            )
        self.holistic = HolisticGate(channels) if holistic else None
        self.fuse = nn.Conv2d(channels * (pixel + holistic), channels, 1)
        init_fan_out(self.reduce)
        init_fan_out(self.fuse)

    def forward(self, features: Tensor) -> Tensor:
        """Map `N x in_channels x H x W` to `N x channels x H x W`."""
        x = self.reduce(features)
        parts = [part(x) for part in (self.holistic, self.pixel) if part is not None]
        return self.fuse(torch.cat(parts, dim=1))


class ChannelGate(nn.Module):
    """
    Weigh channels by what they hold over the whole map: `x * sigmoid(mlp(mean) [+ mlp(max)])`.

    Without `maximum` it is the squeeze-and-excitation gate of HSSNet, with it the semantic gate
    of MLSSNet; the mlp is shared. Both released codes start it at 1e-8, a dead saddle; here it
    starts by fan-out.
    """

    def __init__(self, channels: int, hidden: int, maximum: bool = True) -> None:
        super().__init__()
        self.maximum = maximum
        self.mlp = nn.Sequential(
            nn.Conv2d(channels, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, channels, 1)
        )
        for index in (0, 2):
            init_fan_out(self.mlp[index])  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Map `N x C x H x W` to the same shape."""
        logits = self.mlp(x.mean(dim=(2, 3), keepdim=True))
        if self.maximum:
            logits = logits + self.mlp(x.amax(dim=(2, 3), keepdim=True))
        return x * torch.sigmoid(logits)


class SpatialTransformer(nn.Module):
    """
    Bring the target into one pose: an affine map, told by a small network, resamples the features.

    Jaderberg et al. (NeurIPS 2015), as HSSNet applies it to its template; starts as the identity.
    """

    def __init__(
        self, channels: int, size: int, stages: Sequence[tuple[int, int]], hidden: int = 20
    ) -> None:
        """
        Fix the network that tells the map.

        size: side of the features, cells. stages: max pooling and kernel of each convolution; one
        more convolution covers what is left.
        """
        super().__init__()
        self.size = size
        layers: list[nn.Module] = []
        width = channels
        for pool, kernel in stages:
            layers += [nn.MaxPool2d(pool), nn.Conv2d(width, hidden, kernel), nn.ReLU()]
            size = size // pool - kernel + 1
            width = hidden
        if size < 1:
            raise ValueError(f'the stages {tuple(stages)} leave nothing of the features')
        layers += [nn.Conv2d(width, 50, size), nn.ReLU()]
        for layer in layers:
            if isinstance(layer, nn.Conv2d):
                init_fan_out(layer)
        self.localiser = nn.Sequential(*layers)
        self.theta = nn.Conv2d(50, 6, 1)
        nn.init.zeros_(self.theta.weight)
        with torch.no_grad():
            self.theta.bias.copy_(torch.tensor([1.0, 0.0, 0.0, 0.0, 1.0, 0.0]))  # type: ignore[union-attr]

    def forward(self, x: Tensor) -> Tensor:
        """Map `N x C x H x W` to the same shape."""
        # A grid in low precision would misplace cells by a good part of one.
        theta = self.theta(self.localiser(x)).float().reshape(-1, 2, 3)
        grid = nn.functional.affine_grid(theta, list(x.shape), align_corners=False)
        return nn.functional.grid_sample(x.float(), grid, align_corners=False).to(x.dtype)


def _projection(channels: int) -> nn.Sequential:
    conv = nn.Conv2d(channels, channels, 1)
    init_fan_out(conv)
    return nn.Sequential(conv, nn.BatchNorm2d(channels, momentum=0.1), nn.ReLU())
