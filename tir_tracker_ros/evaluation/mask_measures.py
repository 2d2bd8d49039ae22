# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How well masks fit: region similarity J and contour accuracy F (Perazzi et al., CVPR 2016).

Both are computed in each frame but the first, in which the target is given, and the last. Of each
there are the mean, the recall (share of frames above 0.5) and the decay (mean of the first quarter
of the frames minus that of the last).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

TOLERANCE = 0.008
"""Distance at which contours still meet, as a share of the image's diagonal; rounded up."""
RECALLED_ABOVE = 0.5


def region_similarity(mask: np.ndarray, truth: np.ndarray) -> float:
    """Return the overlap (intersection over union) of two masks, 0..1; 1 where both are empty."""
    union = np.count_nonzero(mask | truth)
    return np.count_nonzero(mask & truth) / union if union else 1.0


def contour_accuracy(mask: np.ndarray, truth: np.ndarray, tolerance: float = TOLERANCE) -> float:
    """
    Return the F measure of the contours of two masks, 0..1.

    It is the harmonic mean of the share of the mask's contour that lies within the tolerance of
    the truth's, and of the share of the truth's within that of the mask's. 1 where both are empty,
    0 where one is.
    """
    contours = _contour(mask), _contour(truth)
    radius = math.ceil(tolerance * math.hypot(*truth.shape))
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = (x**2 + y**2 <= radius**2).astype(np.uint8)
    near = [cv2.dilate(one, disk, borderValue=0) for one in contours]
    found, known = (np.count_nonzero(one) for one in contours)
    if not (found and known):
        return float(found == known)
    precision = np.count_nonzero(contours[0] & near[1]) / found
    recall = np.count_nonzero(contours[1] & near[0]) / known
    both = precision + recall
    return 2 * precision * recall / both if both else 0.0


def _contour(mask: np.ndarray) -> np.ndarray:
    """
    Mark the pixels that differ from the one to the right, below, or to the right below; uint8.

    In the last column only the one below counts, in the last row only that to the right.
    """
    inside = np.asarray(mask, bool)
    contour = np.zeros(inside.shape, bool)
    contour[:, :-1] |= inside[:, :-1] ^ inside[:, 1:]
    contour[:-1] |= inside[:-1] ^ inside[1:]
    contour[:-1, :-1] |= inside[:-1, :-1] ^ inside[1:, 1:]
    return contour.astype(np.uint8)


def statistics(values: np.ndarray) -> tuple[float, float, float]:
    """
    Return mean, recall and decay of the values of N frames; nan counts nowhere.

    The quarters share the frames between them, as in the code of the DAVIS challenges. All are nan
    where no value is known.
    """
    if not np.isfinite(values).any():
        return math.nan, math.nan, math.nan
    ends = np.round(np.linspace(0, len(values) - 1, 5) + 1e-10).astype(int)
    quarters = [values[ends[i] : ends[i + 1] + 1] for i in (0, 3)]
    first, last = (_mean(one) for one in quarters)
    known = values[np.isfinite(values)]
    return float(known.mean()), float((known > RECALLED_ABOVE).mean()), first - last


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan
