# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Lines and corners that show no scene: found, left out of the gain, filled for the padding."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from tir_tracker_ros.imaging.border import find_outside, Margins, NO_MARGINS
from tir_tracker_ros.imaging.gain import GainControl, GainSettings
from tir_tracker_ros.imaging.guard import FrameKind, FrozenFrameGuard
from tir_tracker_ros.imaging.subwindow import crop
from tir_tracker_ros.imaging.thermal_image import ThermalImage
from tir_tracker_ros.simulation import render

ENCODINGS = {'uint8': 'mono8', 'uint16': 'mono16', 'float32': '32FC1'}


def scene(seed: int = 0, size: tuple[int, int] = (160, 120)) -> np.ndarray:
    """Return a smooth scene of 7000 to 8500 counts with the noise of a sensor."""
    rng = np.random.default_rng(seed)
    rough = cv2.resize(rng.random((9, 12)), size, interpolation=cv2.INTER_CUBIC)
    return (7400 + 700 * rough + rng.normal(0, 8, rough.shape)).astype(np.uint16)


def image(pixels: np.ndarray, stamp: int = 0) -> ThermalImage:
    return ThermalImage(pixels, stamp, ENCODINGS[pixels.dtype.name])


def telemetry(count: int) -> np.ndarray:
    words = np.zeros(count, np.uint16)
    words[:12] = [777, 65535, 3, 1, 2, 3, 0xAAAA, 0x5555, 9, 40_000, 1, 12]
    return words


LINES = {
    'black': lambda count, rng: np.zeros(count),
    'white': lambda count, rng: np.full(count, 16_383),
    'stuck inside the range': lambda count, rng: np.full(count, 7700),
    'nearly black': lambda count, rng: rng.integers(90, 110, count),
    'telemetry': lambda count, rng: telemetry(count),
    'full telemetry': lambda count, rng: rng.integers(0, 65_536, count),
}
SIDES = {
    'top': lambda pixels: pixels,
    'bottom': lambda pixels: pixels[::-1],
    'left': lambda pixels: pixels.T,
    'right': lambda pixels: pixels.T[::-1],
}


@pytest.mark.parametrize('line', LINES)
@pytest.mark.parametrize('side', SIDES)
@pytest.mark.parametrize('lines', [[0], [0, 1, 2, 3], [1]], ids=str)
def test_lines_at_the_border_that_show_no_scene_change_nothing_inside(line, side, lines):
    clean = scene()
    pixels = clean.copy()
    rng = np.random.default_rng(1)
    outer = SIDES[side](pixels)
    for index in lines:
        outer[index] = LINES[line](outer.shape[1], rng)
    depth = max(lines) + 1
    found = find_outside(pixels, NO_MARGINS)
    assert found.margins == NO_MARGINS._replace(**{side: depth})
    image01, whole = GainControl()(image(pixels)), GainControl()(image(clean))
    expected = GainControl()(image(SIDES[side](clean)[depth:]))
    assert np.abs(SIDES[side](image01)[depth:] - expected).max() < 0.03
    # What is filled in, and so the padding, looks like the scene beside it.
    assert np.array_equal(SIDES[side](image01)[:depth], SIDES[side](image01)[[depth] * depth])
    padded = crop(image01, 80, 60, 300, 300, 100, 100)
    assert np.abs(padded - crop(whole, 80, 60, 300, 300, 100, 100)).max() < 0.15


def test_dead_columns_of_8_bit_video_are_not_repeated_outwards():
    pixels = (scene() >> 5).astype(np.uint8)
    pixels[:, :3] = np.random.default_rng(0).integers(16, 18, (120, 3))
    image01 = GainControl()(image(pixels))
    assert find_outside(pixels, NO_MARGINS).margins == (0, 0, 3, 0)
    assert np.array_equal(image01[:, 0], image01[:, 3])
    assert np.array_equal(image01[:, 3:], pixels[:, 3:] * np.float32(1 / 255))


@pytest.mark.parametrize('bits', [8, 16])
@pytest.mark.parametrize('category', ['easy', 'night', 'look_alikes', 'blur', 'fixed_pattern'])
def test_nothing_of_a_scene_is_left_out(category, bits):
    for pixels in (image.pixels for image, _ in render(category, 1, frames=40, bits=bits)[::13]):
        found = find_outside(pixels, NO_MARGINS)
        assert found.margins == NO_MARGINS and found.empty is None


