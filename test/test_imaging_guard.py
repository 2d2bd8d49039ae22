# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""The guard against frames that carry no news."""

from __future__ import annotations

import numpy as np
import pytest

from tir_tracker_ros.imaging.guard import FrameKind, FrozenFrameGuard
from tir_tracker_ros.imaging.thermal_image import ThermalImage

KINDS = [np.uint8, np.uint16, np.float32]


def _scene(seed: int, kind: type) -> ThermalImage:
    return ThermalImage(np.random.default_rng(seed).integers(0, 255, (40, 50)).astype(kind), seed)


@pytest.mark.parametrize('kind', KINDS)
def test_a_repeated_frame_is_frozen_until_the_next_change(kind):
    guard = FrozenFrameGuard()
    frames = [_scene(1, kind), _scene(1, kind), _scene(1, kind), _scene(2, kind)]
    fresh, frozen = FrameKind.FRESH, FrameKind.FROZEN
    assert [guard(frame) for frame in frames] == [fresh, frozen, frozen, fresh]


@pytest.mark.parametrize('kind', KINDS)
def test_one_changed_pixel_is_news(kind):
    guard = FrozenFrameGuard()
    first = _scene(1, kind)
    changed = first.pixels.copy()
    changed[17, 23] += 1
    guard(first)
    assert guard(ThermalImage(changed, 1)) is FrameKind.FRESH


@pytest.mark.parametrize('kind', KINDS)
def test_a_constant_frame_is_blank_each_time(kind):
    guard = FrozenFrameGuard()
    blank = ThermalImage(np.full((40, 50), 7, kind), 0)
    assert [guard(blank), guard(blank)] == [FrameKind.BLANK, FrameKind.BLANK]
    assert guard(_scene(1, kind)) is FrameKind.FRESH


def test_one_pixel_of_contrast_is_not_blank():
    pixels = np.full((40, 50), 7, np.uint16)
    pixels[17, 23] = 8
    assert FrozenFrameGuard()(ThermalImage(pixels, 0)) is FrameKind.FRESH


def test_a_frame_without_finite_pixels_is_blank():
    pixels = np.full((40, 50), np.nan, np.float32)
    pixels[3] = np.inf
    assert FrozenFrameGuard()(ThermalImage(pixels, 0)) is FrameKind.BLANK


def test_a_repeated_frame_with_some_nan_is_frozen():
    guard = FrozenFrameGuard()
    pixels = _scene(1, np.float32).pixels.copy()
    pixels[5] = np.nan
    guard(ThermalImage(pixels, 0))
    assert guard(ThermalImage(pixels.copy(), 1)) is FrameKind.FROZEN


def test_another_size_or_a_restart_is_news():
    guard = FrozenFrameGuard()
    image = _scene(1, np.uint8)
    guard(image)
    assert guard(ThermalImage(image.pixels[:-1], 1)) is FrameKind.FRESH
    guard(image)
    guard.restart()
    assert guard(image) is FrameKind.FRESH
