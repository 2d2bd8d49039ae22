# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""What a scene consists of: background, camera, bodies (actors) and sensor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .backgrounds import Background
from .bodies import Pose, Posing
from .camera import Camera
from .painting import Outline, project
from .sensor import Sensor


@dataclass
class Actor:
    """A body on its way through the scene; arrays have one entry an image."""

    posing: Posing
    places: np.ndarray
    """`N x 2`: its foot, pixels of the background from its middle."""
    metre: np.ndarray
    """`N`: pixels of the background for a metre."""
    elevation: np.ndarray
    """`N`: how steeply the camera looks down on it, radians."""
    yaw: np.ndarray
    phase: np.ndarray
    stride: np.ndarray
    crouch: np.ndarray
    reach: np.ndarray
    contrast: np.ndarray
    """`N`: kelvin for a heat of 1."""
    textures: np.ndarray
    """`2 x h x w`: two mottlings between which it changes."""
    nearer: float = 0.0
    """Pixels added to the row of its foot, by which bodies are sorted from far to near."""
    local: bool = False
    """Whether heat 0 is the temperature behind the body, instead of that of the ground."""

    def outline(self, index: int, camera: Camera) -> Outline:
        """Return what the camera sees of it."""
        pose = Pose(self.phase[index], self.stride[index], self.crouch[index], self.reach[index])
        return project(
            self.posing(pose),
            self.yaw[index],
            self.elevation[index],
            camera.linear(index) * self.metre[index],
            camera.to_image(index, self.places[index]),
        )


@dataclass(frozen=True)
class SensorChanges:
    """How the sensor changes over time; arrays have one entry an image."""

    gain: np.ndarray
    offset: np.ndarray
    """Kelvin."""
    flipped: np.ndarray
    """Whether hot and cold are swapped."""
    defocus: np.ndarray
    """Pixels of blur on top of the optics'."""
    drift: np.ndarray
    """Strength of the fixed pattern."""
    shutter: float
    """Part of the frame period in which motion smears the image."""


@dataclass(frozen=True)
class Contents:
    """Everything that a scene consists of."""

    background: Background
    camera: Camera
    actors: list[Actor]
    """The target comes first."""
    sensor: Sensor
    changes: SensorChanges
