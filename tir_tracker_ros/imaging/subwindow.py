# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Sub-windows of an image, resampled to the input size of a network."""

from __future__ import annotations

import math

import cv2
import numpy as np


def crop(
    image: np.ndarray,
    cx: float,
    cy: float,
    side_w: float,
    side_h: float,
    out_w: int,
    out_h: int,
    fill: float | None = None,
) -> np.ndarray:
    """
    Cut the window around `(cx, cy)` of `side_w x side_h` pixels, resampled to `out_h x out_w`.

    `image` is gray, `H x W`. The centre and the sides are in pixels with fractions, in the
    coordinates of `Box` (pixel column c covers c..c + 1). What lies outside of the image is
    `fill`, by default the nearest pixel of the image: a constant would draw a line along its
    border, which trackers then follow. Bilinear; a window that shrinks by two or more is
    averaged first. Returns float32 `out_h x out_w`. Raises ValueError, naming the value, for a
    window that is not finite or has no size.
    """
    if not all(map(math.isfinite, (cx, cy, side_w, side_h))) or min(side_w, side_h) <= 0:
        raise ValueError(
            f'window of {side_w} x {side_h} pixels around ({cx}, {cy}) is not finite and positive'
        )
    if min(out_w, out_h) < 1:
        raise ValueError(f'window cannot be resampled to {out_w} x {out_h} pixels')
    border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
    height, width = image.shape
    scale_x, scale_y = side_w / out_w, side_h / out_h
    left, top = cx - side_w / 2, cy - side_h / 2
    shrink_x = min(max(int(scale_x), 1), width)
    shrink_y = min(max(int(scale_y), 1), height)

    # The part of the image that the window can see, in whole groups of shrink pixels.
    first_x, last_x = _seen(left, left + side_w, shrink_x, width)
    first_y, last_y = _seen(top, top + side_h, shrink_y, height)
    seen = image[first_y : min(last_y, height), first_x : min(last_x, width)]
    if seen.dtype != np.float32:
        seen = seen.astype(np.float32)
    if (shrink_x, shrink_y) != (1, 1):
        over_x, over_y = max(last_x - width, 0), max(last_y - height, 0)
        if over_x or over_y:
            seen = cv2.copyMakeBorder(seen, 0, over_y, 0, over_x, border, value=fill or 0.0)
        size = (last_x - first_x) // shrink_x, (last_y - first_y) // shrink_y
        seen = cv2.resize(seen, size, interpolation=cv2.INTER_AREA)

    # Output pixel i looks at left + (i + 0.5) * scale; pixel j of `seen` is centred on
    # first + (j + 0.5) * shrink.
    back = np.array(
        [
            [scale_x / shrink_x, 0, (left + scale_x / 2 - first_x) / shrink_x - 0.5],
            [0, scale_y / shrink_y, (top + scale_y / 2 - first_y) / shrink_y - 0.5],
        ]
    )
    return cv2.warpAffine(
        seen,
        back,
        (out_w, out_h),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=border,
        borderValue=fill or 0.0,
    )


def _seen(start: float, stop: float, shrink: int, limit: int) -> tuple[int, int]:
    # One group more on either side, for the interpolation; at least one, for the border.
    first = min(max(math.floor(start) - shrink, 0), limit - 1)
    last = max(min(math.ceil(stop) + shrink, limit), first + 1)
    return first, first + -(-(last - first) // shrink) * shrink
