# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What the page can ask for."""

from __future__ import annotations

import json
import math
from typing import Any, Protocol

import numpy as np

from ..geometry import Box
from ..imaging.grow import propose_box
from ..tracking.inits import InitRequest

_LONGEST_ID = 100


class Commands(Protocol):
    """
    Carries out what a viewer asks for, in any thread; may take a few seconds.

    Each returns what was done, in words. Raises ValueError or OSError (TimeoutError) where it
    could not be done, with the reason.
    """

    def init(self, request: InitRequest) -> str:
        """Follow a box; a stamp of 0 is the newest image."""

    def cancel(self, id: str) -> str:
        """Forget a target."""

    def reset(self) -> str:
        """Forget all targets."""

    def pause(self, on: bool) -> str:
        """Pause, or go on."""


class BadRequest(ValueError):
    """A request that no page of this package sends."""


def parsed(text: str) -> dict[str, Any]:
    """Read a request; raises BadRequest that names what is wrong with it."""
    try:
        request = json.loads(text)
    except (ValueError, RecursionError):
        raise BadRequest('it is not JSON') from None
    if not isinstance(request, dict) or not isinstance(request.get('do'), str):
        raise BadRequest("it is no object with 'do'")
    return request


def numbers(request: dict[str, Any], name: str, count: int) -> list[float]:
    """Return so many finite numbers of a request; raises BadRequest."""
    values = request.get(name)
    if not isinstance(values, list) or len(values) != count:
        raise BadRequest(f"'{name}' is not a list of {count} numbers")
    for value in values:
        fine = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not fine or not math.isfinite(value) or abs(value) > 1e6:
            raise BadRequest(f"'{name}' holds something else than numbers up to a million")
    return [float(value) for value in values]


def text(request: dict[str, Any], name: str) -> str:
    """Return a text of a request, empty where there is none; raises BadRequest."""
    value = request.get(name, '')
    if not isinstance(value, str) or len(value) > _LONGEST_ID:
        raise BadRequest(f"'{name}' is not a text of up to {_LONGEST_ID} characters")
    return value


def proposal(image01: np.ndarray, x: float, y: float, reach: float) -> Box:
    """
    Propose a box around what stands out at a place, or within `reach` pixels of it.

    A finger covers more than a pixel: where nothing stands out right under it, the pixel nearby
    that differs most from its surroundings is tried. Raises ValueError where nothing stands out,
    and for a place outside of the image.
    """
    box = propose_box(image01, x, y)
    radius = int(min(reach, min(image01.shape) / 4))
    if box is None and radius > 0:
        top, left = max(int(y) - radius, 0), max(int(x) - radius, 0)
        near = image01[top : int(y) + radius + 1, left : int(x) + radius + 1]
        differs = np.abs(near - np.median(near))
        row, column = np.unravel_index(int(differs.argmax()), near.shape)
        box = propose_box(image01, float(left + column), float(top + row))
    if box is None:
        raise ValueError('nothing stands out there: draw a box around the object')
    return box
