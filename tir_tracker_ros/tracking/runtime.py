# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the engine asks of a network, whatever runs it: images and windows in, arrays out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np


@dataclass(frozen=True)
class Window:
    """A part of the image that is resampled to a square crop."""

    cx: float
    cy: float
    """Centre in pixels, as in `Box`."""
    width: float
    height: float
    fill: float | None = None
    """What lies outside of the image; None for the nearest pixel of the image."""


@dataclass(frozen=True)
class Response:
    """What the network saw in N windows, with K candidates in each of R x R cells."""

    scores: np.ndarray
    """`N x K x R x R` float32, log-odds."""
    boxes: np.ndarray | None = None
    """`N x K x 4 x R x R` float32, pixels of the crop: left, top, width, height."""
    features: np.ndarray | None = None
    """`N x C x H x W` float32."""
    mask: Callable[[int, int, int], np.ndarray] | None = None
    """
    Of a window, a row and a column: how likely, 0..1, each of the `T x T` pixels of the crop
    around that cell is the target's, T being `template_size`; None without masks.
    """
    rescore: Callable[[int, Any], np.ndarray] | None = None
    """
    Of a window and the template of something else: its scores there, `K x R x R` log-odds; None
    for networks that would have to look at the window again.
    """


class Runtime(Protocol):
    """
    Runs a tracker's network; templates are whatever it keeps of one target.

    Images are `H x W` float32, 0..1. The runtime cuts the windows out itself, so that it can do
    that on its device.
    """

    name: str
    device: str
    template_size: int
    search_size: int
    """Sides of the two crops, pixels."""
    context: float
    """Side of the template crop over that of the box with its context, see `context_side`."""
    stride: int
    """Pixels of the search crop from one cell to the next."""

    def cells(self, search_size: int) -> int:
        """Count the cells along a side of the response for search crops of that size."""

    def template(self, image: np.ndarray, windows: Sequence[Window]) -> list[Any]:
        """Make a template of each window."""

    def blend(self, old: Any, new: Any, rate: float) -> Any:
        """Mix two templates, with a share `rate`, 0..1, of the new one."""

    def search(
        self, image: np.ndarray, windows: Sequence[Window], templates: Sequence[Any], size: int
    ) -> Response:
        """Search each window, as a crop of `size`, for its template, all in one pass."""

    def classify(self, image: np.ndarray, window: Window) -> np.ndarray | None:
        """Compute the class scores of a template's window; None without a class head."""


class RefinerRuntime(Protocol):
    """Runs the box refiner; features are whatever it keeps of one window."""

    context: float
    """Side of the window over the side of the box."""

    def embed(self, image: np.ndarray, windows: Sequence[Window]) -> list[Any]:
        """Compute the features of each window."""

    def compare(
        self, references: Sequence[Any], current: Sequence[Any]
    ) -> tuple[np.ndarray, np.ndarray]:
        """
        Tell what each current box lacks beside its reference, in units of its own sides.

        Returns offsets and spreads, both `N x 4`: shift in x and y, logarithms of the ratios of
        width and height, and the mean absolute error to be expected of each.
        """

    def verify(self, references: Sequence[Any], current: Sequence[Any]) -> np.ndarray:
        """Tell, as N log-odds, whether each current box is on the object of its reference."""
