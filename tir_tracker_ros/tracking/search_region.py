# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Where a target is looked for, and which place of the response is taken for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..geometry import Box, context_side
from .runtime import Runtime, Window
from .score import chance
from .settings import TrackingSettings

# A window with a side of less would only look at padding.
_SMALLEST_SIDE = 2.0
_SMALL = 0.004
"""Share of the image below which a target is small (the public code of DaSiamRPN)."""
_USUAL_MOVE = 0.2
"""Displacement that the prior hardly holds back, as a share of the largest that can be seen."""
_STEADY_WITHIN = 0.5
"""Largest pace of a slow target, as a share of the largest move that is seen nearby."""
_PACE_KEPT = 0.9
"""How much of its pace a target that rests is thought to keep from image to image."""


@dataclass
class Pace:
    """How fast a target is; after its first image that is not known."""

    cells: float = 0.0
    """Largest displacement of late, in cells of the response."""
    steady: bool = False
    """Whether the target is slow and sure enough to be looked for nearby."""


class SearchRegion:
    """
    The search crops around a box, and the prior that is laid over their responses.

    A steady target is looked for in the inner part of the search region first (`near_size`), any
    other in the whole of it (`size`); both are sides of the crop, in pixels of the crop.
    """

    def __init__(self, runtime: Runtime, settings: TrackingSettings) -> None:
        self.settings = settings
        self.size, self.stride = runtime.search_size, runtime.stride
        self._template_size, self._context = runtime.template_size, runtime.context
        cells = runtime.cells(self.size)
        # The sum of a Hann window is one over the whole map only.
        share = 1.0 if settings.window == 'blend' else settings.near_share
        left_out = round((1 - share) * (cells - 1) / 2)
        self.near_size = self.size - 2 * self.stride * left_out
        self._near_reach = cells / 2 - left_out
        self._priors = {cells * settings.upsample: self._make_prior(cells * settings.upsample)}
        self._usual = cells * settings.upsample

    def pixel(self, box: Box) -> float:
        """Compute how many pixels of the image a pixel of the crops around `box` covers."""
        return self._context * context_side(box) / self._template_size

    def template_window(self, box: Box, fill: float | None) -> Window:
        """Return the window that the template is made of."""
        return self._window(box, self._template_size * self.pixel(box), fill)

    def window(self, box: Box, size: int, factor: float, fill: float | None) -> Window:
        """Return the window of a search crop of `size`, `factor` times as wide as usual."""
        return self._window(box, factor * size * self.pixel(box), fill)

    def _window(self, box: Box, side: float, fill: float | None) -> Window:
        side = max(side, _SMALLEST_SIDE)
        return Window(box.cx, box.cy, side, side, fill)

    def whole(self, box: Box, shape: tuple[int, ...]) -> int:
        """Return the size of the search crop for a new target in an image of `shape` (H, W)."""
        small = box.w * box.h < _SMALL * shape[0] * shape[1]
        return max(self.settings.small_search, self.size) if small else self.size

    def step(self, box: Box) -> float:
        """Compute how far apart, in pixels, search regions may lie that leave nothing unseen."""
        # The peak can be anywhere where the whole template fits into the search region.
        return max(self.size - self._template_size, 0.1 * self.size) * self.pixel(box)

    def first_size(self, pace: Pace, whole: int) -> int:
        """Return the size of the search crop to begin with, `whole` being that of the track."""
        return self.near_size if pace.steady and whole == self.size else whole

    def wider(self, size: int) -> int:
        """Return the size of the search crop that follows `size` while a target is lost."""
        wide = min(max(size, self.size) + self.settings.widen_by, self.settings.widest_search)
        # Sizes have to keep a cell in the middle.
        return self.size + max(wide - self.size, 0) // (2 * self.stride) * 2 * self.stride

    def note(self, pace: Pace, before: Box, after: Box, score: float) -> None:
        """Learn from an estimate how fast the target is."""
        cell = self.stride * self.pixel(before)
        moved = max(abs(after.cx - before.cx), abs(after.cy - before.cy)) / cell
        pace.cells = max(moved, _PACE_KEPT * pace.cells)
        slow = pace.cells <= _STEADY_WITHIN * self._near_reach
        pace.steady = slow and score >= self.settings.thresholds.steady_above

    def peak(
        self,
        maps: np.ndarray,
        anywhere: bool = False,
        penalties: np.ndarray | float = 0.0,
        rivals: np.ndarray | float = 0.0,
    ) -> tuple[int, float, float]:
        """
        Find the peak of maps `C x r x r`: its map, and row and column in cells from the centre.

        anywhere: take a place far from the centre for as likely as a near one. penalties: what is
        added to the logarithm of each probability. rivals: what is taken off each probability
        before that, for a `cosine` window only.
        """
        size = maps.shape[-1]
        prior = self._prior(size) if not anywhere else None
        share, window = self.settings.window_weight, self.settings.window
        if window == 'cosine':
            weighted = np.maximum(chance(maps) - rivals, 0) * np.exp(penalties)
        else:
            weighted = maps + penalties
        if prior is None:
            pass
        elif window == 'product':
            weighted = weighted + prior
        elif window == 'cosine':
            weighted = (1 - share) * weighted + share * prior
        else:
            raised = weighted - weighted.min(axis=(1, 2), keepdims=True)
            total = np.maximum(raised.sum(axis=(1, 2), keepdims=True), 1e-30)
            weighted = (1 - share) / total * raised + share * prior
        index, row, column = np.unravel_index(int(weighted.argmax()), weighted.shape)
        centre, times = (size - 1) / 2, self.settings.upsample
        return int(index), (row - centre) / times, (column - centre) / times

    def _prior(self, size: int) -> np.ndarray:
        """Return what is laid over responses of `size x size`; over small ones, its middle."""
        if size > self._usual:
            if size not in self._priors:
                self._priors[size] = self._make_prior(size)
            return self._priors[size]
        margin = (self._usual - size) // 2
        return self._priors[self._usual][margin : margin + size, margin : margin + size]

    def _make_prior(self, size: int) -> np.ndarray:
        """Compute what is laid over responses of `size x size`, float32."""
        if self.settings.window == 'cosine':
            hann = np.hanning(size).astype(np.float32)
            return np.outer(hann, hann)
        if self.settings.window == 'blend':
            hann = np.hanning(size + 2)[1:-1].astype(np.float32)
            prior = np.outer(hann, hann)
            return prior / prior.sum()
        offset = np.linspace(-1, 1, size, dtype=np.float32) / _USUAL_MOVE
        distance = offset[:, None] ** 2 + offset[None, :] ** 2
        return -self.settings.window_weight * np.log1p(distance)
