# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What an object looks like, as a small patch, and how much another place looks like it."""

from __future__ import annotations

import cv2
import numpy as np

from ..geometry import Box

_SIDE = 32
"""Side of a patch, pixels."""
_SLACK = 4
"""Pixels of a patch by which the box of another may be off, at each side."""


def patch_of(image01: np.ndarray, box: Box, slack: int = 0) -> np.ndarray | None:
    """
    Return what is inside of a box as 32 x 32 float32, whatever its size, or None where nothing is.

    `image01` is `H x W`, 0..1; the box is in its pixels. With `slack` there are so many pixels
    more at each side.
    """
    part = box.scaled(1 + 2 * slack / _SIDE) if box.is_finite() else Box(0, 0, 0, 0)
    if min(box.w, box.h) <= 0 or not part.clipped(image01.shape[1], image01.shape[0]).area:
        return None
    side = _SIDE + 2 * slack
    # The pixel centre i of the patch lies at (i + 0.5) / side of the box.
    scale_x, scale_y = part.w / side, part.h / side
    to_image = np.array(
        [[scale_x, 0, part.x + scale_x / 2 - 0.5], [0, scale_y, part.y + scale_y / 2 - 0.5]]
    )
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    image = np.asarray(image01, np.float32)
    return cv2.warpAffine(
        image, to_image, (side, side), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )


def likeness(patch: np.ndarray, image01: np.ndarray, box: Box) -> float:
    """
    Compare a patch with what is in a box of another image: 1 the same, 0 unlike, -1 inverted.

    It is the highest normalised cross-correlation for small shifts of the box, so neither the gain
    nor the size of the object matters. A patch without contrast is like nothing.
    """
    other = patch_of(image01, box, _SLACK)
    if other is None or patch.std() < 1e-4:
        return 0.0
    response = cv2.matchTemplate(other, patch, cv2.TM_CCOEFF_NORMED)
    return float(np.clip(np.nan_to_num(response, posinf=0.0, neginf=0.0).max(), -1, 1))
