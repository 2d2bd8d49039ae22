# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The target model: a filter that learns, while a target is followed, what the target is not."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

TAPS = 4
"""Cells along a side of the filter; more would see the ground more than the target."""
_TARGET_CELLS = 6.0
"""Finer features are averaged until a target has about so many cells along a side."""
_MARGIN = 2
"""Cells around those that are searched, which the filter learns from as well."""
CHANNELS = 32
"""Principal channels of the first image; with more the filter fits the first image too well."""
SIGMA = 1.0
"""Standard deviation of the Gaussian label, cells."""
BACKGROUND = 0.05
"""Weight in the fit of a cell far from the target; near it the label is added to the weight."""
_RIDGE = 1.0
"""Ridge penalty, for features of mean square one."""
_RATE = 0.02
"""Share of the newest image in what is learned."""
_FIRST_SHARE = 0.25
"""The share of the first image never falls below this: its box alone is known to be right."""
_TOLERANCE = 1e-5
"""
Residual, over the norm of the right side, from which on the equations count as solved. With 1e-4,
rounding decided when to stop, and a target in a batch came to lie elsewhere than alone.
"""

VIEWS = np.array([(0.0, 0.0), *((x, y) for x in (-1.25, 1.25) for y in (-1.25, 1.25))])
"""Where the centres of the views of the first image lie, x and y in cells from the target."""


@dataclass
class Equations:
    """The weighted normal equations `matrix @ filter = right` of a least squares problem."""

    matrix: np.ndarray
    right: np.ndarray

    def mixed(self, other: Equations, share: float) -> Equations:
        """Return a mean of two, with a share, 0..1, of the other."""
        mean = Equations(self.matrix * (1 - share), self.right * (1 - share))
        mean.matrix += share * other.matrix
        mean.right += share * other.right
        return mean


@dataclass
class TargetFilter:
    """What a target model knows of one target."""

    mean: np.ndarray
    """Of the channels of the features in the first image, `C`."""
    channels: np.ndarray
    """Principal channels, as columns `C x D`, scaled to features of mean square one."""
    first: Equations
    """Of the views of the first image, averaged."""
    weights: np.ndarray
    """The filter: `4 x 4 x D`, flattened."""
    recent: Equations | None = None
    """Of the later images, averaged, the weight of each falling exponentially with its age."""
    first_share: float = 1.0
    """Share of the first image, as it would be without a lower limit."""
    first_peak: float = field(default=1.0)
    """The filter's response to the target in the first image."""