def test_a_flat_or_small_image_has_no_border():
    for pixels in (np.full((64, 64), 7000, np.uint16), np.zeros((12, 12), np.uint16)):
        assert find_outside(pixels, NO_MARGINS).margins == NO_MARGINS
    small = np.full((256, 320), 7000, np.uint16)
    small[:10, 20:30] = 7400  # a target that comes in
    assert find_outside(small, NO_MARGINS).margins == NO_MARGINS


def rectified(value: float, kind: type) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return a scene with and without empty corners, and where they are."""
    y, x = np.mgrid[:120, :160]
    empty = ((x - 79.5) / 92) ** 2 + ((y - 59.5) / 69) ** 2 > 1
    clean = scene() if kind is np.uint16 else (scene() / 100 - 50).astype(np.float32)
    return np.where(empty, kind(value), clean), clean, empty


@pytest.mark.parametrize(
    ('value', 'kind'), [(0, np.uint16), (np.nan, np.float32), (0.0, np.float32)]
)
def test_the_empty_corners_of_a_rectified_image_are_left_out_and_filled(value, kind):
    pixels, clean, empty = rectified(value, kind)
    gain = GainControl()
    for _ in range(20):  # they are not searched in every image
        image01 = gain(image(pixels))
    expected = GainControl()(image(clean))
    assert np.abs(image01 - expected)[~empty].max() < 0.05
    assert np.abs(image01 - expected)[empty].mean() < 0.15
    assert (image01[empty] == 0).mean() < 0.01
    assert np.array_equal(find_outside(pixels, NO_MARGINS).empty, empty)


def test_corners_that_are_filled_again_are_taken_again():
    pixels, clean, empty = rectified(0, np.uint16)
    gain = GainControl()
    gain(image(pixels))
    for _ in range(8):
        image01 = gain(image(clean))
    assert np.abs(image01 - GainControl()(image(clean)))[empty].max() < 0.03


def test_a_saturated_sky_is_no_empty_corner():
    pixels = scene()
    pixels[:30] = 0
    assert find_outside(pixels, NO_MARGINS).empty is None


def test_crop_leaves_margins_out_and_keeps_the_places_of_pixels():
    clean = scene()
    pixels = clean.copy()
    rng = np.random.default_rng(0)
    pixels[:8] = rng.integers(0, 65_536, (8, 160))
    pixels[:, 150:] = 0
    cut = GainControl(GainSettings(crop=Margins(8, 0, 0, 10)))(image(pixels))
    expected = GainControl()(image(clean[8:, :150]))
    assert cut.shape == pixels.shape
    assert np.abs(cut[8:, :150] - expected).max() < 0.03
    assert np.array_equal(cut[:8, :150], cut[[8] * 8, :150])
    assert np.array_equal(cut[:, 150:], cut[:, [149] * 10])


def test_crop_is_checked():
    assert Margins.parse('1,2, 3,4') == (1, 2, 3, 4)
    for text in ('1,2,3', '1,2,3,-4', 'a,b,c,d', ''):
        with pytest.raises(ValueError, match=f"crop '{text}' is not four whole numbers"):
            Margins.parse(text)
    with pytest.raises(ValueError, match='crop -1,0,0,0 has a negative number'):
        GainSettings(crop=Margins(-1))
    gain = GainControl(GainSettings(crop=Margins(60, 60)))
    with pytest.raises(ValueError, match='crop 60,60,0,0 leaves nothing of 160 x 120'):
        gain(image(scene()))


def test_a_frame_with_running_telemetry_is_frozen_or_blank_all_the_same():
    def frame(number: int, pixels: np.ndarray) -> ThermalImage:
        pixels = pixels.copy()
        pixels[0] = telemetry(pixels.shape[1]) + number
        pixels[-8:] = number
        return image(pixels, number)

    guard = FrozenFrameGuard(Margins(bottom=8))
    flat = np.full((64, 80), 7000, np.uint16)
    kinds = [guard(frame(number, scene(size=(80, 64)))) for number in range(2)]
    kinds += [guard(frame(number, flat)) for number in range(2, 4)]
    expected = [FrameKind.FRESH, FrameKind.FROZEN, FrameKind.BLANK, FrameKind.BLANK]
    assert kinds == expected
