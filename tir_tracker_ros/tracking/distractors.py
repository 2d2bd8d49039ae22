# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Look-alikes of a target, whose likeness counts against a place (DaSiamRPN, section 3.3).

With f(z, p) for how much a proposal p is like the target z, and d_i for the look-alikes of all
images so far, the paper takes the proposal with the largest f(z, p) - a mean_i f(d_i, p). Here f
is the probability, 0..1, so that a place which is unlike everything does not gain, and the mean is
taken over templates, of which the log-odds are linear functions. The paper tells neither how many
look-alikes there are nor when a proposal is one; these numbers are this package's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..geometry import Box, iou
from .runtime import Runtime

_LIKE_ABOVE = 0.5
"""Probability from which a proposal is a look-alike."""
_APART_BELOW = 0.3
"""Overlap below which it is another object than the target, or than another look-alike."""
_MOST = 3
"""Look-alikes that are learned in an image, the likeliest ones."""
_RATE = 0.01
"""Share of those of a new image in the running average (Zhu et al., ECCV 2018, section 4.1)."""


def look_alikes(boxes: np.ndarray, chances: np.ndarray, target: Box) -> list[Box]:
    """
    Choose the proposals that look like the target and are not it, the likeliest first.

    `boxes` are `K x 4 x R x R` (left, top, width, height), `chances` their probabilities
    `K x R x R`, `target` the box that was chosen, in the same pixels.
    """
    flat = boxes.transpose(0, 2, 3, 1).reshape(-1, 4)
    flat_chances = chances.ravel()
    likely = np.flatnonzero(flat_chances > _LIKE_ABOVE)
    likely = likely[np.argsort(-flat_chances[likely], kind='stable')]
    known, found = [np.array(tuple(target))], list[Box]()
    candidates = flat[likely]
    while len(found) < _MOST:
        candidates = candidates[_overlap(candidates, known[-1]) < _APART_BELOW]
        if not len(candidates):
            break
        known.append(candidates[0])
        found.append(Box(*candidates[0].tolist()))
    return found


def _overlap(boxes: np.ndarray, one: np.ndarray) -> np.ndarray:
    return iou(boxes, np.broadcast_to(one, boxes.shape))


def remembered(runtime: Runtime, template: Any, new: Sequence[Any]) -> Any:
    """Add the templates of an image's look-alikes to the running average of those before."""
    mean = new[0]
    for count, one in enumerate(new[1:], start=2):
        mean = runtime.blend(mean, one, 1 / count)
    return mean if template is None else runtime.blend(template, mean, _RATE)
