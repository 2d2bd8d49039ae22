# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Measures that benchmarks define beside, or instead of, success and precision.

Each is a function of sums over sequences, one row of sums a sequence. So it is computed for all
sequences, for a group of them, for one, and for those drawn at random that tell its uncertainty.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence as List
from dataclasses import dataclass
import math

import numpy as np

from ..geometry import iou
from ..sequences.benchmarks import Sequence
from ..sequences.benchmarks.masks import decoded, EMPTY
from .mask_measures import contour_accuracy, region_similarity, statistics
from .metrics import center_errors, has_size, OVERLAPS
from .runner import OnePassRun
from .supervised import overlaps

Sizes = List[tuple[int, int]]
"""Width and height of the images of each sequence."""


@dataclass(frozen=True)
class Benchmark:
    """The measures of one benchmark."""

    layouts: tuple[str, ...]
    """Sequences of these layouts have them."""
    titles: dict[str, str]
    """Keys of the measures in the report, and what its tables call them."""
    sums: Callable[[List[Sequence], List[OnePassRun], Sizes], np.ndarray]
    """Returns a row for each sequence."""
    scores: Callable[[np.ndarray], list[np.ndarray]]
    """Computes each measure from summed rows, `... x columns`, along the last axis."""
    of_masks: bool = False
    """Whether all sequences with masks have them, whatever their layout."""

    def suits(self, sequence: Sequence) -> bool:
        """Tell whether a sequence has the measures."""
        return sequence.layout in self.layouts or (self.of_masks and sequence.masks is not None)


def measured(
    benchmark: Benchmark, sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes
) -> np.ndarray:
    """Return the rows of `sums`; nan for sequences of other layouts, which have none."""
    mine = [index for index, each in enumerate(sequences) if benchmark.suits(each)]
    chosen = [sequences[i] for i in mine], [runs[i] for i in mine], [sizes[i] for i in mine]
    rows = benchmark.sums(*chosen)
    table = np.full((len(sequences), rows.shape[1]), np.nan)
    table[mine] = rows
    return table


def scores(benchmark: Benchmark, rows: np.ndarray) -> dict[str, float]:
    """Compute the measures of some of the rows; nan where none of them has any."""
    known = rows[np.isfinite(rows).all(axis=1)]
    if not len(known):
        return dict.fromkeys(benchmark.titles, math.nan)
    values = benchmark.scores(known.sum(axis=0))
    return {key: float(value) for key, value in zip(benchmark.titles, values)}


def _ratio(sums: np.ndarray, count: np.ndarray) -> np.ndarray:
    with np.errstate(invalid='ignore', divide='ignore'):
        return sums / count


def _started(sequence: Sequence, run: OnePassRun) -> tuple[int, np.ndarray]:
    """Return the first frame with truth, and the boxes with the truth in it."""
    first = int(np.argmax(has_size(sequence.boxes)))
    boxes = run.boxes.copy()
    boxes[first] = sequence.boxes[first]
    return first, boxes


