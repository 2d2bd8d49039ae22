# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The categories of scenes, as ranges of numbers that a scene is drawn from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .camera import CAMERAS

TARGETS = ('person', 'vehicle', 'animal', 'drone', 'bird', 'airplane')
"""What can be followed."""
SHARES = {
    'person': 0.36,
    'vehicle': 0.22,
    'animal': 0.16,
    'drone': 0.12,
    'bird': 0.08,
    'airplane': 0.06,
}
"""Probability of each target."""

Range = tuple[float, float]
"""Lowest and highest value of a uniform draw."""


@dataclass(frozen=True)
class Recipe:
    """What a scene is drawn from; the defaults are those of an easy one."""

    targets: tuple[str, ...] = TARGETS
    cameras: tuple[str, ...] = CAMERAS
    side: Range = (28.0, 64.0)
    """Square root of the target's area in an image of 256 rows, pixels."""
    rate: Range = (0.3, 0.9)
    """Speed of the target, in its own side lengths a second."""
    contrast: Range = (6.0, 12.0)
    """How much warmer than the ground bare skin or an engine is, kelvin."""
    cold: float = 0.0
    """Probability that the target is colder than the ground instead."""
    texture: Range = (0.05, 0.15)
    """Mottling across bodies, in parts of the contrast."""
    turning: Range = (0.1, 0.4)
    """How far the target turns away from where it goes, radians."""
    bending: Range = (0.0, 0.1)
    """How far it crouches and reaches, 0..1."""
    look_alikes: tuple[int, int] = (0, 0)
    """How many bodies of the same kind cross the target's way."""
    others: tuple[int, int] = (0, 2)
    """How many bodies of any kind move elsewhere."""
    behind: bool = False
    """Whether all of these pass behind the target, never in front."""
    occlusions: tuple[int, int] = (0, 0)
    """How often something passes in front of the target in 100 images."""
    occluders: tuple[str, ...] = ('tree', 'post', 'wall', 'bush', 'person', 'vehicle')
    """What passes; before a flying target only what stands (tree, post, bush)."""
    cover: Range = (0.9, 1.7)
    """Size of what passes, as square root of its area, in side lengths of the target."""
    approach: float = 0.12
    """How far the target's own size changes as it comes closer or goes away, in parts of it."""
    exits: int = 0
    """How often the target leaves the view in 150 images."""
    relief: Range = (0.4, 1.0)
    """Standard deviation of the ground's temperature, kelvin."""
    sky: Range = (4.0, 14.0)
    """How much colder than the ground the zenith is, kelvin."""
    clutter: Range = (0.2, 1.0)
    """0 empty .. 1 usual .. 6 full of things of the target's size."""
    sun: Range = (0.0, 0.8)
    shake: Range = (0.3, 0.8)
    """Scale of the camera's jitter."""
    zooming: Range = (0.0, 0.1)
    """Change of magnification, natural logarithm: mostly between -0.2 and 1.6 times this."""
    rolling: Range = (0.0, 0.02)
    noise: Range = (0.05, 0.15)
    stripes: Range = (0.02, 0.08)
    shading: Range = (0.0, 0.2)
    dead: Range = (0.0, 0.0002)
    blur: Range = (0.5, 0.9)
    defocus: Range = (0.0, 0.0)
    """How far the focus breathes, pixels of blur."""
    shutter: Range = (0.1, 0.3)
    """Part of the frame period in which motion smears the image."""
    drifting: Range = (0.0, 0.0)
    """How much the fixed pattern changes in strength."""
    inverted: float = 0.05
    """Probability that hot is black."""
    crossover: bool = False
    """The surroundings warm up past the target."""
    jumps: bool = False
    """The camera switches gain, range and (8-bit) polarity."""


