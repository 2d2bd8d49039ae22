# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""
Draws backgrounds: sky and clouds, ground with fields and roads, buildings, trees.

A background is larger than the view, so that a camera can pan over it. Temperatures are kelvin
above those of the ground around; rasters are float32.
"""

from __future__ import annotations

from dataclasses import dataclass
import math

import cv2
import numpy as np

from .textures import fractal_noise, smooth_step


@dataclass(frozen=True)
class Layer:
    """One raster that moves as a whole."""

    pixels: np.ndarray
    """`H x W` float32, or `H x W x 2` with temperature times cover, and cover 0..1."""
    parallax: float
    """How far it moves for a pixel of camera motion: under 1 far away, over 1 close by."""


@dataclass(frozen=True)
class Background:
    """Layers from back to front, and the perspective of the ground."""

    layers: list[Layer]
    horizon: float
    """Row of the horizon, pixels below the middle of the raster (mostly negative)."""
    focal: float
    """Focal length in pixels."""

    def elevation(self, y: np.ndarray) -> np.ndarray:
        """Return how steeply the camera looks down on the ground at rows y, radians."""
        return np.arctan2(np.maximum(y - self.horizon, 1.0), self.focal)

    def nearness(self, y: np.ndarray, reference: float) -> np.ndarray:
        """Return how many times larger things at row y look than those at the reference row."""
        depth = np.maximum(y - self.horizon, 2.0)
        return depth / max(reference - self.horizon, 2.0)


@dataclass(frozen=True)
class Weather:
    """How warm and how varied the surroundings are, kelvin."""

    relief: float
    """Standard deviation of the ground's temperature."""
    sky: float
    """Temperature of the sky at the zenith, below 0."""
    clouds: float
    """How much warmer clouds are."""
    sun: float
    """How much the sun warms what it reaches: 0 at night."""
    clutter: float
    """0 empty .. 1 usual .. 2 full of warm and cold things of a target's size."""


