# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How a template is made of features, and how it is compared with a search region."""

from __future__ import annotations

import torch
from torch import nn, Tensor


def cross_correlate(search: Tensor, template: Tensor) -> Tensor:
    """
    Valid cross-correlation of each search map with its own template.

    `search` is `N x C x H x W`, `template` `N x C x h x w` or `1 x C x h x w` (one for all); the
    result is `N x 1 x (H-h+1) x (W-w+1)`. One of three ways to the same result is taken, by what
    is fastest: measured on CPUs and on accelerators.
    """
    if torch.onnx.is_in_onnx_export():
        return correlate_unfolded(search, template)
    if len(template) == 1 or not torch.is_grad_enabled():
        return correlate_diagonals(search, template)
    return _correlate_spectra(search, template)


def _correlate_spectra(search: Tensor, template: Tensor) -> Tensor:
    # For training: a convolution with one group a sample would do, but its gradient is slow on
    # CPUs.
    sizes = search.shape[-2:]
    product = (torch.fft.rfft2(search) * torch.fft.rfft2(template, s=sizes).conj()).sum(
        dim=1, keepdim=True
    )
    return torch.fft.irfft2(product, s=sizes)[
        ..., : sizes[0] - template.shape[-2] + 1, : sizes[1] - template.shape[-1] + 1
    ]


def correlate_diagonals(search: Tensor, template: Tensor) -> Tensor:
    """Correlate as `cross_correlate` does, by one product of matrices; for inference on CPUs."""
    # Every cell of the search map times every cell of the template, of which each place of the
    # template then adds up a diagonal: a convolution with one output channel takes twice the time.
    count, channels, height, width = search.shape
    rows, columns = template.shape[-2:]
    cells = search.permute(0, 2, 3, 1).reshape(count, height * width, channels)
    kernels = template.reshape(len(template), channels, rows * columns)
    products = cells @ (kernels[0] if len(template) == 1 else kernels)
    across = rows * columns
    down = width * across
    diagonals = products.as_strided(
        (count, height - rows + 1, width - columns + 1, rows, columns),
        (height * down, down, across, down + columns, across + 1),
    )
    return diagonals.sum(dim=(3, 4)).unsqueeze(1)


def correlate_unfolded(search: Tensor, template: Tensor) -> Tensor:
    """
    Correlate as `cross_correlate` does, with operations that ONNX has for any number of targets.

    (ONNX fixes the groups of a convolution at export, and has no strided views.)
    """
    rows, columns = template.shape[-2:]
    windows = nn.functional.unfold(search, (rows, columns))
    result = template.flatten(1).unsqueeze(1) @ windows
    return result.unflatten(2, (search.shape[-2] - rows + 1, search.shape[-1] - columns + 1))


def correlate_each_channel(search: Tensor, template: Tensor) -> Tensor:
    """
    Cross-correlate each channel for itself (SiamRPN++, section 3.4).

    `search` is `N x C x H x W`, `template` `N x C x h x w` or `1 x C x h x w` (one for all); the
    result is `N x C x (H-h+1) x (W-w+1)`.
    """
    count, channels = search.shape[:2]
    if len(template) == 1:
        return nn.functional.conv2d(search, template.transpose(0, 1), groups=channels)
    kernels = template.flatten(0, 1).unsqueeze(1)
    joined = nn.functional.conv2d(search.flatten(0, 1)[None], kernels, groups=len(kernels))
    return joined[0].unflatten(0, (count, channels))


def correlate_up_channels(search: Tensor, template: Tensor) -> Tensor:
    """
    Cross-correlate with several kernels of each template (SiamRPN, section 3.2).

    `search` is `N x C x H x W`, `template` `N x (O C) x h x w`, or one for all; the result is
    `N x O x (H-h+1) x (W-w+1)`.
    """
    count, channels = search.shape[:2]
    kernels = template.reshape(-1, channels, *template.shape[2:])
    if len(template) == 1:
        return nn.functional.conv2d(search, kernels)
    joined = nn.functional.conv2d(search.flatten(0, 1)[None], kernels, groups=count)
    return joined[0].unflatten(0, (count, -1))


