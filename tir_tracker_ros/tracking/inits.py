# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""An init: the box to follow, and why it may be refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
import math

from ..geometry import Box, hull
from ..imaging.guard import is_blank
from ..imaging.thermal_image import ThermalImage
from .frame_buffer import BufferedImage, FrameBuffer, seconds
from .stream_settings import StreamSettings


@dataclass(frozen=True)
class InitRequest:
    """A box to follow."""

    box: Box
    """In pixels of the image; of the unrotated box where `theta` is given."""
    stamp: int = 0
    """The image that the box was drawn on, nanoseconds; 0 for the newest."""
    id: str = ''
    """Id that the target gets; one is made where it is empty."""
    class_id: str = ''
    """What the target is; every answer carries it. Where it is empty, the tracker may know."""
    theta: float = 0.0
    """Rotation of the box about its centre, radians; its axis-aligned hull is followed."""


class InitRefused(ValueError):
    """An init that cannot be followed; the message names the value and what would be accepted."""


def named(request: InitRequest) -> str:
    """Name a request in a message: its box."""
    return 'init box ' + ','.join(f'{value:g}' for value in request.box)


def checked(request: InitRequest, smallest_side: float) -> InitRequest:
    """
    Check what needs no image, and turn a rotated box into its axis-aligned hull.

    Raises InitRefused for a box that is not finite, or smaller than `smallest_side` pixels.
    """
    box, theta = request.box, request.theta
    if not (box.is_finite() and math.isfinite(theta)):
        turned = f' turned by {theta:g}' if theta else ''
        raise InitRefused(f'{named(request)}{turned} refused: it is not finite')
    if box.w <= 0 or box.h <= 0:
        raise InitRefused(
            f'{named(request)} refused: width {box.w:g} and height {box.h:g} have to be positive'
        )
    if min(box.w, box.h) < smallest_side:
        raise InitRefused(
            f'{named(request)} refused: {box.w:g} x {box.h:g} pixels are too few to follow, both '
            f'sides have to be {smallest_side:g} or more'
        )
    return replace(request, box=hull(box, theta) if theta else box, theta=0.0)


def check_inside(request: InitRequest, image: ThermalImage, smallest_side: float) -> None:
    """Raise InitRefused for a box of which not enough lies inside of the image."""
    box = request.box
    size = f'the image of {image.width} x {image.height} pixels'
    if box.w > image.width or box.h > image.height:
        raise InitRefused(f'{named(request)} refused: it is larger than {size}')
    inside = box.clipped(image.width, image.height)
    if not inside.area:
        raise InitRefused(f'{named(request)} refused: it lies outside of {size}')
    if min(inside.w, inside.h) < smallest_side:
        raise InitRefused(
            f'{named(request)} refused: only {inside.w:g} x {inside.h:g} pixels of it lie inside '
            f'of {size}, both sides have to be {smallest_side:g} or more'
        )


def images_of(
    request: InitRequest, buffer: FrameBuffer, settings: StreamSettings
) -> list[BufferedImage]:
    """
    Find the image of the request and those since; empty where it has not come yet.

    Raises InitRefused for a stamp before the buffer, a box outside of the image, a blank image.
    """
    try:
        images = buffer.since(request.stamp)
    except LookupError as error:
        raise InitRefused(f'{named(request)} refused: {error.args[0]}') from None
    if images:
        first = images[0].image
        check_inside(request, first, settings.smallest_side)
        if is_blank(first.pixels, settings.gain.crop):
            raise InitRefused(
                f'{named(request)} refused: the image of stamp {seconds(first.stamp)} is '
                'blank (constant or without finite pixels)'
            )
    return images
