# Copyright 2026 tir_tracker_ros maintainers
# SPDX-License-Identifier: Apache-2.0
"""Gain control: stable, finite, robust against hot pixels, restarted when it should be."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
import numpy as np
import pytest

from tir_tracker_ros.imaging.gain import GainControl, GainSettings, MODES
from tir_tracker_ros.imaging.thermal_image import ThermalImage

RNG = np.random.default_rng(2)
ENCODINGS = {np.uint8: 'mono8', np.uint16: 'mono16', np.float32: '32FC1'}


def _image(pixels: np.ndarray, **fields) -> ThermalImage:
    return ThermalImage(pixels, 0, ENCODINGS[pixels.dtype.type], **fields)


def _scene(low: int = 7000, high: int = 9000, size: tuple[int, int] = (64, 80)) -> np.ndarray:
    return RNG.integers(low, high, size).astype(np.uint16)


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([np.uint8, np.uint16, np.float32]).flatmap(
        lambda kind: st.lists(arrays.arrays(kind, (3, 4)), min_size=1, max_size=3)
    ),
    st.sampled_from(MODES),
    st.booleans(),
)
def test_any_pixels_become_finite_and_0_to_1(images, mode, stretch_8bit):
    gain = GainControl(GainSettings(mode, stretch_8bit=stretch_8bit))
    for pixels in images:
        image01 = gain(_image(pixels))
        assert image01.dtype == np.float32 and image01.shape == pixels.shape
        assert np.isfinite(image01).all()
        assert image01.min() >= 0 and image01.max() <= 1


def test_the_pixels_are_never_written_to():
    for kind in ENCODINGS:
        pixels = RNG.integers(0, 255, (8, 8)).astype(kind)
        before = pixels.copy()
        GainControl()(_image(pixels))
        assert np.array_equal(pixels, before)


def test_8_bit_is_divided_by_255_unless_it_is_stretched():
    pixels = np.arange(100, 200, dtype=np.uint8).reshape(10, 10)
    assert np.allclose(GainControl()(_image(pixels)), pixels / 255)
    stretched = GainControl(GainSettings('minmax', stretch_8bit=True))(_image(pixels))
    assert np.allclose(stretched, (pixels - 100.0) / 99, atol=1e-6)


def test_fixed_range_maps_its_ends_to_0_and_1():
    gain = GainControl(GainSettings('fixed', minimum=7000, maximum=8000))
    pixels = np.array([[6000, 7000, 7500, 8000, 60_000]], np.uint16)
    assert np.allclose(gain(_image(pixels)), [[0, 0, 0.5, 1, 1]], atol=1e-6)


def test_float_images_take_fixed_ranges_in_their_own_unit():
    gain = GainControl(GainSettings('fixed', minimum=290.0, maximum=310.0))
    pixels = np.array([[290, 300, np.nan, np.inf, -np.inf]], np.float32)
    assert np.allclose(gain(_image(pixels)), [[0, 0.5, 0, 1, 0]], atol=1e-6)


def test_percentiles_use_the_contrast_of_a_14_bit_scene():
    image01 = GainControl()(_image(_scene()))
    assert image01.min() == 0 and image01.max() == 1
    assert image01.std() > 0.25  # a uniform scene over the whole of 0..1 has 0.29


@pytest.mark.parametrize('hot', [65535, 0])
def test_one_hot_or_dead_pixel_does_not_crush_the_contrast(hot):
    pixels = _scene()
    clean = GainControl()(_image(pixels))
    pixels = pixels.copy()
    pixels[0, 0] = hot  # (0, 0) is always in the sample that the percentiles see
    image01 = GainControl()(_image(pixels))
    assert np.abs(image01 - clean)[1:].max() < 0.01


def test_a_small_target_on_a_flat_background_keeps_its_contrast():
    pixels = np.full((256, 320), 7000, np.uint16)
    pixels[101:104, 51:54] = 7400
    image01 = GainControl()(_image(pixels))
    assert image01[102, 52] == pytest.approx(1) and image01[0, 0] == pytest.approx(0)


@pytest.mark.parametrize('kind', [np.uint16, np.float32])
def test_a_constant_image_becomes_flat(kind):
    image01 = GainControl()(_image(np.full((8, 8), 5000, kind)))
    assert np.ptp(image01) == 0


def test_nan_images_become_black_and_leave_the_range_alone():
    gain = GainControl()
    scene = _scene().astype(np.float32)
    before = gain(_image(scene))
    assert not gain(_image(np.full_like(scene, np.nan))).any()
    assert np.array_equal(gain(_image(scene)), before)


def test_a_constant_image_between_two_scenes_leaves_the_range_alone():
    gain = GainControl()
    scene = _scene()
    before = gain(_image(scene))
    gain(_image(np.full_like(scene, 7900)))
    assert np.allclose(gain(_image(scene)), before, atol=1e-6)


def test_nan_pixels_in_a_float_image_do_not_move_the_range():
    scene = _scene().astype(np.float32)
    clean = GainControl()(_image(scene))
    scene[::7, ::5] = np.nan
    image01 = GainControl()(_image(scene))
    good = np.isfinite(scene)
    assert np.abs(image01 - clean)[good].max() < 0.02
    assert not image01[~good].any()


def _range_ends(gain: GainControl, pixels: np.ndarray, **fields) -> float:
    """Return the count that is drawn as white, from two pixels of the output."""
    image01 = gain(_image(pixels, **fields)).astype(float)
    flat, counts = image01.ravel(), pixels.ravel().astype(float)
    middle = np.flatnonzero((flat > 0.05) & (flat < 0.95))
    slope, offset = np.polyfit(flat[middle], counts[middle], 1)
    return slope + offset


def test_the_range_follows_the_scene_slowly():
    gain = GainControl(GainSettings('minmax', smoothing=0.75))
    narrow, wide = _scene(7000, 8000), _scene(7000, 8400)
    assert _range_ends(gain, narrow) == pytest.approx(8000, abs=5)
    assert _range_ends(gain, wide) == pytest.approx(8100, abs=5)
    assert _range_ends(gain, wide) == pytest.approx(8175, abs=5)


def test_without_smoothing_every_image_has_its_own_range():
    gain = GainControl(GainSettings('minmax', smoothing=0))
    gain(_image(_scene(7000, 8000)))
    assert _range_ends(gain, _scene(7000, 8400)) == pytest.approx(8400, abs=5)


def test_restart_starts_anew_without_smoothing():
    gain = GainControl(GainSettings('minmax'))
    gain(_image(_scene(7000, 8000)))
    gain.restart()
    assert _range_ends(gain, _scene(7000, 8400)) == pytest.approx(8400, abs=5)


@pytest.mark.parametrize('change', ['encoding', 'big_endian', 'size'])
def test_another_format_starts_anew_without_smoothing(change):
    gain = GainControl(GainSettings('minmax'))
    gain(_image(_scene(7000, 8000)))
    image = _image(_scene(7000, 8400, (64, 81) if change == 'size' else (64, 80)))
    if change == 'encoding':
        image = replace(image, encoding='16UC1')
    if change == 'big_endian':
        image = replace(image, big_endian=True)
    assert np.array_equal(gain(image), GainControl(GainSettings('minmax'))(image))


def test_a_shift_of_all_counts_is_followed_at_once():
    gain = GainControl()
    gain(_image(_scene(7000, 8000)))
    shifted = _image(_scene(9000, 10_000))
    assert np.array_equal(gain(shifted), GainControl()(shifted))


@pytest.mark.parametrize(
    ('fields', 'message'),
    [
        ({'mode': 'auto'}, "mode 'auto' is not one of percentile, fixed, minmax"),
        ({'low_percentile': 60.0, 'high_percentile': 40.0}, '60.0 and 40.0'),
        ({'low_percentile': -1.0}, '-1.0'),
        ({'high_percentile': 101.0}, '101.0'),
        ({'high_percentile': float('nan')}, 'nan'),
        ({'minimum': 5.0, 'maximum': 5.0}, '5.0'),
        ({'maximum': float('inf')}, 'inf'),
        ({'smoothing': 1.0}, 'smoothing 1.0'),
        ({'smoothing': -0.1}, 'smoothing -0.1'),
        ({'smoothing': float('nan')}, 'smoothing nan'),
    ],
)
def test_a_setting_out_of_range_is_named(fields, message):
    with pytest.raises(ValueError, match=message):
        GainSettings(**fields)