class LocalCorrelation(nn.Module):
    """
    Compare each cell of a map with the cells around its place in another map.

    (The correlation layer of FlowNet, Dosovitskiy et al., ICCV 2015, on features of unit length.)
    """

    _neighbours: Tensor

    def __init__(self, size: int, reach: int) -> None:
        """Fix the side of the maps and how far to look to every side, both in cells."""
        super().__init__()
        cells = torch.arange(size)
        moved = cells[None, :] + torch.arange(-reach, reach + 1)[:, None]
        inside = (moved >= 0) & (moved < size)
        index = (moved * size)[:, None, :, None] + moved[None, :, None, :]
        known = inside[:, None, :, None] & inside[None, :, None, :]
        # One cell more, of zeros, stands for all that lie outside.
        self.count = (2 * reach + 1) ** 2
        neighbours = torch.where(known, index, size * size).reshape(1, self.count, -1)
        self.register_buffer('_neighbours', neighbours, persistent=False)

    def forward(self, reference: Tensor, current: Tensor) -> Tensor:
        """
        Return the cosines, -1..1, of each cell of `current` with its neighbours in `reference`.

        Both are `N x C x size x size`; the result is `N x count x size x size`, moves from the
        upper left to the lower right, 0 where the neighbour lies outside.
        """
        here, there = (
            nn.functional.normalize(one.flatten(2), dim=1) for one in (current, reference)
        )
        pairs = nn.functional.pad(there.transpose(1, 2) @ here, (0, 0, 0, 1))
        chosen = pairs.gather(1, self._neighbours.expand(len(current), -1, -1))
        return chosen.reshape(len(current), self.count, *current.shape[2:])


class CropTemplate(nn.Module):
    """SiamFC's template: the features themselves, less `margin` cells on each side."""

    def __init__(self, size: int, margin: int = 0) -> None:
        super().__init__()
        self.size, self.margin = size, margin

    def forward(self, features: Tensor) -> Tensor:
        """Make the template `N x C x h x w` of features `N x C x H x W`."""
        return crop_margin(features, self.margin)


class FilterTemplate(nn.Module):
    """
    CFNet's differentiable correlation filter: ridge regression in the Fourier domain.

    With windowed features `x` of `n = H W` cells, a Gaussian label `y` (peak at index 0, 0) and
    `^` for the Fourier transform:

        k^ = 1/n sum_c |x^_c|^2 + ridge,   a^ = 1/n y^ / k^,   w^_c = conj(a^) x^_c.

    The template is the real inverse transform of `w^`, less `margin` cells on each side.
    (Valmadre et al., CVPR 2017, section 3.2; `corr_filter.m` of their implementation.)

    The label is symmetric, so `y^` and `a^` are real.
    """

    window: Tensor
    label_spectrum: Tensor

    def __init__(
        self,
        size: int,
        margin: int,
        ridge: float = 10.0,
        sigma: float = 2.0,
        learn_ridge: bool = False,
    ) -> None:
        """
        Fix the size of the features.

        size: side of the square feature map, cells. margin: cells cut from each side of the
        filter. ridge: added to every frequency. sigma: of the label, cells. learn_ridge: train
        the ridge.
        """
        super().__init__()
        self.size, self.margin = size, margin
        hann = torch.hann_window(size, periodic=False)
        self.register_buffer('window', torch.outer(hann, hann), persistent=False)
        offsets = torch.fft.fftfreq(size, 1.0 / size)
        label = torch.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * sigma**2))
        self.register_buffer(
            'label_spectrum', torch.fft.rfft2(label).real.contiguous(), persistent=False
        )
        # The logarithm keeps a learned ridge positive.
        self.log_ridge = nn.Parameter(torch.tensor(ridge).log(), requires_grad=learn_ridge)

    def forward(self, features: Tensor) -> Tensor:
        """
        Make the template `N x C x h x w` of features `N x C x H x W`.

        Raises ValueError for features of another size.
        """
        if features.shape[-2:] != self.window.shape:
            raise ValueError(
                f'features are {tuple(features.shape[-2:])} cells, the filter was made for '
                f'{tuple(self.window.shape)}'
            )
        # FFTs of half-precision features do not exist on every device.
        features = features.to(torch.promote_types(features.dtype, torch.float32))
        spectrum = torch.fft.rfft2(features * self.window)
        cells = self.window.numel()
        power = spectrum.real.square() + spectrum.imag.square()
        numerator = spectrum * (self.label_spectrum / cells)
        denominator = power.sum(dim=1, keepdim=True) / cells
        weights = torch.fft.irfft2(
            numerator / (denominator + self.log_ridge.exp()), s=self.window.shape
        )
        return crop_margin(weights, self.margin)


def crop_margin(features: Tensor, margin: int) -> Tensor:
    """Cut `margin` cells from each side of `N x C x H x W` features."""
    return features[
        ..., margin : features.shape[-2] - margin, margin : features.shape[-1] - margin
    ]
