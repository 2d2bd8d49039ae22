# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The way of the camera: fixed, held in a hand, on a vehicle, on a drone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from .textures import wander

CAMERAS = ('fixed', 'hand_held', 'vehicle', 'drone')
Path = Callable[[np.ndarray], np.ndarray]
"""Positions `N x 2`, pixels of the background, at N times, seconds."""


@dataclass(frozen=True)
class Camera:
    """The camera's way, one entry an image."""

    centers: np.ndarray
    """`N x 2`: what the middle of the image shows, pixels of the background from its middle."""
    zoom: np.ndarray
    """`N`: magnification."""
    roll: np.ndarray
    """`N`: rotation, radians."""
    size: tuple[int, int]
    """Width and height of the image."""

    def linear(self, index: int) -> np.ndarray:
        """Return the `2 x 2` matrix from background to image."""
        cos, sin = np.cos(self.roll[index]), np.sin(self.roll[index])
        return self.zoom[index] * np.array([[cos, -sin], [sin, cos]])

    def to_image(self, index: int, point: np.ndarray) -> np.ndarray:
        """Return where a point of the background is seen, pixels of the image."""
        middle = np.array(self.size) / 2
        return self.linear(index) @ (point - self.centers[index]) + middle

    def matrix(self, index: int, raster: tuple[int, ...], parallax: float) -> np.ndarray:
        """Return the `2 x 3` matrix from pixels of the image to those of a background raster."""
        inverse = np.linalg.inv(self.linear(index))
        middle = np.array(self.size) / 2 - 0.5
        target = self.centers[index] * parallax + (np.array(raster[1::-1]) / 2 - 0.5)
        return np.column_stack([inverse, target - inverse @ middle])


def make_camera(
    rng: np.random.Generator,
    kind: str,
    times: np.ndarray,
    size: tuple[int, int],
    path: Path,
    shake: float,
    zooming: float,
    rolling: float,
) -> Camera:
    """
    Make the way of a camera of a kind in `CAMERAS`.

    All but the fixed one follow `path`, the target's, with a lag. `shake` scales their jitter,
    `zooming` is the change of magnification, natural logarithm, and `rolling` the largest
    rotation, radians.
    """
    width, height = size
    unit = height / 256
    n = len(times)
    centers = np.zeros((n, 2))
    # Jitter in pixels, wander of the view in parts of it, and how well the target is followed.
    jitter, stray, follow, tilt = {
        'fixed': (0.0, 0.0, 0.0, 0.0),
        'hand_held': (2.0, 0.15, 0.9, 0.03),
        'vehicle': (1.2, 0.2, 0.6, 0.01),
        'drone': (0.7, 0.2, 0.7, 0.15),
    }[kind]
    if follow:
        lagged = np.mean([path(times - lag) for lag in (0.0, 0.2, 0.4)], axis=0)
        centers += follow * lagged
    if kind != 'fixed':
        for axis, length in ((0, width), (1, height * (0.3 if kind == 'vehicle' else 0.6))):
            centers[:, axis] += stray * length * wander(rng, 9.0)(times)
    for axis in (0, 1):
        amount = jitter * unit * shake * (0.5 if kind == 'vehicle' and axis == 0 else 1.0)
        centers[:, axis] += amount * wander(rng, 0.35, 5)(times) * 1.5
    # More in than out, where the background would have to be larger.
    zoom = np.exp(zooming * (0.7 + 1.6 * wander(rng, 6.0)(times)))
    roll = (tilt * max(shake, 0.3) + rolling) * wander(rng, 4.0)(times)
    return Camera(centers, zoom, roll, size)


def keep_in_view(camera: Camera, positions: np.ndarray, margin: float) -> Camera:
    """Return the camera turned so that `positions` (`N x 2`) stay `margin` pixels inside."""
    middle = np.array(camera.size) / 2
    room = np.maximum(middle - margin * camera.zoom[:, None], middle * 0.15)
    cos, sin = np.cos(camera.roll), np.sin(camera.roll)
    # Rotations of the background into the image, one an image.
    turn = np.array([[cos, -sin], [sin, cos]]).transpose(2, 0, 1) * camera.zoom[:, None, None]
    seen = np.einsum('nij,nj->ni', turn, positions - camera.centers)
    excess = seen - np.clip(seen, -room, room)
    centers = camera.centers + np.einsum('nji,nj->ni', turn, excess) / camera.zoom[:, None] ** 2
    return Camera(centers, camera.zoom, camera.roll, camera.size)
