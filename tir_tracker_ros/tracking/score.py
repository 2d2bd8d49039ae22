# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How sure one may be of a box: a calibrated probability that it is right."""

from __future__ import annotations

from collections.abc import Sequence
import math

import numpy as np

FEATURES = ('peak', 'sharpness', 'margin', 'agreement')
"""
What a response tells: its peak over that of the first image (`peak`), the distance of the peak
from the rest of the map in standard deviations of the rest (`sharpness`, over 10), and the
distance of the peak from the second-highest one, over its height above the mean (`margin`). And
how well the box refiner knows the target of the first image again (`agreement`; 1 without one):
a template that learns quickly matches whatever it has come to follow, a first image does not.
"""
UNCALIBRATED = (-4.0, 8.0, 0.0, 0.0, 0.0)
"""Intercept and a weight for each feature, for weights without a calibration: by peak alone."""


def response_features(
    response: np.ndarray, self_peak: float, neighbourhood: int, reach: int
) -> np.ndarray:
    """
    Compute the first three FEATURES, of a response `R x R`; all finite, also for a constant map.

    `self_peak` is the peak in the first image, `neighbourhood` how many cells around the peak
    belong to it, `reach` how many of those around it are the rest: as many in a map of the whole
    search region as in one of its middle, so that both tell the same.
    """
    row, column = divmod(int(response.argmax()), response.shape[1])
    peak = float(response[row, column])
    rest = np.zeros(response.shape, bool)
    rest[_square(row, column, reach)] = True
    rest[_square(row, column, neighbourhood)] = False
    others = response[rest]
    if not others.size:
        return np.array([peak / self_peak, 0.0, 0.0])
    mean, deviation = float(others.mean()), float(others.std())
    height = max(peak - mean, 1e-6)
    return np.array(
        [
            np.clip(peak / self_peak, -2, 2),
            np.clip(height / max(deviation, 1e-6) / 10, 0, 5),
            np.clip((peak - float(others.max())) / height, 0, 1),
        ]
    )


def _square(row: int, column: int, cells: int) -> tuple[slice, slice]:
    """Index all that lies within `cells` of a place in a map, to every side."""
    return (
        slice(max(row - cells, 0), row + cells + 1),
        slice(max(column - cells, 0), column + cells + 1),
    )


def probability(features: np.ndarray, weights: Sequence[float] = UNCALIBRATED) -> float:
    """Turn features into 0..1; `weights` are the intercept and one for each feature."""
    logit = weights[0] + float(np.dot(weights[1:], features))
    return 1.0 / (1.0 + math.exp(-min(max(logit, -30.0), 30.0)))


def calibrate(features: np.ndarray, right: np.ndarray, ridge: float = 1.0) -> tuple[float, ...]:
    """
    Fit the weights of `probability` by logistic regression.

    `features` is `N x F`, `right` N booleans: whether the box was right.
    Raises ValueError when all are right or all are wrong.
    """
    if right.all() or not right.any():
        raise ValueError(f'{len(right)} boxes are all right or all wrong: nothing to fit')
    inputs = np.column_stack([np.ones(len(features)), features])
    weights = np.zeros(inputs.shape[1])
    for _ in range(50):  # Newton's method on a convex loss
        chance = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
        gradient = inputs.T @ (chance - right) + ridge * weights
        hessian = (inputs * (chance * (1 - chance))[:, None]).T @ inputs
        weights -= np.linalg.solve(hessian + ridge * np.eye(len(weights)), gradient)
    return tuple(float(value) for value in weights)
