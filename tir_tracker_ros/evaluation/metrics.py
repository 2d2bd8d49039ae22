# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
One-pass success, precision and normalised precision, as the PTB-TIR and LSOTB-TIR toolkits do.

Success is the share of frames whose overlap is above a threshold (21 of them, 0 to 1), precision
the share whose centre is within 0 to 50 pixels, normalised precision the share whose centre error
in units of the target's width and height is within 0 to 0.5 (51 thresholds). A score over many
sequences is the mean of the sequences' scores.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..geometry import iou

OVERLAPS = np.linspace(0, 1, 21)
"""Overlap thresholds of success; a frame has to be above."""
DISTANCES = np.arange(51)
"""Centre error thresholds of precision, in pixels; a frame may be at the threshold."""
NORMALISED_DISTANCES = np.linspace(0, 0.5, 51)
"""Centre error thresholds of normalised precision, in units of the target's size."""


@dataclass(frozen=True)
class Curves:
    """Shares of frames, 0..1, at every threshold."""

    success: np.ndarray
    precision: np.ndarray
    norm_precision: np.ndarray

    @property
    def success_auc(self) -> float:
        """Mean of the success curve, 0..1; a perfect tracker gets 20/21."""
        return float(np.mean(self.success))

    @property
    def precision_20(self) -> float:
        """Share of frames whose centre is within 20 pixels."""
        return float(self.precision[20])

    @property
    def norm_precision_auc(self) -> float:
        """Mean of the normalised precision curve, 0..1."""
        return float(np.mean(self.norm_precision))


def one_pass_curves(
    truth: np.ndarray, predicted: np.ndarray, toolkit_rules: bool = False, origin: int = 0
) -> Curves | None:
    """
    Judge the boxes of one sequence, both `N x 4`, `x, y, w, h`; nan where there is none.

    The first frame with truth counts as found. Frames without truth (nan, no size) are left out,
    and None is returned when no other frame remains. A prediction that is missing, not finite or
    without size misses.

    With `toolkit_rules` two habits of the toolkits are repeated instead: a frame whose truth has
    any value <= 0 in the set's own coordinates (`origin` is that of its first pixel) stays in and
    misses every overlap but meets every distance; and an unusable prediction is replaced by the
    last one before it. Raises ValueError when the shapes differ.
    """
    truth, predicted = np.asarray(truth, float), np.array(predicted, float)
    if truth.shape != predicted.shape or truth.ndim != 2 or truth.shape[1] != 4:
        raise ValueError(f'boxes {predicted.shape} cannot be judged by a truth of {truth.shape}')
    known = has_size(truth)
    if known.sum() < 2:
        return None
    first = int(np.argmax(known))
    predicted[first] = truth[first]
    if toolkit_rules:
        _repeat_last_usable(predicted, first)
    overlap = iou(truth, predicted)
    with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
        offset = predicted[:, :2] + predicted[:, 2:] / 2 - truth[:, :2] - truth[:, 2:] / 2
        error = np.hypot(offset[:, 0], offset[:, 1])
        relative = offset / truth[:, 2:]
        norm_error = np.hypot(relative[:, 0], relative[:, 1])
    missing = ~has_size(predicted)
    error[missing] = norm_error[missing] = np.inf
    judged = known
    if toolkit_rules:
        invalid = ~known | (truth[:, :2] + origin <= 0).any(axis=1)
        overlap[invalid] = error[invalid] = norm_error[invalid] = -1
        judged = np.arange(len(truth)) >= first
    return Curves(
        success=(overlap[judged, None] > OVERLAPS).mean(axis=0),
        precision=(error[judged, None] <= DISTANCES).mean(axis=0),
        norm_precision=(norm_error[judged, None] <= NORMALISED_DISTANCES).mean(axis=0),
    )


def has_size(boxes: np.ndarray) -> np.ndarray:
    """Tell which of `N x 4` boxes are finite and have a width and a height."""
    return np.isfinite(boxes).all(axis=1) & (np.nan_to_num(boxes[:, 2:]) > 0).all(axis=1)


def _repeat_last_usable(boxes: np.ndarray, first: int) -> None:
    usable = has_size(boxes)
    for index in range(first + 1, len(boxes)):
        if not usable[index]:
            boxes[index] = boxes[index - 1]


def mean_curves(curves: Iterable[Curves | None], toolkit_rules: bool = False) -> Curves | None:
    """
    Average over sequences; None when there is nothing to average.

    With `toolkit_rules` a sequence is dropped from a curve that it never met a threshold of.
    """
    known = [each for each in curves if each is not None]
    if not known:
        return None
    means = []
    for name in ('success', 'precision', 'norm_precision'):
        rows = np.array([getattr(each, name) for each in known])
        if toolkit_rules and (rows.sum(axis=1) > 1e-9).any():
            rows = rows[rows.sum(axis=1) > 1e-9]
        means.append(rows.mean(axis=0))
    return Curves(*means)
