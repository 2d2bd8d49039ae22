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


@dataclass(frozen=True)
class Rules:
    """How a toolkit counts frames without a usable truth, and answers without a usable box."""

    text: str
    """For the report."""
    all_frames: bool = False
    """Whether the shares are of all frames; else of those with a usable truth."""
    corner: bool = False
    """Whether a truth with x or y <= 0 is invalid, too."""
    center: bool = False
    """Whether a truth whose centre is at <= 0 is invalid for the distances."""
    repeats: bool = False
    """Whether an unusable answer is replaced by the last usable one before it."""
    drops: bool = False
    """Whether a sequence that never meets a threshold is dropped from the mean."""


RULES = {
    'plain': Rules('frames without truth are left out'),
    'toolkit': Rules(
        "the toolkits' rules for invalid frames and boxes",
        all_frames=True,
        corner=True,
        repeats=True,
        drops=True,
    ),
    'lasot': Rules(
        "LaSOT's rules: absent frames count as missed", all_frames=True, corner=True, repeats=True
    ),
    'pysot': Rules("pysot's rules: absent frames count as missed", all_frames=True, center=True),
}
"""
Rules by name. With all but `plain` a frame whose truth is invalid misses every overlap but meets
every distance. `toolkit` is that of PTB-TIR, LSOTB-TIR and LasHeR.
"""


def one_pass_curves(
    truth: np.ndarray,
    predicted: np.ndarray,
    rules: str = 'plain',
    origin: int = 0,
    absent: np.ndarray | None = None,
) -> Curves | None:
    """
    Judge the boxes of one sequence, both `N x 4`, `x, y, w, h`; nan where there is none.

    The first frame with truth counts as found; None is returned when no other frame has a truth.
    A prediction that is missing, not finite or without size misses. `rules` are one of `RULES`;
    theirs are the set's own coordinates, whose first pixel is `origin`. Of frames that a set
    marks as `absent` (N booleans), the rules that count all frames miss the distances, too.
    Raises ValueError when the shapes differ.
    """
    by = RULES[rules]
    truth, predicted = np.asarray(truth, float), np.array(predicted, float)
    if truth.shape != predicted.shape or truth.ndim != 2 or truth.shape[1] != 4:
        raise ValueError(f'boxes {predicted.shape} cannot be judged by a truth of {truth.shape}')
    known = has_size(truth)
    if known.sum() < 2:
        return None
    first = int(np.argmax(known))
    predicted[first] = truth[first]
    if by.repeats:
        _repeat_last_usable(predicted, first)
    overlap, (error, norm_error) = iou(truth, predicted), center_errors(truth, predicted)
    judged = known
    if by.all_frames:
        judged = np.arange(len(truth)) >= first
        with np.errstate(invalid='ignore'):
            corner, center = truth[:, :2] + origin, truth[:, :2] + origin + (truth[:, 2:] - 1) / 2
            invalid = ~known | (by.corner & (corner <= 0).any(axis=1))
            off = invalid | (by.center & (center <= 0).any(axis=1))
        overlap[invalid] = error[off] = norm_error[off] = -1
        if absent is not None:
            overlap[absent], error[absent], norm_error[absent] = -1, np.inf, np.inf
    return Curves(
        success=(overlap[judged, None] > OVERLAPS).mean(axis=0),
        precision=(error[judged, None] <= DISTANCES).mean(axis=0),
        norm_precision=(norm_error[judged, None] <= NORMALISED_DISTANCES).mean(axis=0),
    )


def center_errors(truth: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return N centre errors, in pixels and in sizes of the truth; inf without a prediction."""
    with np.errstate(invalid='ignore', divide='ignore', over='ignore'):
        # Each centre first: so the same box has an error of exactly 0.
        offset = (predicted[:, :2] + predicted[:, 2:] / 2) - (truth[:, :2] + truth[:, 2:] / 2)
        error = np.hypot(offset[:, 0], offset[:, 1])
        relative = offset / truth[:, 2:]
        norm_error = np.hypot(relative[:, 0], relative[:, 1])
    missing = ~has_size(predicted)
    error[missing] = norm_error[missing] = np.inf
    return error, norm_error


def has_size(boxes: np.ndarray) -> np.ndarray:
    """Tell which of `N x 4` boxes are finite and have a width and a height."""
    return np.isfinite(boxes).all(axis=1) & (np.nan_to_num(boxes[:, 2:]) > 0).all(axis=1)


def _repeat_last_usable(boxes: np.ndarray, first: int) -> None:
    usable = has_size(boxes)
    for index in range(first + 1, len(boxes)):
        if not usable[index]:
            boxes[index] = boxes[index - 1]


def mean_curves(curves: Iterable[Curves | None], rules: str = 'plain') -> Curves | None:
    """
    Average over sequences; None when there is nothing to average.

    Rules that drop sequences do so for a curve that the sequence never met a threshold of.
    """
    known = [each for each in curves if each is not None]
    if not known:
        return None
    means = []
    for name in ('success', 'precision', 'norm_precision'):
        values = np.array([getattr(each, name) for each in known])
        if RULES[rules].drops and (values.sum(axis=1) > 1e-9).any():
            values = values[values.sum(axis=1) > 1e-9]
        means.append(values.mean(axis=0))
    return Curves(*means)
