# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
How far metrics would move with other sequences of the same kind: the bootstrap over sequences.

The same sequences are drawn for each tracker, so that their differences have intervals, too.
"""

from __future__ import annotations

import numpy as np

DRAWS = 1000
LEVEL = 0.95

Samples = dict[str, np.ndarray]
"""For each metric its value in every draw."""


def draws(count: int) -> np.ndarray:
    """Return how often each of `count` sequences is drawn, `DRAWS x count`; always the same."""
    return np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), DRAWS)


def interval(values: np.ndarray) -> list[float] | None:
    """Return the ends between which `LEVEL` of the values lie; None where there are none."""
    known = values[np.isfinite(values)]
    if not len(known):
        return None
    return np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()


def mean_samples(values: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Return the mean of a value for each sequence in every draw; nan counts nowhere."""
    known = np.isfinite(values)
    weights = known * (np.ones(len(values)) if weights is None else weights)
    drawn = draws(len(values))
    with np.errstate(invalid='ignore', divide='ignore'):
        return (drawn @ (np.where(known, values, 0) * weights)) / (drawn @ weights)


def differences(samples: dict[str, Samples], best: str) -> dict[str, dict[str, list[float]]]:
    """Return, for each tracker but `best`, the intervals of its metrics minus those of `best`."""
    found: dict[str, dict[str, list[float]]] = {}
    for name, of_tracker in samples.items():
        for key, values in of_tracker.items():
            ends = interval(values - samples[best][key]) if key in samples[best] else None
            if name != best and ends:
                found.setdefault(name, {})[key] = ends
    return found
