# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Make the score of a trained model a probability, on scenes of the simulator."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from ..geometry import Box
from ..imaging.gain import GainControl
from ..simulation import CATEGORIES, render
from ..tracking.matching_tracker import MatchingTracker
from ..tracking.score import calibrate

_ON_TARGET = 0.3
"""Overlap from which a box counts as being on the target."""
_ROUNDS = 2
"""A score decides what is learnt, and so what there is to score."""
_ELSEWHERE_EVERY = 8
"""Images from one look at another place to the next."""
_FIRST_SEED = 700_000
"""Far from the seeds that scenes are trained and judged on."""


def calibrate_score(tracker: MatchingTracker, scenes: int = 3, frames: int = 80) -> list[float]:
    """
    Follow targets of every category of scene, and fit the score to whether the box was right.

    Runs `scenes` scenes of `frames` images of each category; returns the weights that belong in
    the facts of the weight file as `score`, and leaves them in the tracker. Images without the
    target count as wrong, whatever the box. So do looks at other places of the same images, unless
    they find the target: that is what a target leaves behind that goes away.
    """
    for _ in range(_ROUNDS):
        features, right = _followed(tracker, scenes, frames)
        tracker.score_weights = calibrate(features, right)
    return list(tracker.score_weights)


def _followed(tracker: MatchingTracker, scenes: int, frames: int) -> tuple[np.ndarray, np.ndarray]:
    """Follow targets; returns what the scores were made of and whether the boxes were right."""
    random = np.random.default_rng(0)
    features, right = [], []
    for category in tqdm(CATEGORIES, desc='calibration', unit='category'):
        for index in range(scenes):
            gain, started = GainControl(), False
            scene = render(category, seed=_FIRST_SEED + index, frames=frames)
            for number, (image, box) in enumerate(scene):
                image01 = gain(image)
                if not started:
                    if started := box is not None:
                        tracker.init(image01, box)
                    continue
                estimate = tracker.update(image01)
                looks = [(estimate, tracker.features)]
                if number % _ELSEWHERE_EVERY == 0:
                    x, y = random.random(2) * image01.shape[::-1]
                    place = Box.from_center(x, y, estimate.box.w, estimate.box.h)
                    looks += tracker.look_around(image01, place)
                for found, made_of in looks:
                    features.append(made_of)
                    right.append(box is not None and found.box.iou(box) > _ON_TARGET)
    return np.array(features), np.array(right)
