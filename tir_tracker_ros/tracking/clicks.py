# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""From a click on an image to an init: the box of what stands out at that place."""

from __future__ import annotations

from ..geometry import Box
from ..imaging.gain import GainControl, GainSettings
from ..imaging.grow import propose_box
from .frame_buffer import BufferedImage
from .inits import InitRefused, InitRequest


def init_at(
    x: float, y: float, newest: BufferedImage | None, gain: GainSettings, smallest_side: float
) -> InitRequest:
    """
    Propose a box around what is at `x`, `y`, in pixels of the newest image.

    A box smaller than `smallest_side` is enlarged to it about its centre. Raises InitRefused
    before the first image, for a place outside of the image, and where nothing stands out.
    """
    named = f'click at {x:g},{y:g} refused'
    if newest is None:
        raise InitRefused(f'{named}: there is no image yet')
    try:
        box = propose_box(GainControl(gain)(newest.image), x, y)
    except ValueError as error:
        raise InitRefused(f'{named}: {error}') from None
    if box is None:
        raise InitRefused(
            f'{named}: nothing of at most half the height of the image stands out there; '
            'send a box to ~/init'
        )
    w, h = max(box.w, smallest_side), max(box.h, smallest_side)
    # At the border of the image the larger box is shifted, so that all of it lies inside.
    x0 = min(max(box.cx - w / 2, 0.0), newest.image.width - w)
    y0 = min(max(box.cy - h / 2, 0.0), newest.image.height - h)
    return InitRequest(Box(x0, y0, w, h), newest.image.stamp)