# ------------------------------------------------------------------- GOT-10k
def _got10k(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    """Pool the frames behind the first one; boxes are cut to the image."""
    rows = []
    for sequence, run, size in zip(sequences, runs, sizes):
        first, boxes = _started(sequence, run)
        judged = has_size(sequence.boxes)
        judged[: first + 1] = False
        overlap = overlaps(sequence.boxes, boxes, size)[judged]
        rows.append([overlap.sum(), (overlap > 0.5).sum(), (overlap > 0.75).sum(), judged.sum()])
    return np.array(rows, float).reshape(-1, 4)


GOT10K = Benchmark(
    ('GOT-10k',),
    {'ao': 'AO', 'sr_50': 'SR 0.5', 'sr_75': 'SR 0.75'},
    _got10k,
    lambda sums: [_ratio(sums[..., i], sums[..., 3]) for i in range(3)],
)


# ------------------------------------------------------------------- TrackingNet
_STEPS = 21


def _trackingnet(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    """Round all boxes; a frame may be at a threshold, of overlap as of distance."""
    limits = (OVERLAPS, np.linspace(0, 50, _STEPS), np.linspace(0, 0.5, _STEPS))
    rows = []
    for sequence, run in zip(sequences, runs):
        first, boxes = _started(sequence, run)
        known = has_size(sequence.boxes)
        if known.sum() < 2:  # the test split, whose boxes its server keeps
            rows.append([math.nan] * (3 * _STEPS + 1))
            continue
        truth, boxes = np.round(sequence.boxes[known]), np.round(boxes[known])
        errors = center_errors(truth, boxes)
        curves = [(iou(truth, boxes)[:, None] >= limits[0]).mean(axis=0)]
        curves += [(error[:, None] <= at).mean(axis=0) for error, at in zip(errors, limits[1:])]
        rows.append([*np.concatenate(curves), 1.0])
    return np.array(rows, float).reshape(-1, 3 * _STEPS + 1)


def _trapezoids(curve: np.ndarray) -> np.ndarray:
    """Area under a curve over 0..1, at thresholds of the same distance."""
    return (curve[..., 1:] + curve[..., :-1]).sum(axis=-1) / 2 / (curve.shape[-1] - 1)


TRACKINGNET = Benchmark(
    ('TrackingNet',),
    {
        'trackingnet_success': 'TrackingNet success',
        'trackingnet_precision': 'TrackingNet precision',
        'trackingnet_norm_precision': 'TrackingNet norm. precision',
    },
    _trackingnet,
    lambda sums: [
        _ratio(_trapezoids(sums[..., i * _STEPS : (i + 1) * _STEPS]), sums[..., -1])
        for i in range(3)
    ],
)


# ------------------------------------------------------------------- Anti-UAV
def _anti_uav(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    """Give the overlap in frames with the target, 1 in those without where there is no box."""
    rows = []
    for sequence, run in zip(sequences, runs):
        _, boxes = _started(sequence, run)
        visible, answered = has_size(sequence.boxes), has_size(boxes)
        accuracy = np.where(visible, iou(sequence.boxes, boxes), ~answered).mean()
        missed = (visible & ~answered).sum() / visible.sum()
        rows.append([accuracy, accuracy - 0.2 * missed**0.3, 1.0])
    return np.array(rows, float).reshape(-1, 3)


ANTI_UAV = Benchmark(
    ('Anti-UAV',),
    {
        'state_accuracy': 'State accuracy',
        'state_accuracy_penalised': 'State accuracy, misses penalised',
    },
    _anti_uav,
    lambda sums: [_ratio(sums[..., i], sums[..., 2]) for i in range(2)],
)


# ------------------------------------------------------------------- colour and infrared
def _best_of_both(sequence: Sequence, run: OnePassRun) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the smaller distance and the greater overlap, by the truth of either camera."""
    if sequence.other_boxes is None:
        return None
    boxes = np.round(run.boxes)
    judged = has_size(sequence.boxes) & has_size(sequence.other_boxes)
    truths = [each[judged] for each in (sequence.boxes, sequence.other_boxes)]
    errors = [center_errors(truth, boxes[judged])[0] for truth in truths]
    return np.min(errors, axis=0), np.max([iou(truth, boxes[judged]) for truth in truths], axis=0)


def _rgbt(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    rows = []
    for found in map(_best_of_both, sequences, runs):
        if found is None:
            rows.append([math.nan] * 3)
            continue
        error, overlap = found
        rows.append([(error <= 20).mean(), (overlap[:, None] > OVERLAPS).mean(), 1.0])
    return np.array(rows, float).reshape(-1, 3)


RGBT = Benchmark(
    ('RGBT234', 'VTUAV'),
    {'max_precision': 'Max. precision 20 px', 'max_success': 'Max. success AUC'},
    _rgbt,
    lambda sums: [_ratio(sums[..., i], sums[..., 2]) for i in range(2)],
)


def _gtot(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    """Pool the frames; a distance has to be below 5 pixels."""
    rows = []
    for found in map(_best_of_both, sequences, runs):
        if found is None:
            rows.append([math.nan] * (len(OVERLAPS) + 2))
            continue
        error, overlap = found
        above = (overlap[:, None] > OVERLAPS).sum(axis=0)
        rows.append([(error < 5).sum(), *above, len(error)])
    return np.array(rows, float).reshape(-1, len(OVERLAPS) + 2)


GTOT = Benchmark(
    ('GTOT',),
    {'max_precision_5': 'Max. precision 5 px', 'max_success_pooled': 'Max. success, pooled'},
    _gtot,
    lambda sums: [
        _ratio(sums[..., 0], sums[..., -1]),
        _ratio(_trapezoids(sums[..., 1:-1]), sums[..., -1]),
    ],
)


# ------------------------------------------------------------------- VOT, long-term
RESOLUTION = 100


def confidence_thresholds(confidences: np.ndarray) -> np.ndarray:
    """Return the thresholds of the long-term measures: inf, quantiles downwards, -inf."""
    known = np.sort(confidences[~np.isnan(confidences)])[::-1]
    count = RESOLUTION - 2
    if len(known) > count:
        step = len(known) // count
        places = np.round(np.linspace(step, len(known) - step, count)).astype(int)
        known = known[places]
    return np.array([math.inf, *known, -math.inf])


def _confidences(sequences: List[Sequence], runs: List[OnePassRun]) -> list[np.ndarray]:
    """Return each run's scores; nan up to the start and where it says that there is no target."""
    confidences = []
    for sequence, run in zip(sequences, runs):
        first, _ = _started(sequence, run)
        told = np.ones(len(sequence)) if run.scores is None else run.scores.copy()
        told[: first + 1] = np.nan  # given, not found
        told[~has_size(run.boxes)] = np.nan
        confidences.append(told)
    return confidences


def long_term_thresholds(sequences: List[Sequence], runs: List[OnePassRun]) -> np.ndarray:
    """Return the thresholds that belong to the values of `precision_recall_f`."""
    chosen = [i for i, each in enumerate(sequences) if each.layout in LONG_TERM.layouts]
    told = _confidences([sequences[i] for i in chosen], [runs[i] for i in chosen])
    return confidence_thresholds(np.concatenate([*told, np.zeros(0)]))


def _long_term(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    """Return precision and recall at each threshold on the confidence, of all sequences' own."""
    confidences = _confidences(sequences, runs)
    limits = confidence_thresholds(np.concatenate([*confidences, np.zeros(0)]))
    rows = []
    for sequence, run, size, told in zip(sequences, runs, sizes, confidences):
        overlap = overlaps(sequence.boxes, run.boxes, size, sequence.polygons)
        found = told[:, None] >= limits  # frames x thresholds; a comparison with nan is false
        sums, counts = overlap @ found, found.sum(axis=0)
        precision = np.where(counts > 0, sums / np.maximum(counts, 1), 1.0)
        rows.append([*precision, *sums / has_size(sequence.boxes).sum(), 1.0])
    return np.array(rows, float).reshape(-1, 2 * len(limits) + 1)


def precision_recall_f(sums: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision, recall and F at each threshold from the sums of `LONG_TERM`."""
    half = sums.shape[-1] // 2
    precision = sums[..., :half] / sums[..., -1:]
    recall = sums[..., half:-1] / sums[..., -1:]
    both = precision + recall
    return (
        precision,
        recall,
        np.where(both > 0, 2 * precision * recall / np.where(both, both, 1), 0),
    )


def _best_f(sums: np.ndarray) -> list[np.ndarray]:
    curves = precision_recall_f(sums)
    best = np.argmax(curves[2], axis=-1)[..., None]
    f, precision, recall = (curves[i] for i in (2, 0, 1))
    return [np.take_along_axis(each, best, -1)[..., 0] for each in (f, precision, recall)]


LONG_TERM = Benchmark(
    ('VOT-LT',),
    {'f_score': 'F', 'lt_precision': 'Precision at F', 'lt_recall': 'Recall at F'},
    _long_term,
    _best_f,
)


# ------------------------------------------------------------------- masks
def _of_masks(sequences: List[Sequence], runs: List[OnePassRun], sizes: Sizes) -> np.ndarray:
    """Return mean, recall and decay of J and of F; nan for trackers without masks."""
    rows = []
    for sequence, run in zip(sequences, runs):
        if run.masks is None or sequence.masks is None:
            rows.append([math.nan] * 7)
            continue
        first, _ = _started(sequence, run)
        region = np.full(len(sequence), np.nan)
        contour = region.copy()
        for index in range(first + 1, len(sequence) - 1):
            truth = sequence.masks[index]
            if truth is not None:
                line = run.masks[index] or EMPTY
                mask = decoded(line, truth.shape)
                region[index] = region_similarity(mask, truth)
                contour[index] = contour_accuracy(mask, truth)
        judged = slice(first + 1, len(sequence) - 1)
        rows.append([*statistics(region[judged]), *statistics(contour[judged]), 1.0])
    return np.array(rows, float).reshape(-1, 7)


def _j_and_f(sums: np.ndarray) -> list[np.ndarray]:
    means = [_ratio(sums[..., i], sums[..., 6]) for i in range(6)]
    return [(means[0] + means[3]) / 2, *means]


MASKS = Benchmark(
    (),
    {
        'j_and_f': 'J & F',
        'j_mean': 'J mean',
        'j_recall': 'J recall',
        'j_decay': 'J decay',
        'f_mean': 'F mean',
        'f_recall': 'F recall',
        'f_decay': 'F decay',
    },
    _of_masks,
    _j_and_f,
    of_masks=True,
)

BENCHMARKS = {
    'got10k': GOT10K,
    'trackingnet': TRACKINGNET,
    'anti-uav': ANTI_UAV,
    'rgbt': RGBT,
    'gtot': GTOT,
    'long-term': LONG_TERM,
    'masks': MASKS,
}
