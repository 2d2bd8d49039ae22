# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Make the score of a trained model a probability, on scenes of the simulator."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from ..imaging.gain import GainControl
from ..simulation import CATEGORIES, render
from ..tracking.matching_tracker import MatchingTracker
from ..tracking.score import calibrate

_ON_TARGET = 0.3
"""Overlap from which a box counts as being on the target."""
_FIRST_SEED = 700_000
"""Far from the seeds that scenes are trained and judged on."""


def calibrate_score(tracker: MatchingTracker, scenes: int = 3, frames: int = 80) -> list[float]:
    """
    Follow targets of every category of scene, and fit the score to whether the box was right.

    Runs `scenes` scenes of `frames` images of each category; returns the weights that belong in
    the facts of the weight file as `score`. Images without the target count as wrong, whatever
    the box.
    """
    features, right = [], []
    for category in tqdm(CATEGORIES, desc='calibration', unit='category'):
        for index in range(scenes):
            gain, started = GainControl(), False
            for image, box in render(category, seed=_FIRST_SEED + index, frames=frames):
                image01 = gain(image)
                if not started:
                    if started := box is not None:
                        tracker.init(image01, box)
                    continue
                estimate = tracker.update(image01)
                features.append(tracker.features)
                right.append(box is not None and estimate.box.iou(box) > _ON_TARGET)
    return list(calibrate(np.array(features), np.array(right)))