class TargetModel:
    """
    A correlation filter of 4 x 4 cells, fitted by ridge regression to features of search crops.

    The label is a Gaussian at the target, so that whatever stands beside the target is a negative.
    The normal equations of all images are kept as one average in which older images fade, and are
    solved exactly; no image is kept. Directly after the first image, and whenever the filter has
    learned, `TargetFilter.weights` is the minimum of

        sum_i share_i sum_cells (0.05 + label) (response - label)^2 + ridge |weights|^2.

    Method: ATOM and DiMP (Danelljan et al. 2019, Bhat et al. 2019) learn such a filter by gradient
    steps on kept samples.
    """

    def __init__(self, cells_per_target: float, ridge: float = _RIDGE, rate: float = _RATE):
        # An odd number, so that the average cells can lie in the middle of the crop, too.
        self.pooled = 2 * max(round((cells_per_target / _TARGET_CELLS - 1) / 2), 0) + 1
        self.ridge, self.rate = ridge, rate

    @classmethod
    def of_crops(cls, template_size: int, context: float, stride: int) -> TargetModel:
        """Make one for a network's crops: `template_size` and `stride` in pixels of the crop."""
        # `context_side` of a square is twice its side.
        return cls(template_size / (2 * context) / stride)

    def start(self, features: np.ndarray, views: np.ndarray, cells: int) -> TargetFilter:
        """
        Learn the first image from N of its views.

        features: `N x C x H x W` of search crops; views: where the centre of each crop lies, `N x
        2`, x and y in cells of the features from the target; cells: along a side of the response.
        """
        maps = np.stack([self._cut(one, cells) for one in features])
        flat = maps[0].reshape(maps.shape[1], -1).astype(np.float64)
        mean = flat.mean(axis=1)
        values, vectors = np.linalg.eigh(np.cov(flat, bias=True))
        kept = min(CHANNELS, len(values))
        scale = np.sqrt(max(values[-kept:].mean(), 1e-12))
        channels = (vectors[:, -kept:] / scale).astype(np.float32)
        target = TargetFilter(
            mean.astype(np.float32),
            channels,
            Equations(np.zeros(0), np.zeros(0)),
            np.zeros(kept * TAPS * TAPS, np.float32),
        )
        every = [self._equations(target, one, -view) for one, view in zip(maps, views)]
        target.first = Equations(
            np.mean([one.matrix for one in every], axis=0),
            np.mean([one.right for one in every], axis=0),
        )
        self._solve(target, target.first)
        target.first_peak = max(float(self._filtered(target, maps[0]).max()), 1e-6)
        return target

    def learn(
        self,
        target: TargetFilter,
        features: np.ndarray,
        place: tuple[float, float],
        cells: int,
    ) -> None:
        """
        Learn one more image.

        features: `C x H x W` of the search crop; place: of the target, x and y in cells of the
        features from the middle of the crop; cells: along a side of the response.
        """
        newest = self._equations(target, self._cut(features, cells), np.array(place))
        target.first_share *= 1 - self.rate
        if target.recent is None:
            target.recent = newest
        else:
            # The shares of the later images alone are brought to a sum of one.
            share = self.rate / (1 - target.first_share)
            target.recent = target.recent.mixed(newest, share)
        share = max(target.first_share, _FIRST_SHARE)
        self._solve(target, target.recent.mixed(target.first, share))

    def respond(self, target: TargetFilter, features: np.ndarray, cells: int) -> np.ndarray:
        """
        Compute the response `cells x cells` to features `C x H x W`, about 0..1.

        Its cells are those of the network's response, and of the same size as the features'.
        """
        response = self._filtered(target, self._cut(features, cells))
        along = interpolation(len(response), cells, 1 / self.pooled)
        return along @ response @ along.T

    def part(self, side: int, cells: int) -> slice:
        """Tell which of the `side` cells of features the `cells` of a response are seen from."""
        pooled = self.pooled
        count = min(-(-cells // pooled) + TAPS - 1 + 2 * _MARGIN, side // pooled)
        count -= (side - count) % 2  # the middle of the crop stays in the middle
        start = (side - count * pooled) // 2
        return slice(start, start + count * pooled)

    def _filtered(self, target: TargetFilter, cut: np.ndarray) -> np.ndarray:
        """Apply the filter in each place of `C x n x n`."""
        # All places are multiplied with each tap, and the products shifted: patches need copies.
        products = _projected(target, cut) @ target.weights.reshape(TAPS * TAPS, -1).T
        side = cut.shape[-1] - TAPS + 1
        response = np.zeros((side, side), np.float32)
        for tap in range(TAPS * TAPS):
            i, j = divmod(tap, TAPS)
            response += products[i : i + side, j : j + side, tap]
        return response

    def _cut(self, features: np.ndarray, cells: int) -> np.ndarray:
        """Average `C x H x W` over blocks, and cut out the middle that `cells` are seen from."""
        pooled, part = self.pooled, self.part(features.shape[-1], cells)
        count = (part.stop - part.start) // pooled
        blocks = features[:, part, part].reshape(len(features), count, pooled, count, pooled)
        return blocks.mean(axis=(2, 4)) if pooled > 1 else features[:, part, part]

    def _equations(self, target: TargetFilter, cut: np.ndarray, place: np.ndarray) -> Equations:
        """Form the normal equations of one image, `place` of its target as in `learn`."""
        maps = _projected(target, cut)
        windows = np.lib.stride_tricks.sliding_window_view(maps, (TAPS, TAPS), axis=(0, 1))
        # One row for each place, of what the filter sees there; runs of memory are copied whole.
        patches = windows.transpose(0, 1, 3, 4, 2).reshape(-1, maps.shape[-1] * TAPS * TAPS)
        side = cut.shape[-1] - TAPS + 1
        offset = np.arange(side) - (side - 1) / 2
        x, y = place / self.pooled
        along = [np.exp(-0.5 * ((offset - at) / SIGMA) ** 2) for at in (y, x)]
        label = np.outer(*along).ravel().astype(np.float32)
        weight = BACKGROUND + label
        right = (weight * label) @ patches
        patches *= np.sqrt(weight)[:, None]
        return Equations(patches.T @ patches, right)

    def _solve(self, target: TargetFilter, equations: Equations) -> None:
        """Bring the filter to the solution by conjugate gradients, from what it is."""
        matrix, x = equations.matrix, target.weights
        residual = equations.right - matrix @ x - self.ridge * x
        limit = _TOLERANCE**2 * float(equations.right @ equations.right)
        direction, square = residual, float(residual @ residual)
        for _ in range(len(x)):
            if square <= limit:
                break
            image = matrix @ direction + self.ridge * direction
            step = square / float(direction @ image)
            x = x + step * direction
            residual = residual - step * image
            before, square = square, float(residual @ residual)
            direction = residual + square / before * direction
        target.weights = x


def _projected(target: TargetFilter, cut: np.ndarray) -> np.ndarray:
    """Project features `C x n x n` to the principal channels, `n x n x D` float32."""
    return (cut.transpose(1, 2, 0) - target.mean) @ target.channels


def interpolation(given: int, wanted: int, step: float) -> np.ndarray:
    """
    Make the matrix `wanted x given` that interpolates linearly around a common middle.

    step: from one wanted place to the next, in given cells. Beyond the border the last is taken.
    """
    at = (np.arange(wanted) - (wanted - 1) / 2) * step + (given - 1) / 2
    at = np.clip(at, 0, given - 1)
    return np.maximum(1 - np.abs(at[:, None] - np.arange(given)), 0).astype(np.float32)
