# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""How sure one may be of a box: a calibrated probability that it is right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
import math
from typing import Any

import numpy as np

FEATURES = ('peak', 'agreement')
"""
The peak of the response over that of the first image (`peak`), and whether the refiner verifies
that the box is on the target of the first image (`agreement`; 1 without one): a template that
learns quickly matches whatever it has come to follow, a first image does not.
"""
FILTER_FEATURES = (*FEATURES, 'filter', 'rival')
"""
With a target model, `peak` is the network's response in the place that both choose together.
`filter` is the target model's response there, and `rival` its highest response beside the target;
both are divided by its response in the first image.
"""
_UNCALIBRATED = (-4.0, 8.0, 0.0)
"""Intercept and a weight for each feature where there is no calibration: by the peak alone."""
_HIGHEST = 2.0
"""Peaks beyond it, either way, tell no more."""


def calibration_name(size: str, target_model: bool) -> str:
    """Return the name of the calibration for a way to follow the size."""
    # Older files have 'refiner': of an agreement that was the spread of the refiner's corrections.
    name = 'verified' if size == 'refiner' else size
    return f'{name} with target model' if target_model else name


def calibration(score: Any, size: str, target_model: bool = False) -> tuple[Sequence[float], bool]:
    """
    Return the weights for one way to follow the size, and whether they were fitted for it.

    score: the fact `score` of a weight file, weights by `calibration_name`. Where there are none
    for a target model, those without one are the nearest guess. Raises ValueError for anything
    else.
    """
    if not isinstance(score, Mapping):
        raise ValueError(f"the weights' calibration of the score is {score!r}, not a mapping")
    name = calibration_name(size, target_model)
    if name not in score:
        if not target_model:
            return _UNCALIBRATED, False
        weights, _ = calibration(score, size)
        return (*weights, *[0.0] * (len(FILTER_FEATURES) - len(FEATURES))), False
    weights = score[name]
    needed = 1 + len(FILTER_FEATURES if target_model else FEATURES)
    numbers = isinstance(weights, (list, tuple)) and all(
        isinstance(one, (int, float)) and math.isfinite(one) for one in weights
    )
    if not numbers or len(weights) != needed:
        raise ValueError(
            f'the weights bring {weights!r} to calibrate the score, {needed} finite numbers are '
            'needed: train them again with this version'
        )
    return weights, True


def score_features(
    peak: float, self_peak: float, agreement: float, filtered: Sequence[float] = ()
) -> np.ndarray:
    """
    Compute the FEATURES; `self_peak`, positive, is the peak in the first image.

    filtered: `filter` and `rival` of a target model, already divided by the first image's.
    """
    peaks = np.clip([peak / self_peak, *filtered], -_HIGHEST, _HIGHEST)
    return np.array([peaks[0], agreement, *peaks[1:]])


def probability(features: np.ndarray, weights: Sequence[float] = _UNCALIBRATED) -> float:
    """Turn features into 0..1; `weights` are the intercept and one for each feature."""
    logit = weights[0] + float(np.dot(weights[1:], features))
    # numpy's exponential differs from that of math in the last bit.
    return 1.0 / (1.0 + math.exp(-min(max(logit, -30.0), 30.0)))


def chance(log_odds: Any) -> Any:
    """Turn log-odds, one or an array of them, into probabilities 0..1."""
    return 1.0 / (1.0 + np.exp(-np.clip(log_odds, -30.0, 30.0)))


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
        found = chance(inputs @ weights)
        gradient = inputs.T @ (found - right) + ridge * weights
        hessian = (inputs * (found * (1 - found))[:, None]).T @ inputs
        weights -= np.linalg.solve(hessian + ridge * np.eye(len(weights)), gradient)
    return tuple(float(value) for value in weights)
