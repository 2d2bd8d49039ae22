# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Random surfaces: noise over several octaves, and curves that wander smoothly."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np


def fractal_noise(
    rng: np.random.Generator,
    height: int,
    width: int,
    cell: float,
    persistence: float = 0.6,
    stretch: float = 1.0,
    finest: float = 2.0,
) -> np.ndarray:
    """
    Return `height x width` float32 noise of mean 0 and standard deviation 1.

    `cell` is the size of the largest blobs and `finest` that of the smallest, in pixels; each
    octave has `persistence` times the amplitude of the one twice its size. Blobs are `stretch`
    times as wide as high.
    """
    octaves = max(int(round(np.log2(max(cell / finest, 1)))), 0)
    rows = max(int(np.ceil(height / cell)), 1) + 2
    columns = max(int(np.ceil(width / (cell * stretch))), 1) + 2
    noise: np.ndarray = rng.standard_normal((rows, columns), dtype=np.float32)
    amplitude = 1.0
    for _ in range(octaves):
        # Only the part that is going to be seen is refined.
        rows = min(rows * 2, int(np.ceil(height / cell * 2)) + 2)
        columns = min(columns * 2, int(np.ceil(width / (cell * stretch) * 2)) + 2)
        cell /= 2
        amplitude *= persistence
        fine = rng.standard_normal((rows, columns), dtype=np.float32)
        grown = cv2.resize(noise, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
        noise = cv2.scaleAdd(fine, amplitude, np.ascontiguousarray(grown[:rows, :columns]))
    whole = cv2.resize(
        noise,
        (max(int(columns * cell * stretch), width), max(int(rows * cell), height)),
        interpolation=cv2.INTER_LINEAR,
    )
    whole = np.ascontiguousarray(whole[:height, :width])
    mean, deviation = cv2.meanStdDev(whole)
    return (whole - np.float32(mean.item())) * np.float32(1 / max(deviation.item(), 1e-6))


Curve = Callable[[np.ndarray], np.ndarray]
"""Values at N times, seconds."""


def wander(rng: np.random.Generator, period: float, waves: int = 4) -> Curve:
    """
    Return a smooth random curve within -1..1, of standard deviation about 0.4.

    It is a sum of sinusoids whose periods lie around `period` seconds, so it can be evaluated at
    any time without those before.
    """
    weights = rng.dirichlet(np.full(waves, 4.0))
    speeds = 2 * np.pi / (period * np.exp(rng.uniform(-0.7, 0.7, waves)))
    phases = rng.uniform(0, 2 * np.pi, waves)
    return lambda times: np.sin(times[:, None] * speeds + phases) @ weights


def smooth_step(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below `low`, 1 above `high` and a smooth rise between."""
    ratio = np.clip((values - low) / (high - low), 0.0, 1.0)
    return ratio * ratio * (3 - 2 * ratio)