def make_background(
    rng: np.random.Generator,
    size: tuple[int, int],
    extent: float,
    tilt: float,
    weather: Weather,
    side: float,
) -> Background:
    """
    Make a background for a view of `size` (width, height).

    The raster is `extent` times as large. `tilt` is how steeply the camera looks down, radians:
    about 0 shows sky over a horizon, negative mostly sky, above 0.3 only ground. `side` is the
    size of the target in pixels; clutter is about as large.
    """
    width, height = (int(round(length * extent)) for length in size)
    focal = 1.6 * size[1]
    horizon = -focal * math.tan(tilt)
    row = int(np.clip(round(height / 2 + horizon), 0, height))
    unit = size[1] / 256
    ground = _ground(rng, width, height, row, height / 2 + horizon, focal, weather, unit, side)
    if row <= 2:
        return Background([Layer(ground, 1.0)], horizon, focal)
    cover = np.zeros((height, width), np.float32)
    cover[row:] = 1
    _tree_line(rng, ground, cover, row, unit, weather)
    _upright(rng, ground, cover, row, unit, weather, side)
    grain = fractal_noise(rng, height // 2, width // 2, 8 * unit, 0.9, finest=1.0)
    grain = cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    ground = cv2.scaleAdd(grain, 0.25 * weather.relief, ground)
    far = Layer(_sky(rng, width, height, row, weather, unit), 0.85)
    near = Layer(np.dstack([ground * cover, cover]), 1.0)
    return Background([far, near], horizon, focal)


def _sky(rng, width: int, height: int, row: int, weather: Weather, unit: float) -> np.ndarray:
    rows = np.linspace(1, 0, max(row, 1), dtype=np.float32) ** 0.7
    column = np.full(height, weather.sky * 0.25, np.float32)
    column[:row] = weather.sky * (0.25 + 0.75 * rows)
    sky = np.repeat(column[:, None], width, axis=1)
    if weather.clouds > 0:
        noise = fractal_noise(rng, height, width, 90 * unit, 0.55, 2.2, finest=4)
        sky += smooth_step(noise, *rng.choice([(-0.2, 1.6), (0.4, 0.9)])) * weather.clouds
    return sky.astype(np.float32)


def _ground(
    rng,
    width: int,
    height: int,
    row: int,
    horizon: float,
    focal: float,
    weather: Weather,
    unit: float,
    side: float,
) -> np.ndarray:
    """Draw the ground as seen from above, then tilt it."""
    sheet = _sheet(rng, int(round(max(width, height) * 0.9)), weather, unit, side)
    n = sheet.shape[0]
    # A texel is a pixel at three quarters of the height; the rows above see it from farther off.
    reference = max(height * 0.75 - horizon, 1.0)
    depth = math.hypot(focal, reference)
    across = np.array(
        [[reference, 0, -reference * width / 2], [0, 0, depth * reference], [0, 1, -horizon]]
    )
    centre = np.array([[1, 0, n / 2], [0, 1, n / 2 - depth], [0, 0, 1]])
    down = np.array([[1, 0, 0], [0, 1, row], [0, 0, 1]])
    tilted = np.zeros((height, width), np.float32)
    if row < height:
        tilted[row:] = cv2.warpPerspective(
            sheet,
            centre @ across @ down,
            (width, height - row),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    # Far rows are averages over much ground, and take the temperature of the haze.
    rows = np.arange(height, dtype=np.float32) - horizon
    keep = np.clip(rows / (0.18 * focal), 0.0, 1.0)[:, None].astype(np.float32)
    return tilted * keep + (1 - keep) * np.float32(weather.sun * 0.2)


def _sheet(rng, n: int, weather: Weather, unit: float, side: float) -> np.ndarray:
    patches = np.zeros((n, n), np.float32)
    for _ in range(rng.integers(2, 7)):
        rectangle = (rng.uniform(0, n, 2), rng.uniform(0.15, 0.6, 2) * n, rng.uniform(0, 180))
        corners = cv2.boxPoints(rectangle)
        cv2.fillConvexPoly(
            patches, np.rint(corners).astype(np.int32), weather.relief * rng.normal(0, 1.3)
        )
    for _ in range(rng.integers(1, 4)):
        _road(rng, patches, n, weather, unit)
    noise = fractal_noise(rng, n, n, 60 * unit, rng.uniform(0.55, 0.75))
    sheet = patches + noise * np.float32(0.6 * weather.relief)
    for _ in range(rng.poisson(8 * weather.clutter)):
        centre = rng.integers(0, n, 2).tolist()
        warm = rng.normal(0, 1.2 * weather.relief + 0.5 * weather.clutter)
        reach = side * rng.uniform(0.1, 0.5)
        if rng.random() < 0.5:
            axes = (max(int(reach), 1), max(int(reach * rng.uniform(0.4, 1)), 1))
            cv2.ellipse(sheet, centre, axes, rng.uniform(0, 180), 0, 360, warm, -1)
        else:
            corners = cv2.boxPoints((centre, (reach * 2, reach), rng.uniform(0, 180)))
            cv2.fillConvexPoly(sheet, np.rint(corners).astype(np.int32), warm)
    if rng.random() < 0.4:
        _parked_cars(rng, sheet, n, weather, side)
    for _ in range(rng.poisson(2 * weather.clutter)):
        _shrubs(rng, sheet, n, weather, side)
    if weather.sun > 0:
        shade = smooth_step(fractal_noise(rng, n, n, 120 * unit, 0.4, finest=8), -0.6, -0.3)
        sheet += (shade * weather.sun).astype(np.float32) - np.float32(weather.sun * 0.7)
    return sheet


def _road(rng, sheet: np.ndarray, n: int, weather: Weather, unit: float) -> None:
    angle, bend = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4)
    along = np.linspace(-1.5, 1.5, 24)
    heading = np.array([np.cos(angle), np.sin(angle)])
    line = along[:, None] * heading + (bend * along**2)[:, None] * heading[::-1] * (-1, 1)
    points = np.rint(line * n / 2 + rng.uniform(0.25, 0.75, 2) * n).astype(np.int32)[None]
    warm = weather.relief * rng.normal(0.5, 1.0)
    wide = int(rng.uniform(14, 44) * unit)
    cv2.polylines(sheet, points, False, warm + 0.8 * weather.relief, wide + int(6 * unit))
    cv2.polylines(sheet, points, False, warm, wide)
    if rng.random() < 0.5:
        cv2.polylines(sheet, points, False, warm - 0.4 * weather.relief, max(int(1.5 * unit), 1))


def _parked_cars(rng, sheet: np.ndarray, n: int, weather: Weather, side: float) -> None:
    """Draw a row of cars, as seen from above."""
    length, angle = side * rng.uniform(0.9, 1.8), rng.uniform(0, 2 * np.pi)
    along = np.array([np.cos(angle), np.sin(angle)])
    across = along[::-1] * (-1, 1)
    start = rng.uniform(0.1, 0.9, 2) * n
    for place in range(rng.integers(2, 8)):
        if rng.random() < 0.25:
            continue
        center = start + across * place * length * 0.62
        warm = rng.normal(0, 1.5 * weather.relief)
        parts = (
            (0.0, 1.0, 0.44, 0.0),
            (-0.05, 0.55, 0.38, -1.2),
            (-0.1, 0.3, 0.34, 0.3),
            (0.34, 0.22, 0.36, rng.choice([0.0, 2.5])),
        )
        for shift, long, wide, more in parts:
            corners = cv2.boxPoints(
                (
                    (center + along * shift * length).tolist(),
                    (long * length, wide * length),
                    math.degrees(angle),
                )
            )
            cv2.fillConvexPoly(sheet, np.rint(corners).astype(np.int32), warm + more)


def _shrubs(rng, sheet: np.ndarray, n: int, weather: Weather, side: float) -> None:
    center, warm = rng.uniform(0, n, 2), rng.normal(0, 1.2 * weather.relief)
    for _ in range(14):
        place = np.rint(center + rng.normal(0, 0.5 * side, 2)).astype(int).tolist()
        cv2.circle(
            sheet,
            place,
            max(int(side * rng.uniform(0.08, 0.3)), 1),
            warm + rng.normal(0, 0.4 * weather.relief),
            -1,
        )


def _tree_line(
    rng, ground: np.ndarray, cover: np.ndarray, row: int, unit: float, weather: Weather
) -> None:
    height, width = ground.shape
    if rng.random() < 0.2:
        return
    profile = fractal_noise(rng, 4, width, 60 * unit, 0.65)[0] * rng.uniform(2, 7) * unit
    profile += rng.uniform(4, 22) * unit
    top = max(int(row - profile.max() - 1), 0)
    foot = min(row + int(3 * unit), height)
    if foot <= top:
        return
    rows = np.arange(top, foot, dtype=np.float32)[:, None]
    inside = rows > (row - profile)[None]
    streaks = fractal_noise(rng, foot - top, width, 10 * unit, 0.7, 0.4)
    warm = np.float32(rng.uniform(-0.5, 1.5)) + streaks * np.float32(0.6 * weather.relief)
    np.copyto(ground[top:foot], warm, where=inside)
    np.copyto(cover[top:foot], np.float32(1), where=inside)


def _upright(
    rng,
    ground: np.ndarray,
    cover: np.ndarray,
    row: int,
    unit: float,
    weather: Weather,
    side: float,
) -> None:
    """Stand buildings, trees, bushes and posts on the ground, the far ones first."""
    height, width = ground.shape
    if height - row < 12 * unit:
        feet = np.full(rng.integers(0, 5), height - 1.0)
    else:
        count = rng.integers(2, 5) + rng.poisson(5 * weather.clutter)
        feet = np.sort(row + (height - row) * rng.uniform(0, 1, count) ** 2 * 0.7)
    for foot in feet:
        # Metres to pixels grow with the distance below the horizon (camera ~4 m high).
        metre = max((foot - row) / 4.0, 1.2 * unit)
        x = rng.uniform(0, width)
        kind = rng.choice(['building', 'tree', 'bare', 'bush', 'post', 'post'])
        warm = rng.normal(0, 0.9 * weather.relief)
        if kind == 'building':
            _building(rng, ground, cover, x, foot, metre, warm, weather)
        elif kind == 'tree':
            _crown(rng, ground, cover, x, foot, metre, warm, weather)
        elif kind == 'bare':
            _bare_tree(rng, ground, cover, x, foot, min(metre, 9 * unit), warm + 0.5)
        elif kind == 'bush':
            for _ in range(30):
                place = x + rng.normal(0, metre * 0.6), foot - rng.uniform(0, metre)
                _disc(
                    ground,
                    cover,
                    place,
                    metre * rng.uniform(0.08, 0.3),
                    warm + rng.normal(0, 0.3 * weather.relief),
                )
        else:
            top = int(x), int(foot - metre * rng.uniform(2, 6))
            thick = max(int(metre * rng.uniform(0.08, 0.3)), 1)
            for raster, value in ((ground, warm), (cover, 1.0)):
                cv2.line(raster, (int(x), int(foot)), top, value, thick)
            if rng.random() < 0.4:
                _disc(ground, cover, top, metre * 0.25, warm + rng.uniform(1, 6))


def _disc(ground, cover, place, radius: float, warm: float) -> None:
    centre = int(place[0]), int(place[1])
    for raster, value in ((ground, warm), (cover, 1.0)):
        cv2.circle(raster, centre, max(int(radius), 1), value, -1)


def _building(
    rng, ground, cover, x: float, foot: float, metre: float, warm: float, weather: Weather
) -> None:
    metre = min(metre, 0.04 * ground.shape[0])
    wide, high = rng.uniform(6, 18) * metre, rng.uniform(3, 12) * metre
    left, top = int(x - wide / 2), int(foot - high)
    right, bottom = int(x + wide / 2), int(foot)
    for raster, value in ((ground, warm), (cover, 1.0)):
        cv2.rectangle(raster, (left, top), (right, bottom), value, -1)
    roof = np.array(
        [
            [left - metre, top],
            [(left + right) / 2, top - metre * rng.uniform(0, 3)],
            [right + metre, top],
        ]
    )
    for raster, value in ((ground, warm - 0.7 * weather.relief), (cover, 1.0)):
        cv2.fillConvexPoly(raster, np.rint(roof).astype(np.int32), value)
    step, glass = 3.0 * metre, warm - rng.uniform(-1.5, 1.5)
    if step < 5:
        return
    for window_y in np.arange(top + step * 0.3, bottom - step * 0.6, step):
        for window_x in np.arange(left + step * 0.3, right - step * 0.6, step):
            lit = glass + (rng.uniform(0.5, 3) if rng.random() < 0.15 else 0)
            cv2.rectangle(
                ground,
                (int(window_x), int(window_y)),
                (int(window_x + step * 0.45), int(window_y + step * 0.5)),
                lit,
                -1,
            )


def _crown(
    rng, ground, cover, x: float, foot: float, metre: float, warm: float, weather: Weather
) -> None:
    high = rng.uniform(4, 8) * metre
    for raster, value in ((ground, warm + 0.5), (cover, 1.0)):
        cv2.line(
            raster,
            (int(x), int(foot)),
            (int(x), int(foot - high * 0.6)),
            value,
            max(int(0.35 * metre), 1),
        )
    for _ in range(7):
        clump = np.array([x, foot - high * 0.7]) + rng.normal(0, 0.13 * high, 2)
        shade = warm + rng.normal(0, 0.3 * weather.relief)
        for _ in range(12):
            place = clump + rng.normal(0, 0.06 * high, 2)
            _disc(
                ground,
                cover,
                place,
                high * rng.uniform(0.015, 0.06),
                shade + rng.normal(0, 0.25 * weather.relief),
            )


def _bare_tree(rng, ground, cover, x: float, foot: float, metre: float, warm: float) -> None:
    tips = [(x, foot, -np.pi / 2 + rng.normal(0, 0.1), 1.8 * metre)]
    for depth in range(5):
        grown = []
        for tip_x, tip_y, angle, length in tips:
            end = tip_x + length * np.cos(angle), tip_y + length * np.sin(angle)
            for raster, value in ((ground, warm), (cover, 1.0)):
                cv2.line(
                    raster,
                    (int(tip_x), int(tip_y)),
                    (int(end[0]), int(end[1])),
                    value,
                    max(int(0.3 * metre * 0.6**depth), 1),
                )
            grown += [
                (*end, angle + turn * rng.uniform(0.2, 0.7), length * rng.uniform(0.6, 0.9))
                for turn in (-1, 1)
            ]
        tips = grown