CHANGES: dict[str, dict[str, Any]] = {
    'easy': {'others': (0, 1), 'behind': True},
    'occlusion': {'occlusions': (3, 5), 'rate': (0.6, 1.4)},
    'look_alikes': {'look_alikes': (4, 7), 'rate': (0.5, 1.2), 'side': (24.0, 52.0)},
    'thermal_crossover': {'crossover': True, 'relief': (0.3, 0.6), 'sun': (0.0, 0.3)},
    'dynamics_change': {'jumps': True},
    'out_of_view': {'exits': 2, 'rate': (0.6, 1.6)},
    'scale': {'zooming': (0.6, 0.9), 'side': (18.0, 32.0), 'turning': (0.2, 0.6), 'approach': 0.4},
    'fast_motion': {'rate': (8.0, 16.0), 'shutter': (0.3, 0.6), 'side': (22.0, 44.0)},
    'low_contrast': {
        'contrast': (1.2, 2.0),
        # A cold sky would take most of the camera's range, and the target would vanish.
        'sky': (1.0, 3.0),
        'noise': (0.15, 0.3),
        'relief': (0.3, 0.6),
        'cold': 0.4,
    },
    'clutter': {
        'clutter': (3.0, 6.0),
        'relief': (1.5, 2.5),
        'sun': (1.0, 2.5),
        'contrast': (4.0, 8.0),
        'others': (1, 4),
    },
    'camera_motion': {
        'cameras': ('hand_held', 'vehicle', 'drone'),
        'shake': (3.0, 6.0),
        'rolling': (0.05, 0.2),
        'zooming': (0.1, 0.3),
    },
    'deformation': {
        'targets': ('person', 'animal', 'bird'),
        'turning': (1.5, 3.1),
        'bending': (0.6, 1.0),
        'texture': (0.15, 0.4),
        'side': (36.0, 80.0),
    },
    'noise': {'noise': (1.5, 3.0), 'contrast': (5.0, 9.0)},
    'blur': {
        'blur': (1.6, 2.6),
        'defocus': (1.0, 3.0),
        'shutter': (0.6, 1.0),
        'shake': (1.5, 3.0),
        'rate': (0.8, 2.5),
    },
    'fixed_pattern': {
        'stripes': (0.8, 1.8),
        'shading': (0.8, 2.0),
        'dead': (0.001, 0.004),
        'drifting': (0.2, 0.6),
    },
    'low_resolution': {'side': (7.0, 13.0), 'rate': (0.6, 2.0), 'blur': (0.6, 1.1)},
    'night': {
        'sun': (0.0, 0.0),
        'relief': (0.2, 0.5),
        'contrast': (8.0, 16.0),
        'others': (1, 4),
        'clutter': (0.5, 1.5),
    },
    'day': {
        'sun': (2.0, 4.0),
        'relief': (1.0, 2.0),
        'contrast': (3.0, 7.0),
        'cold': 0.4,
        'clutter': (0.8, 2.0),
        'others': (1, 4),
    },
}
"""How each category differs from an easy scene."""

CHALLENGES = tuple(CHANGES)
"""The categories with one thing that is hard each; what trackers are compared on."""
CATEGORIES = (*CHALLENGES, 'random', 'demo')
"""Every category: the challenges, `random` (several of them mixed, for training) and `demo`."""

_DEMO: dict[str, Any] = {
    'targets': ('person',),
    'cameras': ('hand_held',),
    'side': (46.0, 52.0),
    'rate': (0.5, 0.6),
    'others': (4, 5),
    'behind': True,
    'occlusions': (1, 1),
    'occluders': ('post',),
    'cover': (0.6, 0.8),
    'clutter': (1.0, 1.5),
    'turning': (0.0, 0.2),
    'zooming': (0.0, 0.05),
}


def make_recipe(category: str, rng: np.random.Generator) -> Recipe:
    """
    Return the recipe of a category; `random` draws one.

    Raises ValueError that names the valid ones for any other name.
    """
    if category == 'demo':
        return replace(Recipe(), **_DEMO)
    if category == 'random':
        changes: dict[str, Any] = {
            'side': (12.0, 110.0),
            'rate': (0.2, 2.0),
            'cold': 0.25,
            'inverted': 0.15,
        }
        names = list(CHANGES)
        for name in rng.choice(names, rng.integers(1, 4), replace=False):
            changes.update(CHANGES[str(name)])
        return replace(Recipe(), **changes)
    if category not in CHANGES:
        raise ValueError(f"category '{category}' is not one of {', '.join(CATEGORIES)}")
    return replace(Recipe(), **CHANGES[category])
