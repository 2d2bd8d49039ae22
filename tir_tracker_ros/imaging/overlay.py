# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Draws an image with what was found in it, for a person to look at."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from ..geometry import Box, corners, hull

STATE_COLORS = {
    'tracking': (80, 220, 60),
    'uncertain': (0, 210, 255),
    'lost': (60, 60, 255),
}
"""Colour of each state, blue-green-red; other states are drawn in white."""
TARGET_COLORS = (
    *((80, 220, 60), (255, 160, 40), (60, 200, 255), (255, 80, 220)),
    *((255, 255, 60), (120, 120, 255), (180, 255, 180), (60, 120, 220)),
)
"""Colours of several targets, blue-green-red; with more targets they are used again."""
_TINT = 0.4
"""Share of the colour in the pixels of a mask."""
_FONT = cv2.FONT_HERSHEY_SIMPLEX


class TargetColors:
    """Gives each of several targets a colour that it keeps, as far as possible its own."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}

    def of(self, ids: Sequence[str]) -> list[tuple[int, int, int]]:
        """Return the colours of the targets that there are now; others give theirs up."""
        self._places = {id: self._places[id] for id in self._places if id in ids}
        for id in ids:
            if id not in self._places:
                taken = set(self._places.values())
                self._places[id] = next(n for n in range(len(ids) + 1) if n not in taken)
        return [TARGET_COLORS[self._places[id] % len(TARGET_COLORS)] for id in ids]


def draw_overlay(
    image01: np.ndarray,
    box: Box | None = None,
    state: str = 'tracking',
    score: float | None = None,
    id: str = '',
    response: np.ndarray | None = None,
    trail: Sequence[tuple[float, float]] = (),
    number: int | None = None,
    temperature: float | None = None,
    color: tuple[int, int, int] | None = None,
    theta: float = 0.0,
    mask: np.ndarray | None = None,
) -> np.ndarray:
    """
    Draw a target over a gray image.

    `image01` is `H x W`, 0..1, or what an earlier call drew for another target. `box` (pixels)
    gets the colour of `state`, or else `color`, dashed while lost, and a label of id, state, score
    and `temperature` (degrees Celsius); it is turned about its centre by `theta`, radians. The
    pixels of `mask`, `H x W` bool, are tinted in that colour; `response` (any `h x w` map) becomes
    an inset in a corner that is away from the box. `trail` are the centres of earlier boxes, the
    oldest first, which a line connects; `number` is that of the image and stands in a lower
    corner. What is not given is not drawn. Returns blue-green-red uint8 `H x W x 3`.
    """
    if image01.ndim == 3:
        canvas = image01.copy()
    else:
        gray = cv2.convertScaleAbs(np.nan_to_num(image01, nan=0.0), alpha=255)
        canvas = cv2.cvtColor(gray, cv2.COLOR_GRAY2BGR)
    height, width = canvas.shape[:2]
    around = hull(box, theta) if box is not None and theta else box
    color = color or STATE_COLORS.get(state, (255, 255, 255))
    if mask is not None and mask.any():
        tinted = canvas[mask] * (1 - _TINT) + np.array(color) * _TINT
        canvas[mask] = tinted.round().astype(np.uint8)
    if response is not None and response.size:
        _draw_inset(canvas, response, around)
    points = np.array([point for point in trail if np.isfinite(point).all()], float)
    if len(points) > 1:
        points = np.clip(points, (-width, -height), (2 * width, 2 * height)).round().astype(int)
        cv2.polylines(canvas, [points.astype(np.int32)], False, color)
    words = [f'#{id}' if id else '', state, '' if score is None else f'{score:.2f}']
    words.append('' if temperature is None else f'{temperature:.1f} C')  # the font has no degree
    label = ' '.join(word for word in words if word)
    if box is None or around is None or not around.is_finite():
        _draw_label(canvas, label, 2, 0, color)
        _draw_number(canvas, number, None)
        return canvas
    # Coordinates far outside of the image would overflow OpenCV's integers.
    ends = np.clip(corners(box, theta), (-width, -height), (2 * width, 2 * height))
    points = ends.round().astype(int)
    thickness = max(1, round(min(height, width) / 400))
    for start, stop in zip(points, np.roll(points, -1, axis=0)):
        _draw_line(canvas, start.tolist(), stop.tolist(), color, thickness, state == 'lost')
    (left, top), bottom = points.min(axis=0).tolist(), int(points[:, 1].max())
    text_height = _text_size(canvas, label)[1]
    below = top - text_height < 0
    _draw_label(canvas, label, left, bottom + 1 if below else top - text_height, color)
    _draw_number(canvas, number, around)
    return canvas


def _draw_line(
    canvas: np.ndarray,
    start: tuple[int, int],
    stop: tuple[int, int],
    color: tuple[int, int, int],
    thickness: int,
    dashed: bool,
) -> None:
    if not dashed:
        cv2.line(canvas, start, stop, color, thickness)
        return
    (x0, y0), (x1, y1) = start, stop
    pieces = max(3, int(max(abs(x1 - x0), abs(y1 - y0)) / 4)) | 1
    ends = np.linspace(start, stop, pieces + 1).round().astype(int)
    for piece in range(0, pieces, 2):
        cv2.line(canvas, ends[piece].tolist(), ends[piece + 1].tolist(), color, thickness)


def _font_scale(canvas: np.ndarray) -> float:
    return max(0.35, min(canvas.shape[:2]) / 900)


def _text_size(canvas: np.ndarray, text: str) -> tuple[int, int]:
    (width, height), baseline = cv2.getTextSize(text, _FONT, _font_scale(canvas), 1)
    return width + 4, height + baseline + 2


def _draw_label(
    canvas: np.ndarray, text: str, left: int, top: int, color: tuple[int, int, int]
) -> None:
    if not text:
        return
    text_width, text_height = _text_size(canvas, text)
    left = int(np.clip(left, 0, max(canvas.shape[1] - text_width, 0)))
    top = int(np.clip(top, 0, max(canvas.shape[0] - text_height, 0)))
    patch = canvas[top : top + text_height, left : left + text_width]
    patch[:] = patch // 3  # a dark ground keeps the text legible on a hot background
    baseline = top + text_height - cv2.getTextSize(text, _FONT, _font_scale(canvas), 1)[1] - 1
    cv2.putText(
        canvas, text, (left + 2, baseline), _FONT, _font_scale(canvas), color, 1, cv2.LINE_AA
    )


def _draw_number(canvas: np.ndarray, number: int | None, box: Box | None) -> None:
    """Write the number of the image into the lower left corner, or the right one beside a box."""
    if number is None:
        return
    height, width = canvas.shape[:2]
    text = f'image {number}'
    text_width, text_height = _text_size(canvas, text)
    top = height - text_height
    covered = box is not None and Box(0, top, text_width, text_height).iou(box) > 0
    _draw_label(canvas, text, width - text_width if covered else 0, top, (255, 255, 255))


def _draw_inset(canvas: np.ndarray, response: np.ndarray, box: Box | None) -> None:
    height, width = canvas.shape[:2]
    side = max(min(height, width) // 4, 8)
    if side + 2 > min(height, width):
        return
    finite = np.nan_to_num(np.asarray(response, np.float64))
    low, high = finite.min(), finite.max()
    scaled = ((finite - low) * (255 / max(high - low, 1e-12))).astype(np.uint8)
    heat = cv2.applyColorMap(
        cv2.resize(scaled, (side, side), interpolation=cv2.INTER_NEAREST), cv2.COLORMAP_INFERNO
    )
    right, top = width - side - 1, 1
    if box is not None and Box(right, top, side, side).iou(box) > 0:
        top = height - side - 1
    canvas[top : top + side, right : right + side] = heat
    cv2.rectangle(canvas, (right - 1, top - 1), (right + side, top + side), (255, 255, 255), 1)
