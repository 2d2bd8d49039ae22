# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Whether the states that are told of a target are true, and whether its score is a probability.

All is counted over images: those behind the first one with truth, in which the set says where the
target is, or that it is absent. Sums of these counts over any sequences give the shares.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..geometry import iou
from ..sequences.benchmarks import Sequence
from ..tracking.states import TargetState, Thresholds
from .metrics import has_size

STATES = ('tracking', 'uncertain', 'lost')
BOXES = ('right', 'between', 'off', 'absent')
"""What the truth says of a box: its overlap is above 0.5, between, or below 0.1; no target."""
RIGHT_ABOVE = 0.5
OFF_BELOW = 0.1
ON_TARGET = 0.3
"""Overlap above which the score, when it is calibrated, takes a box to be on the target."""
BINS = 10
"""Of the score, in the reliability diagram; each as wide as the others."""

TITLES = {
    'told_while_off': 'Told tracking while off',
    'loss_told': 'Loss told',
    'false_loss': 'False loss',
}
"""Keys of the shares in the report, and what its tables call them."""


def told_states(
    scores: np.ndarray, first: int, thresholds: Thresholds, calibrated: bool = True
) -> np.ndarray:
    """
    Return, for N scores, what the node tells in each image: the places of the states in `STATES`.

    A target is started in the image `first`; -1 stands before it. As in the node, a score that is
    not finite counts as 0. calibrated: whether the scores are calibrated probabilities.
    """
    states = np.full(len(scores), -1)
    state = TargetState('')
    for index, score in enumerate(np.nan_to_num(scores, nan=0.0, posinf=0.0, neginf=0.0)):
        if index >= first:
            state.judge(1.0 if index == first else float(score), thresholds, calibrated)
            states[index] = STATES.index(state.name)
    return states


def _judged(sequence: Sequence) -> np.ndarray:
    """Tell which images count; none where a test split gives nothing but the first box."""
    known = has_size(sequence.boxes)
    judged = np.ones(len(sequence), bool) if sequence.labelled is None else sequence.labelled
    behind = np.arange(len(sequence)) > int(np.argmax(known))
    return judged & behind & (known.sum() > 1)


def state_counts(sequence: Sequence, boxes: np.ndarray, states: np.ndarray) -> np.ndarray:
    """Count the images of a run, `N x 4` boxes, by state and box: `STATES` x `BOXES`."""
    overlap = iou(sequence.boxes, boxes)
    kinds = np.select(
        [~has_size(sequence.boxes), overlap > RIGHT_ABOVE, ~(overlap < OFF_BELOW)],
        [BOXES.index('absent'), BOXES.index('right'), BOXES.index('between')],
        BOXES.index('off'),
    )
    counts = np.zeros((len(STATES), len(BOXES)))
    judged = _judged(sequence)
    np.add.at(counts, (states[judged], kinds[judged]), 1)
    return counts


def state_shares(counts: np.ndarray) -> dict[str, np.ndarray]:
    """
    Return the shares (`TITLES`) from counts, `... x STATES x BOXES`; nan where nothing is divided.

    A box is wrong where it is off or the target absent. Told tracking while off: of the images
    that are told `tracking`, those with a wrong box. Loss told: of the images with a wrong box,
    those that are told `uncertain` or `lost`. False loss: of the images with a right box, those
    that are told `lost`.
    """
    wrong = counts[..., BOXES.index('off')] + counts[..., BOXES.index('absent')]
    right = counts[..., BOXES.index('right')]
    tracking, lost = STATES.index('tracking'), STATES.index('lost')
    all_wrong = wrong.sum(axis=-1)
    with np.errstate(invalid='ignore', divide='ignore'):
        return {
            'told_while_off': wrong[..., tracking] / counts[..., tracking, :].sum(axis=-1),
            'loss_told': (all_wrong - wrong[..., tracking]) / all_wrong,
            'false_loss': right[..., lost] / right.sum(axis=-1),
        }


def reliability_sums(sequence: Sequence, boxes: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Sum images, scores, and boxes on the target in each bin of the score, `3 x BINS`."""
    judged = _judged(sequence)
    scores = np.nan_to_num(scores, nan=0.0)[judged]
    on_target = (iou(sequence.boxes, boxes) > ON_TARGET)[judged]
    bins = np.minimum((scores * BINS).astype(int), BINS - 1)
    weights = (np.ones(len(scores)), scores, on_target)
    return np.array([np.bincount(bins, each, BINS) for each in weights])


def reliability(sums: np.ndarray) -> dict[str, Any]:
    """
    Return the table behind the reliability diagram, a row for each bin of the score.

    `on_target` is the share of the bin's images in which the overlap is above `ON_TARGET`. `error`
    is the mean distance of this share from the mean score, weighted by images (the expected
    calibration error); nan without any image.
    """
    images, score, on_target = sums
    with np.errstate(invalid='ignore', divide='ignore'):
        rows = {'mean_score': score / images, 'on_target': on_target / images}
        error = float(np.abs(score - on_target).sum() / images.sum())
    return {
        'from': [place / BINS for place in range(BINS)],
        'images': images.astype(int).tolist(),
        **{name: each.tolist() for name, each in rows.items()},
        'error': error,
    }


def in_range(scores: np.ndarray) -> bool:
    """Tell whether scores can be probabilities: all that are known lie in 0..1."""
    return not ((scores < 0) | (scores > 1)).any()
