# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
The supervised protocol of the VOT challenges: accuracy, robustness, expected average overlap.

A tracker that loses its target (no overlap with the truth) is started again a few frames later.
Overlap is that of continuous boxes; the challenges' own toolkits count pixels of rasterised
regions, which differs by little for anything but tiny targets. A truth that is a quadrangle is
judged as one.
"""

from __future__ import annotations

from dataclasses import dataclass
import math
import re

import cv2
import numpy as np

from ..geometry import iou
from .metrics import has_size

SKIPPED, STARTED, FAILED, TRACKED = 0, 1, 2, 3
"""What happened in a frame. The first three are the codes of the VOT result files."""


@dataclass(frozen=True)
class ProtocolSettings:
    """How a supervised run goes and is judged."""

    skip: int = 5
    """Frames from a failure to the next start; 5 starts on the fifth frame after it."""
    burn_in: int = 10
    """Frames from a start on that do not count for accuracy, the start itself included."""
    bounded: bool = True
    """Whether boxes are cut to the image first (VOT-TIR2016 and later; not in VOT-TIR2015)."""


@dataclass(frozen=True)
class SupervisedRun:
    """One run over a sequence of N frames."""

    events: np.ndarray
    """N codes: SKIPPED, STARTED, FAILED or TRACKED."""
    boxes: np.ndarray
    """`N x 4`; nan where the frame is not TRACKED."""
    polygons: np.ndarray | None = None
    """`N x 8` corners, nan in frames with an upright box; None where all are upright."""

    @property
    def failures(self) -> int:
        """Number of failures."""
        return int((self.events == FAILED).sum())


def overlaps(
    truth: np.ndarray,
    predicted: np.ndarray,
    size: tuple[int, int] | None,
    polygons: np.ndarray | None = None,
    turned: np.ndarray | None = None,
) -> np.ndarray:
    """
    Return N overlaps, 0..1, of boxes cut to an image of `size` (width, height), if any.

    Where `polygons` (`N x 8`) has no nan, its convex quadrangle is the truth, and where `turned`
    has none, its is what was predicted.
    """
    truth, predicted = _bounded(truth, size), _bounded(predicted, size)
    found = iou(truth, predicted)
    usable = has_size(truth) & has_size(predicted)
    sides = []
    for boxes, corners in ((truth, polygons), (predicted, turned)):
        known = np.full((len(boxes), 8), np.nan) if corners is None else corners
        there = np.isfinite(known).all(axis=1)
        sides.append((boxes, known, there))
    for index in np.flatnonzero(usable & (sides[0][2] | sides[1][2])):
        shapes = [
            _cut(known[index], size) if there[index] else _corners(*boxes[index])
            for boxes, known, there in sides
        ]
        found[index] = _overlap(*shapes)
    return found


def _cut(corners: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    """Return the corners, `n x 2`, of a quadrangle cut to the image, if any."""
    quadrangle = corners.reshape(4, 2).astype(np.float32)
    return quadrangle if size is None else _common(quadrangle, _corners(0, 0, *size))


def _overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the overlap of two convex polygons."""
    if min(len(first), len(second)) < 3:
        return 0.0
    both = _common(first, second)
    shared = cv2.contourArea(both) if len(both) > 2 else 0.0
    union = cv2.contourArea(first) + cv2.contourArea(second) - shared
    return float(np.clip(shared / union, 0, 1)) if union > 0 else 0.0


def _corners(x: float, y: float, w: float, h: float) -> np.ndarray:
    return np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h]], np.float32)


