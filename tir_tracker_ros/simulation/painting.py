# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Draws a body into a thermal image, with smooth edges, sub-pixel place and box."""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from ..geometry import Box
from .bodies import Shape

_ARC = np.linspace(-np.pi / 2, np.pi / 2, 7)
_EMPTY = -1e6
_SHIFT = 4
"""Fractional bits of the corners that OpenCV gets."""
_LARGEST = 700
"""Bodies larger than this, in pixels, are not drawn beyond the image."""


@dataclass(frozen=True)
class Outline:
    """A body projected onto the image."""

    polygons: list[np.ndarray]
    """Convex polygons `M x 2`, pixels, from far to near."""
    heat: list[float]
    """Heat of each polygon."""
    box: Box
    """Tight around all polygons, pixels; may reach out of the image."""


@dataclass(frozen=True)
class Patch:
    """A drawn body: where it lies and how much of each pixel it covers."""

    left: int
    top: int
    alpha: np.ndarray
    """`h x w` float32, 0..1."""
    heat: np.ndarray
    """`h x w` float32: heat times alpha."""


def project(
    shape: Shape, yaw: float, elevation: float, linear: np.ndarray, origin: np.ndarray
) -> Outline:
    """
    Project a body as a distant camera sees it.

    `yaw` is where it faces (0 right, pi/2 away), `elevation` how steeply the camera looks down,
    both radians. `linear` (2 x 2) takes metres (right, down) to pixels, `origin` is the body's
    foot in the image.
    """
    sin_yaw, cos_yaw = math.sin(yaw), math.cos(yaw)
    sin_e, cos_e = math.sin(elevation), math.cos(elevation)
    # Columns: right, down, and nearness to the camera, of the axes x, y, z of the body.
    view = np.array(
        [
            [cos_yaw, -sin_yaw * sin_e, -sin_yaw * cos_e],
            [-sin_yaw, -cos_yaw * sin_e, -cos_yaw * cos_e],
            [0.0, -cos_e, sin_e],
        ]
    )
    polygons: list[np.ndarray] = []
    heat: list[float] = []
    if len(shape.heat):
        ends = shape.ends @ view
        order = np.argsort(ends[:, :, 2].sum(axis=1), kind='stable')
        flat = ends[order, :, :2]
        along = flat[:, 1] - flat[:, 0]
        angle = np.arctan2(along[:, 1], along[:, 0])[:, None] + _ARC
        ring = np.stack([np.cos(angle), np.sin(angle)], axis=2)
        radii = shape.radii[order][:, :, None, None]
        outline = np.concatenate(
            [flat[:, 1, None] + radii[:, 1] * ring, flat[:, 0, None] - radii[:, 0] * ring], axis=1
        )
        polygons += list(outline @ linear.T + origin)
        heat += shape.heat[order].tolist()
    if shape.faces:
        corners = np.concatenate([face for face, _ in shape.faces]) @ view[:, :2]
        start = 0
        for face, face_heat in shape.faces:
            flat = corners[start : start + len(face)]
            start += len(face)
            first, second = flat[1] - flat[0], flat[2] - flat[1]
            if first[0] * second[1] - first[1] * second[0] < 0:  # seen from outside
                polygons.append(flat @ linear.T + origin)
                heat.append(face_heat)
    points = np.concatenate(polygons)
    low, high = points.min(axis=0), points.max(axis=0)
    return Outline(polygons, heat, Box(*low.tolist(), *(high - low).tolist()))


def paint(
    outline: Outline,
    size: tuple[int, int],
    texture: np.ndarray,
    smear: tuple[float, float] = (0.0, 0.0),
) -> Patch | None:
    """
    Draw an outline at several times the resolution and average it down.

    `size` is width and height of the image, `texture` a small float32 image of what is added to
    the heat across the body, `smear` how far the body moves while the shutter is open, pixels.
    Returns None when nothing of it is near the image.
    """
    box = outline.box
    reach = 2 + int(max(abs(smear[0]), abs(smear[1])) / 2)
    left, top = math.floor(box.x) - reach, math.floor(box.y) - reach
    right, bottom = math.ceil(box.x + box.w) + reach, math.ceil(box.y + box.h) + reach
    if right <= 0 or bottom <= 0 or left >= size[0] or top >= size[1]:
        return None
    if max(right - left, bottom - top) > _LARGEST:
        left, top = max(left, -reach), max(top, -reach)
        right, bottom = min(right, size[0] + reach), min(bottom, size[1] + reach)
    width, height = right - left, bottom - top
    fine = 4 if max(box.w, box.h) < 48 else 2
    canvas = np.full((height * fine, width * fine), _EMPTY, np.float32)
    factor = fine * 2**_SHIFT
    # OpenCV puts whole numbers at the middle of a pixel.
    middle = 2 ** (_SHIFT - 1)
    for polygon, heat in zip(outline.polygons, outline.heat):
        corners = np.rint((polygon - (left, top)) * factor - middle).astype(np.int32)
        cv2.fillConvexPoly(canvas, corners, heat, cv2.LINE_8, _SHIFT)
    covered = (canvas > _EMPTY / 2).astype(np.float32)
    canvas += cv2.resize(texture, (width * fine, height * fine), interpolation=cv2.INTER_LINEAR)
    cv2.multiply(canvas, covered, canvas)
    alpha = cv2.resize(covered, (width, height), interpolation=cv2.INTER_AREA)
    warmth = cv2.resize(canvas, (width, height), interpolation=cv2.INTER_AREA)
    kernel = smear_kernel(*smear)
    if kernel is not None:
        alpha = cv2.filter2D(alpha, -1, kernel, borderType=cv2.BORDER_CONSTANT)
        warmth = cv2.filter2D(warmth, -1, kernel, borderType=cv2.BORDER_CONSTANT)
    return Patch(left, top, alpha, warmth)


def blend(frame: np.ndarray, patch: Patch, base: float, contrast: float) -> None:
    """Put a patch over a frame (`H x W` float32, kelvin), in place."""
    here, there = overlap(frame.shape, patch)
    alpha = patch.alpha[there]
    part = frame[here]
    part *= 1 - alpha
    part += alpha * np.float32(base) + patch.heat[there] * np.float32(contrast)


def overlap(shape: tuple[int, ...], patch: Patch) -> tuple[tuple[slice, slice], ...]:
    """Return the slices of the image and of the patch where both lie."""
    height, width = patch.alpha.shape
    x0, y0 = max(patch.left, 0), max(patch.top, 0)
    x1, y1 = min(patch.left + width, shape[1]), min(patch.top + height, shape[0])
    here = slice(y0, max(y1, y0)), slice(x0, max(x1, x0))
    there = (
        slice(y0 - patch.top, max(y1, y0) - patch.top),
        slice(x0 - patch.left, max(x1, x0) - patch.left),
    )
    return here, there


def smear_kernel(dx: float, dy: float) -> np.ndarray | None:
    """Return the blur kernel of a motion by (dx, dy) pixels; None for less than a pixel."""
    length = math.hypot(dx, dy)
    if length < 1.0:
        return None
    half = int(math.ceil(max(abs(dx), abs(dy)) / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    steps = np.linspace(-0.5, 0.5, 4 * half + 1)
    x = np.rint(half + steps * dx).astype(int)
    y = np.rint(half + steps * dy).astype(int)
    np.add.at(kernel, (y, x), 1.0)
    return kernel / kernel.sum()