def _common(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return the corners of what two convex polygons share, `n x 2`; none where they do not."""
    _, common = cv2.intersectConvexConvex(first, second)
    return np.zeros((0, 2), np.float32) if common is None else common.reshape(-1, 2)


def _bounded(boxes: np.ndarray, size: tuple[int, int] | None) -> np.ndarray:
    if size is None:
        return boxes
    low = np.clip(boxes[:, :2], 0, size)
    return np.hstack([low, np.clip(boxes[:, :2] + boxes[:, 2:], 0, size) - low])


@dataclass(frozen=True)
class Fragment:
    """The part of a run from one start to the next, or to the end of the sequence."""

    overlaps: np.ndarray
    """Overlap in each frame from the start on, 0 from the failure on; the first one is unused."""
    failed: bool
    """Whether it ended in a failure."""
    weight: float = 1.0
    """Share in the expected overlap."""


@dataclass(frozen=True)
class SequenceMetrics:
    """Metrics of the runs over one sequence, for all frames or for those with one tag."""

    accuracy: float
    """Mean overlap of the counted frames, averaged over the runs; 0 where none is counted."""
    failures: float
    """Number of failures, mean over the runs."""
    frames: int
    """Length of the sequence, or number of frames with the tag."""
    fragments: tuple[Fragment, ...]


def judge(
    truth: np.ndarray,
    runs: list[SupervisedRun],
    size: tuple[int, int] | None,
    settings: ProtocolSettings,
    tagged: np.ndarray | None = None,
    polygons: np.ndarray | None = None,
) -> SequenceMetrics:
    """
    Judge the runs over one sequence, for the frames where `tagged` (N booleans) holds.

    `truth` is `N x 4`, `polygons` as in `overlaps`; `size` the image's width and height. Frames
    without truth count nowhere.
    """
    known = has_size(truth)
    tagged = np.ones(len(truth), bool) if tagged is None else tagged
    accuracies, failures, fragments = [], [], []
    for run in runs:
        bounds = size if settings.bounded else None
        overlap = overlaps(truth, run.boxes, bounds, polygons, run.polygons)
        counts = (run.events == TRACKED) & known & tagged
        starts = np.flatnonzero(run.events == STARTED)
        for start in starts:
            counts[start : start + settings.burn_in] = False
        accuracies.append(float(overlap[counts].mean()) if counts.any() else 0.0)
        failures.append(int((tagged & (run.events == FAILED)).sum()))
        overlap[run.events != TRACKED] = 0
        for start, end in zip(starts, [*starts[1:], len(truth)]):
            inside = np.arange(start, end)[known[start:end]]
            fragments.append(
                Fragment(
                    overlaps=overlap[inside],
                    failed=bool((run.events[start:end] == FAILED).any()),
                    weight=float(tagged[start:end].mean()) / len(runs),
                )
            )
    return SequenceMetrics(
        accuracy=float(np.mean(accuracies)),
        failures=float(np.mean(failures)),
        frames=int(tagged.sum()),
        fragments=tuple(fragments),
    )


def accuracy_and_robustness(metrics: list[SequenceMetrics]) -> tuple[float, float]:
    """Average accuracy and failures over sequences, weighted by their frames; nan without any."""
    weights = np.array([each.frames for each in metrics], float)
    if not weights.sum():
        return math.nan, math.nan
    return (
        float(np.average([each.accuracy for each in metrics], weights=weights)),
        float(np.average([each.failures for each in metrics], weights=weights)),
    )


def expected_overlap_curve(fragments: list[Fragment], length: int) -> np.ndarray:
    """
    Return the expected average overlap of a run over 1 to `length` frames (VOT2015, Eq. 3).

    The value for `n` frames, at index `n - 1`, is the weighted mean, over fragments, of the mean
    overlap from their second to their n-th frame. A fragment that failed is continued with
    overlap 0; any other counts only up to its own length. The value for 1 frame is 1; it is nan
    for lengths that no fragment reaches.
    """
    return overlap_curve(*overlap_sums(fragments, length))


def overlap_sums(fragments: list[Fragment], length: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the weighted sum of the mean overlaps, and of the weights, for each length."""
    total, weight = np.zeros(length), np.zeros(length)
    for fragment in fragments:
        values = np.zeros(length)
        count = min(len(fragment.overlaps), length)
        values[:count] = fragment.overlaps[:count]
        told = length if fragment.failed else count
        sums = np.cumsum(values[1:told])
        total[1:told] += fragment.weight * sums / np.arange(1, len(sums) + 1)
        weight[1:told] += fragment.weight
    return total, weight


def overlap_curve(total: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Divide the sums, lengths along the last axis, into the curve of expected overlap."""
    with np.errstate(invalid='ignore', divide='ignore'):
        curve = total / weight
    curve[..., :1] = 1.0
    return curve


def expected_average_overlap(curve: np.ndarray, interval: tuple[int, int]) -> float:
    """Mean of the curve over lengths of `interval`, both ends included; nan where it has none."""
    low, high = interval
    part = curve[low - 1 : high]
    part = part[np.isfinite(part)]
    return float(part.mean()) if part.size else math.nan


EAO_INTERVALS = {
    2015: (108, 371),
    2016: (108, 371),
    2017: (100, 356),
    2018: (100, 356),
    2019: (46, 291),
}
"""Lengths that EAO averages over in the challenges for visible images, by year."""


def interval_of(dataset: str) -> tuple[int, int] | None:
    """Return the interval of a set that is named like a challenge (VOT2018); else None."""
    year = re.search(r'vot[-_]?(?:st)?[-_]?(20\d\d)', dataset, re.IGNORECASE)
    return EAO_INTERVALS.get(int(year[1])) if year else None


def typical_lengths(lengths: list[int], mass: float = 0.5) -> tuple[int, int, int]:
    """
    Find the typical lengths of sequences: low, mode and high, in frames (VOT2015, section 4.2).

    Their density is estimated with Gaussian kernels. The interval grows from the mode towards the
    more probable side until it holds `mass` of the density between 1 and the greatest length.
    Raises ValueError without lengths.
    """
    values = np.asarray(lengths, float)
    if not len(values) or values.min() < 1:
        raise ValueError(f'{list(lengths)} are not lengths of sequences')
    width = _kernel_width(values)
    if not width:  # all of the same length
        return int(values[0]), int(values[0]), int(values[0])
    grid = np.arange(1, int(values.max()) + 1)
    density = np.exp(-(((grid[:, None] - values) / width) ** 2) / 2).sum(axis=1)
    density /= density.sum()
    mode = low = high = int(np.argmax(density))
    while density[low : high + 1].sum() < mass:
        left = density[low - 1] if low > 0 else -1.0
        right = density[high + 1] if high + 1 < len(density) else -1.0
        if left > right:
            low -= 1
        else:
            high += 1
    return int(grid[low]), int(grid[mode]), int(grid[high])


def _kernel_width(values: np.ndarray) -> float:
    """
    Choose the Gaussian kernel's standard deviation by a one-step plug-in rule.

    The rule (Wand and Jones, Kernel Smoothing, 1995, section 3.6) minimises the asymptotic
    integrated squared error; the density's curvature in it is estimated from the sample with a
    pilot kernel for a normal density, which is Kristan's estimator in one dimension.
    """
    spread = values.std()
    count = len(values)
    if not spread:
        return 0.0
    pilot = (4 / (3 * count)) ** 0.4  # variance, in units of the sample's
    squares = ((values[:, None] - values) / spread) ** 2 / pilot
    fourth = (squares**2 - 6 * squares + 3) / pilot**2
    curvature = np.mean(fourth * np.exp(-squares / 2) / math.sqrt(2 * math.pi * pilot))
    return float(spread * (count * 2 * math.sqrt(math.pi) * curvature) ** -0.2)
